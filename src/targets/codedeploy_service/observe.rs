//! One look at a deployment: what CodeDeploy says of it and of its task sets, and the tasks that failed.

use super::Readers;
use super::rollout::Pin;
use crate::aws::CallError;
use crate::aws::codedeploy::{Deployment, Target};
use crate::aws::ecs::StoppedTask;
use crate::cycle::{Progress, Said};
use crate::text::last_part;

/// Every how many looks the stopped tasks are listed while new tasks are missing. CodeDeploy itself waits an hour for them.
const LOOKS_A_LISTING: u32 = 3;

/// One look.
#[derive(Debug, Clone, Default)]
pub(super) struct Observation {
    pub(super) deployment: Deployment,
    /// What it does to the service, once it does something.
    pub(super) target: Target,
    /// Tasks of the new task set that failed, as far as they were looked for.
    pub(super) failed: Vec<StoppedTask>,
    /// Somebody else's deployment that followed ours, when ours did not succeed.
    pub(super) newer: Option<String>,
}

/// Looks at one deployment, and remembers between looks what need not be asked or told again.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    clients: Readers,
    looks: u32,
    lists_tasks: bool,
    failed: Vec<StoppedTask>,
    told: Vec<Said>,
}

impl Observer {
    pub(super) const fn new(clients: Readers) -> Self {
        Self { clients, looks: 0, lists_tasks: true, failed: Vec::new(), told: Vec::new() }
    }

    pub(super) const fn clients(&self) -> &Readers {
        &self.clients
    }

    pub(super) async fn look(&mut self, pin: &Pin, id: &str) -> Result<Observation, CallError> {
        let reader = &self.clients.codedeploy;
        let deployment = reader.deployment(id).await?;
        let target = reader.target(id, &pin.target()).await?.unwrap_or_default();
        let mut seen = Observation { deployment, target, ..Observation::default() };
        if seen.deployment.status.is_over() && seen.deployment.status != crate::aws::codedeploy::Status::Succeeded {
            seen.newer = newer(&self.clients, pin, &seen.deployment).await?;
        } else if self.should_list_tasks(&seen) {
            self.list_failed_tasks(pin, &seen).await;
        }
        seen.failed.clone_from(&self.failed);
        self.looks += 1;
        Ok(seen)
    }

    fn should_list_tasks(&self, seen: &Observation) -> bool {
        let is_incomplete = seen.target.new.as_ref().is_some_and(|new| new.running < new.desired);
        self.lists_tasks && is_incomplete && !seen.target.has_shifted() && self.looks % LOOKS_A_LISTING == 1
    }

    /// Whatever goes wrong here leaves the verdict to what CodeDeploy itself tells.
    async fn list_failed_tasks(&mut self, pin: &Pin, seen: &Observation) {
        let Some(new) = &seen.target.new else { return };
        match self.clients.ecs.stopped_tasks(&pin.cluster, last_part(&pin.service)).await {
            Ok(tasks) => {
                let ours = |task: &StoppedTask| task.started_by.as_deref() == Some(new.id.as_str());
                self.failed = tasks.into_iter().filter(|task| ours(task) && task.failed()).collect();
            }
            Err(error) => self.lists_tasks = error.is_passing(),
        }
    }

    /// The lifecycle events that moved on since the last look.
    pub(super) fn news(&mut self, seen: &Observation) -> Vec<Said> {
        let said = seen.target.events.iter().filter(|event| event.status != "Pending").filter_map(|event| {
            let detail = event.message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
            Some(Said { at: event.at?, message: format!("{}: {}{detail}", event.name, event.status) })
        });
        let news: Vec<Said> = said.filter(|said| !self.told.contains(said)).collect();
        self.told.extend_from_slice(&news);
        news
    }
}

/// Somebody else's deployment that followed ours: neither ours nor the one that CodeDeploy takes ours back with.
pub(super) async fn newer(clients: &Readers, pin: &Pin, ours: &Deployment) -> Result<Option<String>, CallError> {
    let group = clients.codedeploy.group(&pin.application, &pin.group).await?;
    let Some((last, _)) = group.last.filter(|(last, _)| *last != ours.id && pin.previous.as_ref() != Some(last)) else {
        return Ok(None);
    };
    if ours.rolled_back_by.as_ref() == Some(&last) {
        return Ok(None);
    }
    let last = clients.codedeploy.deployment(&last).await?;
    Ok((last.rolls_back.as_ref() != Some(&ours.id) && !pin.is_way_back(&last)).then(|| name(&last.id)))
}

pub(super) fn name(id: &str) -> String {
    format!("AWS CodeDeploy deployment {id}")
}

impl Observation {
    pub(super) fn progress(&self, pin: &Pin) -> Progress {
        let (new, old) = (self.target.new.as_ref(), self.target.old.as_ref());
        Progress {
            running: new.map_or(0, |new| new.running),
            pending: new.map_or(0, |new| new.pending),
            desired: new.map_or(pin.desired, |new| new.desired),
            failed: u32::try_from(self.failed.len()).unwrap_or(u32::MAX),
            old: old.map_or(0, |old| old.running),
            state: self.state(),
            shift: None,
        }
    }

    /// CodeDeploy's own words for where it is, and the share of the traffic that the new tasks have.
    fn state(&self) -> String {
        let status = self.deployment.status.as_str();
        let traffic = self.target.new.as_ref().map(|new| format!(", {} % of traffic", new.traffic)).unwrap_or_default();
        match self.target.current() {
            Some(event) => format!("{}{traffic}", event.name),
            None => format!("{status}{traffic}"),
        }
    }
}
