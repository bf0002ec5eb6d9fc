//! A task: what it is. Its life is in `life`, what DescribeTasks shows in `document`.

mod document;
mod life;

use std::time::Duration;

use serde_json::Value;

pub(crate) use self::life::{Passed, Step};

use super::Surroundings;
use crate::scenario::Behaviour;

/// A stopped task stays visible for an hour (API reference, DescribeTasks).
const REMEMBERED: Duration = Duration::from_secs(3600);

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
    /// The machine that it is on.
    pub(crate) instance: Option<String>,
    behaviour: Behaviour,
    grace: Duration,
    created_at: Duration,
    pub(crate) started_at: Option<Duration>,
    pub(crate) stopping_at: Option<Duration>,
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
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    /// Group and stream in CloudWatch Logs.
    log: Option<(String, String)>,
    essential: bool,
    checked: bool,
    runtime_id: String,
    exit_code: Option<i64>,
    reason: Option<String>,
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
    pub(crate) constraints: &'a [Value],
}

/// What DescribeTasks shows of a task that the task does not know itself.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) cluster_arn: &'a str,
    pub(crate) group: String,
    pub(crate) launch_type: Value,
    pub(crate) overrides: Value,
    pub(crate) tags: Value,
}

impl Task {
    fn new(belongs: &Belongs<'_>, behaviour: Behaviour, around: &mut Surroundings<'_>) -> Self {
        let id = around.identity.task();
        let containers = around.task_definitions.containers(belongs.task_definition);
        let placed = around.place(belongs.cluster, belongs.task_definition, belongs.constraints).ok().flatten();
        if let Some((instance, needs)) = &placed {
            around.occupy(instance, &id, *needs);
        }
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
            instance: placed.map(|(instance, _)| instance),
            behaviour,
            grace: belongs.grace,
            created_at: around.now,
            started_at: None,
            stopping_at: None,
            version: 1,
            id,
        }
    }

    /// A task that has been running for long, for a service that exists when the world starts.
    pub(crate) fn running(belongs: &Belongs<'_>, around: &mut Surroundings<'_>) -> Self {
        let mut task = Self::new(belongs, Behaviour::usual(around.scenario), around);
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

    /// Group, stream and container of everything that it writes to CloudWatch Logs.
    pub(crate) fn log_streams(&self) -> impl Iterator<Item = (&str, &str, &Container)> {
        self.containers.iter().filter_map(|container| {
            let (group, stream) = container.log.as_ref()?;
            Some((group.as_str(), stream.as_str(), container))
        })
    }

    fn checked(&self) -> bool {
        self.containers.iter().any(|container| container.essential && container.checked)
    }
}

impl Container {
    fn new(definition: &Value, task: &str) -> Self {
        let text = |member: &str| definition[member].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        let options = &definition["logConfiguration"]["options"];
        let log = (definition["logConfiguration"]["logDriver"] == "awslogs").then(|| {
            let prefix = options["awslogs-stream-prefix"].as_str().unwrap_or_default();
            let group = options["awslogs-group"].as_str().unwrap_or_default();
            (group.to_owned(), format!("{prefix}/{name}/{task}"))
        });
        Self {
            log,
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
