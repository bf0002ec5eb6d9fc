//! The rollout while Amazon ECS carries it out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Snapshot;
use super::judge::judge;
use super::observe::Observer;
use super::pin::{Observation, Pin};
use super::plan::{Draft, Start};
use super::rules::ScheduledTarget;
use super::stages::{left, pause};
use crate::aws::cloudwatch::Alarm;
use crate::aws::ecs::{Reader, ServiceUpdate, Settings};
use crate::cycle::{Cause, Failure, Look, Pause, Said, Verdict, Watch};
use crate::ecr::Promotion;
use crate::spec::Stage;
use crate::targets::ecs::{Registered, is_moving, primary};
use crate::verification::SeenAlarms;

/// An answer of Amazon ECS may be older than what was said to it: so many looks may show a pause that was ended.
const OLD_LOOKS: u32 = 3;
/// So many looks that show only what was before mean that the service was never updated: the step ended before it could be.
const UNBEGUN_LOOKS: u32 = 10;

/// A rollout on paper: no values of variables or secrets, only names and numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memo {
    cluster: String,
    service: String,
    pin: Pin,
    update: ServiceUpdate,
    settings: Settings,
    desired: u32,
    is_theirs: bool,
    ecs_goes_back_to_stable: bool,
    alarms: BTreeMap<String, Alarm>,
    moves: Vec<ScheduledTarget>,
    is_followed: bool,
    /// Tags for images once they run.
    #[serde(default)]
    pub(super) promotions: Vec<Promotion>,
}

/// A change of a service while ECS carries it out.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) pin: Pin,
    pub(super) observer: Observer,
    /// What UpdateService changes.
    pub(super) update: ServiceUpdate,
    pub(super) start: Start,
    /// Whether another workflow run began it.
    pub(super) is_theirs: bool,
    /// The pause that it goes on from.
    pub(super) resumes: Option<Pause>,
    /// Looks at which it still waited there.
    pub(super) looks_at_resumed: u32,
    /// How many looks found nothing of it, while it has no identity.
    pub(super) unbegun_looks: u32,
    /// The stage at which it is left.
    pub(super) wait_until: Option<Stage>,
    /// What the settings were before.
    pub(super) settings: Settings,
    pub(super) desired: u32,
    /// Whether ECS's own rollback ends at the stable revision: not when the rollout took the place of one that was in flight
    /// or had failed itself.
    pub(super) ecs_goes_back_to_stable: bool,
    /// The alarms as they were before.
    pub(super) alarms: SeenAlarms,
    /// The targets of rules that move with it.
    pub(super) moves: Vec<ScheduledTarget>,
    /// Whether they began to.
    pub(super) is_followed: bool,
    /// The last look, for the diagnosis.
    pub(super) seen: Observation,
    pub(super) said: Vec<Said>,
}

impl Rollout {
    pub(super) fn new(
        reader: Reader,
        before: &Snapshot,
        draft: &Draft,
        registered: &Registered,
        wait_until: Option<Stage>,
    ) -> Self {
        let service = &before.service;
        let moves = registered.arn() != service.task_definition;
        let update =
            ServiceUpdate { task_definition: moves.then(|| registered.arn().to_owned()), ..draft.update.clone() };
        let previous = before.primary().map(|primary| primary.id.clone());
        let mut pin = Pin {
            task_definition: registered.arn().to_owned(),
            stable: before.stable.clone(),
            previous_deployment: previous.clone(),
            previous_service_deployment: service.current_service_deployment.clone(),
            deployment: None,
            desired: draft.update.desired_count.and_then(|count| u32::try_from(count).ok()),
            service_deployment: None,
        };
        match draft.start {
            Start::Update => {}
            Start::Join => {
                pin.deployment = previous;
                pin.service_deployment.clone_from(&service.current_service_deployment);
                pin.previous_deployment = None;
                pin.previous_service_deployment = None;
            }
            Start::Watch => pin.deployment = previous,
        }
        Self {
            pin,
            observer: Observer::new(reader, service.cluster_arn.clone(), service.arn.clone(), service.events.clone()),
            update,
            start: draft.start,
            is_theirs: draft.is_theirs,
            resumes: draft.resumes.clone(),
            looks_at_resumed: 0,
            unbegun_looks: 0,
            wait_until,
            settings: service.settings.clone(),
            desired: service.desired,
            ecs_goes_back_to_stable: draft.start == Start::Join
                || !before.primary().is_some_and(is_moving) && !before.has_failed(),
            alarms: match (draft.start, before.primary()) {
                // What went off since the deployment that is joined began is its doing.
                (Start::Join, Some(joined)) => before.alarms.before(joined.created),
                _ => before.alarms.clone(),
            },
            moves: draft.moves.clone(),
            is_followed: false,
            seen: Observation::default(),
            said: Vec::new(),
        }
    }

    pub(super) fn memo(&self, promotions: Vec<Promotion>) -> Memo {
        Memo {
            cluster: self.observer.cluster().to_owned(),
            service: self.observer.service().to_owned(),
            pin: self.pin.clone(),
            update: self.update.clone(),
            settings: self.settings.clone(),
            desired: self.desired,
            is_theirs: self.is_theirs,
            ecs_goes_back_to_stable: self.ecs_goes_back_to_stable,
            alarms: self.alarms.known().clone(),
            moves: self.moves.clone(),
            is_followed: self.is_followed,
            promotions,
        }
    }

    pub(super) fn recall(reader: Reader, memo: Memo, wait_until: Option<Stage>) -> Self {
        let Memo {
            cluster,
            service,
            pin,
            update,
            settings,
            desired,
            is_theirs,
            ecs_goes_back_to_stable,
            alarms,
            moves,
            is_followed,
            ..
        } = memo;
        Self {
            pin,
            observer: Observer::new(reader, cluster, service, Vec::new()),
            update,
            start: Start::Join,
            is_theirs,
            resumes: None,
            looks_at_resumed: 0,
            unbegun_looks: 0,
            wait_until,
            settings,
            desired,
            ecs_goes_back_to_stable,
            alarms: SeenAlarms::recalled(alarms),
            moves,
            is_followed,
            seen: Observation::default(),
            said: Vec::new(),
        }
    }

    /// Takes the rollout's identity from a service that was changed as asked. Whether it was.
    pub(super) fn pin(&mut self, service: &crate::aws::ecs::Service) -> bool {
        let Some(primary) = primary(service).filter(|primary| primary.task_definition == self.pin.task_definition)
        else {
            return false;
        };
        self.pin.deployment = Some(primary.id.clone());
        self.pin.learn_service_deployment(service);
        true
    }

    /// What a pause means at which it waits. The one that it was to go on from is answered once more where it stays.
    fn meet(&mut self, pause: Pause) -> Verdict {
        let is_answered = self.resumes.as_ref().is_some_and(|resumed| resumed.id == pause.id);
        if is_answered && self.looks_at_resumed < OLD_LOOKS {
            self.looks_at_resumed += 1;
            return Verdict::Pending;
        }
        Verdict::Paused(Pause { is_answered, ..pause })
    }
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        let seen = self.observer.look(&mut self.pin).await?;
        // A rollout on paper has no identity when the step was killed while it was being started.
        if self.pin.deployment.is_none() {
            if primary(&seen.service).map(|it| &it.id) == self.pin.previous_deployment.as_ref() {
                self.unbegun_looks += 1;
            } else {
                self.pin(&seen.service);
            }
        }
        let said = self.observer.news(&seen);
        self.said.extend_from_slice(&said);
        let verdict = match (judge(&self.pin, &seen), &seen.service_deployment) {
            (Verdict::Pending, _) if self.pin.deployment.is_none() && self.unbegun_looks > UNBEGUN_LOOKS => {
                Verdict::Failed(Failure::new(Cause::Cancelled, "The step ended before the service was updated."))
            }
            (Verdict::Pending, Some(deployment)) => left(self.wait_until, &seen.service, deployment)
                .map(Verdict::Left)
                .or_else(|| pause(deployment).map(|pause| self.meet(pause)))
                .unwrap_or(Verdict::Pending),
            (verdict, _) => verdict,
        };
        let look = Look { verdict, progress: seen.progress(&self.pin), said, rest: seen.rests };
        self.seen = seen;
        Ok(look)
    }
}
