//! Sessions of a role, renewed as long as a deployment takes.

use std::fmt;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::time::TimeSource as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use send_wrapper::SendWrapper;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::error::Refusal;
use super::{SessionError, TokioClock};
use crate::aws::{CallError, Operation};
use crate::runner::id_token::Claims;
use crate::runner::{Console, IdTokens};
use crate::spec::Role;

/// A session is replaced this long before it ends, and still used meanwhile if it cannot be: nobody is troubled by an outage
/// that is shorter.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How long one call to AWS STS may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long the first session is tried for.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(30);
/// How long another session is tried for when the last one has ended: less than the call that waits for it may take.
const PATIENCE_LATER: Duration = Duration::from_secs(8);
/// Where the pauses between attempts start and where they end, before jitter.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// A role's session, replaced by another one for as long as somebody asks.
///
/// It is its own cache: the SDK's would drop a session that still lasts when its replacement is late.
pub(in crate::aws) struct Session {
    role: Role,
    /// `None`: the client's own credentials vouch.
    id_tokens: Option<IdTokens>,
    sts: Client,
    clock: TokioClock,
    /// Secrets are masked before anything else is done with them. The SDK wants its providers to be `Send`, and the whole
    /// program runs on one thread.
    console: SendWrapper<Console>,
    held: Mutex<Option<Credentials>>,
}

impl Session {
    /// Assumes the role for the first time. `sts` has the credentials that vouch when no ID token does.
    pub(in crate::aws) async fn begin(
        role: Role,
        id_tokens: Option<IdTokens>,
        sts: aws_sdk_sts::config::Builder,
        clock: TokioClock,
        console: Console,
    ) -> Result<Self, SessionError> {
        let config = sts
            // Both calls are made again together: an ID token does not live long.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(ATTEMPT).operation_timeout(ATTEMPT).build())
            .build();
        let sts = Client::from_conf(config);
        let session = Self { role, id_tokens, sts, clock, console: SendWrapper::new(console), held: Mutex::default() };
        session.credentials(PATIENCE_AT_FIRST).await?;
        Ok(session)
    }

    async fn credentials(&self, patience: Duration) -> Result<Credentials, SessionError> {
        let mut held = self.held.lock().await;
        let lasting = held.clone().and_then(|credentials| {
            let left = credentials.expiry()?.duration_since(self.clock.now()).ok()?;
            (!left.is_zero()).then_some((left, credentials))
        });
        if let Some((left, credentials)) = &lasting
            && *left > EARLY
        {
            return Ok(credentials.clone());
        }
        match lasting {
            // The next call tries again.
            Some((_, lasting)) => Ok(self.assume().await.map_or(lasting, |renewed| held.insert(renewed).clone())),
            None => Ok(held.insert(self.assume_patiently(patience).await?).clone()),
        }
    }

    async fn assume_patiently(&self, patience: Duration) -> Result<Credentials, SessionError> {
        let started = Instant::now();
        let [mut pause, longest] = PAUSES;
        loop {
            match self.assume().await {
                Err(error) if error.is_passing() && started.elapsed() + pause <= patience => {
                    // Jobs of a matrix start together; they should not come back together.
                    sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                    pause = (pause * 2).min(longest);
                }
                result => return result,
            }
        }
    }

    async fn assume(&self) -> Result<Credentials, SessionError> {
        let Role { arn, session_name, duration, .. } = &self.role;
        let seconds = i32::try_from(duration.as_secs()).unwrap_or(i32::MAX);
        let (operation, claims, issued) = if let Some(id_tokens) = &self.id_tokens {
            const OPERATION: Operation = Operation::AssumeRoleWithWebIdentity;
            let token = id_tokens.fetch().await?;
            self.console.mask(token.reveal());
            let claims = token.claims();
            let request = self
                .sts
                .assume_role_with_web_identity()
                .role_arn(arn.to_string())
                .role_session_name(session_name)
                .duration_seconds(seconds)
                .web_identity_token(token.reveal());
            let answer = request.send().await.map_err(|error| self.refused(OPERATION, claims.as_ref(), error))?;
            (OPERATION, claims, answer.credentials)
        } else {
            const OPERATION: Operation = Operation::AssumeRole;
            let request = self
                .sts
                .assume_role()
                .role_arn(arn.to_string())
                .role_session_name(session_name)
                .duration_seconds(seconds);
            let answer = request.send().await.map_err(|error| self.refused(OPERATION, None, error))?;
            (OPERATION, None, answer.credentials)
        };
        let issued = issued.ok_or_else(|| self.unreadable(operation, claims.as_ref(), "it holds no credentials"))?;
        for secret in [&issued.secret_access_key, &issued.session_token, &issued.access_key_id] {
            self.console.mask(secret);
        }
        let expiry =
            issued.expiration.try_into().map_err(|error| self.unreadable(operation, claims.as_ref(), error))?;
        let token = Some(issued.session_token);
        Ok(Credentials::new(issued.access_key_id, issued.secret_access_key, token, Some(expiry), "role-to-assume"))
    }

    fn refused<E>(
        &self,
        operation: Operation,
        claims: Option<&Claims>,
        error: SdkError<E, HttpResponse>,
    ) -> SessionError
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let code = error.code().unwrap_or_default().to_owned();
        SessionError::refused(&self.role, claims, Refusal { code, error: CallError::new(operation, error) })
    }

    fn unreadable(
        &self,
        operation: Operation,
        claims: Option<&Claims>,
        why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> SessionError {
        let error = CallError::unreadable(operation, why);
        SessionError::refused(&self.role, claims, Refusal { code: String::new(), error })
    }
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials: provider::Result =
                self.credentials(PATIENCE_LATER).await.map_err(CredentialsError::provider_error);
            credentials
        })
    }
}

/// Names only: the rest is secret.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("role", &self.role).finish_non_exhaustive()
    }
}
