//! Amazon SageMaker's model registry as its real SDK sees it.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::operation::create_model_package::builders::CreateModelPackageFluentBuilder;
use aws_sdk_sagemaker::types::{
    InferenceSpecification, ModelApprovalStatus, ModelLifeCycle, ModelPackageContainerDefinition, ModelPackageStatus,
};
use simulator::{Scenario, Simulator};

use super::client;

const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes:1";

fn world(scenario: Scenario) -> (Simulator, Client) {
    let simulator = Simulator::new(scenario);
    let config = aws_sdk_sagemaker::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(client::credentials())
        .retry_config(aws_sdk_sagemaker::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client())
        .build();
    (simulator, Client::from_conf(config))
}

fn creating(client: &Client, token: &str) -> CreateModelPackageFluentBuilder {
    let container = ModelPackageContainerDefinition::builder().image(IMAGE).build();
    client
        .create_model_package()
        .model_package_group_name("bikes")
        .inference_specification(InferenceSpecification::builder().containers(container).build())
        .client_token(token)
}

fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    let error = answer.err();
    let told = error.as_ref().and_then(SdkError::as_service_error);
    assert_eq!(told.and_then(ProvideErrorMetadata::code), Some("ValidationException"));
    told.and_then(ProvideErrorMetadata::message).unwrap_or_default().to_owned()
}

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}")
}

#[tokio::test(start_paused = true)]
async fn a_version_is_completed_after_a_while_and_keeps_what_it_was_made_with() {
    let (simulator, client) = world(Scenario::default());
    client.create_model_package_group().model_package_group_name("bikes").send().await.unwrap();

    let made = creating(&client, "one").send().await.unwrap().model_package_arn.unwrap();

    assert_eq!(made, arn("model-package", "bikes/1"));
    let describe = || client.describe_model_package().model_package_name(&made).send();
    let early = describe().await.unwrap();
    assert_eq!(early.model_package_status(), Some(&ModelPackageStatus::InProgress));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let there = describe().await.unwrap();
    assert_eq!(there.model_package_status(), Some(&ModelPackageStatus::Completed));
    assert_eq!(there.model_approval_status(), Some(&ModelApprovalStatus::PendingManualApproval));
    let container = &there.inference_specification().unwrap().containers()[0];
    assert!(container.image_digest().unwrap().starts_with("sha256:"), "{container:?}");

    let stage = ModelLifeCycle::builder().stage("Production").stage_status("Approved").build();
    let update = client.update_model_package().model_package_arn(&made);
    let update = update.model_approval_status(ModelApprovalStatus::Approved).approval_description("good");
    update.model_life_cycle(stage).send().await.unwrap();
    let there = describe().await.unwrap();
    assert_eq!(there.model_approval_status(), Some(&ModelApprovalStatus::Approved));
    assert_eq!(there.approval_description(), Some("good"));
    assert_eq!(there.model_life_cycle().and_then(ModelLifeCycle::stage), Some("Production"));
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_token_makes_one_version_until_it_is_forgotten() {
    let (_, client) = world(Scenario::default());
    client.create_model_package_group().model_package_group_name("bikes").send().await.unwrap();
    let version = async |token: &str| creating(&client, token).send().await.unwrap().model_package_arn.unwrap();
    let first = version("one").await;
    assert_eq!(version("one").await, first);
    assert_ne!(version("two").await, first);
    let other = creating(&client, "one").model_package_description("another").send().await;
    assert!(refusal(other).contains("token"));
    tokio::time::advance(Duration::from_secs(9 * 3600)).await;
    assert_eq!(version("one").await, arn("model-package", "bikes/3"));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_there_is_told_in_sagemakers_words() {
    let (_, client) = world(Scenario::default());
    let missing = format!("ModelPackageGroup {} does not exist.", arn("model-package-group", "bikes"));
    let group = || client.describe_model_package_group().model_package_group_name("bikes").send();
    assert_eq!(refusal(group().await), missing);
    assert_eq!(refusal(creating(&client, "one").send().await), missing);
    assert_eq!(refusal(client.list_model_packages().model_package_group_name("bikes").send().await), missing);
    let version = arn("model-package", "bikes/1");
    let describe = client.describe_model_package().model_package_name(&version).send().await;
    assert_eq!(refusal(describe), format!("ModelPackage {version} does not exist."));

    let create = || client.create_model_package_group().model_package_group_name("bikes").send();
    create().await.unwrap();
    let again = refusal(create().await);
    assert_eq!(again, format!("Model Package Group already exists: {}", arn("model-package-group", "bikes")));

    creating(&client, "one").send().await.unwrap();
    let delete = || client.delete_model_package_group().model_package_group_name("bikes").send();
    assert_eq!(delete().await.unwrap_err().code(), Some("ConflictException"), "it is not empty");
}

#[tokio::test(start_paused = true)]
async fn a_version_may_fail() {
    let failure = Some("The image has no manifest.".to_owned());
    let (simulator, client) = world(Scenario { registration_failure: failure, ..Scenario::default() });
    client.create_model_package_group().model_package_group_name("bikes").send().await.unwrap();
    let made = creating(&client, "one").send().await.unwrap().model_package_arn.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let there = client.describe_model_package().model_package_name(made).send().await.unwrap();
    assert_eq!(there.model_package_status(), Some(&ModelPackageStatus::Failed));
    let details = there.model_package_status_details().unwrap();
    assert_eq!(details.validation_statuses()[0].failure_reason(), Some("The image has no manifest."));
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}
