//! The deployment while AWS CodeDeploy carries it out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::judge::judge;
use super::observe::{Observation, Observer, newer};
use super::plan::{Draft, Start};
use super::{Readers, Snapshot};
use crate::aws::CallError;
use crate::aws::cloudwatch::Alarm;
use crate::aws::codedeploy::{Deployment, NewDeployment, Status};
use crate::cycle::{Cause, Failure, Look, Parting, Said, Verdict, Watch};
use crate::ecr::Promotion;
use crate::spec::{AppSpec, CodeDeploy, WaitUntil};
use crate::targets::ecs::Registered;
use crate::text::last_part;

/// All traffic at once: a way back has no time for a canary.
const AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";

/// The identity of a rollout, and how to start it and to take it back: what the post step gets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pin {
    /// The ARNs of cluster and service.
    pub(super) cluster: String,
    pub(super) service: String,
    /// The service's name.
    pub(super) service_name: String,
    pub(super) application: String,
    pub(super) group: String,
    /// The ARN of the revision that was asked for.
    pub(super) task_definition: String,
    /// The ARN of the revision that was serving before.
    pub(super) stable: Option<String>,
    /// The group's last deployment before.
    pub(super) previous: Option<String>,
    /// The deployment in flight that has to be stopped first, as asked.
    pub(super) supersedes: Option<String>,
    /// Ours, once AWS told its id.
    pub(super) deployment: Option<String>,
    /// The SHA-256 of our AppSpec.
    pub(super) sha256: Option<String>,
    pub(super) is_theirs: bool,
    /// Tasks that should run, as the service says.
    pub(super) desired: u32,
    /// Minutes that the deployment waits on purpose, at most.
    pub(super) rest_minutes: u32,
    /// The group's alarms on which CodeDeploy goes back by itself.
    #[serde(default)]
    pub(super) guards: Vec<String>,
    /// The alarms as they were before.
    pub(super) alarms: BTreeMap<String, Alarm>,
    /// The deployment to create; none where one is joined and there is no AppSpec.
    pub(super) forward: Option<NewDeployment>,
    /// The deployment that brings the stable revision back when CodeDeploy does not.
    pub(super) back: Option<NewDeployment>,
    /// Tags for images once they run.
    #[serde(default)]
    pub(super) promotions: Vec<Promotion>,
}

/// A rollout on paper.
pub type Memo = Pin;

/// A deployment while CodeDeploy carries it out.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) pin: Pin,
    /// Whether it is left when all of the traffic has shifted.
    leaves_early: bool,
    /// Whether it is over, and is being checked: then it must not be somebody else's.
    is_checked: bool,
    pub(super) observer: Observer,
    /// The last look, for the diagnosis.
    pub(super) seen: Observation,
    pub(super) said: Vec<Said>,
}

impl Pin {
    /// What CodeDeploy calls the service that a deployment is for.
    pub(super) fn target(&self) -> String {
        format!("{}:{}", last_part(&self.cluster), self.service_name)
    }

    /// How it is left when all of the traffic has shifted.
    fn parting(&self) -> Parting {
        let protection = if self.guards.is_empty() {
            "AWS CodeDeploy removes the old tasks when their time is over. From here on nobody watches: no alarm of the deployment \
             group rolls back."
                .to_owned()
        } else {
            let alarms = self.guards.join(" or ");
            format!(
                "AWS CodeDeploy removes the old tasks when their time is over. Until then only it watches, and rolls back when the \
                 alarm {alarms} fires."
            )
        };
        Parting { standing: "has shifted all of its traffic to the new tasks".to_owned(), protection }
    }

    /// Whether this is the deployment with which this program takes the rollout back.
    pub(super) fn is_way_back(&self, deployment: &Deployment) -> bool {
        let back = self.back.as_ref().map(|back| &back.sha256);
        back.is_some() && deployment.sha256.as_ref() == back && back != self.sha256.as_ref()
    }

    /// Whether this deployment has our AppSpec, which names the very revision.
    pub(super) fn is_ours(&self, deployment: &Deployment) -> bool {
        self.sha256.is_some() && deployment.sha256 == self.sha256
    }

    /// Our deployment, when it was created without an answer: the group's last one, or the one that the last one takes back.
    pub(super) async fn find(&self, clients: &Readers) -> Result<Found, CallError> {
        let group = clients.codedeploy.group(&self.application, &self.group).await?;
        let Some((id, _)) = group.last.filter(|(id, _)| self.previous.as_ref() != Some(id)) else {
            return Ok(Found::None);
        };
        let last = clients.codedeploy.deployment(&id).await?;
        if self.is_ours(&last) {
            return Ok(Found::Ours(id));
        }
        if let Some(taken_back) = &last.rolls_back
            && self.is_ours(&clients.codedeploy.deployment(taken_back).await?)
        {
            return Ok(Found::Ours(taken_back.clone()));
        }
        // CodeDeploy may be taking back what was superseded.
        if last.rolls_back.is_some() && last.rolls_back == self.supersedes {
            return Ok(Found::None);
        }
        Ok(Found::Theirs(id))
    }
}

/// What the group's last deployment is, if it is another one than before.
pub(super) enum Found {
    None,
    Ours(String),
    Theirs(String),
}

impl Rollout {
    pub(super) fn new(
        clients: Readers,
        asked: &CodeDeploy,
        before: &Snapshot,
        draft: &Draft,
        registered: &Registered,
        wait_until: WaitUntil,
    ) -> Self {
        let task_definition = registered.arn().to_owned();
        let appspec = asked.appspec.as_ref().ok();
        let forward = appspec.map(|appspec| NewDeployment {
            description: asked.description.clone(),
            ..new(before, appspec.with_task_definition(&task_definition), asked.config.clone())
        });
        let back = appspec.zip(before.stable.as_ref()).map(|(appspec, stable)| {
            NewDeployment {
                // What the failed deployment set off would keep it from being taken back.
                ignores_alarms: !before.details.alarms.is_empty(),
                ..new(before, appspec.without_hooks().with_task_definition(stable), Some(AT_ONCE.to_owned()))
            }
        });
        let joined = before.in_flight.as_ref().or(before.unchecked.as_ref()).filter(|_| draft.start == Start::Join);
        let pin = Pin {
            cluster: before.service.cluster_arn.clone(),
            service: before.service.arn.clone(),
            service_name: before.service.name.clone(),
            application: before.application.clone(),
            group: before.group.clone(),
            task_definition,
            stable: before.stable.clone(),
            previous: before.details.last.as_ref().map(|(id, _)| id.clone()),
            supersedes: before
                .in_flight
                .as_ref()
                .filter(|_| draft.start == Start::Create)
                .map(|in_flight| in_flight.id.clone()),
            deployment: joined.map(|in_flight| in_flight.id.clone()),
            sha256: match joined {
                Some(in_flight) => in_flight.sha256.clone(),
                None => forward.as_ref().map(|forward| forward.sha256.clone()),
            },
            is_theirs: draft.is_theirs,
            desired: before.service.desired,
            rest_minutes: before.details.wait_minutes,
            guards: if before.details.rolls_back_on_alarm { before.details.alarms.clone() } else { Vec::new() },
            // Of a joined one: as they were when it began.
            alarms: match joined {
                Some(in_flight) => before.alarms.before(in_flight.created).known().clone(),
                None => before.alarms.known().clone(),
            },
            forward: forward.filter(|_| draft.start == Start::Create),
            back,
            promotions: Vec::new(),
        };
        Self::recall(clients, pin, wait_until)
    }

    /// While it waits for somebody to reroute the traffic, or for the old tasks' time to be over.
    fn rest(&self, seen: &Observation) -> Option<Duration> {
        let waits = seen.deployment.status == Status::Ready || seen.target.has_shifted();
        waits.then(|| Duration::from_secs(60 * u64::from(self.pin.rest_minutes)))
    }

    pub(super) fn recall(clients: Readers, pin: Pin, wait_until: WaitUntil) -> Self {
        Self {
            pin,
            leaves_early: wait_until == WaitUntil::TrafficShifted,
            is_checked: false,
            observer: Observer::new(clients),
            seen: Observation::default(),
            said: Vec::new(),
        }
    }

    /// The same, while it is checked.
    pub(super) fn checked(&self) -> Self {
        Self { is_checked: true, ..self.clone() }
    }

    async fn verdict(&self, seen: &Observation) -> Result<Verdict, CallError> {
        Ok(match judge(&self.pin, seen) {
            Verdict::Pending if self.leaves_early && seen.target.has_shifted() => Verdict::Left(self.pin.parting()),
            Verdict::Done if self.is_checked => {
                let newer = newer(self.observer.clients(), &self.pin, &seen.deployment).await?;
                newer.map_or(Verdict::Done, Verdict::Superseded)
            }
            verdict => verdict,
        })
    }
}

fn new(before: &Snapshot, appspec: AppSpec, config: Option<String>) -> NewDeployment {
    let appspec = appspec.to_json();
    let sha256 = Sha256::digest(&appspec).iter().map(|byte| format!("{byte:02x}")).collect();
    NewDeployment {
        application: before.application.clone(),
        group: before.group.clone(),
        config,
        ignores_alarms: false,
        description: None,
        appspec,
        sha256,
    }
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        let id = match &self.pin.deployment {
            Some(id) => id.clone(),
            // A rollout on paper has no identity when the step was killed while it was being started.
            None => match self.pin.find(self.observer.clients()).await? {
                Found::Ours(id) => self.pin.deployment.insert(id).clone(),
                Found::None | Found::Theirs(_) => return Ok(never_started(&self.pin, &self.seen)),
            },
        };
        let seen = self.observer.look(&self.pin, &id).await?;
        let said = self.observer.news(&seen);
        self.said.extend_from_slice(&said);
        let verdict = self.verdict(&seen).await?;
        let look = Look { verdict, progress: seen.progress(&self.pin), said, rest: self.rest(&seen) };
        self.seen = seen;
        Ok(look)
    }
}

fn never_started(pin: &Pin, seen: &Observation) -> Look {
    let failure = Failure::new(Cause::Cancelled, "The step ended before the deployment was created.");
    Look { verdict: Verdict::Failed(failure), progress: seen.progress(pin), said: Vec::new(), rest: None }
}
