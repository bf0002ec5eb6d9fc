//! One look at a service: one call, and more only where that leaves something open.

use tokio::time::Instant;

use super::judge::is_unclear;
use super::pin::{Observation, Pin};
use super::stages::{rest, rests};
use crate::aws::ecs::{Deployment, Reader, RolloutState, StoppedTask};
use crate::aws::{CallError, CallErrorKind};
use crate::cycle::Said;
use crate::targets::ecs::{primary, threshold};
use crate::text::last_part;

/// Every how many looks the stopped tasks are listed while tasks are missing.
const LOOKS_A_LISTING: u32 = 3;

/// Looks at one service, and remembers between looks what need not be asked or told again.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    reader: Reader,
    cluster: String,
    service: String,
    said: Vec<Said>,
    looks: u32,
    /// Whether AWS has service deployments and lets these credentials see them.
    sees_service_deployments: bool,
    failed: Vec<StoppedTask>,
    lists_tasks: bool,
    full_looks: u32,
    other_count_looks: u32,
    /// The rest that is being taken, by stage and traffic, and since when it was seen.
    resting: Option<(Option<String>, Option<u32>, Instant)>,
}

impl Observer {
    /// `said` are the service's events that are no news.
    pub(super) fn new(reader: Reader, cluster: String, service: String, said: Vec<Said>) -> Self {
        Self {
            reader,
            cluster,
            service,
            said,
            looks: 0,
            sees_service_deployments: true,
            failed: Vec::new(),
            lists_tasks: true,
            full_looks: 0,
            other_count_looks: 0,
            resting: None,
        }
    }

    /// An observer for the way back: what was counted on the way there does not count.
    pub(super) fn anew(&self) -> Self {
        Self { looks: 0, failed: Vec::new(), full_looks: 0, other_count_looks: 0, resting: None, ..self.clone() }
    }

    pub(super) const fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(super) fn cluster(&self) -> &str {
        &self.cluster
    }

    pub(super) fn service(&self) -> &str {
        &self.service
    }

    pub(super) async fn look(&mut self, pin: &mut Pin) -> Result<Observation, CallError> {
        let service = self.reader.describe_service(&self.cluster, &self.service).await?;
        pin.learn_service_deployment(&service);
        let mut seen = Observation { service, ..Observation::default() };
        if is_unclear(pin, &seen) {
            seen.service_deployment = match &pin.service_deployment {
                Some(arn) if self.sees_service_deployments => self.service_deployment(arn.clone()).await?,
                _ => None,
            };
        }
        if self.should_list_tasks(pin, &seen) {
            self.list_failed_tasks(pin).await;
        }
        seen.failed.clone_from(&self.failed);
        self.count_looks(pin, &mut seen);
        self.time_rest(&mut seen);
        self.looks += 1;
        Ok(seen)
    }

    fn count_looks(&mut self, pin: &Pin, seen: &mut Observation) {
        let is_full = primary(&seen.service).is_some_and(Deployment::is_full);
        self.full_looks = if is_full { self.full_looks + 1 } else { 0 };
        let is_other = pin.desired.is_some_and(|desired| desired != seen.service.desired);
        self.other_count_looks = if is_other { self.other_count_looks + 1 } else { 0 };
        (seen.full_looks, seen.other_count_looks) = (self.full_looks, self.other_count_looks);
    }

    /// AWS does not say since when a stage lasts: what is left of it is counted from when it was first seen.
    fn time_rest(&mut self, seen: &mut Observation) {
        let configuration = &seen.service.settings.deployment_configuration;
        let deployment = seen.service_deployment.as_ref();
        let Some((deployment, planned)) = deployment.and_then(|it| Some((it, rest(configuration, it)?))) else {
            self.resting = None;
            return;
        };
        let now = (deployment.stage.clone(), deployment.traffic);
        let since = match &self.resting {
            Some((stage, traffic, since)) if (stage, traffic) == (&now.0, &now.1) => *since,
            _ => Instant::now(),
        };
        seen.rest = Some(planned.saturating_sub(since.elapsed()));
        seen.rests = Some(rests(configuration));
        self.resting = Some((now.0, now.1, since));
    }

    /// The service's events that were not there at the last look, oldest first.
    pub(super) fn news(&mut self, seen: &Observation) -> Vec<Said> {
        let news: Vec<Said> = seen.service.events.iter().filter(|said| !self.said.contains(said)).cloned().collect();
        self.said.extend_from_slice(&news);
        news
    }

    async fn service_deployment(
        &mut self,
        arn: String,
    ) -> Result<Option<crate::aws::ecs::ServiceDeployment>, CallError> {
        match self.reader.describe_service_deployment(&arn).await {
            Err(error) if matches!(error.kind, CallErrorKind::Denied | CallErrorKind::Unsupported) => {
                self.sees_service_deployments = false;
                Ok(None)
            }
            answer => answer,
        }
    }

    /// With the circuit breaker on, ECS judges by itself. Otherwise its count of failures decides, and the tasks only tell
    /// why; where it does not count, the tasks are all the evidence.
    fn should_list_tasks(&self, pin: &Pin, seen: &Observation) -> bool {
        self.lists_tasks
            && !seen.service.circuit_breaker.enabled
            && pin.ours(&seen.service).is_some_and(|ours| {
                let is_incomplete = ours.running < ours.desired && ours.rollout != RolloutState::Completed;
                let is_given_up = ours.failed >= threshold(seen.service.desired);
                let is_uncounted = ours.failed == 0 && self.looks % LOOKS_A_LISTING == 1;
                is_incomplete && (is_given_up || is_uncounted)
            })
    }

    /// Whatever goes wrong here leaves the verdict to what the service itself tells.
    async fn list_failed_tasks(&mut self, pin: &Pin) {
        match self.reader.stopped_tasks(&self.cluster, last_part(&self.service)).await {
            Ok(tasks) => {
                self.failed = tasks.into_iter().filter(|task| pin.started(task) && task.failed()).collect();
            }
            Err(error) => self.lists_tasks = error.is_passing(),
        }
    }
}
