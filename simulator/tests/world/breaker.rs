//! When ECS itself gives up, and what it goes back to.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::ServiceDeploymentStatus as Status;
use serde_json::{Value, json};
use simulator::{Behaviour, Happening, Scenario, Service, Simulator};

use crate::client::{client, deploy, register, service, service_deployment, wait_for};

/// How many tasks failed before the deployment did.
async fn failures(desired: usize, breaker: Value, behaviour: Behaviour) -> Option<usize> {
    let simulator = Simulator::new(Scenario::default().image("web:2", behaviour));
    let web = Service::new("web").desired_count(desired).maximum_percent(100).minimum_healthy_percent(0);
    simulator.add_service(web.deployment_configuration("deploymentCircuitBreaker", breaker));
    deploy(&client(&simulator), "web:2").await;
    simulator.settle().await;
    let facts = simulator.facts();
    let end = facts.iter().position(|fact| matches!(fact.what, Happening::DeploymentFailed { .. }))?;
    let failed = |what: &Happening| matches!(what, Happening::TaskStopped { failed: true, .. });
    Some(facts[..end].iter().filter(|fact| failed(&fact.what)).count())
}

fn breaker(kind: &str, value: u64) -> Value {
    json!({"enable": true, "rollback": false, "thresholdConfiguration": {"type": kind, "value": value}})
}

#[tokio::test(start_paused = true)]
async fn the_threshold_follows_the_desired_count_within_its_bounds() {
    let usual = json!({"enable": true, "rollback": false});
    for (desired, breaker, expected) in [
        (1, usual.clone(), 3),
        (10, usual.clone(), 5),
        (500, usual, 200),
        (1, breaker("COUNT", 7), 7),
        (10, breaker("BOUNDED_PERCENT", 80), 8),
        (10, breaker("BOUNDED_PERCENT", 10), 3),
        (10, breaker("UNBOUNDED_PERCENT", 10), 1),
    ] {
        assert_eq!(
            failures(desired, breaker.clone(), Behaviour::crash_loop()).await,
            Some(expected),
            "{desired} {breaker}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_task_ends_the_count_unless_told_otherwise() {
    // Every task becomes healthy and crashes later; no failure of a healthy task counts.
    let late = Behaviour::Crash { after: Duration::from_secs(60), container: None, exit_code: 1, reason: None };
    assert_eq!(failures(1, breaker("COUNT", 1), late).await, None);

    for (resets, expected) in [(true, 0), (false, 2)] {
        let crashes = Behaviour::CrashAtFirst { times: 2, after: Duration::from_secs(1) };
        let simulator = Simulator::new(Scenario::default().image("web:2", crashes));
        let breaker = json!({"enable": true, "rollback": false, "resetOnHealthyTask": resets});
        simulator.add_service(Service::new("web").deployment_configuration("deploymentCircuitBreaker", breaker));
        let client = client(&simulator);
        let (_, arn) = deploy(&client, "web:2").await;
        wait_for(&client, &arn, Status::Successful).await;
        let breaker = service_deployment(&client, &arn).await.deployment_circuit_breaker.unwrap();
        assert_eq!((breaker.failure_count, breaker.threshold), (expected, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn failing_health_checks_are_ignored_during_the_grace_period() {
    let unhealthy = Behaviour::Unhealthy { after: Duration::from_secs(5) };
    let simulator = Simulator::new(Scenario::default().image("web:2", unhealthy));
    simulator.add_service(Service::new("web").desired_count(1).health_check_grace_period(300));
    let client = client(&simulator);
    deploy(&client, "web:2").await;
    let stopped = || simulator.facts().into_iter().any(|fact| matches!(fact.what, Happening::TaskStopped { .. }));
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!stopped());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(stopped());
    let events = service(&client).await.events.unwrap();
    assert!(events.iter().any(|event| event.message().unwrap().ends_with(") failed container health checks.")));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_asked_for_at_once_starts_no_task() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    let client = client(&simulator);
    let (new, arn) = deploy(&client, "web:2").await;
    client.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap();
    let failing = service(&client).await.deployments()[0].id().unwrap().to_owned();
    simulator.settle().await;
    assert_eq!(service_deployment(&client, &arn).await.status, Some(Status::RollbackSuccessful));
    let started = simulator.facts().into_iter().filter_map(|fact| match fact.what {
        Happening::TaskStarted { deployment, .. } => Some(deployment),
        _ => None,
    });
    assert_eq!(started.filter(|deployment| *deployment == failing).count(), 0);
    assert!(!simulator.running_task_definitions("default", "web").contains_key(&new));
}

#[tokio::test(start_paused = true)]
async fn without_a_completed_deployment_there_is_no_way_back() {
    let simulator = Simulator::new(Scenario::default().image("web:1", Behaviour::crash_loop()));
    let client = client(&simulator);
    let task_definition = register(&client, "web", "web:1").await;
    let create = client.create_service().service_name("web").task_definition(task_definition).desired_count(1);
    let arn = create.send().await.unwrap().service.unwrap().current_service_deployment.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let refused = client.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ConflictException"));
}
