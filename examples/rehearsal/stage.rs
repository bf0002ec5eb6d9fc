//! What the rehearsals of a service have in common: the world that they begin in, and the step.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecs_deploy_action::runner::Environment;
use ecs_deploy_action::spec::{Format, TaskDefinition};
use serde_json::Value;
use simulator::{ACCESS_KEY_ID, Behaviour, Image, Repository, SECRET_ACCESS_KEY, Scenario, Service, Simulator};

/// What can be rehearsed.
pub(crate) struct Rehearsal {
    pub(crate) name: &'static str,
    pub(crate) story: &'static str,
    /// The inputs of the step.
    pub(crate) inputs: &'static [(&'static str, &'static str)],
    /// The world, and what is going to happen in it.
    pub(crate) world: fn() -> Result<Simulator, Box<dyn Error>>,
    /// The outcome that the step has to have.
    pub(crate) outcome: &'static str,
}

/// The inputs that deploy [`NEW_IMAGE`] to the service of [`service`].
pub(crate) const DEPLOY: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
];

pub(crate) const TASK_DEFINITION: &str = "examples/task-definition.json";
pub(crate) const OLD_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-04";
pub(crate) const NEW_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-05";

pub(crate) const HEALTHY: Behaviour =
    Behaviour::Healthy { start: Duration::from_secs(15), healthy: Duration::from_secs(20) };
pub(crate) const CRASH: Behaviour =
    Behaviour::Crash { after: Duration::from_secs(3), container: None, exit_code: 1, reason: None };

/// A task that stops before it runs; the reason is in Amazon ECS's own words.
pub(crate) fn fails_to_start(reason: &str) -> Behaviour {
    Behaviour::FailsToStart { after: Duration::from_secs(4), reason: reason.to_owned() }
}

/// An account in which [`NEW_IMAGE`] does that.
pub(crate) fn account(behaviour: Behaviour) -> Scenario {
    let region = "eu-west-1".to_owned();
    // By its name, and by the digest that is deployed in the name's place.
    Scenario { region, account: "111122223333".to_owned(), ..Scenario::default() }
        .image(NEW_IMAGE, behaviour.clone())
        .image(new_image().digest(), behaviour)
}

/// What [`NEW_IMAGE`] is on.
pub(crate) fn new_image() -> Image {
    Image::new("2026-01-05", "linux", "arm64").tag("2026-01-05")
}

fn old_image() -> Image {
    Image::new("2026-01-04", "linux", "arm64").tag("2026-01-04")
}

/// The repository of both images, with `new` for the new one.
pub(crate) fn repository(new: Option<Image>) -> Repository {
    new.into_iter().fold(Repository::new("shop/web").image(old_image()), Repository::image)
}

/// The service `web` in steady state, with three tasks of the digest that [`OLD_IMAGE`] is on.
pub(crate) fn service() -> Result<Service, Box<dyn Error>> {
    let mut running = document()?;
    let (repository, _) = OLD_IMAGE.rsplit_once(':').unwrap_or((OLD_IMAGE, ""));
    running["containerDefinitions"][0]["image"] = format!("{repository}@{}", old_image().digest()).into();
    Ok(Service::new("web").cluster("production").desired_count(3).task_definition(running))
}

/// [`TASK_DEFINITION`] as it is registered.
pub(crate) fn document() -> Result<Value, Box<dyn Error>> {
    let document = TaskDefinition::parse(&std::fs::read_to_string(path(TASK_DEFINITION))?, Format::Json)?;
    Ok(document.register_input())
}

/// A world with nothing but that service and the repository of its images.
pub(crate) fn world(scenario: Scenario, service: Service) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(service);
    simulator.add_repository(repository(Some(new_image())));
    simulator
}

/// The environment that the runner makes for a step.
pub(crate) fn environment(folder: &Path, inputs: &[(&str, &str)]) -> Result<Environment, Box<dyn Error>> {
    let mut variables = Vec::new();
    for (name, value) in inputs {
        variables.push((format!("INPUT_{}", name.to_uppercase()), (*value).to_owned()));
    }
    for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_STATE", "state")] {
        std::fs::write(folder.join(file), "")?;
        variables.push((name.to_owned(), folder.join(file).display().to_string()));
    }
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "shop/web"),
        ("GITHUB_SHA", "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "1"),
    ] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    variables.push(("GITHUB_WORKSPACE".to_owned(), path("").display().to_string()));
    Ok(Environment::new(variables))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
