//! One-off tasks: what starts them, what keeps them from starting, how they end, and what they wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, ContainerOverride, NetworkConfiguration, PlacementConstraint, PlacementConstraintType,
    TaskOverride,
};
use serde_json::json;
use simulator::{Behaviour, ContainerInstance, Scenario, Service, Simulator};

use crate::client;

fn job() -> serde_json::Value {
    let log = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"}});
    json!({
        "family": "job",
        "containerDefinitions": [
            {"name": "app", "image": "job:1", "memory": 512, "essential": true, "logConfiguration": log,
             "resourceRequirements": [{"type": "GPU", "value": "1"}]},
            {"name": "proxy", "image": "proxy:1", "memory": 64, "essential": false}
        ]
    })
}

/// A world with the task definition `job:1`, and a client.
fn world(scenario: Scenario) -> (Simulator, Client) {
    let simulator = Simulator::new(scenario.image("job", ends(3)));
    simulator.add_service(Service::new("job").task_definition(job()).desired_count(0));
    let client = client::client(&simulator);
    (simulator, client)
}

fn ends(exit_code: i64) -> Behaviour {
    Behaviour::Ends { after: Duration::from_secs(30), exit_codes: BTreeMap::from([("app".to_owned(), exit_code)]) }
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_and_ends_with_the_exit_code_of_each_container() {
    let (simulator, client) = world(Scenario::default());
    let override_ = ContainerOverride::builder().name("app").command("migrate").build();
    let started = client
        .run_task()
        .task_definition("job")
        .started_by("me")
        .overrides(TaskOverride::builder().container_overrides(override_).build())
        .send()
        .await
        .unwrap();
    let arn = started.tasks()[0].task_arn().unwrap().to_owned();
    assert_eq!(started.tasks()[0].overrides().unwrap().container_overrides()[0].command(), ["migrate"]);
    let listed = client.list_tasks().started_by("me").send().await.unwrap();
    assert_eq!(listed.task_arns(), [arn.as_str()]);

    simulator.settle().await;

    let answer = client.describe_tasks().tasks(&arn).send().await.unwrap();
    let task = &answer.tasks()[0];
    assert_eq!(task.last_status(), Some("STOPPED"));
    assert_eq!(task.group(), Some("family:job"));
    let codes: Vec<_> = task.containers().iter().map(|it| (it.name().unwrap(), it.exit_code())).collect();
    assert_eq!(codes, [("app", Some(3)), ("proxy", Some(0))]);
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_client_token_starts_one_task_and_other_parameters_are_a_conflict() {
    let (_, client) = world(Scenario::default());
    let run = |started_by: &str| client.run_task().task_definition("job").client_token("once").started_by(started_by);

    let first = run("me").send().await.unwrap();
    let second = run("me").send().await.unwrap();
    let other = run("you").send().await.unwrap_err();

    assert_eq!(first.tasks()[0].task_arn(), second.tasks()[0].task_arn());
    assert!(other.into_service_error().is_conflict_exception());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_stopped_says_so() {
    let (simulator, client) = world(Scenario::default());
    let started = client.run_task().task_definition("job").send().await.unwrap();
    let arn = started.tasks()[0].task_arn().unwrap();

    client.stop_task().task(arn).reason("enough").send().await.unwrap();
    simulator.settle().await;

    let answer = client.describe_tasks().tasks(arn).send().await.unwrap();
    let task = &answer.tasks()[0];
    assert_eq!((task.stop_code().unwrap().as_str(), task.stopped_reason()), ("UserInitiated", Some("enough")));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_room_is_a_failure_and_not_an_error() {
    let (simulator, client) = world(Scenario::default().run_task_failure("AGENT", Duration::from_secs(5)));
    let run = || client.run_task().task_definition("job");
    let reason = async |builder: aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder| {
        let answer = builder.send().await.unwrap();
        assert_eq!(answer.tasks().len() + answer.failures().len(), 1);
        answer.failures().first().map_or("", |failure| failure.reason().unwrap()).to_owned()
    };
    assert_eq!(reason(run()).await, "AGENT");
    tokio::time::sleep(Duration::from_secs(5)).await;
    simulator.add_container_instance("default", ContainerInstance::new("m7i.large"));
    assert_eq!(reason(run()).await, "RESOURCE:GPU");
    let on = |driver: &str| {
        let constraint = PlacementConstraint::builder()
            .r#type(PlacementConstraintType::MemberOf)
            .expression(format!("attribute:driver == {driver}"));
        run().placement_constraints(constraint.build())
    };
    simulator.add_container_instance("default", ContainerInstance::new("g5.xlarge").gpus(1).attribute("driver", "550"));
    assert_eq!(reason(on("535")).await, "MemberOf placement constraint unsatisfied.");
    assert_eq!(reason(on("550")).await, "");
    assert_eq!(reason(run()).await, "RESOURCE:GPU", "the only GPU is taken");

    let listed = client.list_container_instances().send().await.unwrap();
    let described =
        client.describe_container_instances().set_container_instances(listed.container_instance_arns).send().await;
    let described = described.unwrap();
    let gpus = |list: &[aws_sdk_ecs::types::Resource]| {
        list.iter().filter(|it| it.name() == Some("GPU")).map(|it| it.string_set_value().len()).sum::<usize>()
    };
    let instances = described.container_instances();
    assert_eq!(instances.iter().map(|it| gpus(it.registered_resources())).sum::<usize>(), 1);
    assert_eq!(instances.iter().map(|it| gpus(it.remaining_resources())).sum::<usize>(), 0);

    simulator.settle().await;
    assert_eq!(reason(run()).await, "", "the task that ended left its GPU");
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_make_no_sense_are_refused() {
    let (_, client) = world(Scenario::default());
    let network = NetworkConfiguration::builder()
        .awsvpc_configuration(AwsVpcConfiguration::builder().subnets("subnet-0a").build().unwrap())
        .build();
    let run = || client.run_task().task_definition("job");
    let stranger = TaskOverride::builder().container_overrides(ContainerOverride::builder().name("x").build()).build();
    for (builder, expected) in [
        (run().task_definition("nothing"), "TaskDefinition not found"),
        (run().count(11), "Count"),
        (run().network_configuration(network), "not valid for the given networkMode"),
        (run().launch_type(aws_sdk_ecs::types::LaunchType::Fargate), "does not support launch_type FARGATE"),
        (run().overrides(stranger), "container named x"),
    ] {
        let error = builder.send().await.unwrap_err().into_service_error();
        let message = aws_sdk_ecs::error::ProvideErrorMetadata::message(&error).unwrap_or_default();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_come_in_pages_and_the_same_token_is_the_end() {
    let (simulator, client) = world(Scenario::default().log("job", &["one", "two", "three", "late"]));
    let started = client.run_task().task_definition("job").send().await.unwrap();
    let task = started.tasks()[0].task_arn().unwrap().rsplit('/').next().unwrap().to_owned();
    let logs = client::logs(&simulator);
    let read = |token: Option<String>| {
        logs.get_log_events()
            .log_group_name("/jobs")
            .log_stream_name(format!("job/app/{task}"))
            .start_from_head(true)
            .limit(2)
            .set_next_token(token)
            .send()
    };
    assert!(
        read(None).await.unwrap_err().into_service_error().is_resource_not_found_exception(),
        "it does not run yet"
    );

    tokio::time::sleep(Duration::from_millis(17_500)).await;
    let mut token = None;
    let mut pages = Vec::new();
    loop {
        let page = read(token.clone()).await.unwrap();
        pages.push(page.events().iter().map(|it| it.message().unwrap().to_owned()).collect::<Vec<_>>());
        if page.next_forward_token() == token.as_deref() {
            break;
        }
        token = page.next_forward_token().map(str::to_owned);
    }
    assert_eq!(pages, [vec!["one", "two"], vec!["three"], vec![]]);

    let last = logs.get_log_events().log_group_name("/jobs").log_stream_name(format!("job/app/{task}")).limit(1);
    assert_eq!(last.send().await.unwrap().events()[0].message(), Some("three"));
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}
