//! The network of a service's tasks: what is named is changed, what is not stays, and a rollback brings it back.

mod support;

use serde_json::{Value, json};
use simulator::{Behaviour, Scenario, Service, Simulator};
use support::{Step, running, set_to, task_definition, web, world, writes};

fn network(simulator: &Simulator) -> Value {
    simulator.describe_service("default", "web")["networkConfiguration"]["awsvpcConfiguration"].clone()
}

fn before() -> Value {
    json!({"subnets": ["subnet-0a"], "securityGroups": ["sg-0a"], "assignPublicIp": "DISABLED"})
}

fn bare() -> Step {
    Step::bare().input("service", "web")
}

#[tokio::test(start_paused = true)]
async fn a_network_that_nobody_named_is_neither_sent_nor_lost() {
    let simulator = world(Scenario::default());

    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");

    assert_eq!(simulator.calls("UpdateService")[0].request.get("networkConfiguration"), None);
    assert_eq!(network(&simulator), before());
}

#[tokio::test(start_paused = true)]
async fn what_is_named_changes_and_the_rest_of_the_network_stays() {
    let simulator = world(Scenario::default());
    let step = || bare().input("subnets", "subnet-0b\nsubnet-0a");

    let plan = step().input("mode", "plan").run(&simulator).await;
    plan.ended("planned", "");
    assert!(plan.log.contains("networkConfiguration.subnets: subnet-0a → subnet-0a, subnet-0b"), "{}", plan.log);

    step().run(&simulator).await.ended("deployed", "");
    let expected =
        json!({"subnets": ["subnet-0b", "subnet-0a"], "securityGroups": ["sg-0a"], "assignPublicIp": "DISABLED"});
    assert_eq!((network(&simulator), writes(&simulator)), (expected, vec!["UpdateService".to_owned()]));
    assert_eq!(simulator.calls("UpdateService")[0].request.get("taskDefinition"), None);

    bare().input("subnets", "subnet-0a, subnet-0b").run(&simulator).await.ended("unchanged", "");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_brings_the_network_back_too() {
    for breaker in [false, true] {
        let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
        simulator.add_service(web().circuit_breaker(breaker, breaker));

        let step = Step::deploying("web:bad").input("security-groups", "sg-0b").input("assign-public-ip", "ENABLED");
        step.run(&simulator).await.ended("rolled-back", if breaker { "circuit-breaker" } else { "tasks-failing" });

        simulator.settle().await;
        assert_eq!((network(&simulator), set_to(&simulator)), (before(), "web:1".to_owned()));
        assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_on_the_network_of_their_hosts_have_none_to_change() {
    let mut definition = task_definition("web:good-1");
    definition["networkMode"] = json!("bridge");
    definition["requiresCompatibilities"] = json!(["EC2"]);
    let simulator = Simulator::new(Scenario::default());
    let service = Service::new("web").setting("launchType", json!("EC2")).setting("networkConfiguration", Value::Null);
    simulator.add_service(service.task_definition(definition));

    let report = bare().input("subnets", "subnet-0b").run(&simulator).await;

    report.ended("refused", "invalid-input");
    assert!(report.errors()[0].contains("network mode is awsvpc"), "{report:#?}");
    assert!(writes(&simulator).is_empty());
}
