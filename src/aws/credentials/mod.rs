//! Credentials: those of the environment, and sessions of a role that outlive any wait.

mod clock;
mod error;
mod session;

use aws_credential_types::Credentials;

pub(super) use clock::TokioClock;
pub use error::SessionError;
pub(super) use session::Session;

use crate::runner::Environment;

/// The credentials that aws-actions/configure-aws-credentials exports. Without them the SDK's own chain looks for a web
/// identity, a container's or an instance's role.
pub(super) fn of_the_environment(environment: &Environment) -> Option<Credentials> {
    let key = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    Some(Credentials::new(key, secret, token, None, "environment"))
}
