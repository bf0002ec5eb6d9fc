//! Updates and endpoints that fail.

use serde_json::Value;
use simulator::{Fault, ModelOutcome, Rule, Scenario, When};

use crate::stage::{MAKING, as_before, bad, bikes, creating, deploying, digest, empty, serves, world, writes};
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
