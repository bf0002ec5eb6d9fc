use super::judge::threshold;
use super::observe::Observer;
use super::pin::{Observation, Pin, primary};
use super::{Rollout, short};
use crate::aws::ecs::{RolloutState, ServiceDeploymentStatus as Status};
use crate::cycle::{Cause, Failure, Look, Verdict, Watch};

/// The way back while ECS carries it out.
#[derive(Debug)]
pub struct Restoration {
    /// The identity of what is going back: our rollout where ECS does it, our own update otherwise.
    pin: Pin,
    /// The rollout that failed.
    failed: Pin,
    way: Way,
    observer: Observer,
}

/// Who goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// ECS, within the service deployment that failed.
    Amazon,
    /// An update to the revision from before, with the id of its deployment.
    Update(Option<String>),
}

impl Restoration {
    pub(super) fn new(rollout: &Rollout, way: Way) -> Self {
        let failed = rollout.pin.clone();
        let stable = failed.stable.clone().unwrap_or_else(|| failed.task_definition.clone());
        let pin = match &way {
            Way::Amazon => Pin { task_definition: stable, ..failed.clone() },
            Way::Update(deployment) => Pin {
                task_definition: stable,
                deployment: deployment.clone(),
                service_deployment: None,
                previous_deployment: None,
                previous_service_deployment: failed.service_deployment.clone(),
                stable: None,
            },
        };
        Self { pin, failed, way, observer: rollout.observer.clone() }
    }
}

impl Watch for Restoration {
    async fn look(&mut self) -> Result<Look, Failure> {
        let seen = self.observer.look(&mut self.pin).await?;
        let said = self.observer.news(&seen);
        // Progress is that of whatever brings the old revision back, which ECS gives a new id when it goes back by itself.
        let mut shown = self.pin.clone();
        shown.deployment = primary(&seen.service)
            .filter(|primary| primary.task_definition == self.pin.task_definition)
            .map(|primary| primary.id.clone());
        Ok(Look { verdict: judge(&self.pin, &self.failed, &self.way, &seen), progress: seen.progress(&shown), said })
    }
}

/// What an observation of the way back means. Pure.
fn judge(pin: &Pin, failed: &Pin, way: &Way, seen: &Observation) -> Verdict {
    let stable = &pin.task_definition;
    if seen.service.status != "ACTIVE" {
        return Verdict::Failed(Failure::new(Cause::Conflict, "The service was deleted meanwhile."));
    }
    let Some(primary) = primary(&seen.service) else { return Verdict::Pending };
    if primary.task_definition != *stable {
        // Either not there yet, or somebody else's.
        return if primary.task_definition == failed.task_definition || Some(&primary.id) == failed.deployment.as_ref() {
            Verdict::Pending
        } else {
            Verdict::Superseded(format!("deployment {} to {}", primary.id, short(&primary.task_definition)))
        };
    }
    if *way == Way::Amazon
        && let Some(deployment) = &seen.service_deployment
    {
        return match &deployment.status {
            Status::RollbackSuccessful if seen.service.task_definition == *stable => Verdict::Done,
            Status::RollbackFailed => Verdict::Failed(Failure::new(
                Cause::TasksFailing,
                match &deployment.status_reason {
                    Some(words) => format!("Amazon ECS could not bring {} back: {words}", short(stable)),
                    None => format!("Amazon ECS could not bring {} back.", short(stable)),
                },
            )),
            _ => Verdict::Pending,
        };
    }
    let is_full = primary.running >= primary.desired && primary.pending == 0;
    match primary.rollout {
        RolloutState::Completed if is_full && seen.service.task_definition == *stable => Verdict::Done,
        RolloutState::Absent if is_full => Verdict::Done,
        RolloutState::Failed => Verdict::Failed(Failure::new(
            Cause::TasksFailing,
            format!("Amazon ECS gave up bringing {} back.", short(stable)),
        )),
        _ if primary.failed >= threshold(seen.service.desired) && !is_full => Verdict::Failed(Failure::new(
            Cause::TasksFailing,
            format!("{} tasks of {} failed too, one after the other.", primary.failed, short(stable)),
        )),
        _ => Verdict::Pending,
    }
}
