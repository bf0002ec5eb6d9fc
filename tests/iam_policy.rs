//! `mode: iam-policy` through the whole program: what is printed is what the calls are held against, and nobody is asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use simulator::{ID_TOKEN_REQUEST_TOKEN, Scenario};
use support::permissions::Granted;
use support::{Report, Step, world};

/// A step without credentials, as somebody runs it who has yet to make the role.
fn step(image: &str) -> Step {
    Step::deploying(image)
        .input("mode", "iam-policy")
        .variable("AWS_ACCESS_KEY_ID", "")
        .variable("AWS_SECRET_ACCESS_KEY", "")
        .variable("GITHUB_REF", "refs/heads/main")
}

async fn printed(step: &Step) -> (Report, Value, Value) {
    let simulator = world(Scenario::default());
    let report = step.run(&simulator).await;
    let asked: Vec<String> = simulator.journal().into_iter().map(|call| call.operation).collect();
    assert!(asked.iter().all(|operation| operation == "GetIdToken"), "nothing is asked of AWS: {asked:?}");
    report.ended("planned", "");
    assert_eq!((report.exit_code, report.output("changed")), (0, "false"), "{report:#?}");
    let [policy, trust] = ["policy", "trust-policy"].map(|name| serde_json::from_str(report.output(name)).unwrap());
    (report, policy, trust)
}

#[tokio::test(start_paused = true)]
async fn the_policy_is_the_one_that_the_calls_are_held_against() {
    for mode in ["deploy", "plan", "rollback"] {
        let base = || Step::bare().input("service", "web").input("expected-account-id", "123456789012");
        let printing = base().input("mode", "iam-policy").input("iam-policy-for", mode);

        let (report, policy, _) = printed(&printing).await;

        let doing = base().input("mode", mode);
        let granted = Granted::to(doing.environment(), doing.path()).unwrap();
        assert_eq!(Granted::of(&policy.to_string()).grants(), granted.grants(), "{mode}");
        for page in [&report.log, &report.summary] {
            assert!(page.contains("\"ecs:DescribeServices\""), "{page}");
        }
        assert_eq!(policy.to_string().contains("ecs:UpdateService"), mode != "plan");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_gaps_is_printed_without_warnings() {
    let step = Step::bare()
        .variable("AWS_REGION", "")
        .variable("GITHUB_REF", "refs/heads/main")
        .input("mode", "iam-policy")
        .input("service", "arn:aws-cn:ecs:cn-north-1:210987654321:service/shop/web")
        .input("audience", "sts.amazonaws.com.cn")
        .input("role-to-assume", "arn:aws-cn:iam::210987654321:role/deploy")
        .input("task-definition-family", "shop")
        .input("task-role-arn", "arn:aws-cn:iam::210987654321:role/task")
        .input("execution-role-arn", "arn:aws-cn:iam::210987654321:role/execution");

    let (report, policy, trust) = printed(&step).await;

    assert!(!report.log.contains("::warning"), "{}", report.log);
    assert!(!format!("{policy}{trust}").contains("arn:aws:"), "{policy} {trust}");
    let statements = policy["Statement"].as_array().unwrap();
    let passing = statements.iter().find(|statement| statement["Action"] == json!(["iam:PassRole"])).unwrap();
    let role = |name: &str| format!("arn:aws-cn:iam::210987654321:role/{name}");
    assert_eq!(passing["Resource"], json!([role("task"), role("execution")]));
    assert_eq!(passing["Condition"], json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}));
    assert!(statements.iter().all(|statement| !statement["Action"].to_string().contains('*')), "{policy}");
    let key = "token.actions.githubusercontent.com";
    assert_eq!(
        trust["Statement"][0],
        json!({
            "Effect": "Allow",
            "Principal": {"Federated": format!("arn:aws-cn:iam::210987654321:oidc-provider/{key}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                format!("{key}:aud"): "sts.amazonaws.com.cn",
                format!("{key}:sub"): "repo:shop/web:ref:refs/heads/main",
            }},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn every_gap_is_named() {
    let (report, policy, trust) = printed(&step("web:2").variable("AWS_REGION", "")).await;

    assert!(policy.to_string().contains(":REGION:ACCOUNT_ID:") && trust.to_string().contains("ACCOUNT_ID"), "{policy}");
    let warnings: Vec<&str> = report.log.lines().filter(|line| line.starts_with("::warning")).collect();
    for gap in ["`ACCOUNT_ID`", "`REGION`", "`TASK_DEFINITION_FAMILY`", "`ROLE_OF_THE_TASK_DEFINITION`"] {
        assert!(warnings.iter().any(|warning| warning.contains(gap)), "{gap}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_jobs_own_token_says_who_is_to_be_trusted() {
    for (subject, expected) in [
        ("repo:shop/web:environment:production", "repo:shop/web:environment:production"),
        ("repo:shop/web:pull_request", "repo:shop/web:ref:refs/heads/main"),
    ] {
        let simulator = world(Scenario { subject: subject.to_owned(), ..Scenario::default() });
        let step = step("web:2")
            .variable("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/7/id-token?api-version=2.0")
            .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ID_TOKEN_REQUEST_TOKEN);

        let report = step.run(&simulator).await;

        assert!(report.output("trust-policy").contains(&format!("\"{expected}\"")), "{report:#?}");
        let token = simulator.calls("GetIdToken")[0].response["value"].as_str().unwrap().to_owned();
        let shown: Vec<&str> = report.log.lines().filter(|line| line.contains(&token)).collect();
        assert!(shown.iter().all(|line| line.starts_with("::add-mask::")), "{shown:?}");
    }
}

/// Whoever may open a pull request may see a plan, and can deploy nothing with a role that only reads.
#[tokio::test(start_paused = true)]
async fn a_plan_trusts_the_pull_requests_that_it_is_for() {
    let planning = || {
        let step = step("web:2").input("iam-policy-for", "plan").variable("GITHUB_REF", "refs/pull/7/merge");
        step.variable("GITHUB_BASE_REF", "main")
    };
    let asking = planning()
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/7/id-token?api-version=2.0")
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ID_TOKEN_REQUEST_TOKEN);
    for step in [planning(), asking] {
        let subject = "repo:shop/web:pull_request";
        let simulator = world(Scenario { subject: subject.to_owned(), ..Scenario::default() });
        let report = step.run(&simulator).await;
        assert!(report.output("trust-policy").contains(&format!("\"{subject}\"")), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chained_role_trusts_the_role_before_it() {
    let step =
        step("web:2").input("role-to-assume", "arn:aws:iam::123456789012:role/deploy").input("role-chaining", "true");

    let (report, _, trust) = printed(&step).await;

    let statement = &trust["Statement"][0];
    assert_eq!(statement["Action"], "sts:AssumeRole");
    assert_eq!(statement["Principal"]["AWS"], "arn:aws:iam::123456789012:role/ROLE_OF_THE_ENVIRONMENT");
    assert!(report.log.contains("allow it sts:AssumeRole"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn the_mode_for_which_policies_are_printed_makes_sense_only_where_they_are() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:2").input("iam-policy-for", "plan").run(&simulator).await;

    report.ended("refused", "invalid-input");
    assert!(report.log.contains("set `mode: iam-policy`"), "{}", report.log);
    assert!(simulator.journal().is_empty());
}
