//! The way back while Amazon ECS carries it out.

use super::Rollout;
use super::judge::STEADY_LOOKS;
use super::observe::Observer;
use super::pin::{Observation, Pin};
use super::stages::pause;
use crate::aws::ecs::{Deployment, RolloutState, ServiceDeploymentStatus as Status};
use crate::cycle::{Cause, Failure, Look, Verdict, Watch};
use crate::targets::ecs::{primary, threshold};
use crate::text::last_part;

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
                desired: None,
                service_deployment: None,
                previous_deployment: None,
                previous_service_deployment: failed.service_deployment.clone(),
                stable: None,
            },
        };
        Self { pin, failed, way, observer: rollout.observer.anew() }
    }

    /// The way back of a rollout in which the service itself did not change: it only has to be as it is.
    pub(super) fn of_nothing(rollout: &Rollout) -> Self {
        Self::new(rollout, Way::Update(rollout.pin.deployment.clone()))
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
        let verdict = match (judge(&self.pin, &self.failed, &self.way, &seen), &seen.service_deployment) {
            (Verdict::Pending, Some(deployment)) => pause(deployment).map_or(Verdict::Pending, Verdict::Paused),
            (verdict, _) => verdict,
        };
        Ok(Look { verdict, progress: seen.progress(&shown), said, rest: seen.rests })
    }
}

/// What an observation of the way back means. Pure.
fn judge(pin: &Pin, failed: &Pin, way: &Way, seen: &Observation) -> Verdict {
    let stable = &pin.task_definition;
    if seen.service.status != "ACTIVE" {
        return Verdict::Failed(Failure::new(Cause::Conflict, "The service was deleted meanwhile."));
    }
    let Some(primary) = primary(&seen.service) else { return Verdict::Pending };
    // Whether ECS's way back gets an id of its own is not documented, least of all where only traffic had to go back.
    // And a way back that ECS takes back itself, because a hook fails then too, ends where it was to end.
    if seen.service.task_definition == *stable {
        match seen.service_deployment.as_ref().map(|deployment| &deployment.status) {
            Some(Status::RollbackSuccessful) => return Verdict::Done,
            Some(Status::RollbackRequested | Status::RollbackInProgress) if *way != Way::Amazon => {
                return Verdict::Pending;
            }
            _ => {}
        }
    }
    let is_brought_back = match way {
        Way::Update(Some(id)) => primary.id == *id,
        // ECS gives its way back a new id. Where it takes the old one again, the deployment that it gave up is listed.
        Way::Amazon => {
            primary.task_definition == *stable
                && Some(&primary.id) != failed.deployment.as_ref()
                && (Some(&primary.id) != failed.previous_deployment.as_ref() || failed.ours(&seen.service).is_some())
        }
        Way::Update(None) => primary.task_definition == *stable,
    };
    if !is_brought_back {
        // Asked to stop in the moment in which it came to its end, ECS may end it after all.
        let has_ended = seen
            .service_deployment
            .as_ref()
            .is_some_and(|deployment| matches!(deployment.status, Status::Successful | Status::Stopped));
        if *way == Way::Amazon && has_ended && Some(&primary.id) == failed.deployment.as_ref() {
            let reason = "Amazon ECS ended the rollout instead of going back.";
            return Verdict::Failed(Failure::new(Cause::Stopped, reason));
        }
        // Either not there yet, or an answer from before, or somebody else's.
        let is_known = [&failed.deployment, &failed.previous_deployment].contains(&&Some(primary.id.clone()));
        return if is_known || primary.task_definition == failed.task_definition {
            Verdict::Pending
        } else {
            Verdict::Superseded(format!("deployment {} to {}", primary.id, last_part(&primary.task_definition)))
        };
    }
    let too_many = primary.failed >= threshold(seen.service.desired) && !primary.is_full();
    if *way == Way::Amazon
        && let Some(deployment) = &seen.service_deployment
    {
        let words = deployment.status_reason.as_deref().unwrap_or("it gives no reason");
        return match &deployment.status {
            Status::RollbackFailed | Status::Stopped | Status::Successful => Verdict::Failed(Failure::new(
                Cause::TasksFailing,
                format!(
                    "Amazon ECS did not bring {} back ({}): {words}",
                    last_part(stable),
                    deployment.status.as_str()
                ),
            )),
            _ if too_many => Verdict::Failed(keeps_failing(primary, stable)),
            _ => Verdict::Pending,
        };
    }
    match primary.rollout {
        RolloutState::Completed if primary.is_full() && seen.service.task_definition == *stable => Verdict::Done,
        RolloutState::Absent if seen.full_looks >= STEADY_LOOKS => Verdict::Done,
        RolloutState::Failed => Verdict::Failed(Failure::new(
            Cause::TasksFailing,
            format!("Amazon ECS gave up bringing {} back.", last_part(stable)),
        )),
        _ if too_many => Verdict::Failed(keeps_failing(primary, stable)),
        _ => Verdict::Pending,
    }
}

fn keeps_failing(primary: &Deployment, stable: &str) -> Failure {
    Failure::new(
        Cause::TasksFailing,
        format!("{} tasks of {} failed too, one after the other.", primary.failed, last_part(stable)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs::{Service, ServiceDeployment};

    const OLD: &str = "web:1";
    const BAD: &str = "web:2";

    fn verdict(
        way: Way,
        primary: (&str, &str, RolloutState),
        running: u32,
        failed: u32,
        status: Option<Status>,
    ) -> &'static str {
        let (id, task_definition, rollout) = primary;
        let bad = Pin {
            task_definition: BAD.to_owned(),
            deployment: Some("ours".to_owned()),
            previous_deployment: Some("old".to_owned()),
            stable: Some(OLD.to_owned()),
            ..Pin::default()
        };
        let pin = Pin { task_definition: OLD.to_owned(), ..bad.clone() };
        let seen = Observation {
            service: Service {
                status: "ACTIVE".to_owned(),
                task_definition: task_definition.to_owned(),
                desired: 2,
                deployments: vec![Deployment {
                    id: id.to_owned(),
                    status: "PRIMARY".to_owned(),
                    task_definition: task_definition.to_owned(),
                    desired: 2,
                    running,
                    failed,
                    rollout,
                    ..Deployment::default()
                }],
                ..Service::default()
            },
            service_deployment: status.map(|status| ServiceDeployment { status, ..ServiceDeployment::default() }),
            full_looks: STEADY_LOOKS,
            ..Observation::default()
        };
        match judge(&pin, &bad, &way, &seen) {
            Verdict::Pending | Verdict::Paused(_) | Verdict::Left(_) => "pending",
            Verdict::Done => "done",
            Verdict::Failed(_) => "failed",
            Verdict::Superseded(_) => "superseded",
        }
    }

    #[test]
    fn the_way_back_ends_when_the_old_revision_is_there_and_not_before() {
        use RolloutState::{Absent, Completed, Failed, InProgress};
        let update = || Way::Update(Some("back".to_owned()));
        for (name, seen, expected) in [
            ("completed", verdict(update(), ("back", OLD, Completed), 2, 0, None), "done"),
            ("completed, but tasks are missing", verdict(update(), ("back", OLD, Completed), 1, 0, None), "pending"),
            ("no state, full", verdict(update(), ("back", OLD, Absent), 2, 0, None), "done"),
            ("in progress", verdict(update(), ("back", OLD, InProgress), 2, 0, None), "pending"),
            ("an answer from before", verdict(update(), ("old", OLD, Completed), 2, 0, None), "pending"),
            ("an answer from before, by ECS", verdict(Way::Amazon, ("old", OLD, Completed), 2, 0, None), "pending"),
            ("still the bad one", verdict(update(), ("ours", BAD, InProgress), 0, 3, None), "pending"),
            ("somebody else's", verdict(update(), ("theirs", "web:3", InProgress), 0, 0, None), "superseded"),
            ("the old one fails too", verdict(update(), ("back", OLD, InProgress), 0, 3, None), "failed"),
            ("given up", verdict(update(), ("back", OLD, Failed), 0, 0, None), "failed"),
            ("by ECS", verdict(Way::Amazon, ("back", OLD, Completed), 2, 0, Some(Status::RollbackSuccessful)), "done"),
            (
                "by ECS, not over",
                verdict(Way::Amazon, ("back", OLD, Completed), 2, 0, Some(Status::RollbackInProgress)),
                "pending",
            ),
            (
                "by ECS, in vain",
                verdict(Way::Amazon, ("back", OLD, InProgress), 0, 0, Some(Status::RollbackFailed)),
                "failed",
            ),
            (
                "ended by ECS after all",
                verdict(Way::Amazon, ("ours", BAD, RolloutState::Completed), 2, 0, Some(Status::Successful)),
                "failed",
            ),
            ("by ECS, unseen", verdict(Way::Amazon, ("back", OLD, Completed), 2, 0, None), "done"),
        ] {
            assert_eq!(seen, expected, "{name}");
        }
    }
}
