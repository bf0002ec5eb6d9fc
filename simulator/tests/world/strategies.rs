//! Deployments that shift traffic: stages, weights, hooks, and the way back.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction, ServiceDeploymentStatus as Status, StopServiceDeploymentStopType,
};
use serde_json::{Value, json};
use simulator::{Action, Behaviour, HookOutcome, Moment, Scenario, Service, Simulator};

use crate::client::{client, deploy, messages, service, wait_for};

const SECOND: Duration = Duration::from_secs(1);

fn web(strategy: &str) -> Service {
    Service::new("web")
        .deployment_configuration("strategy", json!(strategy))
        .deployment_configuration("bakeTimeInMinutes", json!(2))
}

fn lambda(stage: &str) -> Value {
    json!([{"hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:smoke", "roleArn": "arn:aws:iam::123456789012:role/hooks",
        "lifecycleStages": [stage]}])
}

fn pause(stage: &str, action: &str) -> Value {
    json!([{"targetType": "PAUSE", "lifecycleStages": [stage], "timeoutConfiguration": {"timeoutInMinutes": 10, "action": action}}])
}

fn world(service: Service, scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(service);
    simulator
}

fn deployment(simulator: &Simulator, arn: &str) -> Value {
    let request = json!({"serviceDeploymentArns": [arn]});
    simulator.look("DescribeServiceDeployments", &request)["serviceDeployments"][0].clone()
}

/// Every stage with the weight of production traffic that was seen in it, second by second, and how long it lasted.
async fn course(simulator: &Simulator, arn: &str) -> Vec<(String, f64, u64)> {
    let mut seen: Vec<(String, f64, u64)> = Vec::new();
    for _ in 0..7200 {
        let now = deployment(simulator, arn);
        if now["status"] != "IN_PROGRESS" && now["status"] != "PENDING" {
            return seen;
        }
        let target = &now["targetServiceRevision"]["requestedProductionTrafficWeight"];
        let source = &now["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"];
        let (weight, rest) = (target.as_f64().unwrap(), source.as_f64().unwrap());
        assert!((weight + rest - 100.0).abs() < 0.001, "{now}");
        let stage = now["lifecycleStage"].as_str().unwrap().to_owned();
        match seen.last_mut().filter(|(last, at, _)| *last == stage && (*at - weight).abs() < 0.001) {
            Some((_, _, seconds)) => *seconds += 1,
            None => seen.push((stage, weight, 1)),
        }
        tokio::time::sleep(SECOND).await;
    }
    panic!("it never ends: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn blue_green_goes_through_every_stage_and_cleans_up_at_the_end() {
    let simulator = world(web("BLUE_GREEN"), Scenario::default());
    let client = client(&simulator);
    let (new, arn) = deploy(&client, "web:2").await;
    let course = course(&simulator, &arn).await;
    let stages: Vec<(&str, f64)> = course.iter().map(|(stage, weight, _)| (stage.as_str(), *weight)).collect();
    assert_eq!(
        stages,
        [
            ("PRE_SCALE_UP", 0.0),
            ("SCALE_UP", 0.0),
            ("POST_SCALE_UP", 0.0),
            ("TEST_TRAFFIC_SHIFT", 0.0),
            ("POST_TEST_TRAFFIC_SHIFT", 0.0),
            ("PRODUCTION_TRAFFIC_SHIFT", 100.0),
            ("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0),
            ("BAKE_TIME", 100.0),
            ("CLEAN_UP", 100.0),
        ]
    );
    assert_eq!(course[7].2, 120, "the bake time");
    assert_eq!(deployment(&simulator, &arn)["status"], "SUCCESSFUL");
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(new, 2)]));
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn both_revisions_run_in_full_until_the_bake_time_is_over() {
    let simulator = world(web("BLUE_GREEN"), Scenario::default());
    let (_, arn) = deploy(&client(&simulator), "web:2").await;
    while deployment(&simulator, &arn)["lifecycleStage"] != "BAKE_TIME" {
        tokio::time::sleep(SECOND).await;
    }
    let running = simulator.running_task_definitions("default", "web");
    assert_eq!(running.into_values().collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn canary_and_linear_shift_in_steps_that_bake() {
    for (strategy, member, configuration, expected) in [
        (
            "CANARY",
            "canaryConfiguration",
            json!({"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 3}),
            vec![(12.5, 180), (100.0, 3)],
        ),
        (
            "LINEAR",
            "linearConfiguration",
            json!({"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}),
            vec![(40.0, 60), (80.0, 60), (100.0, 3)],
        ),
    ] {
        let simulator = world(web(strategy).deployment_configuration(member, configuration), Scenario::default());
        let (_, arn) = deploy(&client(&simulator), "web:2").await;
        let course = course(&simulator, &arn).await;
        let shifts: Vec<(f64, u64)> = course
            .iter()
            .filter(|(stage, ..)| stage == "PRODUCTION_TRAFFIC_SHIFT")
            .map(|(_, weight, seconds)| (*weight, *seconds))
            .collect();
        assert_eq!(shifts, expected, "{strategy}");
        assert_eq!(deployment(&simulator, &arn)["status"], "SUCCESSFUL");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_rolls_back_to_the_tasks_that_are_still_there() {
    let scenario = Scenario::default().lifecycle_hook("smoke", HookOutcome::Fails { after: Duration::from_secs(20) });
    let service_of = web("BLUE_GREEN").deployment_configuration("lifecycleHooks", lambda("POST_TEST_TRAFFIC_SHIFT"));
    let simulator = world(service_of, scenario);
    let client = client(&simulator);
    let before = simulator.running_task_definitions("default", "web");
    let (_, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::RollbackSuccessful).await;
    assert_eq!(simulator.running_task_definitions("default", "web"), before);
    let now = deployment(&simulator, &arn);
    assert_eq!(now["lifecycleHookDetails"][0]["status"], "FAILED");
    assert_eq!(now["targetServiceRevision"]["requestedProductionTrafficWeight"], 0.0);
    let web = service(&client).await;
    assert!(messages(&web).iter().any(|it| it.ends_with("deployment failed: hook execution failure(s) detected.")));
    let started = messages(&web).iter().filter(|it| it.contains("has started")).count();
    assert_eq!(started, 1, "only the new tasks were started: {:?}", messages(&web));
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_until_somebody_continues_it() {
    let service_of =
        web("BLUE_GREEN").deployment_configuration("lifecycleHooks", pause("POST_TEST_TRAFFIC_SHIFT", "ROLLBACK"));
    let simulator = world(service_of, Scenario::default());
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let now = deployment(&simulator, &arn);
    let hook = &now["lifecycleHookDetails"][0];
    assert_eq!((&hook["status"], &hook["targetType"]), (&json!("AWAITING_ACTION"), &json!("PAUSE")));
    let resume = |hook: &str| client.continue_service_deployment().service_deployment_arn(&arn).hook_id(hook);
    let wrong = resume("another").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidParameterException"));
    resume(hook["hookId"].as_str().unwrap()).send().await.unwrap();
    wait_for(&client, &arn, Status::Successful).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_by_rolling_back_on_request_or_as_its_time_out_says() {
    for (timeout_action, asked, expected) in [
        ("ROLLBACK", false, Status::RollbackSuccessful),
        ("CONTINUE", false, Status::Successful),
        ("CONTINUE", true, Status::RollbackSuccessful),
    ] {
        let hooks = pause("PRE_SCALE_UP", timeout_action);
        let simulator = world(web("BLUE_GREEN").deployment_configuration("lifecycleHooks", hooks), Scenario::default());
        let client = client(&simulator);
        let (_, arn) = deploy(&client, "web:2").await;
        if asked {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let hook = deployment(&simulator, &arn)["lifecycleHookDetails"][0]["hookId"].as_str().unwrap().to_owned();
            let call = client.continue_service_deployment().service_deployment_arn(&arn).hook_id(hook);
            call.action(DeploymentLifecycleHookAction::Rollback).send().await.unwrap();
        }
        wait_for(&client, &arn, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_during_the_bake_and_a_stop_by_hand_go_back_at_once() {
    let alarm = Action::TripAlarm { name: "errors".to_owned() };
    let scenario = Scenario::default().other(Moment::Elapsed(Duration::from_secs(150)), alarm);
    let simulator = world(web("BLUE_GREEN").alarms(&["errors"], true), scenario);
    let (_, arn) = deploy(&client(&simulator), "web:2").await;
    tokio::time::sleep(Duration::from_secs(149)).await;
    assert_eq!(deployment(&simulator, &arn)["lifecycleStage"], "BAKE_TIME");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let now = deployment(&simulator, &arn);
    assert_eq!(
        (&now["status"], &now["alarms"]["triggeredAlarmNames"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!(["errors"]))
    );

    let simulator = world(web("CANARY"), Scenario::default());
    let client = client(&simulator);
    let before = simulator.running_task_definitions("default", "web");
    let (_, arn) = deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let stop = client.stop_service_deployment().service_deployment_arn(&arn);
    stop.stop_type(StopServiceDeploymentStopType::Rollback).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(deployment(&simulator, &arn)["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(simulator.running_task_definitions("default", "web"), before);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_while_they_scale_up_trip_the_breaker_and_touch_no_old_task() {
    let simulator =
        world(web("LINEAR").circuit_breaker(true, true), Scenario::default().image("web:2", Behaviour::crash_loop()));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::RollbackSuccessful).await;
    assert_eq!(simulator.running_task_definitions("default", "web").into_values().collect::<Vec<_>>(), [2]);
    let web = service(&client).await;
    assert!(!messages(&web).iter().any(|it| it.contains("running tasks")), "{:?}", messages(&web));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_over_another_one_reconciles_first() {
    let simulator = world(web("BLUE_GREEN"), Scenario::default());
    let client = client(&simulator);
    deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let (new, arn) = deploy(&client, "web:3").await;
    let course = course(&simulator, &arn).await;
    assert_eq!(course[0].0, "RECONCILE_SERVICE");
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(new, 2)]));
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_strategy_is_refused() {
    let simulator = world(Service::new("web"), Scenario::default());
    let client = client(&simulator);
    let update = |configuration: Value| {
        let builder = aws_sdk_ecs::types::DeploymentConfiguration::builder();
        let builder = match configuration["strategy"].as_str() {
            Some(strategy) => builder.strategy(strategy.into()),
            None => builder,
        };
        let canary = aws_sdk_ecs::types::CanaryConfiguration::builder().canary_percent(5.0).build();
        let builder = if configuration["canary"] == true { builder.canary_configuration(canary) } else { builder };
        client.update_service().service("web").deployment_configuration(builder.build()).send()
    };
    for (configuration, is_right) in [
        (json!({"canary": true}), false),
        (json!({"strategy": "BLUE_GREEN"}), false),
        (json!({"strategy": "CANARY", "canary": true}), true),
    ] {
        assert_eq!(update(configuration.clone()).await.is_ok(), is_right, "{configuration}");
    }
}
