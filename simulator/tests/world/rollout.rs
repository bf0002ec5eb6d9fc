//! Rolling deployments over time.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{DeploymentRolloutState, DesiredStatus, ServiceDeploymentStatus as Status, TaskStopCode};
use serde_json::json;
use simulator::{Action, Behaviour, Happening, Moment, Scenario, Service, Simulator};

use crate::client::{client, deploy, messages, service, service_deployment, states, wait_for};

fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web"));
    simulator
}

#[tokio::test(start_paused = true)]
async fn starts_in_steady_state() {
    let simulator = world(Scenario::default());
    let client = client(&simulator);
    let web = service(&client).await;
    assert_eq!((web.running_count, web.desired_count, web.pending_count), (2, 2, 0));
    assert_eq!(states(&web), [("PRIMARY".to_owned(), DeploymentRolloutState::Completed)]);
    let current = web.current_service_deployment().unwrap();
    assert_eq!(service_deployment(&client, current).await.status, Some(Status::Successful));
    assert_eq!(messages(&web), ["(service web) has reached a steady state."]);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_rollout_replaces_every_task() {
    let simulator = world(Scenario::default());
    let client = client(&simulator);
    let (new, arn) = deploy(&client, "web:2").await;

    let during = service(&client).await;
    assert_eq!(
        states(&during),
        [
            ("PRIMARY".to_owned(), DeploymentRolloutState::InProgress),
            ("ACTIVE".to_owned(), DeploymentRolloutState::Completed)
        ]
    );
    assert_eq!(
        wait_for(&client, &arn, Status::Successful).await,
        [Status::Pending, Status::InProgress, Status::Successful]
    );

    let after = service(&client).await;
    assert_eq!(states(&after), [("PRIMARY".to_owned(), DeploymentRolloutState::Completed)]);
    assert_eq!(after.current_service_deployment(), Some(arn.as_str()));
    assert_eq!(after.task_definition(), Some(new.as_str()));
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(new, 2)]));
    let events = messages(&after);
    assert_eq!(events[0], "(service web) has reached a steady state.");
    assert!(events[1].starts_with("(service web) (deployment ecs-svc/"), "{events:?}");
    assert!(events[1].ends_with(") deployment completed."), "{events:?}");
    assert!(events[2].starts_with("(service web) has stopped 2 running tasks: (task "), "{events:?}");
    assert!(events[3].starts_with("(service web) has started 2 tasks: (task "), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn enough_tasks_are_healthy_all_the_time() {
    for (fewest, most, least_running) in [(100, 200, 4), (50, 100, 2), (100, 125, 4), (0, 100, 0)] {
        let simulator = Simulator::new(Scenario::default());
        simulator
            .add_service(Service::new("web").desired_count(4).minimum_healthy_percent(fewest).maximum_percent(most));
        let client = client(&simulator);
        let (new, arn) = deploy(&client, "web:2").await;
        let (mut lowest, mut highest) = (u64::MAX, 0);
        for _ in 0..600 {
            let web = simulator.describe_service("default", "web");
            let count = |member: &str| web[member].as_u64().unwrap();
            lowest = lowest.min(count("runningCount"));
            highest = highest.max(count("runningCount") + count("pendingCount"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(service_deployment(&client, &arn).await.status, Some(Status::Successful));
        assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(new, 4)]));
        assert!(lowest >= least_running, "{fewest}/{most}: {lowest}");
        assert!(highest <= 4 * most / 100, "{fewest}/{most}: {highest}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_task_definition_starts_nothing_unless_forced() {
    let simulator = world(Scenario::default());
    let client = client(&simulator);
    let before = service(&client).await;
    let current = before.task_definition().unwrap();
    let again = client.update_service().service("web").task_definition(current).desired_count(3).send().await.unwrap();
    let again = again.service.unwrap();
    assert_eq!(again.current_service_deployment(), before.current_service_deployment());
    assert_eq!(again.deployments()[0].id(), before.deployments()[0].id());
    simulator.settle().await;
    assert_eq!(simulator.describe_service("default", "web")["runningCount"], 3);

    let forced =
        client.update_service().service("web").force_new_deployment(true).send().await.unwrap().service.unwrap();
    assert_ne!(forced.current_service_deployment(), before.current_service_deployment());
    simulator.settle().await;
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(current.to_owned(), 3)]));
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_goes_on_without_a_circuit_breaker() {
    let simulator = world(Scenario::default().image("web:2", Behaviour::crash_loop()));
    let client = client(&simulator);
    let old = service(&client).await.task_definition.unwrap();
    let (new, arn) = deploy(&client, "web:2").await;
    simulator.settle().await;
    assert!(simulator.elapsed() >= Duration::from_secs(24 * 3600));

    let web = service(&client).await;
    assert_eq!(states(&web)[0], ("PRIMARY".to_owned(), DeploymentRolloutState::InProgress));
    assert!(web.deployments()[0].failed_tasks > 1000, "{}", web.deployments()[0].failed_tasks);
    assert_eq!(service_deployment(&client, &arn).await.status, Some(Status::InProgress));
    assert_eq!(simulator.running_task_definitions("default", "web")[&old], 2);

    let stopped = client.list_tasks().service_name("web").desired_status(DesiredStatus::Stopped).send().await.unwrap();
    let tasks = client.describe_tasks().set_tasks(stopped.task_arns).send().await.unwrap().tasks.unwrap();
    let task = &tasks[0];
    assert_eq!(task.stop_code, Some(TaskStopCode::EssentialContainerExited));
    assert_eq!(task.stopped_reason(), Some("Essential container in task exited"));
    assert_eq!(task.containers()[0].exit_code, Some(1));
    assert_eq!(task.task_definition_arn(), Some(new.as_str()));
    assert_eq!(task.started_by(), web.deployments()[0].id());
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_rolls_back_under_the_same_service_deployment() {
    for behaviour in [
        Behaviour::crash_loop(),
        Behaviour::ImageMissing { after: Duration::from_secs(4) },
        Behaviour::Unhealthy { after: Duration::from_secs(20) },
        Behaviour::NoCapacity,
    ] {
        let simulator = Simulator::new(Scenario::default().image("web:2", behaviour.clone()));
        simulator.add_service(Service::new("web").circuit_breaker(true, true));
        let client = client(&simulator);
        let old = service(&client).await.task_definition.unwrap();
        let (_, arn) = deploy(&client, "web:2").await;
        let failing = service(&client).await.deployments()[0].id().unwrap().to_owned();

        let seen = wait_for(&client, &arn, Status::RollbackSuccessful).await;
        assert!(seen.contains(&Status::RollbackInProgress), "{behaviour:?}: {seen:?}");
        let deployment = service_deployment(&client, &arn).await;
        assert!(deployment.status_reason().unwrap().contains("circuit breaker"), "{deployment:?}");
        assert!(deployment.rollback().unwrap().reason().unwrap().contains("circuit breaker"));
        assert_eq!(deployment.deployment_circuit_breaker().unwrap().threshold, 3);
        assert!(deployment.deployment_circuit_breaker().unwrap().failure_count >= 3);

        let web = service(&client).await;
        assert_eq!(web.current_service_deployment(), Some(arn.as_str()));
        assert_eq!(web.task_definition(), Some(old.as_str()));
        assert_eq!(states(&web), [("PRIMARY".to_owned(), DeploymentRolloutState::Completed)]);
        assert_ne!(web.deployments()[0].id(), Some(failing.as_str()));
        assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(old, 2)]));
        let events = messages(&web).join("\n");
        assert!(
            events.contains(&format!("(deployment {failing}) deployment failed: tasks failed to start.")),
            "{events}"
        );
        assert!(events.contains("(service web) rolling back to deployment ecs-svc/"), "{events}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_without_rollback_leaves_the_failed_deployment() {
    let simulator = Simulator::new(Scenario::default().image("web:2", Behaviour::crash_loop()));
    simulator.add_service(Service::new("web").circuit_breaker(true, false));
    let client = client(&simulator);
    let old = service(&client).await.task_definition.unwrap();
    let (new, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::Stopped).await;
    simulator.settle().await;
    let web = service(&client).await;
    assert_eq!(states(&web)[0], ("PRIMARY".to_owned(), DeploymentRolloutState::Failed));
    assert_eq!(
        web.deployments()[0].rollout_state_reason(),
        Some("ECS deployment circuit breaker: tasks failed to start.")
    );
    assert_eq!(web.task_definition(), Some(new.as_str()));
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(old, 2)]));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_fails_when_the_old_tasks_fail_too() {
    // The tasks that run when the world starts are not asked; the ones that replace them are.
    let simulator = Simulator::new(Scenario::default().image("web:", Behaviour::crash_loop()));
    simulator.add_service(Service::new("web").circuit_breaker(true, true));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    let seen = wait_for(&client, &arn, Status::RollbackFailed).await;
    assert!(seen.contains(&Status::RollbackInProgress), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_can_be_asked_for_while_the_deployment_is_under_way_and_not_after() {
    let simulator = world(Scenario::default().image("web:2", Behaviour::crash_loop()));
    let client = client(&simulator);
    let old = service(&client).await.task_definition.unwrap();
    let (_, arn) = deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    client.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap();
    let seen = wait_for(&client, &arn, Status::RollbackSuccessful).await;
    assert_eq!(seen, [Status::RollbackRequested, Status::RollbackInProgress, Status::RollbackSuccessful]);
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(old, 2)]));

    let again = client.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap_err();
    assert!(again.into_service_error().is_conflict_exception());
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_deployment_stops_ours() {
    let action = Action::UpdateService {
        cluster: "default".to_owned(),
        service: "web".to_owned(),
        image: Some("theirs:1".to_owned()),
        task_definition: None,
    };
    let at = Moment::AfterUpdate { number: 1, delay: Duration::from_secs(10) };
    let simulator = world(Scenario::default().other(at, action));
    let client = client(&simulator);
    let (ours, arn) = deploy(&client, "web:2").await;
    let seen = wait_for(&client, &arn, Status::Stopped).await;
    assert_eq!(seen.last(), Some(&Status::Stopped));
    let theirs = service(&client).await;
    let current = theirs.current_service_deployment().unwrap();
    assert_ne!(current, arn);
    assert_ne!(theirs.task_definition(), Some(ours.as_str()));
    assert_eq!(states(&theirs).len(), 3);
    wait_for(&client, current, Status::Successful).await;
    let theirs = theirs.task_definition.unwrap();
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(theirs, 2)]));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_deleted_meanwhile_takes_its_deployments_with_it() {
    let action = Action::DeleteService { cluster: "default".to_owned(), service: "web".to_owned() };
    let at = Moment::AfterUpdate { number: 1, delay: Duration::from_secs(10) };
    let simulator = world(Scenario::default().other(at, action));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::StopRequested).await;
    assert_eq!(service(&client).await.status(), Some("DRAINING"));
    simulator.settle().await;
    assert_eq!(service(&client).await.status(), Some("INACTIVE"));
    assert!(simulator.running_task_definitions("default", "web").is_empty());
    let gone = client.describe_service_deployments().service_deployment_arns(&arn).send().await.unwrap();
    assert_eq!(gone.failures()[0].reason(), Some("MISSING"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_fails_the_deployment() {
    let at = Moment::AfterUpdate { number: 1, delay: Duration::from_secs(30) };
    let scenario = Scenario::default().other(at, Action::TripAlarm { name: "errors".to_owned() });
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web").alarms(&["errors"], true));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::RollbackSuccessful).await;
    let deployment = service_deployment(&client, &arn).await;
    assert_eq!(deployment.alarms().unwrap().triggered_alarm_names(), ["errors"]);
    assert!(deployment.status_reason().unwrap().contains("alarm"));
}

#[tokio::test(start_paused = true)]
async fn the_same_calls_make_the_same_world() {
    async fn run() -> String {
        let simulator = world(Scenario::default().image("web:2", Behaviour::crash_loop()));
        let client = client(&simulator);
        deploy(&client, "web:2").await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        simulator.describe_service("default", "web").to_string()
    }
    assert_eq!(run().await, run().await);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_do_not_start_are_tried_again_later_and_later() {
    let missing = Behaviour::ImageMissing { after: Duration::from_secs(4) };
    let simulator = Simulator::new(Scenario::default().image("web:2", missing));
    simulator.add_service(Service::new("web").desired_count(1));
    let client = client(&simulator);
    deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(4 * 3600)).await;
    let started = simulator.facts().into_iter().filter(|fact| matches!(fact.what, Happening::TaskStarted { .. }));
    let moments: Vec<Duration> = started.map(|fact| fact.at).collect();
    let pauses: Vec<Duration> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted() && pauses.len() > 8, "{pauses:?}");
    assert!(*pauses.last().unwrap() < Duration::from_secs(28 * 60), "{pauses:?}");
    let web = service(&client).await;
    assert!(messages(&web).iter().any(|message| message.contains("unable to consistently start tasks successfully")));

    // A new deployment starts without delay.
    let (good, arn) = deploy(&client, "web:3").await;
    wait_for(&client, &arn, Status::Successful).await;
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(good, 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_few_failures_do_not_break_a_rollout_that_recovers() {
    let scenario =
        Scenario::default().image("web:2", Behaviour::CrashAtFirst { times: 2, after: Duration::from_secs(1) });
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web").circuit_breaker(true, true));
    let client = client(&simulator);
    let (new, arn) = deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(service(&client).await.deployments()[0].failed_tasks, 2);
    wait_for(&client, &arn, Status::Successful).await;
    assert_eq!(service(&client).await.deployments()[0].failed_tasks, 0);
    assert_eq!(simulator.running_task_definitions("default", "web"), BTreeMap::from([(new, 2)]));
}

#[tokio::test(start_paused = true)]
async fn a_health_check_decides_when_a_task_counts() {
    let checked = json!({
        "family": "web",
        "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "web:1", "healthCheck": {"command": ["CMD", "true"]}}],
    });
    let behaviour = Behaviour::Healthy { start: Duration::from_secs(10), healthy: Duration::from_secs(7) };
    let simulator = Simulator::new(Scenario::default().image("", behaviour));
    simulator.add_service(Service::new("web").task_definition(checked));
    let client = client(&simulator);
    client.update_service().service("web").force_new_deployment(true).send().await.unwrap();
    simulator.settle().await;
    let completed =
        simulator.facts().into_iter().find(|fact| matches!(fact.what, Happening::DeploymentCompleted { .. }));
    // Pending, start, health check, and the old tasks' stop.
    assert_eq!(completed.unwrap().at, Duration::from_secs(1 + 10 + 7 + 5));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_bakes() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web").deployment_configuration("bakeTimeInMinutes", json!(10)));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let baking = service_deployment(&client, &arn).await;
    assert_eq!(baking.status, Some(Status::InProgress));
    assert_eq!(baking.lifecycle_stage().map(|stage| stage.as_str()), Some("BAKE_TIME"));
    tokio::time::sleep(Duration::from_secs(400)).await;
    assert_eq!(service_deployment(&client, &arn).await.status, Some(Status::Successful));
}
