//! Runs that find nothing to change.

use ecs_deploy_action::cycle::Cancellation;
use simulator::{Action, Fault, Invocation, Moment, Rule, Scenario, Simulator, When};

use crate::stage::{answering, creating, deploying, digest, empty, serves, world, writes};
use crate::support::{Report, Step, seconds};

/// From now on the call is refused, with this code.
fn refuse(simulator: &Simulator, operation: &str, code: &str) {
    let (operation, from) = (Some(operation.to_owned()), Some(simulator.elapsed()));
    let (code, message) = (code.to_owned(), "It is refused.".to_owned());
    let fault = Fault::Refuse { status: 400, code, message };
    simulator.inject(Rule { when: When { operation, from, ..When::default() }, fault });
}

/// The step with a smoke test, in the second attempt of its workflow run.
fn second(step: Step) -> Step {
    step.input("smoke-test-payload", "{}").variable("GITHUB_RUN_ATTEMPT", "2")
}

/// Cancels the step while its smoke test is answered, which takes half a minute.
async fn cancelled(step: &Step, simulator: &Simulator) -> Report {
    let (cancel, cancellation) = Cancellation::new();
    let cancelled = async {
        tokio::time::sleep(seconds(10)).await;
        cancel.send_replace(true);
        std::future::pending::<()>().await
    };
    tokio::select! {
        report = step.run_until_cancelled(simulator, cancellation) => report,
        () = cancelled => unreachable!("it waits for ever"),
    }
}

fn slow(scenario: Scenario) -> Scenario {
    answering(scenario, "2", Invocation::Answers { body: "{}".to_owned(), after: seconds(30) })
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_an_earlier_attempt_created_is_not_deleted_when_its_check_fails() {
    let step = || creating("2").input("on-first-failure", "delete").input("smoke-test-payload", "{}");
    for is_maintained in [false, true] {
        let maintenance = Action::MaintainEndpoint { endpoint: "bikes".to_owned(), lasts: seconds(60) };
        let simulator = empty(Scenario::default().other(Moment::Elapsed(seconds(3600)), maintenance));
        step().run(&simulator).await.ended("deployed", "");
        refuse(&simulator, "InvokeEndpoint", "ValidationError");
        if is_maintained {
            tokio::time::sleep(seconds(3610) - simulator.elapsed()).await;
        }

        let report = second(step()).run(&simulator).await;

        assert_eq!(report.output("outcome"), "failed", "{report:#?}");
        assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 1));
        assert_eq!(simulator.calls("DeleteEndpoint").len(), 0);
        assert!(report.output("message").contains("which it served before"), "{}", report.output("message"));
        assert!(report.summary.contains("it is kept"), "{}", report.summary);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_attempt_that_changed_nothing_puts_nothing_back() {
    let make = || creating("2").input("on-first-failure", "delete").input("smoke-test-payload", "{}");
    let update = || deploying("2").input("smoke-test-payload", "{}");
    for is_first in [true, false] {
        let simulator = if is_first { empty(slow(Scenario::default())) } else { world(slow(Scenario::default())) };
        let step = || if is_first { make() } else { update() };
        step().run(&simulator).await.ended("deployed", "");
        let (before, made) = (serves(&simulator), writes(&simulator));

        let step = second(step());
        let report = cancelled(&step, &simulator).await;
        report.ended("failed", "cancelled");
        assert!(report.output("message").contains("which it served before"), "{}", report.output("message"));
        step.post(&simulator, "cancelled").await;

        simulator.settle().await;
        assert_eq!(serves(&simulator), before);
        assert_eq!(writes(&simulator), made);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_attempt_brought_and_is_found_wanting_goes_back_to_what_was_before_it_and_says_so() {
    let simulator = world(Scenario::default());
    deploying("2").input("smoke-test-payload", "{}").run(&simulator).await.ended("deployed", "");
    let served = simulator.describe_endpoint("bikes")["EndpointConfigName"].as_str().unwrap().to_owned();
    refuse(&simulator, "InvokeEndpoint", "ValidationError");

    let report = second(deploying("2")).run(&simulator).await;

    assert_eq!(report.output("outcome"), "rolled-back", "{report:#?}");
    assert_eq!(serves(&simulator).1, digest(&simulator, "1"));
    let told = format!("runs bikes again: {served} failed");
    assert!(report.output("message").contains(&told), "{}", report.output("message"));
}

#[tokio::test(start_paused = true)]
async fn an_older_run_that_is_run_again_and_refused_leaves_the_way_back_of_what_runs_now() {
    let simulator = world(Scenario::default());
    deploying("2").run(&simulator).await.ended("deployed", "");
    let older = simulator.describe_endpoint("bikes")["EndpointConfigName"].as_str().unwrap().to_owned();
    deploying("arm")
        .input("instance-type", "ml.c7g.large")
        .variable("GITHUB_RUN_ID", "4712")
        .run(&simulator)
        .await
        .ended("deployed", "");
    let when = When { operation: Some("UpdateEndpoint".to_owned()), times: Some(1), ..When::default() };
    let (code, message) = ("AccessDeniedException".to_owned(), "It is refused.".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });

    let step = deploying("2").input("instance-type", "ml.m5.large").variable("GITHUB_RUN_ATTEMPT", "2");
    let report = step.run(&simulator).await;

    report.ended("refused", "access-denied");
    assert_eq!(report.output("endpoint-config-name"), older, "it is the very same again");
    assert_eq!(simulator.calls("CreateModel").len(), 3, "the third one is there already");
    for (operation, told) in [("DeleteModel", "Made the model"), ("DeleteEndpointConfig", "Made the endpoint")] {
        assert_eq!(simulator.calls(operation).len(), 0, "{operation}");
        assert!(!report.log.contains(told), "{}", report.log);
    }
    let rollback = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
    rollback.variable("GITHUB_RUN_ID", "4713").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(simulator.describe_endpoint("bikes")["EndpointConfigName"], older);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_without_an_answer_made_is_removed_with_the_rest() {
    let simulator = world(Scenario::default());
    let when = When { operation: Some("CreateModel".to_owned()), times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::TimeoutAfterEffect });
    refuse(&simulator, "CreateEndpointConfig", "AccessDeniedException");

    deploying("2").run(&simulator).await.ended("refused", "access-denied");

    let made = simulator.calls("CreateModel")[1].request["ModelName"].clone();
    assert_eq!(simulator.calls("DeleteModel")[0].request["ModelName"], made);
}

#[tokio::test(start_paused = true)]
async fn two_endpoints_of_one_run_share_nothing_however_long_their_names_begin_alike() {
    let simulator = empty(Scenario::default());
    let step = |last: &str| creating("2").input("endpoint-name", &format!("{}-{last}", "bikes".repeat(11)));
    let first = step("a").run(&simulator).await;
    first.ended("deployed", "");
    refuse(&simulator, "CreateEndpoint", "AccessDeniedException");

    let second = step("b").run(&simulator).await;

    second.ended("refused", "access-denied");
    for output in ["endpoint-config-name", "model-name"] {
        assert_ne!(first.output(output), second.output(output));
    }
    for (operation, output) in [("DeleteEndpointConfig", "endpoint-config-name"), ("DeleteModel", "model-name")] {
        let member = if operation == "DeleteModel" { "ModelName" } else { "EndpointConfigName" };
        let deleted: Vec<_> = simulator.calls(operation).into_iter().map(|call| call.request[member].clone()).collect();
        assert_eq!(deleted, [second.output(output)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_only_brings_autoscaling_back_never_changes_what_is_served() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    let operation = Some("RegisterScalableTarget".to_owned());
    let when = When { operation, times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Hang { after_effect: false } });
    let step = deploying("2").input("instance-type", "ml.m5.xlarge");
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        _ = step.run(&simulator) => unreachable!("it hangs"),
    }
    let served = simulator.describe_endpoint("bikes")["EndpointConfigName"].clone();
    refuse(&simulator, "RegisterScalableTarget", "AccessDeniedException");

    let next = Step::bare().input("endpoint-name", "bikes").input("instance-type", "ml.m5.xlarge");
    let report = next.variable("GITHUB_RUN_ID", "4712").run(&simulator).await;

    report.ended("rollback-failed", "access-denied");
    assert_eq!(simulator.describe_endpoint("bikes")["EndpointConfigName"], served);
    assert_eq!(simulator.calls("UpdateEndpoint").len(), 1);
}
