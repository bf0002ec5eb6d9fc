//! A repository in Amazon ECR, and a service that runs an image of it.

use simulator::{Fault, Image, Repository, Rule, Scenario, Service, Simulator, When};

use super::{Report, task_definition, writes};

pub(crate) const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web";

pub(crate) fn amd64(content: &str) -> Image {
    Image::new(content, "linux", "amd64")
}

pub(crate) fn named(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

pub(crate) fn pinned(image: &Image) -> String {
    format!("{REPOSITORY}@{}", image.digest())
}

/// The usual repository: `1` and `2` for x86.
pub(crate) fn shop() -> Repository {
    Repository::new("shop/web").image(amd64("1").tag("1")).image(amd64("2").tag("2"))
}

/// A world in which the service runs `image`.
pub(crate) fn world(image: &str, repository: Repository, scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web").task_definition(task_definition(image)));
    simulator.add_repository(repository);
    simulator
}

pub(crate) fn usual() -> Simulator {
    world(&pinned(&amd64("1")), shop(), Scenario::default())
}

pub(crate) fn denied(simulator: &Simulator, operation: &str) {
    let fault = Fault::Refuse {
        status: 400,
        code: "AccessDeniedException".to_owned(),
        message: "no identity-based policy allows the action".to_owned(),
    };
    simulator.inject(Rule { when: When { operation: Some(operation.to_owned()), ..When::default() }, fault });
}

/// The images of the revision that was registered.
pub(crate) fn registered(simulator: &Simulator) -> Vec<String> {
    let call = &simulator.calls("RegisterTaskDefinition")[0];
    let containers = call.request["containerDefinitions"].as_array().unwrap();
    containers.iter().map(|container| container["image"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn warnings(report: &Report) -> Vec<&str> {
    report.log.lines().filter(|line| line.starts_with("::warning")).collect()
}

#[track_caller]
pub(crate) fn warned(report: &Report, words: &[&str]) {
    let warnings = warnings(report);
    assert!(warnings.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {report:#?}");
}

#[track_caller]
pub(crate) fn refused(report: &Report, simulator: &Simulator, cause: &str, words: &[&str]) {
    report.ended("refused", cause);
    for word in words {
        assert!(report.errors()[0].contains(word), "`{word}` in {:?}", report.errors());
    }
    assert_eq!(writes(simulator), [""; 0]);
}
