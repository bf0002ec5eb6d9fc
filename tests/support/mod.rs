//! A runner and a world to run the action in: environment in; exit code, files, log and AWS calls out.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "every test binary uses a part; a test that cannot go on has failed"
)]

pub(crate) mod codedeploy;
pub(crate) mod faults;
pub(crate) mod model_package;
pub(crate) mod permissions;
pub(crate) mod registry;
pub(crate) mod validation;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use ecs_deploy_action::action::{Host, Stage, run};
use ecs_deploy_action::cycle::Cancellation;
use ecs_deploy_action::runner::{Console, Environment};
use serde_json::{Value, json};
use simulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Scenario, Service, Simulator};
use tempfile::TempDir;

/// A task definition of one container, as RegisterTaskDefinition takes it.
pub(crate) fn task_definition(image: &str) -> Value {
    json!({
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "containerDefinitions": [{
            "name": "app",
            "image": image,
            "essential": true,
            "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
            "environment": [{"name": "LEVEL", "value": "info"}]
        }]
    })
}

/// A world with the service `web`, two tasks of `web:good-1`, which is `web:1`.
pub(crate) fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(web());
    simulator
}

/// The service of [`world`].
pub(crate) fn web() -> Service {
    Service::new("web").desired_count(2).task_definition(task_definition("web:good-1"))
}

/// A step of a workflow on a runner.
pub(crate) struct Step {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Step {
    /// A step with the inputs that deploy `image` to the service `web`.
    pub(crate) fn deploying(image: &str) -> Self {
        Self::bare().input("service", "web").input("image", image)
    }

    /// A step without inputs.
    pub(crate) fn bare() -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for file in ["output", "summary", "state"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let environment = [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("GITHUB_OUTPUT", path("output")),
            ("GITHUB_STEP_SUMMARY", path("summary")),
            ("GITHUB_STATE", path("state")),
            ("GITHUB_WORKSPACE", path("")),
            ("GITHUB_SHA", "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567".to_owned()),
            ("GITHUB_REPOSITORY", "shop/web".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        Self { folder, environment: environment.into() }
    }

    pub(crate) fn input(self, name: &str, value: &str) -> Self {
        self.variable(&format!("INPUT_{}", name.to_uppercase()), value)
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Puts a file into the workspace, and the folders that it lies in.
    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the action in this process, through the in-process door.
    pub(crate) async fn run(&self, simulator: &Simulator) -> Report {
        let (_cancel, cancellation) = Cancellation::new();
        self.run_until_cancelled(simulator, cancellation).await
    }

    pub(crate) async fn run_until_cancelled(&self, simulator: &Simulator, cancellation: Cancellation) -> Report {
        self.run_as(Stage::Main, simulator, cancellation).await
    }

    /// Runs the action in this process, through a door of the test's own.
    pub(crate) async fn run_through(&self, http_client: SharedHttpClient) -> Report {
        let (_cancel, cancellation) = Cancellation::new();
        self.run_with(Stage::Main, http_client, Duration::ZERO, cancellation).await
    }

    async fn run_as(&self, stage: Stage, simulator: &Simulator, cancellation: Cancellation) -> Report {
        let _watch = permissions::Watch::begin(simulator, permissions::Granted::to(&self.environment, self.path()));
        self.run_with(stage, simulator.http_client(), simulator.elapsed(), cancellation).await
    }

    async fn run_with(
        &self,
        stage: Stage,
        http_client: SharedHttpClient,
        elapsed: Duration,
        cancellation: Cancellation,
    ) -> Report {
        let log = Rc::new(RefCell::new(Vec::new()));
        let host = Host {
            environment: Environment::new(&self.environment),
            console: Console::new(Captured(log.clone())),
            cancellation,
            // The world's clock, also for a post step that comes long after its step.
            now: "2026-01-05T12:00:00Z".parse::<jiff::Timestamp>().unwrap() + elapsed,
            http_client: Some(http_client),
            stage,
        };
        let exit_code = run(host).await;
        let log = String::from_utf8(log.borrow().clone()).unwrap();
        self.report(exit_code, log)
    }

    /// The post step of this step, as the runner calls it after a job with that status.
    pub(crate) async fn post(self, simulator: &Simulator, job_status: &str) -> Report {
        self.afterwards(job_status).run_post(simulator).await
    }

    /// Runs this step as the post step that it is.
    pub(crate) async fn run_post(&self, simulator: &Simulator) -> Report {
        let (_cancel, cancellation) = Cancellation::new();
        self.run_as(Stage::Post, simulator, cancellation).await
    }

    /// What the runner hands to the post step: the state that the step saved, and empty files.
    pub(crate) fn afterwards(self, job_status: &str) -> Self {
        let state = outputs(&std::fs::read_to_string(self.folder.path().join("state")).unwrap());
        for file in ["output", "summary"] {
            std::fs::write(self.folder.path().join(file), "").unwrap();
        }
        state
            .iter()
            .fold(self, |step, (name, value)| step.variable(&format!("STATE_{name}"), value))
            .input("job-status", job_status)
    }

    /// Reads what the action left behind.
    pub(crate) fn report(&self, exit_code: u8, log: String) -> Report {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        Report { exit_code, log, outputs: outputs(&read("output")), summary: read("summary") }
    }
}

/// What a step left behind.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) exit_code: u8,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
}

impl Report {
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// The `::error` commands in the log.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.starts_with("::error")).collect()
    }

    /// Outcome and cause in one, and the whole report when they are not what was expected.
    #[track_caller]
    pub(crate) fn ended(&self, outcome: &str, cause: &str) {
        assert_eq!((self.output("outcome"), self.output("cause")), (outcome, cause), "{self:#?}");
    }
}

struct Captured(Rc<RefCell<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file of `NAME<<DELIMITER` blocks as the runner does; the last value of a name counts.
fn outputs(file: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = file.lines();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}

/// The revisions of which tasks run, short: `web:1`.
pub(crate) fn running(simulator: &Simulator) -> BTreeMap<String, usize> {
    simulator
        .running_task_definitions("default", "web")
        .into_iter()
        .map(|(arn, count)| (arn.rsplit('/').next().unwrap().to_owned(), count))
        .collect()
}

/// The revision that the service is set to, short.
pub(crate) fn set_to(simulator: &Simulator) -> String {
    let service = simulator.describe_service("default", "web");
    service["taskDefinition"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
}

/// What the rules' schedules would start, short, without repetition.
pub(crate) fn scheduled(simulator: &Simulator) -> BTreeSet<String> {
    let rules = simulator.scheduled_task_definitions();
    rules.values().flatten().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect()
}

/// Calls that change something.
pub(crate) fn writes(simulator: &Simulator) -> Vec<String> {
    const WRITES: [&str; 8] = [
        "RegisterTaskDefinition",
        "DeregisterTaskDefinition",
        "UpdateService",
        "StopServiceDeployment",
        "PutTargets",
        "ContinueServiceDeployment",
        "CreateDeployment",
        "StopDeployment",
    ];
    let journal = simulator.journal();
    journal.iter().filter(|call| WRITES.contains(&&*call.operation)).map(|call| call.operation.clone()).collect()
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
