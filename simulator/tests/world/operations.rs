//! Every operation, and that its answers are of the published shape.

use std::time::Duration;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DesiredStatus, NetworkConfiguration, ServiceDeploymentStatus, ServiceField,
    SortOrder, StopServiceDeploymentStopType, Tag, TaskDefinitionField, TaskDefinitionStatus,
};
use simulator::{Behaviour, Scenario, Service, Simulator};

use crate::client::{client, deploy, register, service};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[tokio::test(start_paused = true)]
async fn a_service_from_creation_to_deletion() {
    let simulator = Simulator::new(Scenario::default());
    let client = client(&simulator);
    client.create_cluster().cluster_name("shop").tags(tag("team", "a")).send().await.unwrap();
    let task_definition = register(&client, "web", "web:1").await;
    let created = client
        .create_service()
        .cluster("shop")
        .service_name("web")
        .task_definition("web")
        .desired_count(2)
        .tags(tag("stage", "test"))
        .send()
        .await
        .unwrap()
        .service
        .unwrap();
    assert_eq!((created.task_definition(), created.running_count), (Some(task_definition.as_str()), 0));
    simulator.settle().await;
    let clusters = client.describe_clusters().clusters("shop").clusters("none").send().await.unwrap();
    assert_eq!((clusters.clusters()[0].running_tasks_count, clusters.clusters()[0].active_services_count), (2, 1));
    assert_eq!(clusters.failures()[0].reason(), Some("MISSING"));

    let arn = created.service_arn().unwrap();
    client.tag_resource().resource_arn(arn).tags(tag("stage", "live")).tags(tag("b", "")).send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("b").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("stage", "live")]);
    let shown =
        client.describe_services().cluster("shop").services(arn).include(ServiceField::Tags).send().await.unwrap();
    assert_eq!(shown.services()[0].tags(), [tag("stage", "live")]);
    assert_eq!(shown.services()[0].running_count, 2);

    assert_eq!(client.list_services().cluster("shop").send().await.unwrap().service_arns(), [arn]);
    let deleted = client.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert_eq!(deleted.service().unwrap().status(), Some("DRAINING"));
    assert!(client.list_services().cluster("shop").send().await.unwrap().service_arns().is_empty());
    simulator.settle().await;
    assert_eq!(simulator.describe_service("shop", "web")["status"], "INACTIVE");
    client.create_service().cluster("shop").service_name("web").task_definition("web").send().await.unwrap();
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_revisions_settings_is_a_deployment_and_other_settings_are_not() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web").circuit_breaker(true, true));
    let client = client(&simulator);
    let before = service(&client).await;
    let tagged =
        client.update_service().service("web").enable_ecs_managed_tags(true).send().await.unwrap().service.unwrap();
    assert_eq!(tagged.current_service_deployment(), before.current_service_deployment());
    assert!(tagged.enable_ecs_managed_tags);

    let network = AwsVpcConfiguration::builder().subnets("subnet-1").assign_public_ip(AssignPublicIp::Enabled);
    let network = NetworkConfiguration::builder().awsvpc_configuration(network.build().unwrap()).build();
    let moved = client.update_service().service("web").network_configuration(network.clone()).send().await.unwrap();
    let moved = moved.service.unwrap();
    assert_ne!(moved.current_service_deployment(), before.current_service_deployment());
    simulator.settle().await;
    let again =
        client.update_service().service("web").network_configuration(network).send().await.unwrap().service.unwrap();
    assert_eq!(again.current_service_deployment(), moved.current_service_deployment());
    assert!(again.deployment_configuration().unwrap().deployment_circuit_breaker().unwrap().enable);
}

#[tokio::test(start_paused = true)]
async fn service_deployments_and_revisions_are_a_history() {
    let simulator = Simulator::new(Scenario::default().image("web:3", Behaviour::crash_loop()));
    simulator.add_service(Service::new("web"));
    let client = client(&simulator);
    let (second, second_arn) = deploy(&client, "web:2").await;
    simulator.settle().await;
    let (_, third_arn) = deploy(&client, "web:3").await;
    tokio::time::sleep(Duration::from_secs(20)).await;

    let history = client.list_service_deployments().service("web").send().await.unwrap();
    let arns: Vec<_> =
        history.service_deployments().iter().map(|each| each.service_deployment_arn().unwrap()).collect();
    assert_eq!((arns[0], arns[1], arns.len()), (third_arn.as_str(), second_arn.as_str(), 3));
    let successful = client.list_service_deployments().service("web").status(ServiceDeploymentStatus::Successful);
    let newest = successful.max_results(1).send().await.unwrap();
    assert!(newest.next_token().is_some());
    let newest = &newest.service_deployments()[0];
    assert_eq!(newest.service_deployment_arn(), Some(second_arn.as_str()));
    let revision = newest.target_service_revision_arn().unwrap();
    let revisions = client.describe_service_revisions().service_revision_arns(revision).send().await.unwrap();
    let revision = &revisions.service_revisions()[0];
    assert_eq!(revision.task_definition(), Some(second.as_str()));
    assert_eq!(revision.container_images()[0].image(), Some("web:2"));

    let described = client.describe_service_deployments().service_deployment_arns(&third_arn);
    let third = described.service_deployment_arns("arn:missing").send().await.unwrap();
    assert_eq!(third.failures()[0].reason(), Some("MISSING"));
    let third = &third.service_deployments()[0];
    assert_eq!(third.source_service_revisions()[0].arn(), revision.service_revision_arn());
    assert_eq!(third.source_service_revisions()[0].running_task_count, 2);
    assert_eq!(third.target_service_revision().unwrap().requested_task_count, 2);

    let abort = client.stop_service_deployment().service_deployment_arn(&third_arn);
    abort.stop_type(StopServiceDeploymentStopType::Abort).send().await.unwrap();
    simulator.settle().await;
    let stopped = client.describe_service_deployments().service_deployment_arns(&third_arn).send().await.unwrap();
    let stopped = &stopped.service_deployments()[0];
    assert_eq!(stopped.status(), Some(&ServiceDeploymentStatus::Stopped));
    assert!(stopped.stopped_at().is_some() && stopped.finished_at().is_some());
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered_sorted_and_paged() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web").desired_count(5));
    simulator.add_service(Service::new("api").desired_count(1));
    let client = client(&simulator);
    let second = register(&client, "web", "web:2").await;
    let list = || client.list_task_definitions().family_prefix("web");
    let newest = list().sort(SortOrder::Desc).max_results(1).send().await.unwrap();
    assert_eq!(newest.task_definition_arns(), [second.as_str()]);
    client.deregister_task_definition().task_definition(&second).send().await.unwrap();
    let inactive = list().status(TaskDefinitionStatus::Inactive).send().await.unwrap();
    assert_eq!(inactive.task_definition_arns(), [second.as_str()]);
    let tags = client.describe_task_definition().task_definition(&second).include(TaskDefinitionField::Tags);
    assert!(tags.send().await.unwrap().tags().is_empty());

    let pages: Vec<Vec<String>> = {
        let mut pages = client.list_tasks().service_name("web").into_paginator().page_size(2).send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            all.push(page.unwrap().task_arns.unwrap());
        }
        all
    };
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let all = client.describe_tasks().set_tasks(Some(pages.concat())).tasks("missing").send().await.unwrap();
    assert_eq!((all.tasks().len(), all.failures().len()), (5, 1));
    assert!(
        all.tasks().iter().all(|task| task.group() == Some("service:web") && task.last_status() == Some("RUNNING"))
    );
    assert_eq!(client.list_tasks().family("api").send().await.unwrap().task_arns().len(), 1);
    let started_by = all.tasks()[0].started_by().unwrap();
    assert_eq!(client.list_tasks().started_by(started_by).send().await.unwrap().task_arns().len(), 5);
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_is_visible_for_an_hour() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    let client = client(&simulator);
    client.update_service().service("web").desired_count(1).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stopped = || client.list_tasks().service_name("web").desired_status(DesiredStatus::Stopped).send();
    let arns = stopped().await.unwrap().task_arns.unwrap();
    assert_eq!(arns.len(), 1);
    let status = async || {
        let tasks = client.describe_tasks().tasks(&arns[0]).send().await.unwrap().tasks.unwrap();
        tasks.first().map(|task| task.last_status().unwrap().to_owned())
    };
    assert_eq!(status().await.as_deref(), Some("STOPPING"));
    tokio::time::sleep(Duration::from_secs(3000)).await;
    assert_eq!(status().await.as_deref(), Some("STOPPED"));
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!((status().await, stopped().await.unwrap().task_arns().len()), (None, 0));
}
