//! Volumes that ECS makes with Amazon EBS for the tasks of a service.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use simulator::{Behaviour, Scenario, Service, Simulator};
use support::{Step, running, seconds, set_to, task_definition, writes};

const ROLE: &str = "arn:aws:iam::123456789012:role/ebs";

fn document(image: &str) -> Value {
    let mut document = task_definition(image);
    document["volumes"] = json!([{"name": "data", "configuredAtLaunch": true}]);
    document
}

fn volume(size: u32) -> Value {
    json!([{"name": "data", "managedEBSVolume": {"sizeInGiB": size, "volumeType": "gp3", "roleArn": ROLE}}])
}

/// A service with a volume of 20 GiB.
fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    let service = Service::new("web").desired_count(2).task_definition(document("web:good-1"));
    simulator.add_service(service.setting("volumeConfigurations", volume(20)));
    simulator
}

fn asking(step: Step, size: u32) -> Step {
    step.input("service-managed-ebs-volume-name", "data")
        .input("service-managed-ebs-volume", &volume(size)[0]["managedEBSVolume"].to_string())
}

fn volumes(simulator: &Simulator) -> Value {
    simulator.describe_service("default", "web")["deployments"][0]["volumeConfigurations"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_nobody_named_is_neither_sent_nor_lost() {
    let simulator = world(Scenario::default());

    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");

    assert_eq!(simulator.calls("UpdateService")[0].request.get("volumeConfigurations"), None);
    assert_eq!(volumes(&simulator), volume(20));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_was_named_is_sent_as_it_was_written_when_it_differs() {
    let simulator = world(Scenario::default());

    let report = asking(Step::bare().input("service", "web"), 20).run(&simulator).await;
    report.ended("unchanged", "");

    let report = asking(Step::bare().input("service", "web"), 30).run(&simulator).await;
    report.ended("deployed", "");
    let sent = simulator.calls("UpdateService")[0].request.clone();
    assert_eq!(sent["volumeConfigurations"], volume(30));
    assert_eq!((sent.get("taskDefinition"), volumes(&simulator)), (None, volume(30)));
    assert!(report.output("plan").contains("volumeConfigurations"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_brings_the_volume_back_too() {
    for breaker in [false, true] {
        let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
        let service = Service::new("web").desired_count(2).task_definition(document("web:good-1"));
        let service = service.setting("volumeConfigurations", volume(20)).circuit_breaker(breaker, breaker);
        simulator.add_service(service);

        let report = asking(Step::deploying("web:bad"), 30).run(&simulator).await;

        report.ended("rolled-back", if breaker { "circuit-breaker" } else { "tasks-failing" });
        simulator.settle().await;
        assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
        assert_eq!((volumes(&simulator), set_to(&simulator)), (volume(20), "web:1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_volume_that_keeps_tasks_from_starting_is_taken_back_although_the_revision_is_the_same() {
    let slow = Behaviour::Healthy { start: seconds(180), healthy: seconds(5) };
    let simulator = world(Scenario::default().image("good", slow));

    let step = asking(Step::bare().input("service", "web"), 30).input("wait-for-minutes", "2");
    let report = step.run(&simulator).await;

    report.ended("rolled-back", "timeout");
    simulator.settle().await;
    assert_eq!(volumes(&simulator), volume(20));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_the_task_definition_does_not_leave_open_is_refused() {
    let simulator = support::world(Scenario::default());

    let report = asking(Step::deploying("web:good-2"), 30).run(&simulator).await;

    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("data"), "{:?}", report.errors());
    assert_eq!(writes(&simulator), [""; 0]);
}

/// The two ways to run a task: alone, and before the service.
fn running_a_task() -> [Step; 2] {
    let alone = Step::bare().input("mode", "run-task").input("service", "web");
    [alone, Step::deploying("web:good-2").input("run-task", "true")]
}

#[tokio::test(start_paused = true)]
async fn a_volume_of_a_one_off_task_is_checked_like_that_of_a_service() {
    let asking = |step: Step, name: &str, volume: &Value| {
        let step = step.input("run-task-managed-ebs-volume-name", name);
        step.input("run-task-managed-ebs-volume", &volume.to_string())
    };
    let ends = || Behaviour::Ends { after: seconds(5), exit_codes: std::collections::BTreeMap::new() };
    let good = &volume(20)[0]["managedEBSVolume"];
    for (name, volume, cause, words) in [
        ("data", good, "", ""),
        ("dta", good, "preflight", "no volume dta with configuredAtLaunch, which `run-task-managed-ebs-volume-name`"),
        (
            "data",
            &json!({"roleArn": ROLE, "sizeInGiB": 1, "volumetype": "io2"}),
            "invalid-input",
            "`volumeType` was meant",
        ),
        (
            "data",
            &json!({"roleArn": ROLE, "sizeInGiB": 1, "terminationPolcy": {}}),
            "invalid-input",
            "`terminationPolicy`",
        ),
        ("data", &json!({"roleArn": ROLE}), "invalid-input", "sizeInGiB"),
        ("data", &json!({"roleArn": "ebs", "sizeInGiB": 1}), "invalid-input", "`run-task-managed-ebs-volume`"),
    ] {
        for step in running_a_task() {
            let simulator = world(Scenario::default().one_off("web", ends()));

            let report = asking(step, name, volume).run(&simulator).await;

            if cause.is_empty() {
                report.ended("deployed", "");
                assert_eq!(simulator.calls("RunTask")[0].request["volumeConfigurations"], self::volume(20));
            } else {
                report.ended("refused", cause);
                assert!(report.errors()[0].contains(words), "{words}: {report:#?}");
                assert_eq!(writes(&simulator), [""; 0]);
            }
        }
    }
}
