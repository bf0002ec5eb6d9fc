//! Versions of the model registry that are deployed to an endpoint: their metrics before, and their life cycle after.

mod support;

use serde_json::{Value, json};
use simulator::{Endpoint, Fault, Image, ModelOutcome, Repository, Rule, Scenario, Simulator, When};
use support::Step;

const IMAGE: &str = "bikes:1";
const DATA: &str = "s3://models/bikes-1.tar.gz";

/// The endpoint `bikes`, and two versions, of which the first is approved.
fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_endpoint(Endpoint::new("bikes", IMAGE, DATA));
    let metrics = json!({"accuracy": "0.91", "f1": "NaN", "metrics.auc": "0.8", "note": "good"});
    let approved = json!({"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": metrics});
    simulator.add_model_package("bikes", 1, &approved);
    simulator.add_model_package("bikes", 2, &json!({}));
    simulator
}

fn deploying() -> Step {
    Step::bare().input("endpoint-name", "bikes").input("model-package-group", "bikes")
}

fn package(version: u32) -> String {
    format!("arn:aws:sagemaker:us-east-1:123456789012:model-package/bikes/{version}")
}

fn stage(simulator: &Simulator, version: usize) -> Value {
    simulator.model_packages("bikes")[version - 1]["ModelLifeCycle"].clone()
}

#[tokio::test(start_paused = true)]
async fn gates_keep_a_version_from_being_deployed() {
    for (gates, there) in [
        ("accuracy >= 0.95", "0.91"),
        ("f1 >= 0.7", "NaN, which is no number"),
        ("recall >= 0.7", "missing"),
        ("note >= 0.7", "which is no number"),
    ] {
        let simulator = world(Scenario::default());
        let report = deploying().input("quality-gates", gates).run(&simulator).await;
        report.ended("refused", "quality-gates");
        assert!(report.summary.contains(there) && report.summary.contains("not passed"), "{}", report.summary);
        assert!(simulator.calls("CreateModel").is_empty(), "{gates}");
        let plan = deploying().input("quality-gates", gates).input("mode", "plan").run(&simulator).await;
        plan.ended("refused", "quality-gates");
    }

    let simulator = world(Scenario::default());
    let report = deploying().input("quality-gates", "accuracy >= 0.9\nmetrics.auc > 0.7").run(&simulator).await;
    report.ended("deployed", "");
    assert!(report.summary.contains("| passed |"), "{}", report.summary);
    assert_eq!(report.output("model-package-arn"), package(1));
    assert_eq!(report.output("model-package-version"), "1");
    assert_eq!(report.output("model-approval-status"), "Approved");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_passed_at_registration_passes_at_deployment() {
    const GATES: &str = "folds[0].f1 >= 0.7\n$.validation.auc > 0.8";
    let simulator = world(Scenario::default());
    simulator.add_repository(Repository::new("bikes").image(Image::new("1", "linux", "amd64").tag("1")));
    let registering = Step::bare()
        .input("mode", "register-model")
        .input("model-package-group", "bikes")
        .input("model-image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes:1")
        .input("model-data", DATA)
        .file("evaluation.json", r#"{"folds": [{"f1": 0.74}, {"f1": 0.1}], "validation": {"auc": 0.9}}"#)
        .input("model-metrics", "evaluation.json")
        .input("quality-gates", GATES)
        .input("approve", "if-gates-pass");
    registering.run(&simulator).await.ended("deployed", "");

    let report = deploying().input("quality-gates", GATES).run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(report.output("model-package-version"), "3");
    assert!(report.summary.contains("&#48;.74 | passed"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn the_latest_approved_version_is_found_on_whichever_page_in_whatever_order() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_endpoint(Endpoint::new("bikes", IMAGE, DATA));
    // The highest number is not the newest of them, and is on the last of three pages.
    let versions = [230, 170, 250].into_iter().chain((1..=250).filter(|version| ![230, 170, 250].contains(version)));
    for version in versions {
        let approval = if [7, 170, 230, 250].contains(&version) { "Approved" } else { "Rejected" };
        let status = if version == 250 { "InProgress" } else { "Completed" };
        let document = json!({"ModelApprovalStatus": approval, "ModelPackageStatus": status});
        simulator.add_model_package("bikes", version, &document);
    }

    let report = deploying().run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(report.output("model-package-version"), "230");
    let pages = simulator.calls("ListModelPackages");
    assert_eq!(pages.len(), 3);
    for page in &pages {
        assert_eq!(page.request["SortOrder"], "Descending", "the default is told in two ways");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_serves_is_said_to_be_at_its_stage() {
    let simulator = world(Scenario::default());
    let step = || deploying().input("model-life-cycle-stage", "Production");

    step().run(&simulator).await.ended("deployed", "");

    let expected = json!({
        "Stage": "Production",
        "StageStatus": "Approved",
        "StageDescription": "Deployed to endpoint bikes by workflow run 4711.",
    });
    assert_eq!(stage(&simulator, 1), expected);
    assert_eq!(stage(&simulator, 2), Value::Null);
    let last = |name: &str| simulator.journal().iter().rposition(|call| call.operation == name).unwrap();
    assert!(last("UpdateModelPackage") > last("UpdateEndpoint"), "not before it serves");

    // What serves already is at its stage, too; and without the input nothing is said.
    step().variable("GITHUB_RUN_ID", "4712").run(&simulator).await.ended("unchanged", "");
    assert_eq!(simulator.calls("UpdateModelPackage").len(), 2);
    deploying().run(&simulator).await.ended("unchanged", "");
    assert_eq!(simulator.calls("UpdateModelPackage").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_takes_the_stage_of_its_version_along() {
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("production", "bikes:0", DATA));
    deploying().input("model-life-cycle-stage", "Staging").run(&simulator).await.ended("deployed", "");
    assert_eq!(stage(&simulator, 1)["Stage"], "Staging");

    let step =
        Step::bare().input("mode", "promote").input("endpoint-name", "production").input("from-endpoint", "bikes");
    step.input("model-life-cycle-stage", "Production").run(&simulator).await.ended("deployed", "");

    assert_eq!(stage(&simulator, 1)["Stage"], "Production");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_does_not_serve_keeps_its_stage() {
    let simulator = world(Scenario { endpoint_start: support::seconds(6), ..Scenario::default() }.model(
        "ml.m5.large",
        ModelOutcome::Fails { after: support::seconds(6), reason: "It did not start.".to_owned() },
    ));
    let report = deploying().input("model-life-cycle-stage", "Production").run(&simulator).await;
    report.ended("rolled-back", "endpoint-failed");
    assert_eq!(stage(&simulator, 1), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_cannot_be_said_is_a_warning() {
    let simulator = world(Scenario::default());
    let when = When { operation: Some("UpdateModelPackage".to_owned()), ..When::default() };
    let fault = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "no".to_owned() };
    simulator.inject(Rule { when, fault });
    let report = deploying().input("model-life-cycle-stage", "Production").run(&simulator).await;
    report.ended("deployed", "");
    assert!(report.log.contains("could not be said to be at the stage Production"), "{}", report.log);

    // What is no version of the registry has no stage.
    let simulator = world(Scenario::default());
    let step = Step::bare().input("endpoint-name", "bikes").input("model-data", "s3://models/bikes-2.tar.gz");
    let report = step.input("model-life-cycle-stage", "Production").run(&simulator).await;
    report.ended("deployed", "");
    assert!(report.log.contains("is no version of the model registry"), "{}", report.log);
    assert!(simulator.calls("UpdateModelPackage").is_empty());
}
