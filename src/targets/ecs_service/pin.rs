//! The identity of a rollout, and what one look at the service says of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stages::shift;
use crate::aws::ecs::{Deployment, Service, ServiceDeployment, StoppedTask};
use crate::cycle::Progress;
use crate::targets::ecs::primary;

/// What tells our rollout from everybody else's: never "it looks stable".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// The ARN of the revision that was asked for.
    pub(super) task_definition: String,
    /// The ARN of the revision that ran before, and to which ECS goes back by itself.
    pub(super) stable: Option<String>,
    /// The id of the service's PRIMARY deployment before.
    pub(super) previous_deployment: Option<String>,
    /// The ARN of the service deployment before.
    pub(super) previous_service_deployment: Option<String>,
    /// The id of our deployment, once AWS told it. The same as `previous_deployment` when only settings changed.
    pub(super) deployment: Option<String>,
    /// The desired count that was asked for, if any.
    pub(super) desired: Option<u32>,
    /// The ARN of our service deployment, once AWS told it; never where AWS has none.
    pub(super) service_deployment: Option<String>,
}

impl Pin {
    /// Whether the change makes ECS start new tasks; a new desired count alone does not.
    pub(super) fn starts_deployment(&self) -> bool {
        self.deployment.is_none() || self.deployment != self.previous_deployment
    }

    /// Our deployment in the service's list.
    pub(super) fn ours<'a>(&self, service: &'a Service) -> Option<&'a Deployment> {
        let id = self.deployment.as_ref()?;
        service.deployments.iter().find(|deployment| deployment.id == *id)
    }

    /// Whether this is a task of our rollout. ECS notes the deployment that started a task; where something else stands
    /// there, the revision has to tell.
    pub(super) fn started(&self, task: &StoppedTask) -> bool {
        match task.started_by.as_deref() {
            Some(id) if id.starts_with("ecs-svc/") => self.deployment.as_deref() == Some(id),
            _ => task.task_definition == self.task_definition,
        }
    }

    /// Takes the identity of our service deployment from a service that shows our deployment as its newest.
    pub(super) fn learn_service_deployment(&mut self, service: &Service) {
        let current = &service.current_service_deployment;
        let is_newest = primary(service).is_some_and(|primary| Some(&primary.id) == self.deployment.as_ref());
        if self.service_deployment.is_none()
            && self.starts_deployment()
            && is_newest
            && *current != self.previous_service_deployment
        {
            self.service_deployment.clone_from(current);
        }
    }
}

/// One look at a service.
#[derive(Debug, Clone, Default)]
pub(super) struct Observation {
    pub(super) service: Service,
    /// Our service deployment, when it was asked for and is known.
    pub(super) service_deployment: Option<ServiceDeployment>,
    /// Tasks of our rollout that failed, as far as they were looked for.
    pub(super) failed: Vec<StoppedTask>,
    /// Looks in a row, this one included, at which all tasks ran that should.
    pub(super) full_looks: u32,
    /// How much longer the stage rests on purpose, at most; `None` when it does not rest.
    pub(super) rest: Option<Duration>,
    /// How long the whole rollout rests, when it rests at this moment.
    pub(super) rests: Option<Duration>,
    /// Looks in a row, this one included, at which another count was desired than the one that was asked for.
    pub(super) other_count_looks: u32,
}

impl Observation {
    pub(super) fn progress(&self, pin: &Pin) -> Progress {
        let ours = pin.ours(&self.service);
        let state = match (&self.service_deployment, ours) {
            (Some(deployment), _) => deployment.status.as_str(),
            (None, Some(ours)) => ours.rollout.as_str(),
            (None, None) => "",
        };
        let running = ours.map_or(0, |ours| ours.running);
        Progress {
            running,
            pending: ours.map_or(0, |ours| ours.pending),
            // ECS sets the desired count of a deployment that it gave up to 0.
            desired: self.service.desired,
            failed: ours.map_or(0, |ours| ours.failed).max(u32::try_from(self.failed.len()).unwrap_or(u32::MAX)),
            old: self
                .service
                .deployments
                .iter()
                .filter(|deployment| Some(&deployment.id) != ours.map(|ours| &ours.id))
                .map(|deployment| deployment.running)
                .sum(),
            state: state.to_owned(),
            shift: self.service_deployment.as_ref().and_then(|deployment| shift(deployment, self.rest)),
        }
    }
}
