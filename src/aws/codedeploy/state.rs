//! What AWS CodeDeploy says of deployment groups and deployments: the members that this program reads, as plain values.

use aws_sdk_codedeploy::types as sdk;
use jiff::Timestamp;

/// A deployment group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// `ECS`, `Server` or `Lambda`.
    pub compute_platform: String,
    /// The services that it deploys, as cluster and service.
    pub services: Vec<(String, String)>,
    /// The id and the status of the deployment that was created last.
    pub last: Option<(String, Status)>,
    /// Minutes that deployments wait by its configuration: for somebody to reroute the traffic, and before the old tasks go.
    pub wait_minutes: u32,
    /// The CloudWatch alarms that stop its deployments.
    pub alarms: Vec<String>,
    /// Whether a deployment that they stop is taken back by itself.
    pub rolls_back_on_alarm: bool,
}

/// A deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// `d-…`.
    pub id: String,
    /// Where it is.
    pub status: Status,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The SHA-256 of its AppSpec. The AppSpec itself is never in the answer.
    pub sha256: Option<String>,
    /// AWS's code for what went wrong.
    pub error_code: Option<String>,
    /// AWS's words for what went wrong.
    pub error_message: Option<String>,
    /// The deployment that takes this one back.
    pub rolled_back_by: Option<String>,
    /// The deployment that this one takes back.
    pub rolls_back: Option<String>,
    /// AWS's words on the way back.
    pub rollback_message: Option<String>,
}

/// `status` of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names, which its API reference explains")]
pub enum Status {
    #[default]
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
    Other(String),
}

impl Status {
    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Baking => "Baking",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
            Self::Other(value) => value,
        }
    }

    /// Whether nothing more will happen to it.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// What a deployment does to its service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// In their order.
    pub events: Vec<LifecycleEvent>,
    /// The task set that the deployment brings, once there is one.
    pub new: Option<TaskSet>,
    /// The task set that it replaces, while there is one.
    pub old: Option<TaskSet>,
}

/// A lifecycle event of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleEvent {
    /// `BeforeInstall`, `Install`, …
    pub name: String,
    /// `Pending`, `InProgress`, `Succeeded`, `Failed`, `Skipped` or `Unknown`.
    pub status: String,
    /// What went wrong in it, with the script's name and the end of its log: text from outside.
    pub message: Option<String>,
    /// When it got to that status, as far as AWS tells.
    pub at: Option<Timestamp>,
}

/// A task set as a deployment sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskSet {
    /// `ecs-svc/…`.
    pub id: String,
    /// Tasks that should run.
    pub desired: u32,
    /// Tasks that are being started.
    pub pending: u32,
    /// Tasks that run.
    pub running: u32,
    /// Its share of the production traffic, in percent.
    pub traffic: f64,
}

impl Target {
    /// Whether the new task set has all of the traffic, and what may follow that is done.
    pub fn has_shifted(&self) -> bool {
        let is_done = |name: &str| {
            self.events
                .iter()
                .find(|event| event.name == name)
                .map(|event| ["Succeeded", "Skipped"].contains(&event.status.as_str()))
        };
        is_done("AllowTraffic") == Some(true) && is_done("AfterAllowTraffic") != Some(false)
    }

    /// The lifecycle event that failed.
    pub fn failed_event(&self) -> Option<&LifecycleEvent> {
        self.events.iter().find(|event| event.status == "Failed")
    }

    /// The lifecycle event that it is at.
    pub fn current(&self) -> Option<&LifecycleEvent> {
        self.events.iter().find(|event| event.status == "InProgress")
    }
}

pub(super) fn status(status: Option<&sdk::DeploymentStatus>) -> Status {
    use sdk::DeploymentStatus as Sdk;
    match status {
        None | Some(Sdk::Created) => Status::Created,
        Some(Sdk::Queued) => Status::Queued,
        Some(Sdk::InProgress) => Status::InProgress,
        Some(Sdk::Baking) => Status::Baking,
        Some(Sdk::Ready) => Status::Ready,
        Some(Sdk::Succeeded) => Status::Succeeded,
        Some(Sdk::Failed) => Status::Failed,
        Some(Sdk::Stopped) => Status::Stopped,
        Some(other) => Status::Other(other.as_str().to_owned()),
    }
}

impl From<&sdk::DeploymentGroupInfo> for Group {
    fn from(group: &sdk::DeploymentGroupInfo) -> Self {
        let configuration = group.blue_green_deployment_configuration();
        let ready = configuration.and_then(|it| it.deployment_ready_option()).map(|it| it.wait_time_in_minutes());
        let termination = configuration
            .and_then(|it| it.terminate_blue_instances_on_deployment_success())
            .map(|it| it.termination_wait_time_in_minutes());
        let minutes = |value: Option<i32>| u32::try_from(value.unwrap_or_default()).unwrap_or_default();
        Self {
            compute_platform: group.compute_platform().map(|platform| platform.as_str().to_owned()).unwrap_or_default(),
            services: group
                .ecs_services()
                .iter()
                .map(|service| (text(service.cluster_name()), text(service.service_name())))
                .collect(),
            last: group
                .last_attempted_deployment()
                .and_then(|last| Some((last.deployment_id()?.to_owned(), status(last.status())))),
            wait_minutes: minutes(ready) + minutes(termination),
            alarms: group
                .alarm_configuration()
                .filter(|alarms| alarms.enabled())
                .map(|alarms| alarms.alarms().iter().filter_map(|alarm| alarm.name().map(str::to_owned)).collect())
                .unwrap_or_default(),
            rolls_back_on_alarm: group.auto_rollback_configuration().is_some_and(|rollback| {
                rollback.enabled() && rollback.events().contains(&sdk::AutoRollbackEvent::DeploymentStopOnAlarm)
            }),
        }
    }
}

impl From<&sdk::DeploymentInfo> for Deployment {
    fn from(deployment: &sdk::DeploymentInfo) -> Self {
        let revision = deployment.revision();
        let error = deployment.error_information();
        let rollback = deployment.rollback_info();
        Self {
            id: text(deployment.deployment_id()),
            status: status(deployment.status()),
            created: deployment.create_time().and_then(timestamp),
            sha256: revision
                .and_then(|revision| revision.app_spec_content())
                .and_then(|content| content.sha256())
                .map(str::to_owned),
            error_code: error.and_then(|error| error.code()).map(|code| code.as_str().to_owned()),
            error_message: error.and_then(|error| error.message()).map(str::to_owned),
            rolled_back_by: rollback.and_then(|rollback| rollback.rollback_deployment_id()).map(str::to_owned),
            rolls_back: rollback.and_then(|rollback| rollback.rollback_triggering_deployment_id()).map(str::to_owned),
            rollback_message: rollback.and_then(|rollback| rollback.rollback_message()).map(str::to_owned),
        }
    }
}

impl From<&sdk::EcsTarget> for Target {
    fn from(target: &sdk::EcsTarget) -> Self {
        let of = |label: sdk::TargetLabel| {
            target.task_sets_info().iter().find(|set| set.task_set_label() == Some(&label)).map(TaskSet::from)
        };
        Self {
            events: target.lifecycle_events().iter().map(LifecycleEvent::from).collect(),
            new: of(sdk::TargetLabel::Green),
            old: of(sdk::TargetLabel::Blue),
        }
    }
}

impl From<&sdk::EcsTaskSet> for TaskSet {
    fn from(set: &sdk::EcsTaskSet) -> Self {
        let count = |value: i64| u32::try_from(value).unwrap_or_default();
        Self {
            id: text(set.identifer()),
            desired: count(set.desired_count()),
            pending: count(set.pending_count()),
            running: count(set.running_count()),
            traffic: set.traffic_weight(),
        }
    }
}

impl From<&sdk::LifecycleEvent> for LifecycleEvent {
    fn from(event: &sdk::LifecycleEvent) -> Self {
        let diagnostics = event.diagnostics().map(|it| [it.script_name(), it.message(), it.log_tail()]);
        let said: Vec<&str> = diagnostics.into_iter().flatten().flatten().filter(|text| !text.is_empty()).collect();
        Self {
            name: text(event.lifecycle_event_name()),
            status: event.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            message: (!said.is_empty()).then(|| said.join(": ")),
            at: event.end_time().or(event.start_time()).and_then(timestamp),
        }
    }
}

fn timestamp(at: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}
