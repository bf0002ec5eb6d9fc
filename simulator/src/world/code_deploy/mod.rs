//! AWS CodeDeploy, as far as it deploys Amazon ECS services: what exists. How a deployment goes on is in `course`, what answers
//! show in `document`.
//!
//! The order of the lifecycle events, and what may fail where, is that of the user guide ("AppSpec 'hooks' section for an
//! Amazon ECS deployment"). How long CodeDeploy takes between them it does not say: here each event takes
//! `Scenario::pending`.

mod course;
mod document;

use std::collections::BTreeMap;
use std::time::Duration;

use super::World;
use crate::DeploymentGroup;
use crate::wire::Refusal;

/// The lifecycle events of a deployment to Amazon ECS, in their order.
pub(crate) const EVENTS: [&str; 8] = [
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
];

/// Everything of AWS CodeDeploy in the account.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeDeploy {
    pub(crate) groups: Vec<DeploymentGroup>,
    /// In the order of their creation.
    pub(crate) deployments: Vec<Deployment>,
    /// The content of AppSpecs, by application and SHA-256: only GetApplicationRevision shows it.
    pub(crate) revisions: BTreeMap<(String, String), String>,
}

/// One deployment.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) application: String,
    pub(crate) group: String,
    pub(crate) creator: &'static str,
    pub(crate) description: Option<String>,
    pub(crate) config: String,
    pub(crate) sha256: String,
    pub(crate) task_definition: String,
    /// Whether the group's alarms are switched off for it.
    ignores_alarms: bool,
    /// Lambda functions, by lifecycle event.
    hooks: BTreeMap<String, String>,
    pub(crate) status: Status,
    pub(crate) error: Option<(&'static str, String)>,
    /// The deployment that takes this one back.
    pub(crate) rolled_back_by: Option<String>,
    /// The deployment that this one takes back.
    pub(crate) rolls_back: Option<String>,
    pub(crate) created_at: Duration,
    pub(crate) started_at: Option<Duration>,
    pub(crate) completed_at: Option<Duration>,
    pub(crate) events: Vec<Event>,
    /// The task sets before and after, once they are known.
    pub(crate) blue: Option<String>,
    pub(crate) green: Option<String>,
    /// The share of the traffic that the new task set gets, in percent.
    pub(crate) shifted: u32,
    stage: Stage,
    /// Counts the stages, so that what was planned in one does not happen in the next.
    turn: u32,
}

/// A lifecycle event of a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
    pub(crate) started_at: Option<Duration>,
    pub(crate) ended_at: Option<Duration>,
}

/// `status` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "InProgress",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// What a deployment is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Created,
    /// A lifecycle event, by its place.
    Event(usize),
    /// Waits for ContinueDeployment before traffic shifts.
    Ready,
    /// The old tasks are still there.
    TerminationWait,
    /// The tasks without traffic are being stopped.
    Terminating,
    /// Stops as soon as it can.
    Stopping {
        rolls_back: bool,
    },
    Over,
}

/// What CreateDeployment asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) application: String,
    pub(crate) group: String,
    pub(crate) config: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) sha256: String,
    pub(crate) task_definition: String,
    pub(crate) ignores_alarms: bool,
    pub(crate) hooks: BTreeMap<String, String>,
}

impl Deployment {
    pub(crate) fn awaits_termination(&self) -> bool {
        self.stage == Stage::TerminationWait
    }
}

impl World {
    pub(crate) fn deployment_group(&self, application: &str, name: &str) -> Result<&DeploymentGroup, Refusal> {
        let mut groups = self.code_deploy.groups.iter().filter(|group| group.application == application).peekable();
        if groups.peek().is_none() {
            let message = format!("Application does not exist with the name {application}");
            return Err(Refusal::new("ApplicationDoesNotExistException", message));
        }
        groups.find(|group| group.name == name).ok_or_else(|| {
            let message = format!("No Deployment Group found for name: {name}");
            Refusal::new("DeploymentGroupDoesNotExistException", message)
        })
    }

    pub(crate) fn code_deployment(&self, id: &str) -> Result<&Deployment, Refusal> {
        self.code_deploy.deployments.iter().find(|deployment| deployment.id == id).ok_or_else(|| {
            Refusal::new("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
        })
    }

    /// The group's deployments, oldest first.
    pub(crate) fn deployments_of<'a>(
        &'a self,
        application: &'a str,
        group: &'a str,
    ) -> impl Iterator<Item = &'a Deployment> {
        self.code_deploy
            .deployments
            .iter()
            .filter(move |deployment| deployment.application == application && deployment.group == group)
    }

    /// The group's deployment that is not over.
    pub(crate) fn active_deployment(&self, application: &str, group: &str) -> Option<&Deployment> {
        self.code_deploy.deployments.iter().find(|deployment| {
            deployment.application == application && deployment.group == group && !deployment.status.is_over()
        })
    }
}
