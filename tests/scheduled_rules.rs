//! `scheduled-rules`: EventBridge rules whose tasks move to the new revision with the service, and back with it.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod support;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::{Behaviour, Fault, Rule, Scenario, Simulator, When};
use support::{Step, running, scheduled, set_to, world, writes};

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2";

/// The service `web` and a rule `nightly`, both on `web:1`; new images named `bad` crash.
fn nightly() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop()).rule("nightly", "web:1")
}

fn deploying(image: &str) -> Step {
    Step::deploying(image).input("scheduled-rules", "nightly")
}

fn refused(operation: &str, times: Option<usize>) -> Rule {
    let when = When { operation: Some(operation.to_owned()), times, ..When::default() };
    let (code, message) = ("AccessDeniedException".to_owned(), "no identity-based policy".to_owned());
    Rule { when, fault: Fault::Refuse { status: 400, code, message } }
}

#[track_caller]
fn all_on(version: &str, simulator: &Simulator) {
    assert_eq!(running(simulator).into_keys().collect::<Vec<_>>(), [version]);
    assert_eq!((set_to(simulator), scheduled(simulator)), (version.to_owned(), [version.to_owned()].into()));
}

#[tokio::test(start_paused = true)]
async fn a_rule_moves_when_the_rollout_has_succeeded_and_nothing_else_in_it_changes() {
    let mut scenario = nightly();
    scenario.accept_unknown_members = true;
    let target = &mut scenario.rules.get_mut("nightly").map(|targets| &mut targets[0]);
    if let Some(target) = target {
        target["EcsParameters"]["WarpFactor"] = json!(9);
        target["Input"] =
            json!("{\"containerOverrides\": [{\"name\": \"app\", \"environment\": [{\"value\": \"hunter2\"}]}]}");
    }
    let simulator = world(scenario);
    let mut expected = simulator.rule_targets("nightly");
    expected[0]["EcsParameters"]["TaskDefinitionArn"] = json!(ARN);

    let report = deploying("web:good-2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "PutTargets"]);
    assert_eq!(simulator.rule_targets("nightly"), expected);
    let sent = &simulator.calls("PutTargets")[0];
    assert_eq!(sent.request, json!({"Rule": "nightly", "Targets": [expected[0]]}));
    let succeeded = simulator
        .calls("DescribeServiceDeployments")
        .into_iter()
        .find(|call| call.response["serviceDeployments"][0]["status"] == "SUCCESSFUL");
    assert!(succeeded.is_some_and(|call| call.number < sent.number), "the schedule moved before the service was there");
    assert!(report.output("plan").contains("rule nightly"), "{report:#?}");
    assert!(!format!("{report:?}").contains("hunter2"), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_fails_never_reaches_the_rule() {
    let simulator = world(nightly());

    deploying("web:bad").run(&simulator).await.ended("rolled-back", "tasks-failing");

    all_on("web:1", &simulator);
    assert_eq!(simulator.calls("PutTargets").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_moved_takes_the_service_back() {
    let simulator = world(nightly());
    simulator.inject(refused("PutTargets", Some(1)));

    let report = deploying("web:good-2").run(&simulator).await;

    report.ended("rolled-back", "scheduled-rule");
    for word in ["nightly", "PutTargets", "web:1 again"] {
        assert!(report.errors()[0].contains(word), "{word}: {:?}", report.errors());
    }
    all_on("web:1", &simulator);
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_rules_takes_the_first_back_too() {
    let simulator = world(nightly().rule("hourly", "web:1"));
    let when = When { operation: Some("PutTargets".to_owned()), number: None, times: Some(1), ..When::default() };
    let step = deploying("web:good-2").input("scheduled-rules", "hourly, nightly");
    // The first call goes through.
    let undisturbed = world(nightly().rule("hourly", "web:1"));
    fastrand::seed(0);
    step.run(&undisturbed).await.ended("deployed", "");
    let second = undisturbed.calls("PutTargets")[1].number;
    let rule = refused("PutTargets", Some(1));
    simulator.inject(Rule { when: When { number: Some(second), ..when }, ..rule });

    fastrand::seed(0);
    let step = deploying("web:good-2").input("scheduled-rules", "hourly, nightly");
    step.run(&simulator).await.ended("rolled-back", "scheduled-rule");

    all_on("web:1", &simulator);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_was_left_behind_is_moved_by_the_next_run_without_a_rollout() {
    let simulator = world(nightly());
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    assert_eq!(scheduled(&simulator), ["web:1".to_owned()].into());
    let before = writes(&simulator).len();

    deploying("web:good-2").run(&simulator).await.ended("deployed", "");

    assert_eq!(writes(&simulator)[before..], ["PutTargets"]);
    all_on("web:2", &simulator);
    deploying("web:good-2").run(&simulator).await.ended("unchanged", "");

    Step::deploying("web:good-3").run(&simulator).await.ended("deployed", "");
    simulator.inject(refused("PutTargets", Some(1)));
    let report = deploying("web:good-3").run(&simulator).await;
    report.ended("rolled-back", "scheduled-rule");
    assert_eq!((set_to(&simulator), scheduled(&simulator)), ("web:3".to_owned(), ["web:2".to_owned()].into()));
}

#[tokio::test(start_paused = true)]
async fn going_back_takes_the_rules_along() {
    let simulator = world(nightly());
    deploying("web:good-2").run(&simulator).await.ended("deployed", "");

    let step = Step::bare().input("service", "web").input("mode", "rollback").input("scheduled-rules", "nightly");
    step.run(&simulator).await.ended("rolled-back", "");

    all_on("web:1", &simulator);
}

#[tokio::test(start_paused = true)]
async fn a_later_step_that_fails_takes_the_rules_back_too() {
    let simulator = world(nightly().rule("family", "web"));
    let before = simulator.rule_targets("family");
    let step =
        deploying("web:good-2").input("scheduled-rules", "nightly, family").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    all_on("web:2", &simulator);

    let report = step.post(&simulator, "failure").await;

    report.ended("rolled-back", "job-failed");
    assert_eq!((set_to(&simulator), simulator.rule_targets("family")), ("web:1".to_owned(), before));
    assert!(scheduled(&simulator).contains("web:1") && !scheduled(&simulator).contains("web:2"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_killed_or_cancelled_between_service_and_rule_is_taken_back_as_one() {
    for after_effect in [false, true] {
        let simulator = world(nightly());
        let when = When { operation: Some("PutTargets".to_owned()), times: Some(1), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Hang { after_effect } });
        let step = deploying("web:good-2");
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
        }

        step.post(&simulator, "cancelled").await.ended("rolled-back", "cancelled");
        all_on("web:1", &simulator);

        let simulator = world(nightly());
        let when = When { operation: Some("PutTargets".to_owned()), times: Some(1), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Hang { after_effect } });
        let (cancel, cancellation) = Cancellation::new();
        let step = deploying("web:good-2");
        {
            let run = step.run_until_cancelled(&simulator, cancellation);
            tokio::pin!(run);
            tokio::select! {
                biased;
                () = simulator.hung() => cancel.send_replace(true),
                report = &mut run => unreachable!("{report:#?}"),
            };
            run.await;
        }
        step.post(&simulator, "cancelled").await;
        simulator.settle().await;
        all_on("web:1", &simulator);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_on_another_revision_of_the_family_moves_too_and_goes_back_to_that_one() {
    let simulator = world(nightly().rule("nightly", "web:7"));
    let step = deploying("web:good-2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    all_on("web:2", &simulator);

    step.post(&simulator, "failure").await.ended("rolled-back", "job-failed");

    assert_eq!((set_to(&simulator), scheduled(&simulator)), ("web:1".to_owned(), ["web:7".to_owned()].into()));
}

#[tokio::test(start_paused = true)]
async fn rules_that_do_not_exist_or_run_something_else_are_refused_before_anything_changes() {
    let simulator = world(nightly().rule("report", "report:4"));

    let report = deploying("web:good-2").input("scheduled-rules", "nigthly").run(&simulator).await;
    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("`nigthly`"), "{:?}", report.errors());

    let report = deploying("web:good-2").input("scheduled-rules", "report").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("report"), "{:?}", report.errors());

    let report = deploying("web:good-2").input("mode", "plan").run(&simulator).await;
    report.ended("planned", "");
    assert!(report.output("plan").contains("rule nightly"), "{report:#?}");
    assert_eq!(writes(&simulator), [""; 0]);
}
