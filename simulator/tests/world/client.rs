//! The real SDK on the in-process door.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::{Config, Credentials};
use aws_sdk_ecs::types::{ContainerDefinition, DeploymentRolloutState, ServiceDeploymentStatus};
use simulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Simulator};

pub(crate) fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test")
}

pub(crate) fn config(simulator: &Simulator) -> aws_sdk_ecs::config::Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials())
        .retry_config(aws_sdk_ecs::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client())
}

pub(crate) fn client(simulator: &Simulator) -> Client {
    Client::from_conf(config(simulator).build())
}

/// CloudWatch Logs of the same world.
pub(crate) fn logs(simulator: &Simulator) -> aws_sdk_cloudwatchlogs::Client {
    let config = aws_sdk_cloudwatchlogs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials())
        .retry_config(aws_sdk_ecs::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client());
    aws_sdk_cloudwatchlogs::Client::from_conf(config.build())
}

/// Registers a revision of `family` with this image.
pub(crate) async fn register(client: &Client, family: &str, image: &str) -> String {
    let container = ContainerDefinition::builder().name(family).image(image).memory(128).build();
    let answer =
        client.register_task_definition().family(family).container_definitions(container).send().await.unwrap();
    answer.task_definition.unwrap().task_definition_arn.unwrap()
}

/// Registers a revision and deploys it; gives its ARN and the service deployment's.
pub(crate) async fn deploy(client: &Client, image: &str) -> (String, String) {
    let task_definition = register(client, "web", image).await;
    let answer = client.update_service().service("web").task_definition(&task_definition).send().await.unwrap();
    (task_definition, answer.service.unwrap().current_service_deployment.unwrap_or_default())
}

pub(crate) async fn service(client: &Client) -> aws_sdk_ecs::types::Service {
    client.describe_services().services("web").send().await.unwrap().services.unwrap().remove(0)
}

pub(crate) async fn service_deployment(client: &Client, arn: &str) -> aws_sdk_ecs::types::ServiceDeployment {
    let answer = client.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
    answer.service_deployments.unwrap().remove(0)
}

/// Looks every five seconds until the service deployment is in that status; gives every status that was seen.
pub(crate) async fn wait_for(
    client: &Client,
    arn: &str,
    status: ServiceDeploymentStatus,
) -> Vec<ServiceDeploymentStatus> {
    let mut seen = Vec::new();
    for _ in 0..360 {
        let now = service_deployment(client, arn).await.status.unwrap();
        if seen.last() != Some(&now) {
            seen.push(now.clone());
        }
        if now == status {
            return seen;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    panic!("never {status:?}: {seen:?}");
}

pub(crate) fn states(service: &aws_sdk_ecs::types::Service) -> Vec<(String, DeploymentRolloutState)> {
    let state =
        |each: &aws_sdk_ecs::types::Deployment| (each.status.clone().unwrap(), each.rollout_state.clone().unwrap());
    service.deployments().iter().map(state).collect()
}

pub(crate) fn messages(service: &aws_sdk_ecs::types::Service) -> Vec<&str> {
    service.events().iter().filter_map(|event| event.message()).collect()
}
