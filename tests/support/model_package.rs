//! A model package group, and the step that registers a model in it.

use serde_json::Value;
use simulator::{Fault, Image, Repository, Rule, Scenario, Simulator, When};

use super::Step;

pub(crate) const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";
pub(crate) const DATA: &str = "s3://models/bikes-1.tar.gz";
pub(crate) const COMMIT: &str = "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567";
pub(crate) const RUN: &str = "https://github.com/shop/web/actions/runs/4711";
pub(crate) const GOOD: &str =
    r#"{"accuracy": 0.91, "f1": 0.74, "confusion": [[9, 1], [1, 9]], "data": {"rows": 1200}}"#;
pub(crate) const GATES: &str = "accuracy >= 0.80\nf1 >= 0.7";

/// The image `1` and no model package group.
pub(crate) fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_repository(Repository::new("bikes").image(Image::new("1", "linux", "amd64").tag("1")));
    simulator
}

pub(crate) fn registering() -> Step {
    Step::bare()
        .input("mode", "register-model")
        .input("model-package-group", "bikes")
        .input("model-image", &format!("{REPOSITORY}:1"))
        .input("model-data", DATA)
}

pub(crate) fn judged(metrics: &str, gates: &str) -> Step {
    registering()
        .file("evaluation.json", metrics)
        .input("model-metrics", "evaluation.json")
        .input("quality-gates", gates)
}

/// Version and approval of each model that is registered.
pub(crate) fn registered(simulator: &Simulator) -> Vec<(u64, String)> {
    let of = |package: &Value| {
        let approval = package["ModelApprovalStatus"].as_str().unwrap().to_owned();
        (package["ModelPackageVersion"].as_u64().unwrap(), approval)
    };
    simulator.model_packages("bikes").iter().map(of).collect()
}

pub(crate) fn writes(simulator: &Simulator) -> Vec<String> {
    let verbs = ["Create", "Update", "Delete"];
    let is_write = |name: &String| verbs.iter().any(|verb| name.starts_with(verb));
    simulator.journal().into_iter().map(|call| call.operation).filter(is_write).collect()
}

pub(crate) fn pending(version: u64) -> (u64, String) {
    (version, "PendingManualApproval".to_owned())
}

pub(crate) fn approved(version: u64) -> (u64, String) {
    (version, "Approved".to_owned())
}

pub(crate) fn refusing(operation: &str, code: &str) -> Rule {
    let fault = Fault::Refuse { status: 400, code: code.to_owned(), message: "no policy allows it".to_owned() };
    Rule { when: When { operation: Some(operation.to_owned()), ..When::default() }, fault }
}
