//! AWS CodeDeploy as its real SDK sees it.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::error::ProvideErrorMetadata as _;
use aws_sdk_codedeploy::types::{
    AppSpecContent, DeploymentInfo, DeploymentStatus, DeploymentWaitType, EcsTarget, RevisionLocation,
    RevisionLocationType,
};
use serde_json::json;
use simulator::{Action, Behaviour, DeploymentGroup, Moment, Scenario, Service, Simulator};

use super::client;

const APPLICATION: &str = "AppECS-default-web";
const GROUP: &str = "DgpECS-default-web";

fn world(scenario: Scenario, group: DeploymentGroup) -> (Simulator, Client) {
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web").controller("CODE_DEPLOY"));
    simulator.add_deployment_group(group);
    let config = aws_sdk_codedeploy::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(client::credentials())
        .retry_config(aws_sdk_codedeploy::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client())
        .build();
    (simulator, Client::from_conf(config))
}

fn revision(task_definition: &str) -> RevisionLocation {
    let content = json!({
        "version": 0.0,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": task_definition}}}],
        "Hooks": [{"AfterAllowTestTraffic": "validate"}],
    });
    RevisionLocation::builder()
        .revision_type(RevisionLocationType::AppSpecContent)
        .app_spec_content(AppSpecContent::builder().content(content.to_string()).build())
        .build()
}

/// Registers `image` and deploys it; gives the deployment's id.
async fn deploy(simulator: &Simulator, client: &Client, image: &str) -> String {
    let task_definition = client::register(&client::client(simulator), "web", image).await;
    let answer = client
        .create_deployment()
        .application_name(APPLICATION)
        .deployment_group_name(GROUP)
        .revision(revision(&task_definition))
        .send()
        .await
        .unwrap();
    answer.deployment_id.unwrap()
}

async fn deployment(client: &Client, id: &str) -> DeploymentInfo {
    client.get_deployment().deployment_id(id).send().await.unwrap().deployment_info.unwrap()
}

async fn target(client: &Client, id: &str) -> EcsTarget {
    let answer =
        client.batch_get_deployment_targets().deployment_id(id).target_ids("default:web").send().await.unwrap();
    answer.deployment_targets.unwrap().remove(0).ecs_target.unwrap()
}

/// Statuses of the lifecycle events, in their order.
fn events(target: &EcsTarget) -> Vec<&str> {
    target.lifecycle_events().iter().map(|event| event.status().unwrap().as_str()).collect()
}

/// What the task sets get of the traffic, the old one first.
fn traffic(target: &EcsTarget) -> Vec<f64> {
    target.task_sets_info().iter().map(|set| set.traffic_weight()).collect()
}

fn running(simulator: &Simulator) -> Vec<(String, usize)> {
    let running = simulator.running_task_definitions("default", "web");
    running.into_iter().map(|(arn, count)| (arn.rsplit('/').next().unwrap().to_owned(), count)).collect()
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn traffic_shifts_once_the_new_tasks_are_steady_and_then_the_old_ones_go() {
    let (simulator, client) =
        world(Scenario::default(), DeploymentGroup::of("web").termination_wait(Duration::from_secs(300)));
    let id = deploy(&simulator, &client, "web:2").await;

    pass(30).await;
    let seen = target(&client, &id).await;
    assert_eq!(events(&seen)[..3], ["Succeeded", "InProgress", "Pending"]);
    assert_eq!(traffic(&seen), [100.0, 0.0]);
    let service = simulator.describe_service("default", "web");
    assert_eq!(service["taskSets"][0]["status"], "PRIMARY");
    assert_eq!(service["taskSets"][1]["externalId"], json!(id));
    assert_eq!(service["deployments"], json!([]));
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:1"));

    pass(60).await;
    let seen = target(&client, &id).await;
    assert_eq!(events(&seen), ["Succeeded"; 8]);
    assert_eq!(traffic(&seen), [0.0, 100.0]);
    assert_eq!(deployment(&client, &id).await.status, Some(DeploymentStatus::InProgress));
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2), ("web:2".to_owned(), 2)]);

    client
        .continue_deployment()
        .deployment_id(&id)
        .deployment_wait_type(DeploymentWaitType::TerminationWait)
        .send()
        .await
        .unwrap();
    pass(10).await;
    assert_eq!(deployment(&client, &id).await.status, Some(DeploymentStatus::Succeeded));
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)]);
    assert!(simulator.malformed_answers().is_empty(), "{:?}", simulator.malformed_answers());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_deployment_is_taken_back_by_another_one() {
    let (simulator, client) =
        world(Scenario::default().image("web:2", Behaviour::crash_loop()), DeploymentGroup::of("web"));
    let id = deploy(&simulator, &client, "web:2").await;
    pass(120).await;
    assert_eq!(events(&target(&client, &id).await)[1], "InProgress");

    client.stop_deployment().deployment_id(&id).auto_rollback_enabled(true).send().await.unwrap();
    pass(20).await;

    let stopped = deployment(&client, &id).await;
    assert_eq!(stopped.status, Some(DeploymentStatus::Stopped));
    let back = deployment(&client, stopped.rollback_info().unwrap().rollback_deployment_id().unwrap()).await;
    assert_eq!(back.status, Some(DeploymentStatus::Succeeded));
    assert_eq!(back.creator().unwrap().as_str(), "codeDeployRollback");
    assert_eq!(back.rollback_info().unwrap().rollback_triggering_deployment_id(), Some(id.as_str()));
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)]);
    let again = client.stop_deployment().deployment_id(&id).send().await.unwrap_err();
    assert_eq!(again.code(), Some("DeploymentAlreadyCompletedException"));
    assert!(simulator.malformed_answers().is_empty(), "{:?}", simulator.malformed_answers());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_fails_the_deployment_where_it_is() {
    for (rolls_back, expected) in [(true, vec![("web:1", 2)]), (false, vec![("web:1", 2), ("web:2", 2)])] {
        let group = DeploymentGroup::of("web").failing_hook("validate");
        let group = if rolls_back { group } else { group.rollback_events(&[]) };
        let (simulator, client) = world(Scenario::default(), group);
        let id = deploy(&simulator, &client, "web:2").await;
        pass(120).await;

        let failed = deployment(&client, &id).await;
        assert_eq!(failed.status, Some(DeploymentStatus::Failed));
        assert_eq!(failed.error_information().unwrap().code().unwrap().as_str(), "HOOK_EXECUTION_FAILURE");
        let seen = target(&client, &id).await;
        assert_eq!(events(&seen)[3..6], ["Succeeded", "Failed", "Skipped"]);
        assert!(seen.lifecycle_events()[4].diagnostics().unwrap().message().unwrap().contains("validate"));
        let expected: Vec<_> = expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        assert_eq!(running(&simulator), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_waits_and_an_alarm_takes_it_back() {
    let group = DeploymentGroup::of("web")
        .config("CodeDeployDefault.ECSCanary10Percent5Minutes")
        .alarms(&["errors"])
        .rollback_events(&["DEPLOYMENT_STOP_ON_ALARM"]);
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    let scenario = Scenario::default().other(Moment::Elapsed(Duration::from_secs(180)), trip);
    let (simulator, client) = world(scenario, group);
    let id = deploy(&simulator, &client, "web:2").await;

    pass(120).await;
    assert_eq!(traffic(&target(&client, &id).await), [90.0, 10.0]);
    pass(120).await;

    let stopped = deployment(&client, &id).await;
    assert_eq!(stopped.status, Some(DeploymentStatus::Stopped));
    assert_eq!(stopped.error_information().unwrap().code().unwrap().as_str(), "ALARM_ACTIVE");
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_has_one_deployment_at_a_time_and_remembers_the_last() {
    let (simulator, client) = world(Scenario::default(), DeploymentGroup::of("web"));
    let id = deploy(&simulator, &client, "web:2").await;
    let second = client
        .create_deployment()
        .application_name(APPLICATION)
        .deployment_group_name(GROUP)
        .revision(revision("web:2"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(second.code(), Some("DeploymentLimitExceededException"));
    assert!(second.message().unwrap().contains(&id));

    let answer =
        client.get_deployment_group().application_name(APPLICATION).deployment_group_name(GROUP).send().await.unwrap();
    let group = answer.deployment_group_info.unwrap();
    assert_eq!(group.last_attempted_deployment().unwrap().deployment_id(), Some(id.as_str()));
    assert!(group.last_successful_deployment().is_none());

    // The content is left out of GetDeployment's answer, and is in the application's revisions.
    let created = deployment(&client, &id).await.revision.unwrap();
    assert_eq!(created.app_spec_content().unwrap().content(), None);
    let answer =
        client.get_application_revision().application_name(APPLICATION).revision(created).send().await.unwrap();
    assert!(answer.revision.unwrap().app_spec_content.unwrap().content.unwrap().contains("web:2"));
    let listed =
        client.list_deployments().application_name(APPLICATION).deployment_group_name(GROUP).send().await.unwrap();
    assert_eq!(listed.deployments(), [id]);
    assert!(simulator.malformed_answers().is_empty(), "{:?}", simulator.malformed_answers());
}
