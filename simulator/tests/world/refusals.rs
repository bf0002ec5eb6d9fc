//! What AWS would refuse is refused.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::http::HttpRequest;
use aws_sdk_ecs::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_ecs::config::{ConfigBag, Credentials, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::PropagateTags;
use serde_json::json;
use simulator::{Scenario, Service, ServiceDeployments, Simulator};

use crate::client::{client, config, deploy, service};

fn code<E: ProvideErrorMetadata, R>(result: Result<impl Sized, SdkError<E, R>>) -> String {
    let error = result.err().unwrap();
    error.code().unwrap_or_default().to_owned()
}

fn with_credentials(simulator: &Simulator, id: &str, secret: &str, token: Option<&str>) -> Client {
    let credentials = Credentials::new(id, secret, token.map(str::to_owned), None, "test");
    Client::from_conf(config(simulator).credentials_provider(credentials).build())
}

#[tokio::test(start_paused = true)]
async fn checks_who_signed_and_what() {
    let simulator = Simulator::new(Scenario { session_token: Some("token".to_owned()), ..Scenario::default() });
    for (id, secret, token, expected) in [
        ("AKIDSIMULATOR", "simulated-secret", Some("token"), None),
        ("AKIDSIMULATOR", "another-secret", Some("token"), Some("InvalidSignatureException")),
        ("AKIDOTHER", "simulated-secret", Some("token"), Some("UnrecognizedClientException")),
        ("AKIDSIMULATOR", "simulated-secret", Some("other"), Some("UnrecognizedClientException")),
        ("AKIDSIMULATOR", "simulated-secret", None, Some("UnrecognizedClientException")),
    ] {
        let client = with_credentials(&simulator, id, secret, token);
        let answer = client.describe_clusters().send().await;
        assert_eq!(answer.err().and_then(|error| error.code().map(str::to_owned)).as_deref(), expected);
    }
}

/// Changes a request after it was signed.
#[derive(Debug)]
struct Tamper(fn(&mut HttpRequest));

impl Intercept for Tamper {
    fn name(&self) -> &'static str {
        "Tamper"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        (self.0)(context.request_mut());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_the_one_that_was_signed_is_refused() {
    let cases: [(fn(&mut HttpRequest), _, _); 3] = [
        (|request| *request.body_mut() = r#"{"clusters":["elsewhere"]}"#.into(), "InvalidSignatureException", 403),
        (
            |request| {
                request.headers_mut().insert("x-amz-target", "AmazonEC2ContainerServiceV20141113.DeleteService");
            },
            "InvalidSignatureException",
            403,
        ),
        (
            |request| {
                request.headers_mut().remove("authorization");
            },
            "MissingAuthenticationTokenException",
            400,
        ),
    ];
    for (tamper, expected, status) in cases {
        let simulator = Simulator::new(Scenario::default());
        let tampered = client(&simulator).describe_clusters().customize().interceptor(Tamper(tamper)).send().await;
        assert_eq!(code(tampered), expected);
        assert_eq!(simulator.journal()[0].status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_expire() {
    let expiry = Some(Duration::from_secs(60));
    let simulator = Simulator::new(Scenario { credentials_expire: expiry, ..Scenario::default() });
    let client = client(&simulator);
    client.describe_clusters().send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(code(client.describe_clusters().send().await), "ExpiredTokenException");
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_lack_the_service_deployments_api() {
    for (service_deployments, expected, named) in [
        (ServiceDeployments::Denied, "AccessDeniedException", true),
        (ServiceDeployments::Unsupported, "UnsupportedFeatureException", false),
    ] {
        let simulator = Simulator::new(Scenario { service_deployments, ..Scenario::default() });
        simulator.add_service(Service::new("web"));
        let client = client(&simulator);
        deploy(&client, "web:2").await;
        assert_eq!(service(&client).await.current_service_deployment().is_some(), named);
        let arn = "arn:aws:ecs:us-east-1:123456789012:service-deployment/default/web/any";
        assert_eq!(code(client.describe_service_deployments().service_deployment_arns(arn).send().await), expected);
        assert_eq!(code(client.list_service_deployments().service("web").send().await), expected);
        assert_eq!(code(client.stop_service_deployment().service_deployment_arn(arn).send().await), expected);
        assert_eq!(code(client.describe_service_revisions().service_revision_arns(arn).send().await), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn says_what_ecs_says() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    simulator.add_service(Service::new("drained").status("INACTIVE"));
    simulator.add_service(Service::new("blue").controller("CODE_DEPLOY"));
    let client = client(&simulator);
    let update = |name: &str| client.update_service().service(name);
    assert_eq!(code(update("missing").send().await), "ServiceNotFoundException");
    assert_eq!(code(update("web").cluster("missing").send().await), "ClusterNotFoundException");
    assert_eq!(code(update("drained").desired_count(1).send().await), "ServiceNotActiveException");
    assert_eq!(code(update("blue").task_definition("web:1").send().await), "InvalidParameterException");
    assert_eq!(code(update("web").task_definition("web:9").send().await), "ClientException");
    assert_eq!(code(update("web").propagate_tags(PropagateTags::from("ALL")).send().await), "ClientException");
    assert_eq!(code(client.describe_task_definition().task_definition("missing").send().await), "ClientException");
    assert_eq!(code(client.delete_service().service("web").send().await), "InvalidParameterException");
    assert_eq!(code(client.list_tags_for_resource().resource_arn("arn:any").send().await), "InvalidParameterException");
    let names: Vec<String> = (0..11).map(|number| format!("web{number}")).collect();
    let eleven = client.describe_services().set_services(Some(names)).send().await;
    assert_eq!(code(eleven), "InvalidParameterException");

    let missing = client.describe_services().services("missing").send().await.unwrap();
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    assert_eq!(missing.failures()[0].arn(), Some("arn:aws:ecs:us-east-1:123456789012:service/default/missing"));
    assert!(client.describe_services().services("blue").send().await.unwrap().services()[0].deployments().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_revision_cannot_be_deployed_any_more() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    let client = client(&simulator);
    let (second, _) = deploy(&client, "web:2").await;
    let (third, _) = deploy(&client, "web:3").await;
    let inactive = client.deregister_task_definition().task_definition(&second).send().await.unwrap();
    assert_eq!(inactive.task_definition().unwrap().status().unwrap().as_str(), "INACTIVE");
    assert!(inactive.task_definition().unwrap().deregistered_at().is_some());
    assert_eq!(code(client.update_service().service("web").task_definition(&second).send().await), "ClientException");
    let newest = client.describe_task_definition().task_definition("web").send().await.unwrap();
    assert_eq!(newest.task_definition().unwrap().task_definition_arn(), Some(third.as_str()));
    assert_eq!(simulator.describe_service("default", "nothing"), json!(null));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_is_refused() {
    let simulator = Simulator::new(Scenario::default());
    let hooks = json!([{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]);
    simulator.add_service(Service::new("web").deployment_configuration("lifecycleHooks", hooks));
    let forced = client(&simulator).update_service().service("web").force_new_deployment(true).send().await;
    assert_eq!(code(forced), "UnsupportedFeatureException");
}
