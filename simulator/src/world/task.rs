//! A task: one life, from PROVISIONING to STOPPED.

use std::time::Duration;

use serde_json::{Value, json};

use super::schedule::Due;
use super::{Fact, Happening, Surroundings};
use crate::scenario::Behaviour;

/// A stopped task stays visible for an hour (API reference, DescribeTasks).
const REMEMBERED: Duration = Duration::from_secs(3600);

/// From PROVISIONING to RUNNING, for a task whose behaviour does not say.
const USUAL_START: Duration = Duration::from_secs(10);

/// One task of a service.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) deployment: String,
    pub(crate) revision: String,
    pub(crate) task_definition: String,
    pub(crate) state: State,
    /// Whether it counts as healthy for its deployment.
    pub(crate) counted: bool,
    pub(crate) stop: Option<Stop>,
    pub(crate) stopped_at: Option<Duration>,
    health: Health,
    containers: Vec<Container>,
    behaviour: Behaviour,
    grace: Duration,
    created_at: Duration,
    started_at: Option<Duration>,
    stopping_at: Option<Duration>,
    version: u32,
}

/// `lastStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

impl Health {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// Why a task stops.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
    /// Whether the deployment counts it as a failure.
    pub(crate) failed: bool,
}

#[derive(Clone, Debug)]
struct Container {
    name: String,
    image: String,
    essential: bool,
    checked: bool,
    runtime_id: String,
    exit_code: Option<i64>,
    reason: Option<String>,
}

/// The next moment of a task's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Go(State),
    FailToStart,
    Exit,
    Count,
    FailHealthCheck,
}

/// What a step meant for the service.
#[derive(Debug, PartialEq)]
pub(crate) enum Passed {
    /// Nothing that the scheduler looks at.
    Nothing,
    /// It runs, counts, or begins to stop.
    Changed,
    /// Its health check failed: the scheduler stops it.
    Unhealthy,
    /// It is gone.
    Stopped,
}

/// What a new task belongs to.
#[derive(Debug)]
pub(crate) struct Belongs<'a> {
    pub(crate) service_arn: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) deployment: &'a str,
    pub(crate) revision: &'a str,
    pub(crate) task_definition: &'a str,
    pub(crate) grace: Duration,
}

impl Task {
    fn new(belongs: &Belongs<'_>, behaviour: Behaviour, around: &mut Surroundings<'_>) -> Self {
        let id = around.identity.task();
        let containers = around.task_definitions.containers(belongs.task_definition);
        Self {
            arn: around.scenario.arn(&format!("task/{}/{id}", belongs.cluster)),
            deployment: belongs.deployment.to_owned(),
            revision: belongs.revision.to_owned(),
            task_definition: belongs.task_definition.to_owned(),
            state: State::Provisioning,
            counted: false,
            stop: None,
            stopped_at: None,
            health: Health::Unknown,
            containers: containers.iter().map(|container| Container::new(container, &id)).collect(),
            behaviour,
            grace: belongs.grace,
            created_at: around.now,
            started_at: None,
            stopping_at: None,
            version: 1,
            id,
        }
    }

    /// A new task, with its way to RUNNING planned.
    ///
    /// The documentation names the states and their order, not how long each takes: the shares are a guess.
    pub(crate) fn start(belongs: &Belongs<'_>, behaviour: Behaviour, around: &mut Surroundings<'_>) -> Self {
        let task = Self::new(belongs, behaviour, around);
        let mut plan = |delay, step| task.plan(delay, step, belongs.service_arn, around);
        match task.behaviour {
            Behaviour::ImageMissing { after } | Behaviour::FailsToStart { after, .. } => {
                plan(after / 5, Step::Go(State::Pending));
                plan(after, Step::FailToStart);
            }
            Behaviour::Stuck => plan(USUAL_START / 5, Step::Go(State::Pending)),
            _ => {
                let start = if let Behaviour::Healthy { start, .. } = task.behaviour { start } else { USUAL_START };
                plan(start / 5, Step::Go(State::Pending));
                plan(start / 10 * 9, Step::Go(State::Activating));
                plan(start, Step::Go(State::Running));
            }
        }
        task
    }

    /// A task that has been running for long, for a service that exists when the world starts.
    pub(crate) fn running(belongs: &Belongs<'_>, around: &mut Surroundings<'_>) -> Self {
        let mut task = Self::new(belongs, Behaviour::default(), around);
        task.state = State::Running;
        task.counted = true;
        task.started_at = Some(around.now);
        if task.checked() {
            task.health = Health::Healthy;
        }
        task
    }

    pub(crate) fn live(&self) -> bool {
        self.state <= State::Running
    }

    pub(crate) fn remembered(&self, now: Duration) -> bool {
        self.stopped_at.is_none_or(|stopped| now < stopped + REMEMBERED)
    }

    pub(crate) fn desired_status(&self) -> &'static str {
        if self.live() { "RUNNING" } else { "STOPPED" }
    }

    fn checked(&self) -> bool {
        self.containers.iter().any(|container| container.essential && container.checked)
    }

    fn plan(&self, delay: Duration, step: Step, service: &str, around: &mut Surroundings<'_>) {
        let due = Due::Task { service: service.to_owned(), task: self.id.clone(), step };
        around.schedule.at(around.now + delay, due);
    }

    /// Takes a step, unless the task's life took another turn meanwhile.
    pub(crate) fn pass(&mut self, step: Step, service: &str, around: &mut Surroundings<'_>) -> Passed {
        let possible = match step {
            Step::Go(next) => self.state < next && (self.state >= State::Deactivating) == (next > State::Deactivating),
            Step::FailToStart => self.state < State::Running,
            Step::Exit | Step::Count | Step::FailHealthCheck => self.state == State::Running,
        };
        if !possible {
            return Passed::Nothing;
        }
        self.version += 1;
        match step {
            Step::Go(State::Running) => {
                self.run(service, around);
                Passed::Changed
            }
            Step::Go(State::Stopped) => {
                self.state = State::Stopped;
                self.stopped_at = Some(around.now);
                Passed::Stopped
            }
            Step::Go(state) => {
                self.state = state;
                Passed::Nothing
            }
            Step::Count => {
                self.counted = true;
                if self.checked() {
                    self.health = Health::Healthy;
                }
                Passed::Changed
            }
            Step::FailHealthCheck => {
                self.health = Health::Unhealthy;
                Passed::Unhealthy
            }
            Step::FailToStart => {
                let reason = self.start_failure();
                self.end(Stop { code: "TaskFailedToStart", reason, failed: true }, service, around);
                Passed::Changed
            }
            Step::Exit => {
                self.exit();
                let stop = Stop {
                    code: "EssentialContainerExited",
                    reason: "Essential container in task exited".to_owned(),
                    failed: !self.counted,
                };
                self.end(stop, service, around);
                Passed::Changed
            }
        }
    }

    fn run(&mut self, service: &str, around: &mut Surroundings<'_>) {
        self.state = State::Running;
        self.started_at = Some(around.now);
        around.facts.push(Fact {
            at: around.now,
            what: Happening::TaskRunning { task: self.arn.clone(), deployment: self.deployment.clone() },
        });
        let unchecked = around.scenario.unchecked;
        let count = |healthy| if self.checked() { healthy } else { unchecked };
        match self.behaviour {
            Behaviour::Healthy { healthy, .. } => self.plan(count(healthy), Step::Count, service, around),
            Behaviour::Crash { after, .. } | Behaviour::CrashAtFirst { after, .. } => {
                if !self.checked() {
                    self.plan(unchecked, Step::Count, service, around);
                }
                self.plan(after, Step::Exit, service, around);
            }
            // Failing health checks are ignored during the grace period (API reference, healthCheckGracePeriodSeconds).
            Behaviour::Unhealthy { after } => self.plan(after.max(self.grace), Step::FailHealthCheck, service, around),
            _ => {}
        }
    }

    /// Begins to stop the task.
    pub(crate) fn end(&mut self, stop: Stop, service: &str, around: &mut Surroundings<'_>) {
        self.stop = Some(stop);
        self.state = State::Deactivating;
        self.stopping_at = Some(around.now);
        let whole = around.scenario.stop;
        self.plan(whole / 5, Step::Go(State::Stopping), service, around);
        self.plan(whole / 5 * 4, Step::Go(State::Deprovisioning), service, around);
        self.plan(whole, Step::Go(State::Stopped), service, around);
    }

    fn start_failure(&mut self) -> String {
        let image = self.containers.first().map(|container| container.image.clone()).unwrap_or_default();
        match &self.behaviour {
            Behaviour::FailsToStart { reason, .. } => reason.clone(),
            _ => format!(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                 {image}: {image}: not found"
            ),
        }
    }

    fn exit(&mut self) {
        let (named, code, said) = match &self.behaviour {
            Behaviour::Crash { container, exit_code, reason, .. } => (container.clone(), *exit_code, reason.clone()),
            _ => (None, 1, None),
        };
        let index = self
            .containers
            .iter()
            .position(|container| named.as_ref().map_or(container.essential, |name| *name == container.name))
            .unwrap_or(0);
        for (position, container) in self.containers.iter_mut().enumerate() {
            // The other containers get SIGTERM and are assumed to end in order.
            container.exit_code = Some(if position == index { code } else { 0 });
            container.reason = said.clone().filter(|_| position == index);
        }
    }

    /// As DescribeTasks shows it.
    pub(crate) fn document(&self, service: &super::Service, around: &Surroundings<'_>) -> Value {
        let mut task = json!({
            "taskArn": self.arn,
            "clusterArn": service.cluster_arn,
            "taskDefinitionArn": self.task_definition,
            "group": format!("service:{}", service.name),
            "startedBy": self.deployment,
            "lastStatus": self.state.name(),
            "desiredStatus": self.desired_status(),
            "healthStatus": self.health.name(),
            "launchType": service.settings.get("launchType").cloned().unwrap_or_else(|| json!("FARGATE")),
            "connectivity": "CONNECTED",
            "createdAt": around.timestamp(self.created_at),
            "version": self.version,
            "attachments": [],
            "attributes": [],
            "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []},
            "tags": [],
            "containers": self.containers.iter().map(|container| self.container(container)).collect::<Value>(),
        });
        for (member, moment) in
            [("startedAt", self.started_at), ("stoppingAt", self.stopping_at), ("stoppedAt", self.stopped_at)]
        {
            if let Some(moment) = moment {
                task[member] = around.timestamp(moment);
            }
        }
        if let Some(stop) = &self.stop {
            task["stopCode"] = json!(stop.code);
            task["stoppedReason"] = json!(stop.reason);
        }
        task
    }

    fn container(&self, container: &Container) -> Value {
        let status = match self.state {
            State::Provisioning | State::Pending | State::Activating => "PENDING",
            State::Running | State::Deactivating if container.exit_code.is_none() => "RUNNING",
            _ => "STOPPED",
        };
        let health = if container.checked { self.health } else { Health::Unknown };
        let mut document = json!({
            "containerArn": format!("{}/{}", self.arn.replacen(":task/", ":container/", 1), container.runtime_id),
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": status,
            "healthStatus": health.name(),
            "networkInterfaces": [],
        });
        if self.started_at.is_some() {
            document["runtimeId"] = json!(container.runtime_id);
            document["imageDigest"] = json!(super::task_definition::digest(&container.image));
            // A container that is told to stop is assumed to end in order.
            let ended = (status == "STOPPED").then_some(0);
            if let Some(code) = container.exit_code.or(ended) {
                document["exitCode"] = json!(code);
            }
        }
        if let Some(reason) = &container.reason {
            document["reason"] = json!(reason);
        }
        document
    }
}

impl Container {
    fn new(definition: &Value, task: &str) -> Self {
        let text = |member: &str| definition[member].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        Self {
            runtime_id: format!(
                "{task}-{}",
                name.bytes().map(u64::from).fold(0, |sum, byte| (sum * 31 + byte) % 10_000_000_000)
            ),
            name,
            image: text("image"),
            // A container is essential unless its definition says no.
            essential: definition["essential"].as_bool().unwrap_or(true),
            checked: definition["healthCheck"].is_object(),
            exit_code: None,
            reason: None,
        }
    }
}
