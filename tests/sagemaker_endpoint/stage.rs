//! The world of these tests: the endpoint `bikes`, the images of its models, and what is looked at afterwards.

use serde_json::{Value, json};
use simulator::{Endpoint, Image, Invocation, ModelOutcome, Repository, Scenario, Simulator};

use crate::support::{Step, seconds};

pub(crate) const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";

pub(crate) const DATA: &str = "s3://models/bikes-1.tar.gz";

pub(crate) fn image(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

/// The digest that the tag is on.
pub(crate) fn digest(simulator: &Simulator, tag: &str) -> String {
    format!("{REPOSITORY}@{}", simulator.tagged("bikes", tag).unwrap())
}

/// The endpoint `bikes`, scaled to three instances, with everything that must not be lost.
pub(crate) fn bikes() -> Endpoint {
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

pub(crate) fn world(scenario: Scenario) -> Simulator {
    let simulator = empty(scenario);
    simulator.add_endpoint(bikes());
    simulator
}

/// No endpoint, and the images `1`, `2`, `bad` and `arm`.
pub(crate) fn empty(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    let image = |tag: &str| Image::new(tag, "linux", "amd64").tag(tag);
    let repository = Repository::new("bikes").image(image("1")).image(image("2")).image(image("bad"));
    simulator.add_repository(repository.image(Image::new("arm", "linux", "arm64").tag("arm")));
    simulator
}

/// A scenario in which the model with the image `bad` does this. Models name their images by digests.
pub(crate) fn bad(outcome: ModelOutcome) -> Scenario {
    let digest = empty(Scenario::default()).tagged("bikes", "bad").unwrap();
    Scenario::default().model(digest, outcome)
}

pub(crate) fn deploying(tag: &str) -> Step {
    Step::bare().input("endpoint-name", "bikes").input("model-image", &image(tag))
}

/// With all that a new endpoint needs.
pub(crate) fn creating(tag: &str) -> Step {
    deploying(tag)
        .input("model-data", DATA)
        .input("model-role-arn", "arn:aws:iam::123456789012:role/model")
        .input("instance-type", "ml.m5.large")
}

pub(crate) fn writes(simulator: &Simulator) -> Vec<String> {
    let verbs = ["Create", "Update", "Delete"];
    let is_write = |name: &String| verbs.iter().any(|verb| name.starts_with(verb));
    simulator.journal().into_iter().map(|call| call.operation).filter(is_write).collect()
}

/// What the endpoint serves: its status, the image of its model, and its instances.
pub(crate) fn serves(simulator: &Simulator) -> (String, String, u64) {
    let endpoint = simulator.describe_endpoint("bikes");
    let variant = &endpoint["ProductionVariants"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&endpoint["EndpointStatus"]),
        text(&variant["DeployedImages"][0]["ResolvedImage"]),
        variant["CurrentInstanceCount"].as_u64().unwrap_or_default(),
    )
}

pub(crate) fn as_before(simulator: &Simulator) -> (String, String, u64) {
    ("InService".to_owned(), digest(simulator, "1"), 3)
}

pub(crate) fn request(simulator: &Simulator, operation: &str) -> Value {
    simulator.calls(operation)[0].request.clone()
}

pub(crate) const MAKING: [&str; 3] = ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"];

/// A scenario in which the model with the image of that tag answers so.
pub(crate) fn answering(scenario: Scenario, tag: &str, invocation: Invocation) -> Scenario {
    let digest = empty(Scenario::default()).tagged("bikes", tag).unwrap();
    scenario.invocation_of(digest, invocation)
}

pub(crate) fn scored(score: &str, after: u64) -> Invocation {
    Invocation::Answers { body: format!("{{\"predictions\": [{{\"score\": {score}}}]}}"), after: seconds(after) }
}

pub(crate) fn asking(tag: &str) -> Step {
    deploying(tag)
        .input("smoke-test-payload", "{\"inputs\": [1, 2]}")
        .input("smoke-test-expect", "predictions[0].score >= 0.5\nlatency < 3000 ms\nbody ~ score")
}

/// The container with the image of that tag writes these lines, one a second.
pub(crate) fn writing(scenario: Scenario, tag: &str, lines: &[&str]) -> Scenario {
    let image = empty(Scenario::default()).tagged("bikes", tag).unwrap();
    scenario.log(image, lines)
}
