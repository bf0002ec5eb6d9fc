use super::judge::judge;
use super::observe::Observer;
use super::pin::{Observation, Pin, primary};
use super::plan::{Draft, Start};
use super::{Registered, Snapshot};
use crate::aws::ecs::{Reader, ServiceUpdate, Settings};
use crate::cycle::{Failure, Look, Said, Watch};

/// A change of a service while ECS carries it out.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) pin: Pin,
    pub(super) observer: Observer,
    /// What UpdateService changes.
    pub(super) update: ServiceUpdate,
    pub(super) start: Start,
    /// What the settings were before.
    pub(super) settings: Settings,
    pub(super) desired: u32,
    /// The last look, for the diagnosis.
    pub(super) seen: Observation,
    pub(super) said: Vec<Said>,
}

impl Rollout {
    pub(super) fn new(reader: Reader, before: &Snapshot, draft: &Draft, registered: &Registered) -> Self {
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
            service_deployment: None,
        };
        if draft.start == Start::Join {
            pin.deployment = previous;
            pin.service_deployment.clone_from(&service.current_service_deployment);
            pin.previous_deployment = None;
            pin.previous_service_deployment = None;
        }
        Self {
            pin,
            observer: Observer::new(reader, service.cluster_arn.clone(), service.arn.clone(), service.events.clone()),
            update,
            start: draft.start,
            settings: service.settings.clone(),
            desired: service.desired,
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
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        let seen = self.observer.look(&mut self.pin).await?;
        let said = self.observer.news(&seen);
        self.said.extend_from_slice(&said);
        let look = Look { verdict: judge(&self.pin, &seen), progress: seen.progress(&self.pin), said };
        self.seen = seen;
        Ok(look)
    }
}
