//! The loopback door, with a client that uses sockets.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::ServiceDeploymentStatus;
use aws_sdk_ecs::{Client, Config};
use simulator::{Fault, Rule, Scenario, Server, Service, Simulator, When};

use crate::client::{credentials, deploy, service, service_deployment};

fn client(server: &Server) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials())
        .retry_config(aws_sdk_ecs::config::retry::RetryConfig::disabled())
        .endpoint_url(server.url());
    Client::from_conf(config.build())
}

#[tokio::test]
async fn a_rollout_over_http() {
    let simulator = Simulator::new(Scenario::instant());
    simulator.add_service(Service::new("web"));
    let server = simulator.serve().await.unwrap();
    let client = client(&server);
    let (new, arn) = deploy(&client, "web:2").await;
    assert_eq!(service_deployment(&client, &arn).await.status, Some(ServiceDeploymentStatus::Successful));
    assert_eq!(service(&client).await.task_definition(), Some(new.as_str()));
}

#[tokio::test]
async fn a_connection_breaks_when_a_fault_says_so() {
    for (fault, desired) in
        [(Fault::Reset, 2), (Fault::TimeoutBeforeEffect, 2), (Fault::TimeoutAfterEffect, 5), (Fault::CutAnswer, 5)]
    {
        let simulator = Simulator::new(Scenario { latency: Duration::ZERO, ..Scenario::default() });
        simulator.add_service(Service::new("web"));
        simulator.inject(Rule { when: When { number: Some(0), ..When::default() }, fault: fault.clone() });
        let server = simulator.serve().await.unwrap();
        let client = client(&server);
        let error = client.update_service().service("web").desired_count(5).send().await.unwrap_err();
        assert!(matches!(error, SdkError::DispatchFailure(_) | SdkError::ResponseError(_)), "{fault:?}: {error:?}");
        assert_eq!(service(&client).await.desired_count, desired, "{fault:?}");
    }
}

#[tokio::test]
async fn an_unknown_operation_is_refused() {
    let simulator = Simulator::new(Scenario::default());
    let server = simulator.serve().await.unwrap();
    let error = client(&server).list_clusters().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn the_door_closes_when_the_server_is_dropped() {
    let simulator = Simulator::new(Scenario::default());
    let server = simulator.serve().await.unwrap();
    let client = client(&server);
    client.describe_clusters().send().await.unwrap();
    drop(server);
    assert!(client.describe_clusters().send().await.is_err());
}
