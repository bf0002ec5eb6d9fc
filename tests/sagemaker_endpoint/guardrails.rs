//! How an update is carried out, and the alarms that guard it.

use serde_json::json;
use simulator::{Action, Alarm, Moment, Scenario};

use crate::stage::{as_before, bikes, deploying, empty, request, serves, world, writes};
use crate::support::seconds;

#[tokio::test(start_paused = true)]
async fn a_red_alarm_keeps_an_update_from_beginning() {
    let red = Moment::Elapsed(seconds(0));
    let scenario = || {
        let trip = Action::TripAlarm { name: "errors".to_owned() };
        Scenario::default().alarm(Alarm::new("errors")).other(red.clone(), trip)
    };
    let simulator = world(scenario());
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("would take the update back at once"), "{}", report.log);
    assert_eq!(writes(&simulator), [""; 0]);

    let simulator = world(scenario());
    let step = deploying("2").input("rollback-alarms", "errors").input("alarm-preflight", "ignore");
    step.run(&simulator).await.ended("rolled-back", "alarm");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_canary_bakes_under_alarms_and_goes_back_when_one_goes_off() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    for (delay, outcome, cause) in [(300, "rolled-back", "alarm"), (100_000, "deployed", "")] {
        let after = Moment::AfterUpdate { number: 1, delay: seconds(delay) };
        let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after, trip.clone()));

        let step = deploying("2").input("deployment-strategy", "canary").input("canary-percent", "20");
        let step = step.input("canary-bake-time-minutes", "10").input("bake-time-minutes", "5");
        // Time that has to pass is not counted.
        let report = step.input("rollback-alarms", "errors").input("wait-for-minutes", "10").run(&simulator).await;

        report.ended(outcome, cause);
        assert_eq!(
            request(&simulator, "UpdateEndpoint")["DeploymentConfig"],
            json!({
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
                        "WaitIntervalInSeconds": 600,
                    },
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 4500,
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
            })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn linear_and_rolling_updates_have_their_steps() {
    for (inputs, member, expected) in [
        (
            vec![
                ("deployment-strategy", "linear"),
                ("linear-step-percent", "25"),
                ("linear-step-bake-time-minutes", "2"),
            ],
            "/BlueGreenUpdatePolicy/TrafficRoutingConfiguration",
            json!({
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                "WaitIntervalInSeconds": 120,
            }),
        ),
        (
            vec![("deployment-strategy", "rolling"), ("rolling-batch-percent", "34"), ("bake-time-minutes", "1")],
            "/RollingUpdatePolicy",
            json!({
                "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 34},
                "WaitIntervalInSeconds": 60,
                "MaximumExecutionTimeoutInSeconds": 3780,
            }),
        ),
        (
            vec![("deployment-strategy", "all-at-once")],
            "/BlueGreenUpdatePolicy/TrafficRoutingConfiguration",
            json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
        ),
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(deploying("2"), |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("deployed", "");
        let deployment = request(&simulator, "UpdateEndpoint")["DeploymentConfig"].clone();
        assert_eq!(deployment.pointer(member), Some(&expected), "{deployment}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_that_sagemaker_does_not_take_are_refused_before_anything_is_made() {
    for inputs in [
        vec![("deployment-strategy", "canary"), ("canary-percent", "60")],
        vec![("deployment-strategy", "canary"), ("canary-percent", "2.5")],
        vec![("deployment-strategy", "linear"), ("linear-step-percent", "5")],
        vec![("deployment-strategy", "linear"), ("linear-step-bake-time-minutes", "60")],
        vec![("deployment-strategy", "blue-green"), ("bake-time-minutes", "90")],
        vec![("deployment-strategy", "blue-green"), ("rolling-batch-percent", "20")],
        vec![("deployment-strategy", "rolling"), ("canary-percent", "10")],
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(deploying("2"), |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("refused", "invalid-input");
        assert_eq!(writes(&simulator), [""; 0], "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_the_last_update_was_carried_out_is_kept() {
    let last = json!({
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    });
    let simulator = empty(Scenario::default().alarm(Alarm::new("errors")));
    simulator.add_endpoint(bikes().last_deployment(last));
    deploying("2").run(&simulator).await.ended("deployed", "");
    assert_eq!(request(&simulator, "UpdateEndpoint")["RetainDeploymentConfig"], true);
}
