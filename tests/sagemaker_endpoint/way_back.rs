//! What the way back keeps, and what it brings back.

use serde_json::{Value, json};
use simulator::{Scenario, Simulator};

use crate::stage::{answering, as_before, asking, bikes, deploying, empty, scored, serves, world};
use crate::support::Step;

/// The endpoint `bikes` on eight instances, of which its configuration begins with so many. The image `2` fails the smoke test.
fn scaled(initial: u64) -> Simulator {
    let simulator = empty(answering(Scenario::default(), "2", scored("0.1", 0)));
    simulator.add_endpoint(bikes().variant("InitialInstanceCount", json!(initial)).scaled_to(8));
    simulator
}

/// What the last UpdateEndpoint was told to keep and to replace.
fn kept(simulator: &Simulator) -> [Value; 2] {
    let request = simulator.calls("UpdateEndpoint").last().unwrap().request.clone();
    ["RetainAllVariantProperties", "ExcludeRetainedVariantProperties"]
        .map(|member| request.get(member).cloned().unwrap_or_default())
}

fn replaced(property: &str) -> [Value; 2] {
    [json!(true), json!([{"VariantPropertyType": property}])]
}

#[tokio::test(start_paused = true)]
async fn a_count_that_was_named_does_not_stay_when_its_deployment_fails() {
    let step = |count: &str| asking("2").input("instance-type", "ml.m5.4xlarge").input("instance-count", count);
    for (initial, named, expected) in [(8, "1", 8), (2, "1", 2), (2, "10", 10), (8, "20", 8)] {
        let simulator = scaled(initial);
        let report = step(named).run(&simulator).await;
        report.ended("rolled-back", "smoke-test");
        assert_eq!(serves(&simulator).2, expected, "{initial} {named}");
        // UpdateEndpoint cannot bring eight where the configuration begins with two.
        let told = format!("variant AllTraffic had 8 instances and now has {expected}");
        assert_eq!(report.summary.contains(&told), expected != 8, "{initial} {named}: {}", report.summary);
    }
}

#[tokio::test(start_paused = true)]
async fn data_capture_that_was_named_does_not_stay_either() {
    let percent = |simulator: &Simulator| {
        simulator.describe_endpoint("bikes")["DataCaptureConfig"]["CurrentSamplingPercentage"].clone()
    };
    let failing = || world(answering(Scenario::default(), "2", scored("0.1", 0)));
    let simulator = failing();
    asking("2").input("data-capture-percent", "50").run(&simulator).await.ended("rolled-back", "smoke-test");
    assert_eq!(kept(&simulator), replaced("DataCaptureConfig"));
    assert_eq!((percent(&simulator), serves(&simulator)), (json!(20), as_before(&simulator)));

    // Nor when somebody goes back by hand.
    let simulator = world(Scenario::default());
    deploying("2").input("data-capture-percent", "50").run(&simulator).await.ended("deployed", "");
    assert_eq!(percent(&simulator), 50);
    let rollback = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
    rollback.run(&simulator).await.ended("rolled-back", "");
    assert_eq!(kept(&simulator), replaced("DataCaptureConfig"));
    assert_eq!(percent(&simulator), 20);

    // What was not named stays as it is.
    let simulator = failing();
    asking("2").run(&simulator).await.ended("rolled-back", "smoke-test");
    assert_eq!(kept(&simulator), [json!(true), Value::Null]);
}

#[tokio::test(start_paused = true)]
async fn between_instances_and_none_nothing_is_kept_in_either_direction() {
    let serverless = |step: Step| step.input("serverless-memory-mb", "2048").input("serverless-max-concurrency", "5");
    let simulator = scaled(2);
    let report = serverless(asking("2")).run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert_eq!(kept(&simulator), [Value::Null, Value::Null]);
    assert!(report.summary.contains("had 8 instances and now has 2"), "{}", report.summary);

    let simulator = world(Scenario::default());
    serverless(deploying("2")).run(&simulator).await.ended("deployed", "");
    let rollback = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
    rollback.run(&simulator).await.ended("rolled-back", "");
    assert_eq!(kept(&simulator), [Value::Null, Value::Null]);
}
