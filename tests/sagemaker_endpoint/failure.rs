//! Updates and endpoints that fail.

use serde_json::Value;
use simulator::{Fault, ModelOutcome, Rule, Scenario, Simulator, When};

use crate::stage::{MAKING, as_before, bad, bikes, creating, deploying, digest, empty, serves, world, writes, writing};
use crate::support::seconds;

#[tokio::test(start_paused = true)]
async fn a_rollback_by_sagemaker_is_a_failure_with_a_reason_or_without() {
    for (silent, cause) in [(false, "health-check"), (true, "endpoint-failed")] {
        let scenario = Scenario { silent_endpoint_rollbacks: silent, ..bad(ModelOutcome::no_ping()) };
        let simulator = world(scenario);

        let report = deploying("bad").run(&simulator).await;

        report.ended("rolled-back", cause);
        assert_eq!(report.exit_code, 2);
        assert_eq!(writes(&simulator), MAKING, "SageMaker itself went back");
        assert_eq!(serves(&simulator), as_before(&simulator));
        assert!(report.output("message").contains("runs bikes again"), "{}", report.output("message"));
        if !silent {
            assert!(report.output("diagnosis").contains("endpoint-ping"), "{}", report.output("diagnosis"));
            assert!(report.summary.contains("did not pass the ping health check"), "{}", report.summary);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_capacity_says_so() {
    let simulator = world(bad(ModelOutcome::no_capacity()));
    deploying("bad").run(&simulator).await.ended("rolled-back", "capacity");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_mix_that_sagemaker_leaves_behind_is_loud_and_repaired() {
    let scenario = Scenario { endpoint_rollbacks_fail: true, ..bad(ModelOutcome::cannot_start()) };
    let step = || deploying("bad").input("deployment-strategy", "rolling");

    let simulator = world(scenario.clone());
    let report = step().run(&simulator).await;
    report.ended("rolled-back", "update-rollback-failed");
    assert_eq!(writes(&simulator), [&MAKING[..], &["UpdateEndpoint"]].concat());
    assert_eq!(serves(&simulator), as_before(&simulator));

    let simulator = world(scenario.clone());
    let report = step().input("rollback-on-failure", "false").run(&simulator).await;
    report.ended("failed", "update-rollback-failed");
    assert!(report.log.contains("a mix of both"), "{}", report.log);

    // AWS does not take the update back either.
    let simulator = world(scenario);
    let from = Some(seconds(200));
    let when = When { operation: Some("UpdateEndpoint".to_owned()), from, ..When::default() };
    let (code, message) = ("ValidationException".to_owned(), "It cannot be done.".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    let report = step().run(&simulator).await;
    report.ended("rollback-failed", "update-rollback-failed");
    assert_eq!(report.exit_code, 4);
}

#[tokio::test(start_paused = true)]
async fn the_first_endpoint_that_fails_is_kept_or_deleted_as_asked() {
    let simulator = empty(bad(ModelOutcome::no_ping()));
    let report = creating("bad").run(&simulator).await;
    report.ended("failed", "health-check");
    assert_eq!(simulator.describe_endpoint("bikes")["EndpointStatus"], "Failed");
    assert!(report.output("message").contains("it is kept"), "{}", report.output("message"));

    let simulator = empty(bad(ModelOutcome::no_ping()));
    let report = creating("bad").input("on-first-failure", "delete").run(&simulator).await;
    report.ended("rolled-back", "health-check");
    assert_eq!(simulator.describe_endpoint("bikes"), Value::Null);
    assert!(report.output("message").starts_with("There is no endpoint bikes"), "{}", report.output("message"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_endpoint_is_made_again_only_when_asked() {
    let world = || {
        let simulator = empty(Scenario::default());
        simulator.add_endpoint(bikes().failed("It never worked."));
        simulator
    };
    let simulator = world();
    let report = creating("2").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("recreate-failed"), "{}", report.log);

    let simulator = world();
    creating("2").input("recreate-failed", "true").run(&simulator).await.ended("deployed", "");
    assert_eq!(writes(&simulator), ["CreateModel", "CreateEndpointConfig", "DeleteEndpoint", "CreateEndpoint"]);
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 1));
}

/// The call is refused from now on.
fn refuse(simulator: &Simulator, operation: &str, fault: Fault) {
    let when = When { operation: Some(operation.to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault });
}

#[tokio::test(start_paused = true)]
async fn a_failed_endpoint_that_was_deleted_and_not_made_again_is_not_said_to_be_as_before() {
    let (code, message) = ("AccessDeniedException".to_owned(), "It is refused.".to_owned());
    let denied = Fault::Refuse { status: 400, code, message };
    let step = || creating("2").input("recreate-failed", "true").input("max-retries", "1");
    for (operation, fault, outcome, told) in [
        ("CreateEndpoint", denied.clone(), "failed", "Endpoint bikes was deleted while bikes-4711-"),
        ("CreateEndpoint", Fault::TimeoutBeforeEffect, "failed", "Endpoint bikes was deleted while bikes-4711-"),
        ("DeleteEndpoint", denied, "refused", "Nothing was changed: endpoint bikes is Failed on bikes, as before."),
        ("DeleteEndpoint", Fault::TimeoutBeforeEffect, "refused", "Nothing was changed on endpoint bikes."),
    ] {
        let simulator = empty(Scenario::default());
        simulator.add_endpoint(bikes().failed("It never worked."));
        refuse(&simulator, operation, fault);

        let report = step().run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{operation}: {report:#?}");
        assert!(report.output("message").starts_with(told), "{operation}: {}", report.output("message"));
        let is_there = !simulator.describe_endpoint("bikes").is_null();
        assert_eq!(is_there, operation == "DeleteEndpoint");
        assert_eq!(simulator.calls("DeleteModel").len(), usize::from(is_there), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_while_a_failed_endpoint_is_deleted_says_in_its_post_step_that_it_is_gone() {
    let simulator = empty(Scenario::default());
    simulator.add_endpoint(bikes().failed("It never worked."));
    refuse(&simulator, "DeleteEndpoint", Fault::Hang { after_effect: true });
    let step = creating("2").input("recreate-failed", "true");
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        _ = step.run(&simulator) => unreachable!("it hangs"),
    }

    let report = step.post(&simulator, "cancelled").await;

    assert_eq!(report.output("outcome"), "failed", "{report:#?}");
    assert!(report.output("message").starts_with("Endpoint bikes was deleted"), "{}", report.output("message"));
}

#[tokio::test(start_paused = true)]
async fn a_first_endpoint_that_could_not_be_created_was_on_nothing() {
    let simulator = empty(Scenario::default());
    refuse(&simulator, "CreateEndpoint", Fault::TimeoutBeforeEffect);
    let report = creating("2").input("max-retries", "1").run(&simulator).await;
    report.ended("refused", "unavailable");
    assert!(report.output("message").starts_with("Nothing was changed on endpoint bikes."), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn of_two_jobs_that_make_a_failed_endpoint_again_neither_deletes_what_the_other_made() {
    let simulator = empty(Scenario::default());
    simulator.add_endpoint(bikes().failed("It never worked."));
    // Whichever makes its model first comes to the deletion a moment after the other.
    let when = When { operation: Some("CreateModel".to_owned()), times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Slow(seconds(2)) });
    let job = |run: &str| creating("2").input("recreate-failed", "true").variable("GITHUB_RUN_ID", run);
    let (one, other) = (job("4711"), job("4712"));

    let (one, other) = tokio::join!(one.run(&simulator), other.run(&simulator));

    let (early, late) = if one.output("outcome") == "deployed" { (one, other) } else { (other, one) };
    early.ended("deployed", "");
    late.ended("refused", "conflict");
    assert!(late.log.contains("Somebody else changed the endpoint meanwhile: it is Creating"), "{}", late.log);
    assert_eq!(simulator.calls("DeleteEndpoint").len(), 1);
    let served = simulator.describe_endpoint("bikes");
    assert_eq!(served["EndpointConfigName"], early.output("endpoint-config-name"));
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 1));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_endpoints_log_tells_why_a_container_does_not_start() {
    let told = "ModuleNotFoundError: No module named 'flask'\u{1b}[0m ::error::x";
    for silent in [false, true] {
        let scenario = Scenario { silent_endpoint_rollbacks: silent, ..bad(ModelOutcome::no_ping()) };
        let scenario = writing(scenario, "1", &["the old instance serves"]);
        let simulator = world(writing(scenario, "bad", &["starting", told]));
        let report = deploying("bad").run(&simulator).await;
        assert_eq!(report.output("outcome"), "rolled-back");
        for text in [&report.log, &report.summary, report.output("diagnosis")] {
            assert!(text.contains("No module named 'flask'"), "{text}");
            assert!(!text.contains("the old instance serves"), "{text}");
        }
        assert!(report.summary.contains("/aws/sagemaker/Endpoints/bikes"), "{}", report.summary);
        assert_eq!(report.log.lines().filter(|line| line.starts_with("::error")).count(), 1, "{}", report.log);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_endpoint_that_fails_shows_its_log_and_one_that_wrote_nothing_does_not() {
    let line = "exec /usr/bin/python: exec format error";
    let simulator = empty(writing(bad(ModelOutcome::cannot_start()), "bad", &[line]));
    let report = creating("bad").run(&simulator).await;
    assert_eq!(report.output("outcome"), "failed");
    assert!(report.summary.contains(line), "{}", report.summary);
    assert!(report.output("diagnosis").contains("endpoint-exec-format"), "{}", report.output("diagnosis"));

    let simulator = world(bad(ModelOutcome::no_capacity()));
    let report = deploying("bad").run(&simulator).await;
    assert!(!report.summary.contains("Last lines"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_not_be_read_is_no_reason_to_fail_otherwise() {
    for operation in ["DescribeLogStreams", "GetLogEvents"] {
        let simulator = world(writing(bad(ModelOutcome::no_ping()), "bad", &["starting"]));
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let (code, message) = ("AccessDeniedException".to_owned(), "is not authorized".to_owned());
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
        let report = deploying("bad").run(&simulator).await;
        report.ended("rolled-back", "health-check");
        assert!(report.summary.contains("It cannot be read"), "{operation}: {}", report.summary);
    }
}
