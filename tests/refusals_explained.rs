//! What AWS refuses because of who calls, or where, is explained: what to change is said in words that can be followed.

mod support;

use simulator::{Fault, Rule, Scenario, When};
use support::{Step, world};

const DENIED: &str = "AccessDeniedException";
const CALLER: &str = "User: arn:aws:sts::123456789012:assumed-role/ci/GitHubActions is not authorized to perform:";

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_explained_in_the_error() {
    let service = "on resource: arn:aws:ecs:us-east-1:123456789012:service/default/web";
    let role = "on resource: arn:aws:iam::123456789012:role/execution";
    let cases: [(&str, &str, String, &str, &[&str]); 12] = [
        (
            "UpdateService",
            DENIED,
            format!("{CALLER} ecs:UpdateService {service} because no identity-based policy allows the action"),
            "access-denied",
            &[
                "policy of the role ci",
                r#""Action":["ecs:UpdateService"],"Resource":["arn:aws:ecs:us-east-1:123456789012:service/default/web"]"#,
            ],
        ),
        (
            "UpdateService",
            DENIED,
            format!("{CALLER} ecs:UpdateService {service} with an explicit deny in a service control policy"),
            "access-denied",
            &[
                "A policy (service control policy) denies ecs:UpdateService",
                "no statement that allows it can lift that",
            ],
        ),
        (
            "UpdateService",
            DENIED,
            format!("{CALLER} ecs:UpdateService {service} because no permissions boundary allows the action"),
            "access-denied",
            &["A permissions boundary limits what the role ci may do"],
        ),
        (
            "RegisterTaskDefinition",
            DENIED,
            format!("{CALLER} iam:PassRole {role} because no identity-based policy allows the iam:PassRole action"),
            "access-denied",
            &[
                "pass its roles on to Amazon ECS",
                r#""Action":["iam:PassRole"],"Resource":["arn:aws:iam::123456789012:role/execution"]"#,
                r#""iam:PassedToService":"ecs-tasks.amazonaws.com""#,
            ],
        ),
        (
            "DescribeServices",
            DENIED,
            "no".to_owned(),
            "access-denied",
            &[r#""Resource":["arn:aws:ecs:REGION:ACCOUNT_ID:service/CLUSTER/SERVICE"]"#, "`mode: iam-policy`"],
        ),
        (
            "DescribeServices",
            "ExpiredTokenException",
            "The security token included in the request is expired".to_owned(),
            "credentials",
            &["The session of the credentials has ended", "`role-to-assume`", "`role-duration-seconds`"],
        ),
        (
            "DescribeServices",
            "InvalidSignatureException",
            "Signature expired: 20260105T120000Z is now earlier than 20260105T121000Z".to_owned(),
            "credentials",
            &["clock is wrong by minutes"],
        ),
        ("DescribeServices", "RequestTimeTooSkewed", "too skewed".to_owned(), "credentials", &["clock is wrong"]),
        (
            "DescribeServices",
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.".to_owned(),
            "credentials",
            &["secret access key does not belong to the access key"],
        ),
        (
            "DescribeServices",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
            "credentials",
            &["AWS_SESSION_TOKEN", "another partition", "switched on"],
        ),
        ("DescribeServices", "OptInRequired", "a subscription".to_owned(), "credentials", &["switched this region on"]),
        (
            "DescribeServices",
            "ClusterNotFoundException",
            "Cluster not found.".to_owned(),
            "not-found",
            &["`aws-region`"],
        ),
    ];
    for (operation, code, message, cause, expected) in cases {
        let simulator = world(Scenario::default());
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let fault = Fault::Refuse { status: 400, code: code.to_owned(), message: message.clone() };
        simulator.inject(Rule { when, fault });

        let report = Step::deploying("web:good-2").run(&simulator).await;

        report.ended("refused", cause);
        let error = report.errors().concat();
        for text in expected {
            let text = text.replace('%', "%25");
            assert!(error.contains(&text), "{code}: `{text}` is missing: {report:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_is_looked_for_with_the_region_in_mind() {
    let simulator = world(Scenario::default());

    let report = Step::bare().input("service", "shop").input("image", "web:2").run(&simulator).await;

    report.ended("refused", "not-found");
    let error = report.errors().concat();
    assert!(error.contains("of region us-east-1") && error.contains("`aws-region`"), "{error}");
}
