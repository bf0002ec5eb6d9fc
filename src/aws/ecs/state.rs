//! What Amazon ECS says of services, deployments and tasks: the members that this program reads, as plain values.
//!
//! Enums of AWS are open sets: a value from the future becomes `Other` and is shown, waited on and never a crash.

use aws_sdk_ecs::types as sdk;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Placement;
use crate::cycle::{Said, StoppedContainer};

/// A service, as DescribeServices and UpdateService answer it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// The service's ARN.
    pub arn: String,
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// The service's name.
    pub name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// `ECS`, `CODE_DEPLOY`, `EXTERNAL`; `ECS` when AWS says nothing.
    pub controller: String,
    /// The ARN of the task definition that the service is set to.
    pub task_definition: String,
    /// Tasks that should run.
    pub desired: u32,
    /// Tasks that run, of whatever deployment.
    pub running: u32,
    /// Newest first, as AWS lists them.
    pub deployments: Vec<Deployment>,
    /// What a service has in the place of deployments when AWS CodeDeploy deploys it.
    pub task_sets: Vec<TaskSet>,
    /// The ARN of the current service deployment; absent where AWS does not know service deployments.
    pub current_service_deployment: Option<String>,
    /// The deployment circuit breaker's configuration.
    pub circuit_breaker: CircuitBreaker,
    /// The CloudWatch alarms that fail a deployment; none where ECS is told not to look at them.
    pub deployment_alarms: Vec<String>,
    /// What UpdateService can set and this program may be asked to.
    pub settings: Settings,
    /// Where and how its tasks run.
    pub placement: Placement,
    /// The service's events, oldest first, at most 100.
    pub events: Vec<Said>,
}

/// Settings of a service besides its task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether ECS tags the service's tasks.
    pub enable_ecs_managed_tags: bool,
    /// Where tasks get their tags from: `TASK_DEFINITION`, `SERVICE`, `NONE`; absent when AWS says nothing.
    pub propagate_tags: Option<String>,
    /// Whether ECS Exec can be used.
    pub enable_execute_command: bool,
    /// The volumes that ECS makes for each task of the newest deployment, as it describes them.
    pub volumes: Vec<Value>,
    /// `networkConfiguration` as AWS wrote it.
    pub network_configuration: Value,
    /// `deploymentConfiguration` as AWS wrote it, with members that the SDK does not know.
    pub deployment_configuration: Value,
}

/// The deployment circuit breaker's configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Whether it watches.
    pub enabled: bool,
    /// Whether ECS rolls back when it trips.
    pub rollback: bool,
}

/// An entry of a service's list of deployments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Tasks that should run.
    pub desired: u32,
    /// Tasks that are being started.
    pub pending: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that failed one after the other since one last stayed healthy.
    pub failed: u32,
    /// Where it is.
    pub rollout: RolloutState,
    /// AWS's words for that.
    pub rollout_reason: Option<String>,
    /// When it was created, by AWS's clock.
    pub created: Option<Timestamp>,
}

impl Deployment {
    /// Whether it is the one that the service is moving to, or has moved to.
    pub fn is_primary(&self) -> bool {
        self.status == "PRIMARY"
    }

    /// Whether all tasks run that should, and none is on its way.
    pub fn is_full(&self) -> bool {
        self.running >= self.desired && self.pending == 0
    }
}

/// A task set of a service that AWS CodeDeploy deploys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSet {
    /// `ecs-svc/…`.
    pub id: String,
    /// The id of the CodeDeploy deployment that made it.
    pub external_id: Option<String>,
    /// `PRIMARY` (it serves production traffic), `ACTIVE` or `DRAINING`.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Tasks that should run.
    pub desired: u32,
    /// Tasks that are being started.
    pub pending: u32,
    /// Tasks that run.
    pub running: u32,
}

impl TaskSet {
    /// Whether it serves production traffic.
    pub fn is_primary(&self) -> bool {
        self.status == "PRIMARY"
    }

    /// Whether it is being removed.
    pub fn is_draining(&self) -> bool {
        self.status == "DRAINING"
    }
}

/// `rolloutState` of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RolloutState {
    /// Not over.
    InProgress,
    /// All tasks run, the old ones are gone.
    Completed,
    /// Given up by ECS.
    Failed,
    /// AWS does not say, as for services with another deployment controller.
    #[default]
    Absent,
    /// A value that this program does not know.
    Other(String),
}

impl RolloutState {
    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Absent => "",
            Self::Other(value) => value,
        }
    }
}

/// A service deployment, as DescribeServiceDeployments answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// Its ARN.
    pub arn: String,
    /// Where it is.
    pub status: ServiceDeploymentStatus,
    /// AWS's words for that.
    pub status_reason: Option<String>,
    /// Why it is being, or was, rolled back.
    pub rollback_reason: Option<String>,
    /// The service revisions that it replaces.
    pub source_revisions: Vec<String>,
    /// Whether its circuit breaker tripped.
    pub circuit_breaker_triggered: bool,
    /// The alarms that fired.
    pub triggered_alarms: Vec<String>,
    /// AWS's word for the stage that a deployment is in that shifts traffic.
    pub stage: Option<String>,
    /// The share of production traffic that the new revision gets, in tenths of a percent.
    pub traffic: Option<u32>,
    /// The hooks of that stage.
    pub hooks: Vec<Hook>,
}

/// A lifecycle hook that runs, or ran last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// What ContinueServiceDeployment wants.
    pub id: String,
    /// The ARN of its function; a pause has none.
    pub function: Option<String>,
    /// `AWAITING_ACTION`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED`, `TIMED_OUT`.
    pub status: String,
    /// When ECS stops waiting for it.
    pub expires_at: Option<Timestamp>,
    /// What ECS does then: `ROLLBACK` or `CONTINUE`.
    pub timeout_action: Option<String>,
}

impl Hook {
    /// Whether it is a pause at which ECS waits for somebody.
    pub fn awaits_action(&self) -> bool {
        self.status == "AWAITING_ACTION"
    }

    /// Whether it ended, and not well.
    pub fn has_failed(&self) -> bool {
        matches!(self.status.as_str(), "FAILED" | "TIMED_OUT")
    }

    /// What a person calls it.
    pub fn name(&self) -> String {
        match &self.function {
            Some(arn) => arn.rsplit(":function:").next().unwrap_or(arn).to_owned(),
            None => format!("pause {}", self.id),
        }
    }
}

/// `status` of a service deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names, which its API reference explains")]
pub enum ServiceDeploymentStatus {
    #[default]
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
    Other(String),
}

impl ServiceDeploymentStatus {
    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::Other(value) => value,
        }
    }

    /// Whether nothing more will happen to it.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }
}

/// A task that stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its ARN.
    pub arn: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The deployment that started it.
    pub started_by: Option<String>,
    /// AWS's stop code.
    pub stop_code: Option<String>,
    /// AWS's words.
    pub reason: Option<String>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

impl StoppedTask {
    /// Whether it stopped by itself or could not start, and not because somebody or the scheduler wanted it to. A health
    /// check that fails also stops a task through the scheduler.
    pub fn failed(&self) -> bool {
        match self.stop_code.as_deref() {
            Some("UserInitiated" | "SpotInterruption" | "TerminationNotice") => false,
            Some("ServiceSchedulerInitiated") => self.failed_health_check(),
            _ => true,
        }
    }

    /// Whether a health check, of a container or of a load balancer, ended it.
    pub fn failed_health_check(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| reason.to_ascii_lowercase().contains("health check"))
    }
}

impl From<&sdk::Service> for Service {
    fn from(service: &sdk::Service) -> Self {
        let circuit_breaker = service
            .deployment_configuration()
            .and_then(sdk::DeploymentConfiguration::deployment_circuit_breaker)
            .map(|breaker| CircuitBreaker { enabled: breaker.enable(), rollback: breaker.rollback() })
            .unwrap_or_default();
        let deployment_alarms = service
            .deployment_configuration()
            .and_then(sdk::DeploymentConfiguration::alarms)
            .filter(|alarms| alarms.enable())
            .map(|alarms| alarms.alarm_names().to_vec())
            .unwrap_or_default();
        let mut events: Vec<Said> = service.events().iter().filter_map(said).collect();
        events.reverse();
        Self {
            arn: text(service.service_arn()),
            cluster_arn: text(service.cluster_arn()),
            name: text(service.service_name()),
            status: text(service.status()),
            controller: service
                .deployment_controller()
                .map_or("ECS", |controller| controller.r#type().as_str())
                .to_owned(),
            task_definition: text(service.task_definition()),
            desired: count(service.desired_count()),
            running: count(service.running_count()),
            deployments: service.deployments().iter().map(Deployment::from).collect(),
            task_sets: service.task_sets().iter().map(TaskSet::from).collect(),
            current_service_deployment: service.current_service_deployment().map(str::to_owned),
            circuit_breaker,
            deployment_alarms,
            settings: Settings {
                enable_ecs_managed_tags: service.enable_ecs_managed_tags(),
                propagate_tags: service.propagate_tags().map(|tags| tags.as_str().to_owned()),
                enable_execute_command: service.enable_execute_command(),
                volumes: Vec::new(),
                network_configuration: Value::Null,
                deployment_configuration: Value::Null,
            },
            placement: service.into(),
            events,
        }
    }
}

impl From<&sdk::TaskSet> for TaskSet {
    fn from(set: &sdk::TaskSet) -> Self {
        Self {
            id: text(set.id()),
            external_id: set.external_id().map(str::to_owned),
            status: text(set.status()),
            task_definition: text(set.task_definition()),
            desired: count(set.computed_desired_count()),
            pending: count(set.pending_count()),
            running: count(set.running_count()),
        }
    }
}

impl Service {
    /// With what only the answer's own document tells, member by member as AWS wrote it.
    pub(super) fn with_document(mut self, document: &Value) -> Self {
        let deployments = document["deployments"].as_array();
        let primary = deployments.into_iter().flatten().find(|deployment| deployment["status"] == "PRIMARY");
        let volumes = primary.and_then(|primary| primary["volumeConfigurations"].as_array());
        self.settings.volumes = volumes.cloned().unwrap_or_default();
        self.settings.network_configuration = document["networkConfiguration"].clone();
        self.settings.deployment_configuration = document["deploymentConfiguration"].clone();
        self
    }
}

impl From<&sdk::Deployment> for Deployment {
    fn from(deployment: &sdk::Deployment) -> Self {
        use sdk::DeploymentRolloutState as State;
        Self {
            id: text(deployment.id()),
            status: text(deployment.status()),
            task_definition: text(deployment.task_definition()),
            desired: count(deployment.desired_count()),
            pending: count(deployment.pending_count()),
            running: count(deployment.running_count()),
            failed: count(deployment.failed_tasks()),
            rollout: match deployment.rollout_state() {
                None => RolloutState::Absent,
                Some(State::InProgress) => RolloutState::InProgress,
                Some(State::Completed) => RolloutState::Completed,
                Some(State::Failed) => RolloutState::Failed,
                Some(other) => RolloutState::Other(other.as_str().to_owned()),
            },
            rollout_reason: deployment.rollout_state_reason().map(str::to_owned),
            created: deployment.created_at().and_then(|at| Timestamp::from_millisecond(at.to_millis().ok()?).ok()),
        }
    }
}

impl From<&sdk::ServiceDeployment> for ServiceDeployment {
    fn from(deployment: &sdk::ServiceDeployment) -> Self {
        use sdk::ServiceDeploymentStatus as Status;
        Self {
            arn: text(deployment.service_deployment_arn()),
            status: match deployment.status() {
                None | Some(Status::Pending) => ServiceDeploymentStatus::Pending,
                Some(Status::InProgress) => ServiceDeploymentStatus::InProgress,
                Some(Status::Successful) => ServiceDeploymentStatus::Successful,
                Some(Status::StopRequested) => ServiceDeploymentStatus::StopRequested,
                Some(Status::Stopped) => ServiceDeploymentStatus::Stopped,
                Some(Status::RollbackRequested) => ServiceDeploymentStatus::RollbackRequested,
                Some(Status::RollbackInProgress) => ServiceDeploymentStatus::RollbackInProgress,
                Some(Status::RollbackSuccessful) => ServiceDeploymentStatus::RollbackSuccessful,
                Some(Status::RollbackFailed) => ServiceDeploymentStatus::RollbackFailed,
                Some(other) => ServiceDeploymentStatus::Other(other.as_str().to_owned()),
            },
            status_reason: deployment.status_reason().map(str::to_owned),
            rollback_reason: deployment.rollback().and_then(sdk::Rollback::reason).map(str::to_owned),
            source_revisions: deployment
                .source_service_revisions()
                .iter()
                .filter_map(|revision| revision.arn().map(str::to_owned))
                .collect(),
            circuit_breaker_triggered: deployment
                .deployment_circuit_breaker()
                .and_then(|breaker| breaker.status())
                .is_some_and(|status| *status == sdk::ServiceDeploymentRollbackMonitorsStatus::Triggered),
            triggered_alarms: deployment
                .alarms()
                .map(|alarms| alarms.triggered_alarm_names().to_vec())
                .unwrap_or_default(),
            stage: deployment.lifecycle_stage().map(|stage| stage.as_str().to_owned()),
            traffic: deployment
                .target_service_revision()
                .and_then(sdk::ServiceRevisionSummary::requested_production_traffic_weight)
                .map(tenths),
            hooks: deployment.lifecycle_hook_details().iter().map(Hook::from).collect(),
        }
    }
}

impl From<&sdk::DeploymentLifecycleHookDetail> for Hook {
    fn from(hook: &sdk::DeploymentLifecycleHookDetail) -> Self {
        Self {
            id: text(hook.hook_id()),
            function: hook.target_arn().map(str::to_owned),
            status: hook.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            expires_at: hook
                .expires_at()
                .and_then(|at| at.to_millis().ok())
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
            timeout_action: hook.timeout_action().map(|action| action.as_str().to_owned()),
        }
    }
}

/// A percentage in tenths.
fn tenths(percent: f64) -> u32 {
    (percent * 10.0).round().clamp(0.0, 1000.0) as u32
}

impl From<&sdk::Task> for StoppedTask {
    fn from(task: &sdk::Task) -> Self {
        Self {
            arn: text(task.task_arn()),
            task_definition: text(task.task_definition_arn()),
            started_by: task.started_by().map(str::to_owned),
            stop_code: task.stop_code().map(|code| code.as_str().to_owned()),
            reason: task.stopped_reason().map(str::to_owned),
            containers: task
                .containers()
                .iter()
                .map(|container| StoppedContainer {
                    name: text(container.name()),
                    exit_code: container.exit_code(),
                    reason: container.reason().map(str::to_owned),
                    health: container
                        .health_status()
                        .map(sdk::HealthStatus::as_str)
                        .filter(|status| *status != "UNKNOWN")
                        .map(str::to_owned),
                })
                .collect(),
        }
    }
}

fn said(event: &sdk::ServiceEvent) -> Option<Said> {
    let at = Timestamp::from_millisecond(event.created_at()?.to_millis().ok()?).ok()?;
    Some(Said { at, message: event.message()?.to_owned() })
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// AWS counts with signed numbers that are never negative.
fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}
