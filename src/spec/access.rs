//! With which credentials AWS is called.

use std::time::Duration;

use super::from_inputs::Reader;
use super::{Arn, InputError, field};
use crate::runner::Inputs;

/// What aws-actions/configure-aws-credentials calls its sessions, how long they last, and whom its ID tokens are for: in every
/// partition, so that a role that trusts that action trusts this one.
const SESSION_NAME: &str = "GitHubActions";
const SESSION_SECONDS: u64 = 3600;
const AUDIENCE: &str = "sts.amazonaws.com";

/// With which credentials AWS is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The role to assume; without one, the credentials of the environment are used as they are.
    pub role: Option<Role>,
    /// The account that the credentials must belong to.
    pub expected_account: Option<String>,
    /// Whether the account's id is hidden in logs.
    pub masks_account: bool,
}

/// A role to assume, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role.
    pub arn: Arn,
    /// What the session is called, in CloudTrail for one.
    pub session_name: String,
    /// How long a session lasts before another one is needed.
    pub duration: Duration,
    /// Who vouches for the job.
    pub voucher: Voucher,
}

/// Who vouches for the one who assumes a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// GitHub, with an ID token for this audience.
    IdToken {
        /// Whom the token is for.
        audience: String,
    },
    /// The credentials of the environment.
    Environment,
}

/// Names, meaning and defaults are those of aws-actions/configure-aws-credentials.
pub(super) fn access(inputs: &Inputs, reader: &mut Reader) -> Access {
    let session_name = inputs.role_session_name.as_deref().and_then(|text| reader.keep(session_name(text)));
    let seconds = inputs.role_duration_seconds.as_deref().and_then(|text| reader.keep(session_seconds(text)));
    let chained = reader.flag("role-chaining", inputs.role_chaining.as_deref()).unwrap_or(false);
    let arn = inputs.role_to_assume.as_deref().and_then(|text| {
        reader.keep(field::role("role-to-assume", text))?;
        text.parse::<Arn>().ok()
    });
    if chained && inputs.role_to_assume.is_none() {
        let remedy = "name the role in `role-to-assume`, or leave this input out";
        reader.errors.push(InputError::new("role-chaining", "there is no role to assume", remedy));
    }
    let expected_account = inputs.expected_account_id.as_deref().and_then(|text| reader.keep(account(text)));
    if let (Some(arn), Some(expected)) = (&arn, &expected_account)
        && arn.account != *expected
    {
        let problem = format!("it is `{expected}`, and `role-to-assume` is a role of account `{}`", arn.account);
        reader.errors.push(InputError::new(
            "expected-account-id",
            problem,
            "name the role of the account that is meant",
        ));
    }
    let role = arn.map(|arn| Role {
        arn,
        session_name: session_name.unwrap_or_else(|| SESSION_NAME.to_owned()),
        duration: Duration::from_secs(seconds.unwrap_or(SESSION_SECONDS)),
        voucher: if chained {
            Voucher::Environment
        } else {
            Voucher::IdToken { audience: inputs.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned()) }
        },
    });
    let masks_account = reader.flag("mask-aws-account-id", inputs.mask_aws_account_id.as_deref()).unwrap_or(false);
    Access { role, expected_account, masks_account }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
fn session_name(text: &str) -> Result<String, InputError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (2..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    let remedy = "write 2 to 64 letters, digits and characters of _+=,.@-";
    Err(InputError::new("role-session-name", format!("`{text}` is not the name of a session"), remedy))
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
fn session_seconds(text: &str) -> Result<u64, InputError> {
    let remedy = "write seconds, 900 to 43200, and not more than the role allows";
    field::within("role-duration-seconds", text, 900..=43200, remedy)
}

fn account(text: &str) -> Result<String, InputError> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    let remedy = "write the twelve digits of an AWS account's id, between quotes so that YAML keeps a zero in front";
    Err(InputError::new("expected-account-id", format!("`{text}` is not an account's id"), remedy))
}
