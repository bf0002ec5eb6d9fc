//! What to do about a call that AWS refused because of who called, or where. The one place for these texts.

use super::permissions::{Operation, Place, Statement};
use super::{CallErrorKind, sage_maker};

/// What AWS said when it refused a call.
pub(super) struct Refused<'a> {
    pub(super) operation: Operation,
    pub(super) kind: CallErrorKind,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}

impl Refused<'_> {
    /// What the user can do, where something is known to help.
    pub(super) fn advice(&self) -> Option<String> {
        match self.kind {
            CallErrorKind::Denied => Some(self.denied()),
            CallErrorKind::Credentials => Some(self.credentials().to_owned()),
            CallErrorKind::NotFound if self.code == "ClusterNotFoundException" => Some(
                "Check the inputs `cluster` and `aws-region`: a cluster is known only in its own region and account."
                    .to_owned(),
            ),
            CallErrorKind::Unavailable if self.message.contains("lookup address") => Some(
                "The name of the AWS endpoint is not known. Check `aws-region`: a region that does not exist has no \
                 endpoint; and whether the runner can resolve names of the internet."
                    .to_owned(),
            ),
            CallErrorKind::Throttled | CallErrorKind::Unavailable => {
                Some("Run the job again: it picks up whatever state it finds.".to_owned())
            }
            CallErrorKind::Invalid if self.operation.service() == "sagemaker" => {
                sage_maker::advice(self.message).map(str::to_owned)
            }
            CallErrorKind::NotFound | CallErrorKind::Conflict | CallErrorKind::Unsupported | CallErrorKind::Invalid => {
                None
            }
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    fn denied(&self) -> String {
        let Denial { who, action, resource, lock } = Denial::read(self.message);
        let own = self.operation.grants().first().map(|grant| grant.action);
        let Some(action) = action.or(own) else {
            return "The credentials are good, and AWS does not let them do this.".to_owned();
        };
        let on = resource.map(|resource| format!(" on {resource}")).unwrap_or_default();
        match lock {
            Some(Lock::Explicit(policy)) => format!(
                "{policy} denies {action}{on} explicitly, and no statement that allows it can lift that: its owner has to \
                 make an exception for {who}."
            ),
            Some(Lock::Missing(policy)) => {
                format!("A {policy} limits what {who} may do, and has to allow {action}{on} too.")
            }
            None => {
                let statement = statement(self.operation, action, resource);
                let passed = match (action, self.operation) {
                    ("iam:PassRole", Operation::CreateModel) => {
                        "Whoever makes a model has to be allowed to pass its role on to Amazon SageMaker. "
                    }
                    ("iam:PassRole", _) => {
                        "Whoever registers a task definition has to be allowed to pass its roles on to Amazon ECS. "
                    }
                    _ => "",
                };
                format!(
                    "{passed}Add this statement to the policy of {who}: {statement} (`mode: iam-policy` prints the whole \
                     policy for these inputs.)"
                )
            }
        }
    }

    fn credentials(&self) -> &'static str {
        if is_skew(self.code, self.message) {
            return "The runner's clock is wrong by minutes, and AWS takes signatures for five minutes or so: set the clock, \
                    for example with NTP.";
        }
        match self.code {
            "ExpiredToken" | "ExpiredTokenException" => {
                "The session of the credentials has ended. Give this action `role-to-assume`, and it renews its sessions for \
                 as long as the deployment takes; or let aws-actions/configure-aws-credentials ask for a longer session \
                 (`role-duration-seconds`), right before this step."
            }
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
                "The secret access key does not belong to the access key: it was copied in part, or with a blank, or is one \
                 of another key."
            }
            "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" => {
                "AWS does not know these credentials here. Either the key was deleted or the session token is missing \
                 (AWS_SESSION_TOKEN), or they belong to another partition than `aws-region`, or the region is one that has to \
                 be switched on and was not for this account."
            }
            "OptInRequired" | "RegionDisabledException" => {
                "The account has not switched this region on: do so under Account, AWS Regions in the console, or correct \
                 `aws-region`."
            }
            _ => {
                "Run aws-actions/configure-aws-credentials in an earlier step of the same job, and give its role a session \
                 that outlives the deployment; or give this action `role-to-assume`, and it renews its own."
            }
        }
    }
}

/// Signatures say by their times that they are too old or too new.
pub(super) fn is_skew(code: &str, message: &str) -> bool {
    match code {
        "RequestExpired" | "RequestTimeTooSkewed" => true,
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            message.contains("expired") || message.contains("not yet current")
        }
        _ => false,
    }
}

/// The statement that allows an action, on the resource that AWS named or else on the one that the table names: for the call
/// that was refused, where several need the action.
fn statement(operation: Operation, action: &str, resource: Option<&str>) -> String {
    let grants = operation.grants().iter().chain(Operation::ALL.iter().flat_map(|operation| operation.grants()));
    let known = grants.into_iter().find(|grant| grant.action == action);
    let statement = match (known, resource) {
        (Some(grant), resource) => Statement::of(grant, &Place::unknown()).on(resource),
        (None, resource) => Statement::allowing(action).on(Some(resource.unwrap_or("*"))),
    };
    serde_json::to_string(&statement).unwrap_or_default()
}

/// What AWS's message says of a denial: `User: … is not authorized to perform: … on resource: … because no … allows …`, or
/// `… with an explicit deny in a …`.
#[derive(Debug, PartialEq, Eq)]
struct Denial<'a> {
    who: String,
    action: Option<&'a str>,
    resource: Option<&'a str>,
    lock: Option<Lock<'a>>,
}

/// Why a statement in the caller's own policy would not do.
#[derive(Debug, PartialEq, Eq)]
enum Lock<'a> {
    Explicit(String),
    Missing(&'a str),
}

impl<'a> Denial<'a> {
    fn read(message: &'a str) -> Self {
        let word_after = |before: &str| {
            let (_, rest) = message.split_once(before)?;
            rest.split_whitespace().next().map(|word| word.trim_end_matches(['.', ',', ';']))
        };
        let is_action = |word: &&str| {
            word.split_once(':').is_some_and(|(service, name)| {
                let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                !service.is_empty() && !name.is_empty() && plain(service) && plain(name)
            })
        };
        Self {
            who: word_after("User: ").map_or_else(|| "the credentials' role".to_owned(), caller),
            action: word_after("perform: ").filter(is_action),
            resource: word_after("on resource: ").filter(|word| *word == "*" || word.starts_with("arn:")),
            lock: lock(message),
        }
    }
}

fn lock(message: &str) -> Option<Lock<'_>> {
    if let Some((_, policy)) = message.split_once("explicit deny in ") {
        let policy = policy.trim_start_matches("an ").trim_start_matches("a ");
        let words: Vec<&str> = policy.split([':', '.']).next().unwrap_or(policy).split_whitespace().take(4).collect();
        return Some(Lock::Explicit(format!("A policy ({})", words.join(" "))));
    }
    let (_, policy) = message.split_once("because no ")?;
    [
        "permissions boundary",
        "session policy",
        "service control policy",
        "resource control policy",
        "VPC endpoint policy",
    ]
    .into_iter()
    .find(|known| policy.starts_with(known))
    .map(Lock::Missing)
}

/// `the role deploy` of a session's ARN; another ARN as it is.
fn caller(arn: &str) -> String {
    match arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next()) {
        Some(role) => format!("the role {role}"),
        None => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(operation: Operation, kind: CallErrorKind, code: &str, message: &str) -> String {
        Refused { operation, kind, code, message }.advice().unwrap()
    }

    #[test]
    fn a_denial_is_answered_with_the_statement_that_would_allow_it() {
        let user = "User: arn:aws:sts::123456789012:assumed-role/ci/GitHubActions is not authorized to perform: ";
        let service = "arn:aws:ecs:us-east-1:123456789012:service/default/web";
        let cases = [
            (
                format!(
                    "{user}ecs:UpdateService on resource: {service} because no identity-based policy allows the ecs:UpdateService action"
                ),
                vec![
                    "the policy of the role ci",
                    r#"{"Effect":"Allow","Action":["ecs:UpdateService"],"Resource":["arn:aws:ecs:us-east-1:123456789012:service/default/web"]}"#,
                ],
            ),
            (
                format!(
                    "{user}iam:PassRole on resource: arn:aws:iam::123456789012:role/execution because no identity-based policy allows the iam:PassRole action"
                ),
                vec![
                    "pass its roles on",
                    r#""Resource":["arn:aws:iam::123456789012:role/execution"],"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}"#,
                ],
            ),
            (
                "no".to_owned(),
                vec![
                    "the credentials' role",
                    r#""Resource":["arn:aws:ecs:REGION:ACCOUNT_ID:service/CLUSTER/SERVICE"]"#,
                ],
            ),
            (
                format!(
                    "{user}ecs:UpdateService on resource: {service} with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-1"
                ),
                vec!["A policy (service control policy) denies ecs:UpdateService", "an exception for the role ci"],
            ),
            (
                format!(
                    "{user}ecs:UpdateService on resource: {service} because no permissions boundary allows the ecs:UpdateService action"
                ),
                vec!["A permissions boundary limits what the role ci may do"],
            ),
            (
                format!(
                    "{user}kms:Decrypt on resource: * because no identity-based policy allows the kms:Decrypt action"
                ),
                vec![r#"{"Effect":"Allow","Action":["kms:Decrypt"],"Resource":["*"]}"#],
            ),
        ];
        for (message, expected) in cases {
            let said = advice(Operation::UpdateService, CallErrorKind::Denied, "AccessDeniedException", &message);
            for text in expected {
                assert!(said.contains(text), "{message}\n{said}\n{text}");
            }
        }
    }

    #[test]
    fn the_role_of_a_model_is_passed_to_sagemaker() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: iam:PassRole on \
                       resource: arn:aws:iam::123456789012:role/model because no identity-based policy allows the \
                       iam:PassRole action";
        let said = advice(Operation::CreateModel, CallErrorKind::Denied, "AccessDeniedException", message);
        let condition = r#""Resource":["arn:aws:iam::123456789012:role/model"],"Condition":{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}"#;
        assert!(said.contains(condition) && said.contains("pass its role on to Amazon SageMaker"), "{said}");
    }

    #[test]
    fn each_way_in_which_credentials_are_wrong_has_its_own_advice() {
        for (code, message, expected) in [
            ("ExpiredTokenException", "The security token included in the request is expired", "`role-to-assume`"),
            ("InvalidSignatureException", "Signature expired: 20260105T120000Z is now earlier than", "clock"),
            ("InvalidSignatureException", "Signature not yet current: 20260105T120000Z is still later", "clock"),
            ("RequestTimeTooSkewed", "", "clock"),
            ("RequestExpired", "", "clock"),
            ("InvalidSignatureException", "The request signature we calculated does not match", "does not belong to"),
            (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                "AWS_SESSION_TOKEN",
            ),
            ("OptInRequired", "The AWS Access Key Id needs a subscription for the service", "switched this region on"),
            ("MissingAuthenticationTokenException", "", "configure-aws-credentials"),
        ] {
            let said = advice(Operation::DescribeServices, CallErrorKind::Credentials, code, message);
            assert!(said.contains(expected), "{code}: {said}");
        }
    }

    #[test]
    fn another_region_is_thought_of() {
        let said = advice(Operation::DescribeServices, CallErrorKind::NotFound, "ClusterNotFoundException", "");
        assert!(said.contains("`aws-region`"), "{said}");
        let lookup = "failed to lookup address information: Name or service not known";
        let said = advice(Operation::DescribeServices, CallErrorKind::Unavailable, "", lookup);
        assert!(said.contains("`aws-region`"), "{said}");
    }
}
