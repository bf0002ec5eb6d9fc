//! The ID token with which a job shows a cloud who it is.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::base64;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::Environment;
use crate::web::{Web, WebError};

/// How long one request may take. GitHub answers in tenths of a second.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A token, which nobody but the cloud may see.
#[derive(Debug)]
pub struct IdToken(SecretString);

/// GitHub's answer.
#[derive(Deserialize)]
struct Answer {
    value: String,
}

impl IdToken {
    /// The token itself.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the token says of the job, which is no secret; `None` when it cannot be read.
    pub fn claims(&self) -> Option<Claims> {
        let payload = self.reveal().split('.').nth(1)?.replace('-', "+").replace('_', "/");
        let padded = format!("{payload:=<0$}", payload.len().next_multiple_of(4));
        serde_json::from_slice(&base64::decode(padded).ok()?).ok()
    }
}

/// The claims by which a trust policy tells jobs apart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// Who issued the token: `https://token.actions.githubusercontent.com`, or a company's own GitHub.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Which job it is: `repo:owner/name:ref:refs/heads/main`, or `repo:owner/name:environment:production`.
    #[serde(rename = "sub")]
    pub subject: String,
}

/// Why there is no ID token.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// The runner offers none: it does so only to jobs that are allowed to have one.
    #[error("the job may not ask GitHub for an ID token: `permissions: id-token: write` is missing")]
    NotPermitted,
    /// What the runner offers is no address.
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL")]
    NoAddress(#[source] url::ParseError),
    /// What the runner offers cannot be sent.
    #[error("what the runner offers for ID tokens cannot be sent in a request")]
    NoRequest(#[source] http::Error),
    /// GitHub answered with something else.
    #[error("GitHub did not give the job an ID token: it answered with HTTP status {0}")]
    Refused(u16),
    /// GitHub's answer holds no token.
    #[error("GitHub did not give the job an ID token: its answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// There was no answer.
    #[error("GitHub did not give the job an ID token: it does not answer")]
    Unreachable(#[source] WebError),
}

impl IdTokenError {
    /// Whether it is worth asking again.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NotPermitted | Self::NoAddress(_) | Self::NoRequest(_) => false,
            Self::Refused(status) => *status == 429 || *status >= 500,
            Self::Unreadable(_) | Self::Unreachable(_) => true,
        }
    }
}

/// Where ID tokens for one audience come from.
#[derive(Debug)]
pub struct IdTokens {
    web: Web,
    address: Url,
    bearer: SecretString,
}

impl IdTokens {
    /// Reads what the runner offers. `http_client` replaces the network, for tests.
    ///
    /// # Errors
    /// When the job is not permitted to have an ID token.
    pub fn new(
        environment: &Environment,
        audience: &str,
        http_client: Option<SharedHttpClient>,
    ) -> Result<Self, IdTokenError> {
        let offered =
            environment.get("ACTIONS_ID_TOKEN_REQUEST_URL").zip(environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        let (address, bearer) = offered.ok_or(IdTokenError::NotPermitted)?;
        let mut address = Url::parse(address).map_err(IdTokenError::NoAddress)?;
        // The address has a query already.
        address.query_pairs_mut().append_pair("audience", audience);
        Ok(Self { web: Web::new(http_client, ATTEMPT), address, bearer: bearer.into() })
    }

    /// Asks for a new token, once. It lasts for some minutes.
    ///
    /// # Errors
    /// When GitHub gives none.
    pub async fn fetch(&self) -> Result<IdToken, IdTokenError> {
        let request = http::Request::get(self.address.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.bearer.expose_secret()))
            .body(Bytes::new())
            .map_err(IdTokenError::NoRequest)?;
        let answer = self.web.send(request).await.map_err(IdTokenError::Unreachable)?;
        if !answer.status().is_success() {
            return Err(IdTokenError::Refused(answer.status().as_u16()));
        }
        let Answer { value } = serde_json::from_slice(answer.body()).map_err(IdTokenError::Unreadable)?;
        Ok(IdToken(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [(&str, &str); 2] = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/token?api-version=2.0"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
    ];

    #[test]
    fn without_either_variable_the_permission_is_named() {
        for one in OFFERED {
            let error = IdTokens::new(&Environment::new([one]), "sts.amazonaws.com", None).unwrap_err();
            assert!(error.to_string().contains("`permissions: id-token: write` is missing"), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = IdToken("hunter2".into());
        let tokens = IdTokens::new(&Environment::new(OFFERED), "sts.amazonaws.com", None).unwrap();

        assert!(!format!("{token:?}{tokens:?}").contains("hunter2"));
    }

    #[test]
    fn the_claims_are_read_from_the_middle_of_the_token() {
        let payload =
            base64::encode(r#"{"iss": "https://github.example", "sub": "repo:shop/web:ref:refs/heads/é>?~"}"#);
        let payload = payload.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let claims = |value: String| IdToken(value.into()).claims();

        let expected =
            Claims { issuer: "https://github.example".into(), subject: "repo:shop/web:ref:refs/heads/é>?~".into() };
        assert_eq!(claims(format!("e30.{payload}.c2ln")), Some(expected));
        for broken in ["", "a", "a.b", "a.%%.c", "e30.e30.e30"] {
            assert_eq!(claims(broken.to_owned()), None, "{broken}");
        }
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let cases = [(400, false), (401, false), (403, false), (429, true), (500, true), (503, true)];
        assert_eq!(cases.map(|(status, _)| (status, IdTokenError::Refused(status).is_passing())), cases);
    }
}
