//! Amazon SageMaker's endpoints as its real SDK sees them.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::types::{
    Alarm, AutoRollbackConfig, BlueGreenUpdatePolicy, CapacitySize, CapacitySizeType, ContainerDefinition,
    DeploymentConfig, EndpointStatus, ModelApprovalStatus, ProductionVariant, ProductionVariantInstanceType,
    RollingUpdatePolicy, SortOrder, TrafficRoutingConfig, TrafficRoutingConfigType,
};
use serde_json::{Value, json};
use simulator::{Action, Endpoint, Happening, ModelOutcome, Moment, Scenario, Simulator};

use super::client;

const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";
const DATA: &str = "s3://models/bikes.tar.gz";

fn world(scenario: Scenario) -> (Simulator, Client) {
    let simulator = Simulator::new(scenario);
    simulator.add_endpoint(Endpoint::new("bikes", &format!("{IMAGE}:1"), DATA).scaled_to(3));
    let config = aws_sdk_sagemaker::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(client::credentials())
        .retry_config(aws_sdk_sagemaker::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client())
        .build();
    (simulator, Client::from_conf(config))
}

/// Makes a model with the image of that tag, and a configuration; both of that name.
async fn make(client: &Client, name: &str, tag: &str) {
    let container = ContainerDefinition::builder().image(format!("{IMAGE}:{tag}")).model_data_url(DATA).build();
    client.create_model().model_name(name).primary_container(container).send().await.unwrap();
    let variant = ProductionVariant::builder()
        .variant_name("AllTraffic")
        .model_name(name)
        .instance_type(ProductionVariantInstanceType::MlM5Large)
        .initial_instance_count(1)
        .build();
    client.create_endpoint_config().endpoint_config_name(name).production_variants(variant).send().await.unwrap();
}

/// Updates the endpoint to a new configuration with the image of that tag.
async fn update(client: &Client, tag: &str, deployment: Option<DeploymentConfig>) {
    make(client, "next", tag).await;
    let update = client.update_endpoint().endpoint_name("bikes").endpoint_config_name("next");
    update.retain_all_variant_properties(true).set_deployment_config(deployment).send().await.unwrap();
}

fn rolling() -> RollingUpdatePolicy {
    let half = CapacitySize::builder().r#type(CapacitySizeType::CapacityPercent).value(50).build();
    RollingUpdatePolicy::builder().maximum_batch_size(half).wait_interval_in_seconds(60).build()
}

fn canary(alarm: &str) -> DeploymentConfig {
    let tenth = CapacitySize::builder().r#type(CapacitySizeType::CapacityPercent).value(10).build();
    let routing = TrafficRoutingConfig::builder()
        .r#type(TrafficRoutingConfigType::Canary)
        .canary_size(tenth)
        .wait_interval_in_seconds(300)
        .build();
    DeploymentConfig::builder()
        .blue_green_update_policy(BlueGreenUpdatePolicy::builder().traffic_routing_configuration(routing).build())
        .auto_rollback_configuration(
            AutoRollbackConfig::builder().alarms(Alarm::builder().alarm_name(alarm).build()).build(),
        )
        .build()
}

/// Status, configuration, reason and instances.
fn standing(simulator: &Simulator) -> (String, String, String, u64) {
    let endpoint = simulator.describe_endpoint("bikes");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&endpoint["EndpointStatus"]),
        text(&endpoint["EndpointConfigName"]),
        text(&endpoint["FailureReason"]),
        endpoint["ProductionVariants"][0]["CurrentInstanceCount"].as_u64().unwrap_or_default(),
    )
}

fn in_service(config: &str) -> (String, String, String, u64) {
    ("InService".to_owned(), config.to_owned(), String::new(), 3)
}

/// The statuses that variants of the update showed, in their order.
async fn course(simulator: &Simulator, client: &Client) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let answer = client.describe_endpoint().endpoint_name("bikes").send().await.unwrap();
        let Some(pending) = answer.pending_deployment_summary() else { break };
        let status = pending.production_variants()[0].variant_status()[0].status().unwrap().as_str().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(simulator.malformed_answers(), [""; 0]);
    seen
}

fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    let Err(SdkError::ServiceError(refusal)) = answer else { panic!("it was not refused") };
    assert_eq!(refusal.err().code(), Some("ValidationException"));
    refusal.err().message().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_update_starts_new_instances_shifts_traffic_and_keeps_the_live_count() {
    let (simulator, client) = world(Scenario::default());

    update(&client, "2", None).await;

    assert_eq!(standing(&simulator), ("Updating".to_owned(), "bikes".to_owned(), String::new(), 3));
    assert_eq!(course(&simulator, &client).await, ["Creating", "ActivatingTraffic", "Deleting"]);
    assert_eq!(standing(&simulator), in_service("next"));
    let image = simulator.describe_endpoint("bikes")["ProductionVariants"][0]["DeployedImages"][0].clone();
    assert_eq!(image["SpecifiedImage"], format!("{IMAGE}:2"));
    assert!(image["ResolvedImage"].as_str().unwrap().starts_with(&format!("{IMAGE}@sha256:")), "{image}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_come_up_is_taken_back_with_a_reason_or_without() {
    for silent in [false, true] {
        let scenario = Scenario { silent_endpoint_rollbacks: silent, ..Scenario::default() };
        let (simulator, client) = world(scenario.model(":bad", ModelOutcome::no_ping()));

        update(&client, "bad", None).await;
        course(&simulator, &client).await;

        let (status, config, reason, count) = standing(&simulator);
        assert_eq!((status.as_str(), config.as_str(), count), ("InService", "bikes", 3));
        assert_eq!(reason.contains("AllTraffic did not pass the ping health check"), !silent, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_instances_that_do_not_come_up_leave_a_failed_endpoint_that_can_only_be_deleted() {
    let (simulator, client) = world(Scenario::default().model("ml.m5.large", ModelOutcome::no_capacity()));
    make(&client, "first", "1").await;
    client.create_endpoint().endpoint_name("new").endpoint_config_name("first").send().await.unwrap();
    simulator.settle().await;

    let failed = client.describe_endpoint().endpoint_name("new").send().await.unwrap();
    assert_eq!(failed.endpoint_status(), Some(&EndpointStatus::Failed));
    assert!(failed.failure_reason().unwrap().contains("InsufficientInstanceCapacity"));
    refusal(client.update_endpoint().endpoint_name("new").endpoint_config_name("bikes").send().await);

    client.delete_endpoint().endpoint_name("new").send().await.unwrap();
    simulator.settle().await;
    let gone = refusal(client.describe_endpoint().endpoint_name("new").send().await);
    assert_eq!(gone, "Could not find endpoint \"arn:aws:sagemaker:us-east-1:123456789012:endpoint/new\".");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_ends_a_deployment_also_when_it_was_red_before() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    for (at, baked) in [(Moment::Elapsed(Duration::ZERO), false), (Moment::Elapsed(Duration::from_secs(250)), true)] {
        let (simulator, client) = world(Scenario::default().other(at, trip.clone()));
        tokio::time::sleep(Duration::from_secs(1)).await;

        update(&client, "2", Some(canary("errors"))).await;
        let course = course(&simulator, &client).await;

        assert_eq!(course.contains(&"Baking".to_owned()), baked, "{course:?}");
        let (status, config, reason, _) = standing(&simulator);
        assert_eq!((status.as_str(), config.as_str()), ("InService", "bikes"));
        assert!(reason.contains("[errors]"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_goes_in_batches_and_its_rollback_may_fail() {
    let rolling = || Some(DeploymentConfig::builder().rolling_update_policy(rolling()).build());
    let (simulator, client) = world(Scenario::default());
    update(&client, "2", rolling()).await;
    let batch = ["Creating", "ActivatingTraffic", "Baking"];
    assert_eq!(course(&simulator, &client).await, [batch, batch].concat());
    assert_eq!(standing(&simulator), in_service("next"));

    let scenario = Scenario { endpoint_rollbacks_fail: true, ..Scenario::default() };
    let (simulator, client) = world(scenario.model(":bad", ModelOutcome::cannot_start()));
    update(&client, "bad", rolling()).await;
    simulator.settle().await;
    assert_eq!(standing(&simulator).0, "UpdateRollbackFailed");
    // Another update is the way out.
    client.update_endpoint().endpoint_name("bikes").endpoint_config_name("bikes").send().await.unwrap();
    simulator.settle().await;
    assert_eq!(standing(&simulator).0, "InService");
}

#[tokio::test(start_paused = true)]
async fn maintenance_and_other_updates_keep_an_update_out() {
    let maintain = Action::MaintainEndpoint { endpoint: "bikes".to_owned(), lasts: Duration::from_secs(300) };
    let (simulator, client) = world(Scenario::default().other(Moment::Elapsed(Duration::from_secs(1)), maintain));
    tokio::time::sleep(Duration::from_secs(2)).await;
    make(&client, "next", "2").await;
    let update = || client.update_endpoint().endpoint_name("bikes").endpoint_config_name("next").send();

    assert_eq!(standing(&simulator).0, "SystemUpdating");
    let in_progress = "Cannot update in-progress endpoint \"arn:aws:sagemaker:us-east-1:123456789012:endpoint/bikes\".";
    assert_eq!(refusal(update().await), in_progress);
    tokio::time::sleep(Duration::from_secs(300)).await;
    update().await.unwrap();
    assert_eq!(refusal(update().await), in_progress);
    simulator.settle().await;
    let statuses: Vec<String> = simulator
        .facts()
        .into_iter()
        .filter_map(|fact| if let Happening::Endpoint { status, .. } = fact.what { Some(status) } else { None })
        .collect();
    assert_eq!(statuses, ["SystemUpdating", "InService", "Updating", "InService"]);
}

#[tokio::test(start_paused = true)]
async fn somebody_else_updates_and_autoscaling_scales() {
    let theirs = Action::UpdateEndpoint {
        endpoint: "bikes".to_owned(),
        config: "theirs".to_owned(),
        image: format!("{IMAGE}:theirs"),
    };
    let scale = Action::ScaleEndpoint { endpoint: "bikes".to_owned(), count: 5 };
    let (simulator, _client) = world(
        Scenario::default()
            .other(Moment::Elapsed(Duration::from_secs(1)), theirs)
            .other(Moment::Elapsed(Duration::from_secs(600)), scale),
    );
    simulator.settle().await;
    let (status, config, _, count) = standing(&simulator);
    assert_eq!((status.as_str(), config.as_str(), count), ("InService", "theirs", 5));
}

#[tokio::test(start_paused = true)]
async fn names_are_taken_once_and_what_is_missing_is_named() {
    let (_simulator, client) = world(Scenario::default());
    let arn = |kind: &str, name: &str| format!("\"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}\".");
    make(&client, "next", "1").await;

    for (told, expected) in [
        (refusal(client.create_model().model_name("next").send().await), "Cannot create already existing model "),
        (refusal(client.describe_model().model_name("none").send().await), "Could not find model "),
    ] {
        assert!(told.starts_with(expected), "{told}");
    }
    let config = client.describe_endpoint_config().endpoint_config_name("none").send().await;
    assert_eq!(refusal(config), format!("Could not find endpoint configuration {}", arn("endpoint-config", "none")));
    let create = client.create_endpoint().endpoint_name("Bikes").endpoint_config_name("next").send().await;
    assert_eq!(refusal(create), format!("Cannot create already existing endpoint {}", arn("endpoint", "bikes")));
    let blank = ContainerDefinition::builder().image(format!("{IMAGE}:1 ")).build();
    let blank = client.create_model().model_name("blank").primary_container(blank).send().await;
    assert!(refusal(blank).contains("[\\S]+"));

    // What is in use can be deleted, and is missed at the next update.
    client.delete_model().model_name("next").send().await.unwrap();
    let update = client.update_endpoint().endpoint_name("bikes").endpoint_config_name("next").send().await;
    assert_eq!(refusal(update), format!("Could not find model {}", arn("model", "next")));
}

#[tokio::test(start_paused = true)]
async fn packages_are_listed_oldest_first_unless_asked_and_a_page_of_them_may_be_empty() {
    let (simulator, client) = world(Scenario::default());
    for version in 1..=3_u64 {
        let approval = if version == 3 { "PendingManualApproval" } else { "Approved" };
        simulator.add_model_package("bikes", version, &json!({"ModelApprovalStatus": approval}));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let list = |order: Option<SortOrder>| {
        let list = client.list_model_packages().model_package_group_name("bikes").set_sort_order(order);
        list.model_approval_status(ModelApprovalStatus::Approved).max_results(1).send()
    };
    let oldest = list(None).await.unwrap();
    assert_eq!(oldest.model_package_summary_list()[0].model_package_version(), Some(1));
    let newest = list(Some(SortOrder::Descending)).await.unwrap();
    assert!(newest.model_package_summary_list().is_empty(), "version 3 is not approved");
    assert_eq!(newest.next_token(), Some("1"));
}
