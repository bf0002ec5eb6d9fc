//! An endpoint of Amazon SageMaker, deployed to a world that behaves as AWS does over time: what is sent, and what is said of
//! the result.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::{Value, json};
use simulator::{
    Action, Alarm, Endpoint, Fault, Image, Invocation, ModelOutcome, Moment, Repository, Rule, Scenario, Simulator,
    When,
};
use support::{Step, seconds};

const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";
const DATA: &str = "s3://models/bikes-1.tar.gz";

fn image(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

/// The digest that the tag is on.
fn digest(simulator: &Simulator, tag: &str) -> String {
    format!("{REPOSITORY}@{}", simulator.tagged("bikes", tag).unwrap())
}

/// The endpoint `bikes`, scaled to three instances, with everything that must not be lost.
fn bikes() -> Endpoint {
    Endpoint::new("bikes", &image("1"), DATA)
        .container("Environment", json!({"LEVEL": "info", "KEY": "hunter2"}))
        .model("VpcConfig", json!({"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}))
        .variant("ContainerStartupHealthCheckTimeoutInSeconds", json!(600))
        .config("KmsKeyId", json!("alias/models"))
        .config(
            "DataCaptureConfig",
            json!({
                "EnableCapture": true,
                "InitialSamplingPercentage": 20,
                "DestinationS3Uri": "s3://captured/bikes",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            }),
        )
        .tags(vec![json!({"Key": "team", "Value": "ml"}), json!({"Key": "ecs-deploy-action:run", "Value": "1/1"})])
        .scaled_to(3)
}

fn world(scenario: Scenario) -> Simulator {
    let simulator = empty(scenario);
    simulator.add_endpoint(bikes());
    simulator
}

/// No endpoint, and the images `1`, `2`, `bad` and `arm`.
fn empty(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    let image = |tag: &str| Image::new(tag, "linux", "amd64").tag(tag);
    let repository = Repository::new("bikes").image(image("1")).image(image("2")).image(image("bad"));
    simulator.add_repository(repository.image(Image::new("arm", "linux", "arm64").tag("arm")));
    simulator
}

/// A scenario in which the model with the image `bad` does this. Models name their images by digests.
fn bad(outcome: ModelOutcome) -> Scenario {
    let digest = empty(Scenario::default()).tagged("bikes", "bad").unwrap();
    Scenario::default().model(digest, outcome)
}

fn deploying(tag: &str) -> Step {
    Step::bare().input("endpoint-name", "bikes").input("model-image", &image(tag))
}

/// With all that a new endpoint needs.
fn creating(tag: &str) -> Step {
    deploying(tag)
        .input("model-data", DATA)
        .input("model-role-arn", "arn:aws:iam::123456789012:role/model")
        .input("instance-type", "ml.m5.large")
}

fn writes(simulator: &Simulator) -> Vec<String> {
    let verbs = ["Create", "Update", "Delete"];
    let is_write = |name: &String| verbs.iter().any(|verb| name.starts_with(verb));
    simulator.journal().into_iter().map(|call| call.operation).filter(is_write).collect()
}

/// What the endpoint serves: its status, the image of its model, and its instances.
fn serves(simulator: &Simulator) -> (String, String, u64) {
    let endpoint = simulator.describe_endpoint("bikes");
    let variant = &endpoint["ProductionVariants"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&endpoint["EndpointStatus"]),
        text(&variant["DeployedImages"][0]["ResolvedImage"]),
        variant["CurrentInstanceCount"].as_u64().unwrap_or_default(),
    )
}

fn as_before(simulator: &Simulator) -> (String, String, u64) {
    ("InService".to_owned(), digest(simulator, "1"), 3)
}

fn request(simulator: &Simulator, operation: &str) -> Value {
    simulator.calls(operation)[0].request.clone()
}

const MAKING: [&str; 3] = ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"];

#[tokio::test(start_paused = true)]
async fn an_update_changes_what_was_named_and_takes_over_everything_else() {
    let simulator = world(Scenario::default());

    let report = deploying("2").input("tags", "team=bikes").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), MAKING);
    let name = report.output("endpoint-config-name").to_owned();
    assert!(name.starts_with("bikes-4711-"), "{name}");
    let tags = json!([
        {"Key": "team", "Value": "bikes"},
        {"Key": "ecs-deploy-action:commit", "Value": "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"},
        {"Key": "ecs-deploy-action:repository", "Value": "shop/web"},
        {"Key": "ecs-deploy-action:run", "Value": "4711/1"},
    ]);
    assert_eq!(
        request(&simulator, "CreateModel"),
        json!({
            "ModelName": report.output("model-name"),
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/model",
            "PrimaryContainer": {
                "Image": digest(&simulator, "2"),
                "ModelDataUrl": DATA,
                "Environment": {"LEVEL": "info", "KEY": "hunter2"},
            },
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            "Tags": tags,
        })
    );
    let mut tags = tags;
    tags.as_array_mut().unwrap().push(json!({"Key": "ecs-deploy-action:previous", "Value": "bikes"}));
    assert_eq!(
        request(&simulator, "CreateEndpointConfig"),
        json!({
            "EndpointConfigName": name,
            "KmsKeyId": "alias/models",
            "DataCaptureConfig": {
                "EnableCapture": true,
                "InitialSamplingPercentage": 20,
                "DestinationS3Uri": "s3://captured/bikes",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            },
            "ProductionVariants": [{
                "VariantName": "AllTraffic",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
                "ContainerStartupHealthCheckTimeoutInSeconds": 600,
                "ModelName": report.output("model-name"),
            }],
            "Tags": tags,
        })
    );
    assert_eq!(
        request(&simulator, "UpdateEndpoint"),
        json!({"EndpointName": "bikes", "EndpointConfigName": name, "RetainAllVariantProperties": true})
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 3));
    assert_eq!(report.output("previous-endpoint-config-name"), "bikes");
    assert_eq!(report.output("running-count"), "3");
    assert_eq!(report.output("message"), format!("Endpoint bikes serves {name}."));
    for text in [&report.log, &report.summary] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn tags_of_others_are_carried_over() {
    let simulator = world(Scenario::default());
    deploying("2").input("deploy-tags", "false").run(&simulator).await.ended("deployed", "");
    let tags = request(&simulator, "CreateModel")["Tags"].clone();
    assert_eq!(tags, json!([{"Key": "team", "Value": "ml"}]));
}

#[tokio::test(start_paused = true)]
async fn what_is_served_already_is_not_deployed_again() {
    let simulator = world(Scenario::default());
    let report = deploying("1").input("model-environment", "LEVEL=info").run(&simulator).await;
    report.ended("unchanged", "");
    assert_eq!(writes(&simulator), [""; 0]);

    deploying("2").run(&simulator).await.ended("deployed", "");
    let again = deploying("2").variable("GITHUB_RUN_ID", "4712").run(&simulator).await;
    again.ended("unchanged", "");
    assert_eq!(writes(&simulator), MAKING);
}

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_is_created_by_looking() {
    let simulator = empty(Scenario::default());

    let report = creating("2").input("instance-count", "2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]);
    let variant = request(&simulator, "CreateEndpointConfig")["ProductionVariants"][0].clone();
    assert_eq!(
        variant,
        json!({
            "VariantName": "AllTraffic",
            "InitialVariantWeight": 1.0,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "ModelName": report.output("model-name"),
        })
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 2));

    // What the plan of a new endpoint shows has no values of variables either.
    let plan = creating("2").input("endpoint-name", "bikes-2").input("model-environment", "KEY=hunter2");
    let report = plan.input("mode", "plan").run(&simulator).await;
    assert!(report.output("plan").contains("Environment.KEY"), "{report:#?}");
    assert!(!format!("{report:?}").contains("hunter"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_says_all_that_it_needs() {
    let simulator = empty(Scenario::default());
    let report = Step::bare().input("endpoint-name", "bikes").run(&simulator).await;
    report.ended("refused", "invalid-input");
    for input in ["instance-type", "model-image", "model-role-arn"] {
        assert!(report.log.contains(input), "{input}: {}", report.log);
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_sagemaker_is_a_failure_with_a_reason_or_without() {
    for (silent, cause) in [(false, "health-check"), (true, "endpoint-failed")] {
        let scenario = Scenario { silent_endpoint_rollbacks: silent, ..bad(ModelOutcome::no_ping()) };
        let simulator = world(scenario);

        let report = deploying("bad").run(&simulator).await;

        report.ended("rolled-back", cause);
        assert_eq!(report.exit_code, 2);
        assert_eq!(writes(&simulator), MAKING, "SageMaker itself went back");
        assert_eq!(serves(&simulator), as_before(&simulator));
        assert!(report.output("message").contains("runs bikes again"), "{}", report.output("message"));
        if !silent {
            assert!(report.output("diagnosis").contains("endpoint-ping"), "{}", report.output("diagnosis"));
            assert!(report.summary.contains("did not pass the ping health check"), "{}", report.summary);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_capacity_says_so() {
    let simulator = world(bad(ModelOutcome::no_capacity()));
    deploying("bad").run(&simulator).await.ended("rolled-back", "capacity");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_red_alarm_keeps_an_update_from_beginning() {
    let red = Moment::Elapsed(seconds(0));
    let scenario = || {
        let trip = Action::TripAlarm { name: "errors".to_owned() };
        Scenario::default().alarm(Alarm::new("errors")).other(red.clone(), trip)
    };
    let simulator = world(scenario());
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("would take the update back at once"), "{}", report.log);
    assert_eq!(writes(&simulator), [""; 0]);

    let simulator = world(scenario());
    let step = deploying("2").input("rollback-alarms", "errors").input("alarm-preflight", "ignore");
    step.run(&simulator).await.ended("rolled-back", "alarm");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_canary_bakes_under_alarms_and_goes_back_when_one_goes_off() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    for (delay, outcome, cause) in [(300, "rolled-back", "alarm"), (100_000, "deployed", "")] {
        let after = Moment::AfterUpdate { number: 1, delay: seconds(delay) };
        let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after, trip.clone()));

        let step = deploying("2").input("deployment-strategy", "canary").input("canary-percent", "20");
        let step = step.input("canary-bake-time-minutes", "10").input("bake-time-minutes", "5");
        // Time that has to pass is not counted.
        let report = step.input("rollback-alarms", "errors").input("wait-for-minutes", "10").run(&simulator).await;

        report.ended(outcome, cause);
        assert_eq!(
            request(&simulator, "UpdateEndpoint")["DeploymentConfig"],
            json!({
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
                        "WaitIntervalInSeconds": 600,
                    },
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 4500,
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
            })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn linear_and_rolling_updates_have_their_steps() {
    for (inputs, member, expected) in [
        (
            vec![
                ("deployment-strategy", "linear"),
                ("linear-step-percent", "25"),
                ("linear-step-bake-time-minutes", "2"),
            ],
            "/BlueGreenUpdatePolicy/TrafficRoutingConfiguration",
            json!({
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                "WaitIntervalInSeconds": 120,
            }),
        ),
        (
            vec![("deployment-strategy", "rolling"), ("rolling-batch-percent", "34"), ("bake-time-minutes", "1")],
            "/RollingUpdatePolicy",
            json!({
                "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 34},
                "WaitIntervalInSeconds": 60,
                "MaximumExecutionTimeoutInSeconds": 3780,
            }),
        ),
        (
            vec![("deployment-strategy", "all-at-once")],
            "/BlueGreenUpdatePolicy/TrafficRoutingConfiguration",
            json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
        ),
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(deploying("2"), |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("deployed", "");
        let deployment = request(&simulator, "UpdateEndpoint")["DeploymentConfig"].clone();
        assert_eq!(deployment.pointer(member), Some(&expected), "{deployment}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_that_sagemaker_does_not_take_are_refused_before_anything_is_made() {
    for inputs in [
        vec![("deployment-strategy", "canary"), ("canary-percent", "60")],
        vec![("deployment-strategy", "canary"), ("canary-percent", "2.5")],
        vec![("deployment-strategy", "linear"), ("linear-step-percent", "5")],
        vec![("deployment-strategy", "linear"), ("linear-step-bake-time-minutes", "60")],
        vec![("deployment-strategy", "blue-green"), ("bake-time-minutes", "90")],
        vec![("deployment-strategy", "blue-green"), ("rolling-batch-percent", "20")],
        vec![("deployment-strategy", "rolling"), ("canary-percent", "10")],
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(deploying("2"), |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("refused", "invalid-input");
        assert_eq!(writes(&simulator), [""; 0], "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_the_last_update_was_carried_out_is_kept() {
    let last = json!({
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    });
    let simulator = empty(Scenario::default().alarm(Alarm::new("errors")));
    simulator.add_endpoint(bikes().last_deployment(last));
    deploying("2").run(&simulator).await.ended("deployed", "");
    assert_eq!(request(&simulator, "UpdateEndpoint")["RetainDeploymentConfig"], true);
}

#[tokio::test(start_paused = true)]
async fn a_mix_that_sagemaker_leaves_behind_is_loud_and_repaired() {
    let scenario = Scenario { endpoint_rollbacks_fail: true, ..bad(ModelOutcome::cannot_start()) };
    let step = || deploying("bad").input("deployment-strategy", "rolling");

    let simulator = world(scenario.clone());
    let report = step().run(&simulator).await;
    report.ended("rolled-back", "update-rollback-failed");
    assert_eq!(writes(&simulator), [&MAKING[..], &["UpdateEndpoint"]].concat());
    assert_eq!(serves(&simulator), as_before(&simulator));

    let simulator = world(scenario.clone());
    let report = step().input("rollback-on-failure", "false").run(&simulator).await;
    report.ended("failed", "update-rollback-failed");
    assert!(report.log.contains("a mix of both"), "{}", report.log);

    // AWS does not take the update back either.
    let simulator = world(scenario);
    let from = Some(seconds(200));
    let when = When { operation: Some("UpdateEndpoint".to_owned()), from, ..When::default() };
    let (code, message) = ("ValidationException".to_owned(), "It cannot be done.".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    let report = step().run(&simulator).await;
    report.ended("rollback-failed", "update-rollback-failed");
    assert_eq!(report.exit_code, 4);
}

#[tokio::test(start_paused = true)]
async fn the_first_endpoint_that_fails_is_kept_or_deleted_as_asked() {
    let simulator = empty(bad(ModelOutcome::no_ping()));
    let report = creating("bad").run(&simulator).await;
    report.ended("failed", "health-check");
    assert_eq!(simulator.describe_endpoint("bikes")["EndpointStatus"], "Failed");
    assert!(report.output("message").contains("it is kept"), "{}", report.output("message"));

    let simulator = empty(bad(ModelOutcome::no_ping()));
    let report = creating("bad").input("on-first-failure", "delete").run(&simulator).await;
    report.ended("rolled-back", "health-check");
    assert_eq!(simulator.describe_endpoint("bikes"), Value::Null);
    assert!(report.output("message").starts_with("There is no endpoint bikes"), "{}", report.output("message"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_endpoint_is_made_again_only_when_asked() {
    let world = || {
        let simulator = empty(Scenario::default());
        simulator.add_endpoint(bikes().failed("It never worked."));
        simulator
    };
    let simulator = world();
    let report = creating("2").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("recreate-failed"), "{}", report.log);

    let simulator = world();
    creating("2").input("recreate-failed", "true").run(&simulator).await.ended("deployed", "");
    assert_eq!(writes(&simulator), ["CreateModel", "CreateEndpointConfig", "DeleteEndpoint", "CreateEndpoint"]);
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 1));
}

#[tokio::test(start_paused = true)]
async fn only_not_found_means_absent() {
    for (code, cause) in [
        ("AccessDeniedException", "access-denied"),
        ("ExpiredTokenException", "credentials"),
        ("ValidationException", "request-refused"),
        ("ThrottlingException", "unavailable"),
    ] {
        let simulator = world(Scenario::default());
        let (code, message) = (code.to_owned(), "User is not authorized to see it.".to_owned());
        let when = When { operation: Some("DescribeEndpoint".to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
        let report = creating("2").input("max-retries", "1").run(&simulator).await;
        report.ended("refused", cause);
        assert_eq!(writes(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn maintenance_is_waited_for() {
    let maintain = Action::MaintainEndpoint { endpoint: "bikes".to_owned(), lasts: seconds(300) };
    let scenario = || Scenario::default().other(Moment::Elapsed(seconds(1)), maintain.clone());
    let simulator = world(scenario());
    tokio::time::sleep(seconds(2)).await;
    deploying("2").run(&simulator).await.ended("deployed", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));

    let simulator = world(scenario());
    tokio::time::sleep(seconds(2)).await;
    deploying("2").input("on-conflict", "fail").run(&simulator).await.ended("refused", "conflict");
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_update_is_waited_for_and_built_upon() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("2") };
    let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(1)), theirs));
    tokio::time::sleep(seconds(2)).await;
    let step = Step::bare().input("endpoint-name", "bikes").input("model-data", "s3://models/bikes-2.tar.gz");
    let report = step.run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(report.output("previous-endpoint-config-name"), "theirs");
    let container = request(&simulator, "CreateModel")["PrimaryContainer"].clone();
    assert_eq!(container["ModelDataUrl"], "s3://models/bikes-2.tar.gz");
    // The image that they brought, by the digest that runs.
    assert_eq!(container["Image"], digest(&simulator, "2"));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_newer_update_is_neither_our_failure_nor_ours_to_undo() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("1") };
    // Ours is over, and its alarms are still watched.
    let after = Moment::AfterUpdate { number: 1, delay: seconds(300) };
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after, theirs));
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("superseded", "conflict");
    assert_eq!(writes(&simulator), MAKING);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_after_the_rollout_takes_it_back_and_keeps_the_live_count() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    let scale = Action::ScaleEndpoint { endpoint: "bikes".to_owned(), count: 7 };
    let scenario = Scenario::default()
        .alarm(Alarm::new("errors"))
        .other(Moment::AfterUpdate { number: 1, delay: seconds(200) }, scale)
        .other(Moment::AfterUpdate { number: 1, delay: seconds(260) }, trip);
    let simulator = world(scenario);
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("rolled-back", "alarm");
    assert_eq!(writes(&simulator), [&MAKING[..], &["UpdateEndpoint"]].concat());
    let back = simulator.calls("UpdateEndpoint")[1].request.clone();
    assert_eq!(
        back,
        json!({"EndpointName": "bikes", "EndpointConfigName": "bikes", "RetainAllVariantProperties": true})
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "1"), 7));
}

#[tokio::test(start_paused = true)]
async fn promotion_takes_the_very_image_that_staging_runs() {
    let staging = || {
        Endpoint::new("bikes-staging", &image("2"), "s3://models/bikes-2.tar.gz")
            .container("Environment", json!({"LEVEL": "debug"}))
    };
    let simulator = world(Scenario::default());
    simulator.add_endpoint(staging());
    let promoted = digest(&simulator, "2");
    let step = || Step::bare().input("endpoint-name", "bikes").input("from-endpoint", "bikes-staging");
    let report = step().input("mode", "promote").run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(
        request(&simulator, "CreateModel")["PrimaryContainer"],
        json!({"Image": promoted, "ModelDataUrl": "s3://models/bikes-2.tar.gz", "Environment": {"LEVEL": "debug"}})
    );
    // Everything else is production's.
    assert_eq!(request(&simulator, "CreateModel")["VpcConfig"]["Subnets"], json!(["subnet-1"]));

    // The first time there is nothing in production.
    let simulator = empty(Scenario::default());
    simulator.add_endpoint(staging().variant("InstanceType", json!("ml.c5.xlarge")));
    step().run(&simulator).await.ended("deployed", "");
    let variant = request(&simulator, "CreateEndpointConfig")["ProductionVariants"][0].clone();
    assert_eq!(variant["InstanceType"], "ml.c5.xlarge");

    // Only what serves is promoted.
    let maintain = Action::MaintainEndpoint { endpoint: "bikes-staging".to_owned(), lasts: seconds(300) };
    let simulator = empty(Scenario::default().other(Moment::Elapsed(seconds(1)), maintain));
    simulator.add_endpoint(bikes());
    simulator.add_endpoint(staging());
    tokio::time::sleep(seconds(2)).await;
    step().run(&simulator).await.ended("refused", "preflight");
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_latest_approved_package_is_the_highest_that_is_approved_and_complete() {
    let simulator = world(Scenario::default());
    let mut arns = Vec::new();
    for (version, approval, status) in [
        (1, "Approved", "Completed"),
        (2, "Approved", "Completed"),
        (3, "Rejected", "Completed"),
        (4, "Approved", "InProgress"),
    ] {
        let document = json!({"ModelApprovalStatus": approval, "ModelPackageStatus": status});
        arns.push(simulator.add_model_package("bikes", version, &document));
    }
    let step = || Step::bare().input("endpoint-name", "bikes").input("model-package-group", "bikes");

    step().run(&simulator).await.ended("deployed", "");
    let model = request(&simulator, "CreateModel");
    assert_eq!(model["PrimaryContainer"], json!({"ModelPackageName": arns[1]}));
    assert_eq!(model["ExecutionRoleArn"], "arn:aws:iam::123456789012:role/model");

    step().input("model-version", "1").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("CreateModel")[1].request["PrimaryContainer"]["ModelPackageName"], arns[0]);
    step().input("model-version", "3").run(&simulator).await.ended("refused", "preflight");
    step().input("model-version", "9").run(&simulator).await.ended("refused", "not-found");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_exists_is_served_as_it_is() {
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("other", &image("2"), DATA));
    let step = Step::bare().input("endpoint-name", "bikes").input("model-name", "other");
    step.run(&simulator).await.ended("deployed", "");
    assert_eq!(writes(&simulator), MAKING[1..]);
    assert_eq!(request(&simulator, "CreateEndpointConfig")["ProductionVariants"][0]["ModelName"], "other");
}

#[tokio::test(start_paused = true)]
async fn each_override_changes_its_member() {
    for (inputs, operation, pointer, expected) in [
        (
            vec![("instance-type", "ml.m5.xlarge")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/InstanceType",
            json!("ml.m5.xlarge"),
        ),
        (
            vec![("instance-count", "5")],
            "UpdateEndpoint",
            "/ExcludeRetainedVariantProperties",
            json!([{"VariantPropertyType": "DesiredInstanceCount"}]),
        ),
        (
            vec![("serverless-memory-mb", "2048"), ("serverless-max-concurrency", "10")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/ServerlessConfig",
            json!({"MemorySizeInMB": 2048, "MaxConcurrency": 10}),
        ),
        (
            vec![("container-startup-timeout-seconds", "900")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/ContainerStartupHealthCheckTimeoutInSeconds",
            json!(900),
        ),
        (
            vec![("inference-ami-version", "al2-ami-sagemaker-inference-gpu-3-1")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/InferenceAmiVersion",
            json!("al2-ami-sagemaker-inference-gpu-3-1"),
        ),
        (vec![("endpoint-kms-key-id", "alias/other")], "CreateEndpointConfig", "/KmsKeyId", json!("alias/other")),
        (vec![("data-capture-percent", "0")], "CreateEndpointConfig", "/DataCaptureConfig/EnableCapture", json!(false)),
        (
            vec![("model-environment", "LEVEL=debug\n-KEY")],
            "CreateModel",
            "/PrimaryContainer/Environment",
            json!({"LEVEL": "debug"}),
        ),
        (
            vec![("model-subnets", "subnet-9"), ("model-security-groups", "sg-9")],
            "CreateModel",
            "/VpcConfig",
            json!({"SecurityGroupIds": ["sg-9"], "Subnets": ["subnet-9"]}),
        ),
        (
            vec![("model-data", "s3://models/uncompressed/")],
            "CreateModel",
            "/PrimaryContainer/ModelDataSource/S3DataSource/S3DataType",
            json!("S3Prefix"),
        ),
    ] {
        let simulator = world(Scenario::default());
        let step = Step::bare().input("endpoint-name", "bikes");
        let step = inputs.iter().fold(step, |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("deployed", "");
        let sent = request(&simulator, operation);
        assert_eq!(sent.pointer(pointer), Some(&expected), "{inputs:?}: {sent}");
        if operation != "CreateModel" {
            assert_eq!(simulator.calls("CreateModel").len(), 0, "{inputs:?}: the model stays");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_run_there_is_refused() {
    let simulator = world(Scenario::default());
    let report = deploying("arm").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("is for linux/arm64, and the endpoint runs on linux/amd64"), "{}", report.log);
    let graviton = deploying("arm").input("instance-type", "ml.c7g.large");
    graviton.run(&simulator).await.ended("deployed", "");

    let missing = deploying("none").run(&simulator).await;
    missing.ended("refused", "not-found");
    let elsewhere = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/bikes:2";
    let report = Step::bare().input("endpoint-name", "bikes").input("model-image", elsewhere).run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("lies in eu-west-1"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_to_what_was_served_before_or_to_what_is_named() {
    let simulator = world(Scenario::default());
    deploying("2").run(&simulator).await.ended("deployed", "");
    let rollback = |to: Option<&str>| {
        let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
        to.map_or_else(
            || Step::bare().input("endpoint-name", "bikes").input("mode", "rollback"),
            |to| step.input("to", to),
        )
    };
    let report = rollback(None).run(&simulator).await;
    report.ended("rolled-back", "");
    assert_eq!(report.exit_code, 0);
    assert_eq!(serves(&simulator), as_before(&simulator));

    // Nothing says what was before that one.
    rollback(Some("previous")).run(&simulator).await.ended("refused", "not-found");
    let config = simulator.calls("CreateEndpointConfig")[0].request["EndpointConfigName"].as_str().unwrap().to_owned();
    rollback(Some(&config)).run(&simulator).await.ended("rolled-back", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));
    rollback(Some(&config)).run(&simulator).await.ended("unchanged", "");
    rollback(Some("none")).run(&simulator).await.ended("refused", "not-found");
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_old_and_new_and_writes_nothing() {
    let simulator = world(Scenario::default());
    let step = deploying("2").input("mode", "plan").input("model-environment", "KEY=hunter3");
    let report = step.run(&simulator).await;
    report.ended("planned", "");
    assert_eq!(writes(&simulator), [""; 0]);
    let plan = report.output("plan");
    let container = "ProductionVariants[AllTraffic].Model.PrimaryContainer";
    for subject in [format!("{container}.Image"), format!("{container}.Environment.KEY")] {
        assert!(plan.contains(&subject), "{subject} is missing in {plan}");
    }
    assert!(!plan.contains("hunter") && plan.contains("bikes:2@sha256:"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_update_goes_back_in_the_post_step_because_nothing_can_stop_it() {
    let simulator = world(Scenario::default());
    let (cancel, cancellation) = Cancellation::new();
    let step = deploying("2");
    let cancelled = async {
        tokio::time::sleep(seconds(30)).await;
        cancel.send_replace(true);
        std::future::pending::<()>().await
    };
    let report = tokio::select! {
        report = step.run_until_cancelled(&simulator, cancellation) => report,
        () = cancelled => unreachable!("it waits for ever"),
    };
    report.ended("failed", "cancelled");
    assert!(simulator.elapsed() < seconds(40), "gone before it is killed: {:?}", simulator.elapsed());
    let post = step.post(&simulator, "cancelled").await;
    post.ended("rolled-back", "cancelled");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_later_step_that_fails_takes_the_deployment_back() {
    let simulator = world(Scenario::default());
    let step = deploying("2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    step.post(&simulator, "failure").await.ended("rolled-back", "job-failed");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said_before_anything_is_looked_at() {
    for (inputs, named) in [
        (vec![("model-image", "a:1")], "model-image"),
        (vec![("endpoint-name", "a_b")], "endpoint-name"),
        (vec![("endpoint-name", "bikes-")], "endpoint-name"),
        (vec![("endpoint-name", "bikes"), ("service", "web")], "service"),
        (vec![("endpoint-name", "bikes"), ("model-name", "a"), ("from-endpoint", "b")], "model-name"),
        (vec![("endpoint-name", "bikes"), ("from-endpoint", "bikes")], "from-endpoint"),
        (vec![("endpoint-name", "bikes"), ("mode", "promote")], "from-endpoint"),
        (vec![("endpoint-name", "bikes"), ("model-version", "3")], "model-version"),
        (vec![("endpoint-name", "bikes"), ("model-name", "a"), ("model-image", "b:1")], "model-image"),
        (vec![("endpoint-name", "bikes"), ("model-data", "bikes.tar.gz")], "model-data"),
        (vec![("endpoint-name", "bikes"), ("instance-type", "m5.large")], "instance-type"),
        (vec![("endpoint-name", "bikes"), ("instance-count", "0")], "instance-count"),
        (vec![("endpoint-name", "bikes"), ("model-subnets", "subnet-1")], "model-subnets"),
        (
            vec![("endpoint-name", "bikes"), ("instance-type", "ml.m5.large"), ("serverless-memory-mb", "1024")],
            "instance-type",
        ),
        (vec![("endpoint-name", "bikes"), ("mode", "rollback"), ("to", "web:7")], "to"),
        (vec![("endpoint-name", "bikes"), ("mode", "run-task")], "mode"),
        (vec![("endpoint-name", "bikes"), ("mode", "continue")], "mode"),
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(Step::bare(), |step, (input, value)| step.input(input, value));
        let report = step.run(&simulator).await;
        report.ended("refused", "invalid-input");
        assert!(report.log.contains(&format!("`{named}`")) || report.log.contains(named), "{inputs:?}: {}", report.log);
        assert_eq!(simulator.journal().len(), 0, "{inputs:?}");
    }
}

/// A scenario in which the model with the image of that tag answers so.
fn answering(scenario: Scenario, tag: &str, invocation: Invocation) -> Scenario {
    let digest = empty(Scenario::default()).tagged("bikes", tag).unwrap();
    scenario.invocation_of(digest, invocation)
}

fn scored(score: &str, after: u64) -> Invocation {
    Invocation::Answers { body: format!("{{\"predictions\": [{{\"score\": {score}}}]}}"), after: seconds(after) }
}

fn asking(tag: &str) -> Step {
    deploying(tag)
        .input("smoke-test-payload", "{\"inputs\": [1, 2]}")
        .input("smoke-test-expect", "predictions[0].score >= 0.5\nlatency < 3000 ms\nbody ~ score")
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_answers_as_expected_is_a_success() {
    let simulator = world(answering(Scenario::default(), "2", scored("0.7", 1)));
    let report = asking("2").input("smoke-test-repetitions", "3").run(&simulator).await;
    report.ended("deployed", "");
    let asked = simulator.calls("InvokeEndpoint");
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].request["Body"], "{\"inputs\": [1, 2]}");
    assert_eq!(asked[0].request["ContentType"], "application/json");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_as_expected_takes_the_deployment_back_and_what_serves_again_is_asked_too() {
    let broken = Invocation::Fails { status: 500, message: "\u{1b}[31mKeyError: 'temp_c'\n::error::x".to_owned() };
    for (invocation, told) in [
        (scored("0.4", 1), "`predictions[0].score >= 0.5` is not so (it is 0.4)"),
        (scored("0.7", 9), "`latency < 3000 ms` is not so"),
        (scored("null", 1), "is not so (it is null)"),
        (broken, "The model answered with status 500"),
    ] {
        let scenario = answering(Scenario::default(), "2", invocation);
        let simulator = world(answering(scenario, "1", scored("0.9", 0)));
        let report = asking("2").run(&simulator).await;
        report.ended("rolled-back", "smoke-test");
        assert!(report.summary.contains(told), "{told}: {}", report.summary);
        assert_eq!(report.log.lines().filter(|line| line.starts_with("::error")).count(), 1, "{}", report.log);
        assert_eq!(serves(&simulator), as_before(&simulator));
        assert_eq!(simulator.calls("InvokeEndpoint").len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_serves_again_and_does_not_pass_either_is_told() {
    let scenario = answering(Scenario::default(), "2", scored("0.1", 0));
    let simulator = world(answering(scenario, "1", scored("0.2", 0)));
    let report = asking("2").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert!(report.summary.contains("What serves again does not pass either"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_ready_is_asked_again() {
    let not_ready = |until| answering(Scenario::default(), "2", Invocation::NotReady { until: seconds(until) });
    let step = || deploying("2").input("smoke-test-payload", "1,2").input("smoke-test-content-type", "text/csv");
    let simulator = world(not_ready(300));
    step().run(&simulator).await.ended("deployed", "");
    assert!(simulator.calls("InvokeEndpoint").len() > 3);

    let simulator = world(not_ready(100_000));
    let report = step().input("smoke-test-minutes", "1").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert!(report.log.contains("within 1 minutes"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn the_payload_may_be_a_file_and_an_asynchronous_endpoint_is_not_asked() {
    let simulator = world(Scenario::default());
    let step = deploying("2").file("payload.csv", "1,2,3").input("smoke-test-payload-file", "payload.csv");
    step.run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("InvokeEndpoint")[0].request["Body"], "1,2,3");

    let simulator = empty(Scenario::default());
    let output = json!({"OutputConfig": {"S3OutputPath": "s3://answers/bikes"}});
    simulator.add_endpoint(bikes().config("AsyncInferenceConfig", output));
    let report = deploying("2").input("smoke-test-payload", "{}").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("asynchronous"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_asked_for_is_asked_too() {
    let simulator = world(answering(Scenario::default(), "1", scored("0.1", 0)));
    deploying("2").run(&simulator).await.ended("deployed", "");
    let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
    let step = step.input("smoke-test-payload", "{}").input("smoke-test-expect", "predictions[0].score >= 0.5");
    step.run(&simulator).await.ended("rolled-back", "smoke-test");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"), "back from where it was going back to");
}

/// What Application Auto Scaling has: the bounds of the target, and the names of its policies.
fn scaling(simulator: &Simulator) -> Vec<(u64, u64, Vec<String>)> {
    let resource = "endpoint/bikes/variant/AllTraffic";
    let look = |operation: &str, request: Value| simulator.look_at("application-autoscaling", operation, &request);
    let targets = look("DescribeScalableTargets", json!({"ServiceNamespace": "sagemaker", "ResourceIds": [resource]}));
    let policies = look("DescribeScalingPolicies", json!({"ServiceNamespace": "sagemaker", "ResourceId": resource}));
    let name = |policy: &Value| policy["PolicyName"].as_str().unwrap().to_owned();
    let names: Vec<String> = policies["ScalingPolicies"].as_array().unwrap().iter().map(name).collect();
    let number = |value: &Value| value.as_u64().unwrap();
    let targets = targets["ScalableTargets"].as_array().unwrap().clone();
    targets.iter().map(|it| (number(&it["MinCapacity"]), number(&it["MaxCapacity"]), names.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn another_instance_type_takes_autoscaling_away_for_the_time_of_the_update() {
    for (tag, outcome) in [("2", "deployed"), ("bad", "rolled-back")] {
        let simulator = world(bad(ModelOutcome::no_ping()));
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        assert_eq!(before, [(2, 8, vec!["load".to_owned()])]);

        let report = deploying(tag).input("instance-type", "ml.m5.xlarge").run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert_eq!(scaling(&simulator), before, "it is back");
        assert_eq!(simulator.calls("DeregisterScalableTarget").len(), 1);
        let order: Vec<String> = simulator.journal().into_iter().map(|call| call.operation).collect();
        let at = |operation: &str| order.iter().position(|it| it == operation).unwrap();
        assert!(at("DeregisterScalableTarget") < at("UpdateEndpoint") && at("UpdateEndpoint") < at("PutScalingPolicy"));
    }
}

#[tokio::test(start_paused = true)]
async fn autoscaling_is_left_alone_where_the_instances_stay() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    deploying("2").run(&simulator).await.ended("deployed", "");
    deploying("1").input("instance-type", "ml.m5.large").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("DeregisterScalableTarget").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_refuses_leaves_autoscaling_as_it_was() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let when = When { operation: Some("UpdateEndpoint".to_owned()), ..When::default() };
    let (code, message) = ("AccessDeniedException".to_owned(), "is not authorized".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    let step = deploying("2").input("instance-type", "ml.m5.xlarge");
    step.run(&simulator).await.ended("refused", "access-denied");
    assert_eq!(scaling(&simulator), before);
}

#[tokio::test(start_paused = true)]
async fn a_smoke_test_that_fails_on_other_instances_brings_back_the_old_ones_and_their_autoscaling() {
    let simulator = world(answering(Scenario::default(), "2", scored("0.1", 0)));
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let report = asking("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert_eq!(serves(&simulator), as_before(&simulator));
    assert_eq!(scaling(&simulator), before);
}
