//! The way back while AWS CodeDeploy carries it out.

use super::observe::{Observation, Observer, name};
use super::rollout::Pin;
use super::{Readers, Rollout};
use crate::aws::codedeploy::{Deployment, Status};
use crate::aws::ecs::{Service, TaskSet};
use crate::cycle::{Cause, Failure, Look, Progress, Verdict, Watch};

/// The way back while CodeDeploy carries it out.
#[derive(Debug)]
pub struct Restoration {
    pin: Pin,
    way: Way,
    observer: Observer,
}

/// Who goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// CodeDeploy takes this deployment, which is ours, back.
    Amazon(String),
    /// A deployment to the revision from before.
    Deployment(String),
}

impl Restoration {
    pub(super) fn new(rollout: &Rollout, way: Way) -> Self {
        let clients: Readers = rollout.observer.clients().clone();
        Self { pin: rollout.pin.clone(), way, observer: Observer::new(clients) }
    }
}

impl Watch for Restoration {
    async fn look(&mut self) -> Result<Look, Failure> {
        let clients = self.observer.clients().clone();
        let service = clients.ecs.describe_service(&self.pin.cluster, &self.pin.service).await?;
        let (taken_back, back) = match &self.way {
            Way::Amazon(ours) => {
                let ours = clients.codedeploy.deployment(ours).await?;
                let back = ours.rolled_back_by.clone();
                (Some(ours), back)
            }
            Way::Deployment(back) => (None, Some(back.clone())),
        };
        let back = match back {
            Some(id) => Some(self.observer.look(&self.pin, &id).await?),
            None => None,
        };
        let said = back.as_ref().map(|seen| self.observer.news(seen)).unwrap_or_default();
        let verdict = judge(&self.pin, taken_back.as_ref(), back.as_ref(), &service);
        Ok(Look { verdict, progress: progress(&self.pin, back.as_ref(), &service), said, rest: None })
    }
}

/// What an observation of the way back means. `taken_back` is our deployment where CodeDeploy takes it back; `back` is the
/// deployment that does. Pure.
fn judge(pin: &Pin, taken_back: Option<&Deployment>, back: Option<&Observation>, service: &Service) -> Verdict {
    if service.status != "ACTIVE" {
        return Verdict::Failed(Failure::new(Cause::Conflict, "The service was deleted meanwhile."));
    }
    let failed = |reason: String| Verdict::Failed(Failure::new(Cause::TasksFailing, reason));
    if let Some(ours) = taken_back {
        match ours.status {
            Status::Failed | Status::Stopped => {}
            // Whoever asked for it takes back what has ended.
            Status::Succeeded => {
                let reason = format!("{} ended before it could be stopped.", name(&ours.id));
                return Verdict::Failed(Failure::new(Cause::Stopped, reason));
            }
            _ => return Verdict::Pending,
        }
    }
    if let Some(seen) = back {
        match &seen.deployment.status {
            Status::Succeeded => {}
            Status::Failed | Status::Stopped => {
                let words = seen.deployment.error_message.as_deref().unwrap_or("it gives no reason");
                return failed(format!("{}, which goes back, did not succeed: {words}", name(&seen.deployment.id)));
            }
            // The traffic is back; that the failed tasks wait for their end is no reason to wait.
            _ if taken_back.is_none() && seen.target.has_shifted() => {}
            _ => return Verdict::Pending,
        }
    }
    let Some(primary) = service.task_sets.iter().find(|set| set.is_primary()) else { return Verdict::Pending };
    if Some(&primary.task_definition) != pin.stable.as_ref() {
        return Verdict::Pending;
    }
    let its = service.task_sets.iter().find(|set| set.external_id.is_some() && set.external_id == pin.deployment);
    let is_gone = its.is_none_or(|set| set.id != primary.id && (taken_back.is_none() || set.is_draining()));
    if is_gone && primary.running >= primary.desired { Verdict::Done } else { Verdict::Pending }
}

fn progress(pin: &Pin, back: Option<&Observation>, service: &Service) -> Progress {
    if let Some(seen) = back.filter(|seen| seen.target.new.is_some()) {
        return seen.progress(pin);
    }
    let is_stable = |set: &&TaskSet| Some(&set.task_definition) == pin.stable.as_ref();
    let sum = |sets: Vec<&TaskSet>| -> u32 { sets.into_iter().map(|set| set.running).sum() };
    let (stable, others): (Vec<&TaskSet>, Vec<&TaskSet>) = service.task_sets.iter().partition(is_stable);
    Progress {
        running: sum(stable),
        desired: service.desired,
        old: sum(others),
        state: back.map(|seen| seen.deployment.status.as_str().to_owned()).unwrap_or_default(),
        ..Progress::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(task_definition: &str, external_id: Option<&str>, status: &str, running: u32) -> TaskSet {
        TaskSet {
            id: format!("ecs-svc/{task_definition}"),
            external_id: external_id.map(str::to_owned),
            status: status.to_owned(),
            task_definition: task_definition.to_owned(),
            desired: 2,
            running,
            ..TaskSet::default()
        }
    }

    #[test]
    fn the_way_back_ends_when_the_old_tasks_have_the_traffic_and_the_new_ones_go() {
        let pin = Pin { stable: Some("web:1".to_owned()), deployment: Some("d-1".to_owned()), ..Pin::default() };
        let deployment = |status| Deployment { id: "d".to_owned(), status, ..Deployment::default() };
        let back = |status| Some(Observation { deployment: deployment(status), ..Observation::default() });
        let (old, new) =
            (|status, running| set("web:1", None, status, running), |status| set("web:2", Some("d-1"), status, 2));
        for (case, ours, back, sets, expected) in [
            ("stopping", Status::InProgress, None, vec![old("PRIMARY", 2), new("ACTIVE")], "pending"),
            ("stopped, not taken back", Status::Stopped, None, vec![old("PRIMARY", 2), new("ACTIVE")], "pending"),
            ("going", Status::Stopped, back(Status::InProgress), vec![old("PRIMARY", 2), new("DRAINING")], "pending"),
            ("back", Status::Stopped, back(Status::Succeeded), vec![old("PRIMARY", 2)], "done"),
            ("tasks are missing", Status::Stopped, back(Status::Succeeded), vec![old("PRIMARY", 1)], "pending"),
            ("no tasks were there yet", Status::Stopped, None, vec![old("PRIMARY", 2)], "done"),
            ("the traffic is not back", Status::Stopped, None, vec![old("ACTIVE", 2), new("PRIMARY")], "pending"),
            ("too late", Status::Succeeded, None, vec![new("PRIMARY")], "failed"),
            ("the way back failed", Status::Stopped, back(Status::Failed), vec![new("PRIMARY")], "failed"),
        ] {
            let service = Service { status: "ACTIVE".to_owned(), desired: 2, task_sets: sets, ..Service::default() };
            let seen = match judge(&pin, Some(&deployment(ours)), back.as_ref(), &service) {
                Verdict::Done => "done",
                Verdict::Failed(_) => "failed",
                _ => "pending",
            };
            assert_eq!(seen, expected, "{case}");
        }
    }
}
