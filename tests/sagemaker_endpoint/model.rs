//! Where the model comes from: another endpoint, the model registry, a model that exists.

use serde_json::json;
use simulator::{Action, Endpoint, Moment, Scenario, Simulator};

use crate::stage::{DATA, MAKING, bikes, digest, empty, image, request, world, writes};
use crate::support::{Step, seconds};

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
async fn what_is_promoted_keeps_the_commit_that_its_model_was_deployed_from() {
    const TRIED: &str = "1111111111111111111111111111111111111111";
    let last = |simulator: &Simulator, operation: &str| simulator.calls(operation).pop().unwrap().request;
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("bikes-staging", &image("1"), DATA));
    let promote = || Step::bare().input("endpoint-name", "bikes").input("from-endpoint", "bikes-staging");
    let commit = |operation: &str| {
        let tags = last(&simulator, operation)["Tags"].as_array().cloned().unwrap_or_default();
        tags.into_iter().find(|tag| tag["Key"] == "ecs-deploy-action:commit").map(|tag| tag["Value"].clone())
    };
    let step = Step::bare().input("endpoint-name", "bikes-staging").input("model-image", &image("2"));
    step.variable("GITHUB_SHA", TRIED).run(&simulator).await.ended("deployed", "");
    promote().run(&simulator).await.ended("deployed", "");
    assert_eq!(last(&simulator, "UpdateEndpoint")["EndpointName"], "bikes");
    assert_eq!((commit("CreateModel"), commit("CreateEndpointConfig")), (Some(json!(TRIED)), Some(json!(TRIED))));

    // Nobody knows where the first model comes from.
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("bikes-staging", &image("2"), DATA));
    promote().run(&simulator).await.ended("deployed", "");
    assert!(!last(&simulator, "CreateModel").to_string().contains("ecs-deploy-action:commit"));
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
