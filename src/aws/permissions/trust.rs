//! Who may assume the role: the role's trust policy.

use serde_json::{Value, json};

use super::Place;
use crate::runner::Environment;
use crate::runner::id_token::Claims;
use crate::spec::{Mode, Spec, Voucher};

/// Who issues the ID tokens of jobs on github.com.
const ISSUER: &str = "token.actions.githubusercontent.com";

/// The trust policy of the role that deploys: for this job, or for one that runs from the same branch. What the job's own ID
/// token says, in `claims`, wins over what can be guessed.
///
/// <https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws>
pub fn trust_policy(spec: &Spec, place: &Place, environment: &Environment, claims: Option<&Claims>) -> Value {
    let audience = match spec.access.role.as_ref().map(|role| &role.voucher) {
        Some(Voucher::Environment) => {
            let statement = json!({
                "Effect": "Allow",
                "Principal": { "AWS": place.iam("role/ROLE_OF_THE_ENVIRONMENT") },
                "Action": "sts:AssumeRole",
            });
            return policy(&statement);
        }
        Some(Voucher::IdToken { audience }) => audience,
        None => "sts.amazonaws.com",
    };
    let issuer = claims.map_or_else(
        || issuer(environment),
        |claims| claims.issuer.strip_prefix("https://").unwrap_or(&claims.issuer).to_owned(),
    );
    // Anybody who may open a pull request would be trusted with the role: only one that reads is for them, too.
    let only_reads = spec.mode == Mode::Plan;
    let is_for = |subject: &String| only_reads || !subject.ends_with(":pull_request");
    let vouched = claims.map(|claims| claims.subject.clone()).filter(is_for);
    let subject = vouched.unwrap_or_else(|| subject(environment, only_reads));
    policy(&json!({
        "Effect": "Allow",
        "Principal": { "Federated": place.iam(&format!("oidc-provider/{issuer}")) },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": { format!("{issuer}:aud"): audience, format!("{issuer}:sub"): subject } },
    }))
}

fn policy(statement: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// The issuer, by the address of GitHub: github.com, a company's own place on ghe.com, or its own server.
///
/// <https://docs.github.com/en/enterprise-server@latest/actions/reference/security/oidc>
fn issuer(environment: &Environment) -> String {
    let server = environment.get("GITHUB_SERVER_URL").unwrap_or("https://github.com");
    let host = server.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    match host.strip_suffix(".ghe.com") {
        _ if host == "github.com" => ISSUER.to_owned(),
        Some(company) => format!("token.actions.{company}.ghe.com"),
        None => format!("{host}/_services/token"),
    }
}

/// A job that names an environment has another subject, and no variable tells of it. A pull request is its own subject only for
/// a role that `only_reads`; otherwise it is the branch that it is for.
fn subject(environment: &Environment, only_reads: bool) -> String {
    let repository = environment.get("GITHUB_REPOSITORY").unwrap_or("OWNER/REPOSITORY");
    let pushed = environment.get("GITHUB_REF").filter(|reference| !reference.starts_with("refs/pull/"));
    if only_reads && pushed.is_none() && environment.get("GITHUB_REF").is_some() {
        return format!("repo:{repository}:pull_request");
    }
    let reference = match (pushed, environment.get("GITHUB_BASE_REF")) {
        (Some(pushed), _) => pushed.to_owned(),
        (None, Some(base)) => format!("refs/heads/{base}"),
        (None, None) => "refs/heads/BRANCH".to_owned(),
    };
    format!("repo:{repository}:ref:{reference}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_github_has_its_issuer() {
        for (server, expected) in [
            ("", ISSUER),
            ("https://github.com", ISSUER),
            ("https://octo.ghe.com", "token.actions.octo.ghe.com"),
            ("https://github.example.com/", "github.example.com/_services/token"),
        ] {
            assert_eq!(issuer(&Environment::new([("GITHUB_SERVER_URL", server)])), expected);
        }
    }

    #[test]
    fn a_pull_request_is_not_trusted_but_the_branch_that_it_is_for() {
        for (variables, expected) in [
            (vec![("GITHUB_REF", "refs/heads/main")], "repo:shop/web:ref:refs/heads/main"),
            (vec![("GITHUB_REF", "refs/tags/v1")], "repo:shop/web:ref:refs/tags/v1"),
            (
                vec![("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_BASE_REF", "main")],
                "repo:shop/web:ref:refs/heads/main",
            ),
            (vec![], "repo:shop/web:ref:refs/heads/BRANCH"),
        ] {
            let environment = Environment::new(variables.into_iter().chain([("GITHUB_REPOSITORY", "shop/web")]));
            assert_eq!(subject(&environment, false), expected);
        }
    }
}
