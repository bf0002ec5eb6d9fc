//! Why there is no session of a role.

use crate::aws::CallError;
use crate::aws::advice::is_skew;
use crate::runner::{IdTokenError, id_token::Claims};
use crate::spec::{Role, Voucher};

/// Why there is no session of the role.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Nobody vouches for the job.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// AWS does not give one.
    #[error("the role {role} could not be assumed")]
    Refused {
        /// The role's ARN.
        role: String,
        /// What the user can do.
        advice: String,
        /// Whether it is worth asking again.
        passing: bool,
        /// What AWS said.
        #[source]
        error: Box<CallError>,
    },
}

impl SessionError {
    pub(super) fn refused(role: &Role, claims: Option<&Claims>, refusal: Refusal) -> Self {
        let Refusal { code, error } = refusal;
        // AWS reads GitHub's keys when it needs them, and blames the token when it could not.
        let keys_unread = code == "IDPCommunicationError"
            || (code == "InvalidIdentityToken" && error.explanation.contains("verification key"));
        Self::Refused {
            role: role.arn.to_string(),
            advice: advice(&code, &error.explanation, role, claims).unwrap_or_else(|| RUN_AGAIN.to_owned()),
            passing: keys_unread || error.is_passing(),
            error: Box::new(error),
        }
    }

    /// Whether it is worth asking again.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::IdToken(error) => error.is_passing(),
            Self::Refused { passing, .. } => *passing,
        }
    }

    /// What went wrong, with what AWS said of it.
    pub fn reason(&self) -> String {
        match self {
            Self::IdToken(error) => error.to_string(),
            Self::Refused { error, .. } => format!("{self}: {error}"),
        }
    }

    /// What the user can do.
    pub fn advice(&self) -> String {
        match self {
            Self::IdToken(IdTokenError::NotPermitted) => {
                "Add `permissions:` with `id-token: write` to the job (and `contents: read`, which the list would otherwise \
                 take away). GitHub never grants it to pull requests from forks. Or leave `role-to-assume` out, or set \
                 `role-chaining: true`, to use the credentials that the environment holds."
                    .to_owned()
            }
            Self::IdToken(_) => format!("{RUN_AGAIN} https://www.githubstatus.com tells whether GitHub has trouble."),
            Self::Refused { advice, .. } => advice.clone(),
        }
    }
}

/// A refusal of AWS STS, with the code that it gave.
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) error: CallError,
}

const RUN_AGAIN: &str = "Run the job again: it picks up whatever state it finds.";

/// Sorts the errors of
/// [AssumeRoleWithWebIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html) and
/// [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html), and the common ones of AWS STS.
fn advice(code: &str, message: &str, role: &Role, claims: Option<&Claims>) -> Option<String> {
    let Role { arn, voucher, .. } = role;
    let issuer = claims.map_or("token.actions.githubusercontent.com", |claims| {
        claims.issuer.strip_prefix("https://").unwrap_or(&claims.issuer)
    });
    let advice = match (code, voucher) {
        ("AccessDenied" | "AccessDeniedException", Voucher::IdToken { audience }) => {
            let subject = claims.map_or("repo:OWNER/NAME:…", |claims| claims.subject.as_str());
            format!(
                "The role's trust policy has to allow sts:AssumeRoleWithWebIdentity to the identity provider {issuer} for \
                 this job, whose token has `{issuer}:sub` = `{subject}` and `{issuer}:aud` = `{audience}`. Check that the \
                 role exists, too: AWS says the same when it does not."
            )
        }
        ("AccessDenied" | "AccessDeniedException", Voucher::Environment) => format!(
            "Allow the credentials of the environment to call sts:AssumeRole on {arn}, and name them in the role's trust policy."
        ),
        ("InvalidIdentityToken", Voucher::IdToken { .. }) if message.contains("verification key") => return None,
        ("InvalidIdentityToken", Voucher::IdToken { audience }) if message.contains("audience") => format!(
            "The identity provider {issuer} in account {} does not take tokens for `{audience}`: add that audience to it, or \
             name one that it has in the input `audience`. In China that is usually `sts.amazonaws.com.cn`.",
            arn.account
        ),
        ("InvalidIdentityToken", Voucher::IdToken { audience }) => format!(
            "Create the IAM identity provider https://{issuer} with the audience `{audience}` in account {}: without it, AWS \
             knows nobody who can vouch for the job.",
            arn.account
        ),
        ("ExpiredTokenException" | "ExpiredToken", Voucher::IdToken { .. }) => {
            "GitHub's ID token had expired when AWS saw it. If that happens again, the runner's clock may be wrong.".to_owned()
        }
        ("ExpiredTokenException" | "ExpiredToken", Voucher::Environment) => {
            "The credentials of the environment have expired, so nobody can assume the role with them. Leave `role-chaining` \
             out: sessions that GitHub's ID token vouches for can be renewed for as long as the job lasts."
                .to_owned()
        }
        ("RegionDisabledException", _) => format!(
            "AWS STS is switched off for this region in account {}: switch it on under Account settings in the IAM console.",
            arn.account
        ),
        ("ValidationError", _) if message.contains("DurationSeconds") => {
            "Lower `role-duration-seconds`: sessions are renewed anyway. A role's own limit is its maximum session duration, \
             and a role that is assumed with another role's session lasts one hour at most."
                .to_owned()
        }
        ("SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed", _) if is_skew(code, message) => {
            "The runner's clock is wrong by minutes: set it, for example with NTP.".to_owned()
        }
        ("InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch", _) => {
            "AWS does not know the credentials of the environment, or not in this partition.".to_owned()
        }
        _ => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn role(voucher: Voucher) -> Role {
        Role {
            arn: "arn:aws:iam::123456789012:role/deploy".parse().unwrap(),
            session_name: "GitHubActions".to_owned(),
            duration: Duration::from_secs(3600),
            voucher,
        }
    }

    #[test]
    fn what_aws_says_is_turned_into_what_to_do() {
        let token = || Voucher::IdToken { audience: "sts.amazonaws.com".to_owned() };
        let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        let cases = [
            ("AccessDenied", denied, token(), "`github.example/_services/token:sub` = `repo:shop/web:pull_request`"),
            ("AccessDenied", denied, token(), "`github.example/_services/token:aud` = `sts.amazonaws.com`"),
            (
                "AccessDenied",
                "not authorized",
                Voucher::Environment,
                "sts:AssumeRole on arn:aws:iam::123456789012:role/deploy",
            ),
            ("InvalidIdentityToken", "Incorrect token audience", token(), "the input `audience`"),
            ("InvalidIdentityToken", "No OpenIDConnect provider found", token(), "Create the IAM identity provider"),
            ("ExpiredTokenException", "Token expired", token(), "clock"),
            ("ExpiredToken", "The security token is expired", Voucher::Environment, "Leave `role-chaining` out"),
            ("RegionDisabledException", "STS is not activated", token(), "switched off for this region"),
            ("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration", token(), "Lower"),
            ("SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2", Voucher::Environment, "clock"),
            ("SignatureDoesNotMatch", "Check your secret key", Voucher::Environment, "does not know the credentials"),
            ("InvalidClientTokenId", "invalid", Voucher::Environment, "does not know the credentials"),
        ];
        let claims = Claims {
            issuer: "https://github.example/_services/token".to_owned(),
            subject: "repo:shop/web:pull_request".to_owned(),
        };
        for (code, message, voucher, expected) in cases {
            let advice = advice(code, message, &role(voucher), Some(&claims)).unwrap();
            assert!(advice.contains(expected), "{code}: {advice}");
        }
    }
}
