//! Who calls: keys, the sessions of roles, and the ID tokens that vouch for a job.

use std::time::Duration;

use aws_smithy_types::base64;
use serde_json::json;

use super::World;

/// Who issues ID tokens.
const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// How long an ID token can be used. GitHub's are short-lived; five minutes is what their claims say.
const ID_TOKEN_LASTS: Duration = Duration::from_secs(5 * 60);

/// A key that requests are signed with.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) expires: Option<Duration>,
    /// Whose it is.
    pub(crate) arn: String,
}

/// An ID token of a job.
#[derive(Clone, Debug)]
pub(crate) struct IdToken {
    pub(crate) value: String,
    pub(crate) audience: String,
    pub(crate) expires: Duration,
}

impl World {
    /// The key of that name: the scenario's, or one of a session.
    pub(crate) fn key(&self, id: &str) -> Option<Key> {
        let lasting = self.lasting_key();
        if lasting.id == id { Some(lasting) } else { self.sessions.iter().find(|key| key.id == id).cloned() }
    }

    /// The key that the scenario knows.
    pub(crate) fn lasting_key(&self) -> Key {
        let scenario = &self.scenario;
        Key {
            id: scenario.access_key_id.clone(),
            secret: scenario.secret_access_key.clone(),
            token: scenario.session_token.clone(),
            expires: scenario.credentials_expire,
            arn: self.caller(),
        }
    }

    /// Begins a session of a role.
    pub(crate) fn begin_session(&mut self, role: &str, name: &str, lasts: Duration) -> Key {
        let digits = self.identity.digits();
        let key = Key {
            id: format!("ASIA{}", &digits[..16]),
            secret: format!("session-secret-{}", self.identity.task()),
            token: Some(format!("session-token-{}", self.identity.task())),
            expires: Some(self.now + lasts),
            arn: format!("arn:{}:sts::{}:assumed-role/{role}/{name}", self.scenario.partition(), self.scenario.account),
        };
        self.sessions.push(key.clone());
        key
    }

    /// Issues an ID token to the job.
    pub(crate) fn issue_id_token(&mut self, audience: &str) -> String {
        let part = |text: String| base64::encode(text).replace('+', "-").replace('/', "_").replace('=', "");
        let claims = json!({"iss": ISSUER, "sub": self.scenario.subject, "aud": audience, "jti": self.identity.uuid()});
        let header = json!({"typ": "JWT", "alg": "RS256"});
        let value = [header.to_string(), claims.to_string(), self.identity.task()].map(part).join(".");
        let token = IdToken { value, audience: audience.to_owned(), expires: self.now + ID_TOKEN_LASTS };
        self.id_tokens.push(token.clone());
        token.value
    }

    /// An ID token that was issued.
    pub(crate) fn id_token(&self, value: &str) -> Option<&IdToken> {
        self.id_tokens.iter().find(|token| token.value == value)
    }
}
