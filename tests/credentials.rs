//! Credentials of our own: a role that GitHub's ID token or the environment vouches for, renewed for as long as it takes, and
//! never shown.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::Stdio;

use simulator::{Behaviour, Call, Fault, ID_TOKEN_REQUEST_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, running, seconds, set_to, web, world, writes};
use tokio::process::Command;

const ROLE: &str = "arn:aws:iam::123456789012:role/ci/deploy";

/// A step of a job that may ask for ID tokens and that has no other credentials.
fn with_id_token(image: &str) -> Step {
    Step::deploying(image)
        .input("role-to-assume", ROLE)
        .variable("AWS_ACCESS_KEY_ID", "")
        .variable("AWS_SECRET_ACCESS_KEY", "")
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/7/id-token?api-version=2.0")
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ID_TOKEN_REQUEST_TOKEN)
}

/// A world in which the new tasks need forty minutes to start, or to fail to.
fn slow_world() -> Simulator {
    let healthy = Behaviour::Healthy { start: seconds(40 * 60), healthy: seconds(10) };
    let failing = Behaviour::FailsToStart { after: seconds(20 * 60), reason: "CannotStartContainerError".to_owned() };
    world(Scenario::default().image("slow", healthy).image("failing", failing))
}

/// Sessions of a quarter of an hour, and an hour and a half to wait.
fn patient(step: Step) -> Step {
    step.input("role-duration-seconds", "900").input("wait-for-minutes", "90")
}

fn down(operation: &str, fault: Fault, from: u64, until: Option<u64>) -> Rule {
    let when = When {
        operation: Some(operation.to_owned()),
        from: Some(seconds(from)),
        until: until.map(seconds),
        ..When::default()
    };
    Rule { when, fault }
}

fn refused(code: &str, message: &str) -> Fault {
    Fault::Refuse { status: 400, code: code.to_owned(), message: message.to_owned() }
}

#[track_caller]
fn says(report: &Report, texts: &[&str]) {
    for text in texts {
        assert!(report.errors().concat().contains(text), "`{text}` is missing: {report:#?}");
        assert!(report.log.contains(text), "`{text}` is missing: {report:#?}");
    }
}

fn operations(simulator: &Simulator) -> Vec<String> {
    simulator.journal().into_iter().map(|call| call.operation).collect()
}

/// Everything that the world told us and nobody else may see.
fn secrets(simulator: &Simulator) -> Vec<String> {
    let of = |operation: &str, paths: &[&str]| -> Vec<String> {
        let calls: Vec<Call> = simulator.calls(operation);
        let found = |call: &Call| -> Vec<String> {
            paths.iter().filter_map(|path| Some(call.response.pointer(path)?.as_str()?.to_owned())).collect()
        };
        calls.iter().flat_map(found).collect()
    };
    const KEYS: [&str; 3] = ["/Credentials/SecretAccessKey", "/Credentials/SessionToken", "/Credentials/AccessKeyId"];
    [of("GetIdToken", &["/value"]), of("AssumeRoleWithWebIdentity", &KEYS), of("AssumeRole", &KEYS)].concat()
}

#[track_caller]
fn nothing_shown(simulator: &Simulator, step: &Step, report: &Report) {
    let state = std::fs::read_to_string(step.path().join("state")).unwrap();
    let outputs: String = report.outputs.values().cloned().collect();
    let secrets = secrets(simulator);
    assert!(secrets.len() >= 3, "there are secrets: {secrets:?}");
    for secret in &secrets {
        let mask = format!("::add-mask::{secret}");
        let shown: Vec<&str> = report.log.lines().filter(|line| line.contains(secret.as_str())).collect();
        assert!(!shown.is_empty() && shown.iter().all(|line| *line == mask), "{shown:?}");
        assert!(![&state, &outputs, &report.summary].into_iter().any(|text| text.contains(secret.as_str())));
    }
    for lasting in [ID_TOKEN_REQUEST_TOKEN, simulator::SECRET_ACCESS_KEY] {
        assert!(![&state, &outputs, &report.summary, &report.log].into_iter().any(|text| text.contains(lasting)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_with_an_id_token_and_deploys() {
    let simulator = world(Scenario::default());
    let step = with_id_token("web:good-2");

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(operations(&simulator)[..3], ["GetIdToken", "AssumeRoleWithWebIdentity", "GetCallerIdentity"]);
    assert_eq!(simulator.calls("GetIdToken").len(), 1, "one session is enough");
    let asked = &simulator.calls("GetIdToken")[0].request;
    assert_eq!((asked["audience"].as_str(), asked["api-version"].as_str()), (Some("sts.amazonaws.com"), Some("2.0")));
    let assumed = &simulator.calls("AssumeRoleWithWebIdentity")[0].request;
    assert_eq!(assumed["RoleArn"], ROLE);
    assert_eq!(assumed["RoleSessionName"], "GitHubActions");
    assert_eq!(assumed["DurationSeconds"], "3600");
    let identity = "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions";
    assert_eq!(report.log.matches(identity).count(), 1, "{}", report.log);
    nothing_shown(&simulator, &step, &report);
}

#[tokio::test(start_paused = true)]
async fn without_these_inputs_nobody_asks_who_we_are() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("deployed", "");
    assert!(!operations(&simulator).iter().any(|name| name.contains("Identity") || name.contains("AssumeRole")));
}

#[tokio::test(start_paused = true)]
async fn inputs_of_the_session_are_sent_as_they_are() {
    let audience = "https://github.com/shop & more";
    let simulator = world(Scenario { audience: audience.to_owned(), ..Scenario::default() });

    let report = with_id_token("web:good-2")
        .input("audience", audience)
        .input("role-session-name", "web@main")
        .input("role-duration-seconds", "43200")
        .run(&simulator)
        .await;

    report.ended("deployed", "");
    assert_eq!(simulator.calls("GetIdToken")[0].request["audience"], audience);
    let assumed = &simulator.calls("AssumeRoleWithWebIdentity")[0].request;
    assert_eq!((&assumed["RoleSessionName"], &assumed["DurationSeconds"]), (&"web@main".into(), &"43200".into()));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_in_the_middle_of_the_wait_and_nobody_notices() {
    let simulator = slow_world();
    let step = patient(with_id_token("web:slow"));

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    assert!(simulator.elapsed() > seconds(40 * 60));
    assert!(
        (4..=6).contains(&simulator.calls("AssumeRoleWithWebIdentity").len()),
        "{:?}",
        simulator.calls("AssumeRoleWithWebIdentity")
    );
    assert!(simulator.journal().iter().all(|call| call.status == 200), "no call was refused");
    nothing_shown(&simulator, &step, &report);
}

#[tokio::test(start_paused = true)]
async fn the_rollback_has_credentials_long_after_the_first_ones_expired() {
    let simulator = slow_world();

    let report = patient(with_id_token("web:failing")).run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    let journal = simulator.journal();
    let back = journal.iter().rfind(|call| writes(&simulator).contains(&call.operation)).unwrap();
    assert!(back.at > seconds(900), "{:?}", back.at);
    assert!(journal.iter().all(|call| call.response["__type"] != "ExpiredTokenException"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_shorter_than_the_rest_of_the_session_is_not_felt() {
    for operation in ["GetIdToken", "AssumeRoleWithWebIdentity"] {
        for fault in [Fault::ServerError, Fault::TimeoutBeforeEffect, Fault::Hang { after_effect: false }] {
            let simulator = slow_world();
            simulator.inject(down(operation, fault, 60, Some(850)));

            let report = patient(with_id_token("web:slow")).run(&simulator).await;

            report.ended("deployed", "");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_id_tokens_end_in_the_middle_of_a_wait_that_is_what_is_said_and_nothing_hangs() {
    for fault in [Fault::ServerError, Fault::TimeoutBeforeEffect, Fault::Hang { after_effect: false }] {
        let simulator = slow_world();
        simulator.inject(down("GetIdToken", fault, 300, None));

        let report = patient(with_id_token("web:slow")).run(&simulator).await;

        report.ended("rollback-failed", "credentials");
        says(&report, &["GitHub did not give the job an ID token"]);
        assert!(simulator.elapsed() < seconds(25 * 60), "{:?}", simulator.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_on_when_the_id_tokens_are_back() {
    let simulator = slow_world();
    simulator.inject(down("GetIdToken", Fault::ServerError, 300, Some(970)));

    let report = patient(with_id_token("web:slow")).run(&simulator).await;

    report.ended("rolled-back", "credentials");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn when_the_id_tokens_are_down_at_the_start_nothing_is_changed() {
    for fault in [Fault::ServerError, Fault::Reset, Fault::Hang { after_effect: false }] {
        let simulator = world(Scenario::default());
        simulator.inject(down("GetIdToken", fault, 0, None));

        let report = with_id_token("web:good-2").run(&simulator).await;

        report.ended("refused", "credentials");
        assert_eq!(report.exit_code, 1);
        says(&report, &["GitHub did not give the job an ID token"]);
        assert!(simulator.calls("GetIdToken").len() > 2, "it was tried more than once");
        assert!(simulator.elapsed() < seconds(60), "{:?}", simulator.elapsed());
        assert!(operations(&simulator).iter().all(|name| name == "GetIdToken"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again_with_another_token() {
    let faults = [
        Fault::Throttle,
        Fault::ServerError,
        Fault::TimeoutAfterEffect,
        refused("IDPCommunicationError", "The identity provider did not answer"),
        refused("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"),
    ];
    for fault in faults {
        let simulator = world(Scenario::default());
        let when = When { operation: Some("AssumeRoleWithWebIdentity".to_owned()), times: Some(3), ..When::default() };
        simulator.inject(Rule { when, fault });

        let report = with_id_token("web:good-2").run(&simulator).await;

        report.ended("deployed", "");
        let calls = (simulator.calls("GetIdToken").len(), simulator.calls("AssumeRoleWithWebIdentity").len());
        assert_eq!(calls, (4, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_the_error_names_it() {
    let simulator = world(Scenario::default());

    let report = with_id_token("web:good-2").variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "").run(&simulator).await;

    report.ended("refused", "credentials");
    says(&report, &["`permissions: id-token: write` is missing"]);
    assert_eq!(operations(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_explained_and_not_tried_again() {
    let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let cases = [
        (
            refused("AccessDenied", denied),
            "`token.actions.githubusercontent.com:sub` = `repo:shop/web:ref:refs/heads/main`",
        ),
        (
            refused("InvalidIdentityToken", "No OpenIDConnect provider found in your account"),
            "Create the IAM identity provider",
        ),
        (refused("RegionDisabledException", "STS is not activated in this region"), "switched off for this region"),
        (refused("ExpiredTokenException", "Token expired: current date/time"), "clock"),
        (
            refused("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration"),
            "role-duration-seconds",
        ),
    ];
    for (fault, advice) in cases {
        let simulator = world(Scenario::default());
        simulator.inject(down("AssumeRoleWithWebIdentity", fault, 0, None));

        let report = with_id_token("web:good-2").run(&simulator).await;

        report.ended("refused", "credentials");
        says(&report, &[ROLE, advice]);
        assert_eq!(operations(&simulator), ["GetIdToken", "AssumeRoleWithWebIdentity"]);
    }
}

#[tokio::test(start_paused = true)]
async fn another_audience_than_the_providers_is_explained() {
    let simulator = world(Scenario::default());

    let report = with_id_token("web:good-2").input("audience", "elsewhere").run(&simulator).await;

    report.ended("refused", "credentials");
    says(&report, &["Incorrect token audience", "the input `audience`"]);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_another_account_change_nothing() {
    for step in [Step::deploying("web:good-2"), with_id_token("web:good-2").input("role-to-assume", "")] {
        let step = step
            .variable("AWS_ACCESS_KEY_ID", simulator::ACCESS_KEY_ID)
            .variable("AWS_SECRET_ACCESS_KEY", simulator::SECRET_ACCESS_KEY)
            .input("expected-account-id", "210987654321");
        let simulator = world(Scenario::default());

        let report = step.run(&simulator).await;

        report.ended("refused", "credentials");
        says(&report, &["123456789012", "210987654321", "expected-account-id"]);
        assert_eq!(operations(&simulator), ["GetCallerIdentity"]);
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_of_the_right_account_deploy_and_are_named_once() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2").input("expected-account-id", "123456789012").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(operations(&simulator)[0], "GetCallerIdentity");
    assert_eq!(report.log.matches("arn:aws:iam::123456789012:role/deploy").count(), 1, "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_masked_account_is_masked_before_it_is_named_and_what_that_costs_is_said() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2").input("mask-aws-account-id", "true").run(&simulator).await;

    report.ended("deployed", "");
    let first = report.log.lines().find(|line| line.contains("123456789012"));
    assert_eq!(first, Some("::add-mask::123456789012"), "{}", report.log);
    let warnings: Vec<&str> = report.log.lines().filter(|line| line.starts_with("::warning")).collect();
    assert!(matches!(warnings[..], [warning] if warning.contains("no output with an ARN")), "{warnings:?}");

    let report = Step::deploying("web:good-3").run(&world(Scenario::default())).await;
    assert!(!report.log.contains("::add-mask::"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_chained_role_is_assumed_with_the_credentials_of_the_environment_and_renewed() {
    let simulator = slow_world();
    let step = patient(Step::deploying("web:slow").input("role-to-assume", ROLE).input("role-chaining", "true"));

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(operations(&simulator)[..2], ["AssumeRole", "GetCallerIdentity"]);
    assert!(simulator.calls("AssumeRole").len() >= 4);
    assert!(simulator.calls("GetIdToken").is_empty());
    nothing_shown(&simulator, &step, &report);
}

#[tokio::test(start_paused = true)]
async fn a_chain_ends_with_the_credentials_of_the_environment_and_says_so() {
    let simulator = world(Scenario { credentials_expire: Some(seconds(0)), ..Scenario::default() });

    let report = Step::deploying("web:good-2")
        .input("role-to-assume", ROLE)
        .input("role-chaining", "true")
        .run(&simulator)
        .await;

    report.ended("refused", "credentials");
    says(&report, &["The credentials of the environment have expired", "Leave `role-chaining` out"]);
}

#[tokio::test(start_paused = true)]
async fn going_back_begins_before_credentials_end_whose_end_is_known() {
    let stuck = || Scenario::default().image("stuck", Behaviour::Stuck);
    for written in ["2026-01-05T12:10:00Z", "\"2026-01-05T12:10:00.000Z\"", "2026-01-05T13:10:00+01:00"] {
        let simulator = world(Scenario { credentials_expire: Some(seconds(600)), ..stuck() });

        let report = Step::deploying("web:stuck").variable("AWS_CREDENTIAL_EXPIRATION", written).run(&simulator).await;

        report.ended("rolled-back", "timeout");
        says(&report, &["before the AWS credentials end", "`role-to-assume`"]);
        assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
        assert!(simulator.journal().iter().all(|call| call.status == 200), "no call was refused");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_other_credentials_does_not_cut_a_wait_short() {
    let simulator = slow_world();
    let step = patient(with_id_token("web:slow")).variable("AWS_CREDENTIAL_EXPIRATION", "2026-01-05T12:10:00Z");

    step.run(&simulator).await.ended("deployed", "");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_end_in_the_middle_of_a_wait_are_what_is_said() {
    let stuck = Scenario::default().image("stuck", Behaviour::Stuck);
    let simulator = world(Scenario { credentials_expire: Some(seconds(100)), ..stuck });

    let report = Step::deploying("web:stuck").run(&simulator).await;

    report.ended("rollback-failed", "credentials");
    assert_eq!(report.exit_code, 4);
    says(&report, &["may run a mix of web:1 and web:2", "`role-to-assume`", "`role-duration-seconds`"]);
    assert!(simulator.elapsed() < seconds(10 * 60), "{:?}", simulator.elapsed());
}

/// Runs the step for a minute and kills it in its wait.
async fn killed_after_a_minute(step: &Step, simulator: &Simulator) {
    tokio::select! {
        biased;
        report = step.run(simulator) => unreachable!("it was not killed: {report:#?}"),
        () = tokio::time::sleep(seconds(60)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_post_step_has_a_session_of_its_own_and_renews_it() {
    for (on_cancel, outcome) in [("wait", "deployed"), ("rollback", "rolled-back")] {
        let simulator = slow_world();
        let step = patient(with_id_token("web:slow")).input("on-cancel", on_cancel);
        killed_after_a_minute(&step, &simulator).await;
        tokio::time::sleep(seconds(20 * 60)).await;
        let before = simulator.calls("AssumeRoleWithWebIdentity").len();

        let report = step.post(&simulator, "cancelled").await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        let sessions = simulator.calls("AssumeRoleWithWebIdentity").len() - before;
        assert_eq!(sessions > 1, on_cancel == "wait", "{sessions} sessions");
        assert!(simulator.journal().iter().all(|call| call.status == 200), "no call was refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_step_without_id_tokens_says_that_nothing_was_looked_after() {
    for (from, texts) in [
        // Down from its beginning, and down in the middle of its wait.
        (0, ["was not looked after: look at it now", "GitHub did not give the job an ID token"]),
        (300, ["may run a mix of web:1 and web:2", "GitHub did not give the job an ID token"]),
    ] {
        let simulator = slow_world();
        let step = patient(with_id_token("web:slow")).input("on-cancel", "wait");
        killed_after_a_minute(&step, &simulator).await;
        simulator.inject(down("GetIdToken", Fault::ServerError, 60 + from, None));

        let report = step.post(&simulator, "cancelled").await;

        assert_eq!((report.exit_code, report.output("outcome")), (4, "rollback-failed"), "{report:#?}");
        assert_eq!(report.output("cause"), "credentials");
        says(&report, &texts);
    }
}

/// The one test with a network: the tokens come through the HTTP client that the program makes for itself.
#[tokio::test]
async fn the_binary_gets_its_tokens_over_the_network_and_says_where_it_sends_them() {
    let simulator = Simulator::new(Scenario { epoch: jiff::Timestamp::now(), ..Scenario::instant() });
    simulator.add_service(web());
    let server = simulator.serve().await.unwrap();
    let step = with_id_token("web:good-2")
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/7/id-token?api-version=2.0", server.url()))
        .variable("AWS_ENDPOINT_URL_ECS", &server.url())
        .variable("AWS_ENDPOINT_URL_STS", &server.url());

    let ended = Command::new(env!("CARGO_BIN_EXE_ecs-deploy-action"))
        .env_clear()
        .envs(step.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let report = step.report(0, String::from_utf8(ended.stdout).unwrap());

    report.ended("deployed", "");
    assert_eq!(operations(&simulator)[..3], ["GetIdToken", "AssumeRoleWithWebIdentity", "GetCallerIdentity"]);
    assert!(report.log.contains("AWS_ENDPOINT_URL_STS"), "a replaced endpoint is announced: {}", report.log);
    nothing_shown(&simulator, &step, &report);
}
