//! The change of an endpoint while SageMaker carries it out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::back::Back;
use super::capture::find;
use super::judge::{Pin, Seen, is_resting, judge, progress};
use super::life_cycle::LifeCycle;
use super::plan::{self, Draft, Start};
use super::scaling::in_the_way;
use super::serving::Serving;
use super::{Registered, Request, Snapshot, deployment};
use crate::aws::cloudwatch::Alarm;
use crate::aws::sage_maker::{Document, Endpoint, EndpointStatus, Reader};
use crate::aws::scaling::Scaling;
use crate::cycle::{Failure, Look, Progress, Watch};
use crate::ecr::Promotion;
use crate::text::last_part;
use crate::verification::SeenAlarms;

/// What there was when a rollout began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Before {
    /// No endpoint, or one that never served.
    Nothing,
    /// Another configuration.
    #[default]
    Other,
    /// This very configuration.
    Same,
}

/// An endpoint that never served, and is deleted to be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replaced {
    config: String,
    created: Option<Timestamp>,
}

impl Replaced {
    fn of(endpoint: &Endpoint) -> Self {
        Self { config: endpoint.config.clone(), created: endpoint.created }
    }

    /// Whether an endpoint is this one, and nothing but its deletion has happened to it.
    pub(super) fn is(&self, there: &Endpoint) -> bool {
        matches!(there.status, EndpointStatus::Failed | EndpointStatus::Deleting) && *self == Self::of(there)
    }
}

/// A rollout on paper: names and times only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memo {
    pub(super) endpoint: String,
    #[serde(default)]
    arn: String,
    pub(super) pin: Pin,
    digests: Vec<(String, String)>,
    alarms: BTreeMap<String, Alarm>,
    #[serde(default)]
    scaled: Vec<Scaling>,
    #[serde(default)]
    scaled_on: Vec<Scaling>,
    #[serde(default)]
    back: Back,
    #[serde(default)]
    is_earlier: bool,
    #[serde(default)]
    replaced: Option<Replaced>,
    /// Tags for images once they run.
    #[serde(default)]
    pub(super) promotions: Vec<Promotion>,
    /// What is said in the model registry then.
    #[serde(default)]
    pub(super) life_cycle: Option<LifeCycle>,
}

/// A change of an endpoint while SageMaker carries it out.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) reader: Reader,
    pub(super) endpoint: String,
    /// Its ARN; empty for one that is new.
    pub(super) arn: String,
    pub(super) pin: Pin,
    pub(super) start: Start,
    /// What starts it.
    pub(super) request: Document,
    /// What its containers have to run: variants, and digests of images.
    pub(super) digests: Vec<(String, String)>,
    /// The alarms as they were before.
    pub(super) alarms: SeenAlarms,
    /// The autoscaling that is taken away for the time of the update.
    pub(super) scaled: Vec<Scaling>,
    /// As much of it as there are instances for afterwards.
    pub(super) scaled_on: Vec<Scaling>,
    /// The last look.
    pub(super) last: Option<Endpoint>,
    /// When SageMaker began, as far as it was seen.
    pub(super) began: Option<Timestamp>,
    pub(super) seen: Seen,
    /// How the way back is asked for.
    pub(super) back: Back,
    /// Whether an earlier attempt of the same workflow run brought it, and it was in service when this attempt began.
    pub(super) is_earlier: bool,
    /// What is deleted first.
    pub(super) replaced: Option<Replaced>,
}

impl Rollout {
    pub(super) fn new(
        reader: Reader,
        request: &Request,
        before: &Snapshot,
        draft: &Draft,
        registered: &Registered,
    ) -> Self {
        let endpoint = before.endpoint.as_ref();
        let running = before.running.as_ref();
        let previous = running.and_then(|running| {
            let is_replaced = running.config != registered.config;
            let served = || Some(running.config.clone());
            match draft.start {
                // What is there already, and is watched to its end or checked, replaced what its tag says.
                Start::Check => plan::previous(&running.tags),
                Start::Join if before.is_being_created() && !is_replaced => None,
                Start::Join if !is_replaced => plan::previous(&running.tags).or_else(served),
                _ => served(),
            }
        });
        let picture = running.map(Serving::picture).unwrap_or_default();
        let seen = &before.scaling;
        let mut scaled = in_the_way(&seen.all, &picture, &draft.picture);
        for lost in &seen.lost {
            if !scaled.contains(lost) {
                scaled.push(lost.clone());
            }
        }
        let stays = |scaling: &&Scaling| {
            let name = last_part(scaling.resource());
            let variants = draft.picture["ProductionVariants"].as_array();
            variants.into_iter().flatten().any(|it| it["VariantName"] == name && it["InstanceType"].is_string())
        };
        Self {
            scaled_on: scaled.iter().filter(stays).cloned().collect(),
            scaled,
            reader,
            endpoint: request.endpoint.name.clone(),
            arn: endpoint.map(|endpoint| endpoint.arn.clone()).unwrap_or_default(),
            pin: Pin {
                config: registered.config.clone(),
                previous,
                modified: endpoint.map(|endpoint| endpoint.modified.clone()).unwrap_or_default(),
            },
            start: draft.start,
            request: draft.request.clone(),
            digests: draft.digests.clone(),
            alarms: before.alarms.clone(),
            last: endpoint.cloned(),
            began: None,
            seen: Seen { moved: draft.start == Start::Join, old_looks: 0 },
            back: Back::new(before, draft),
            is_earlier: draft.start == Start::Check,
            replaced: endpoint.filter(|_| draft.start == Start::Recreate).map(Replaced::of),
        }
    }

    /// What was there before.
    pub(super) fn before(&self) -> Before {
        match &self.pin.previous {
            _ if self.is_earlier => Before::Same,
            Some(previous) if *previous == self.pin.config => Before::Same,
            Some(_) => Before::Other,
            None => Before::Nothing,
        }
    }

    /// How long SageMaker may be at it, whatever happens.
    pub(super) fn longest(&self) -> Duration {
        let kept = self.last.as_ref().and_then(|endpoint| endpoint.last_deployment.as_ref());
        let deployment = self.request.get("DeploymentConfig").or(kept);
        deployment.and_then(deployment::most).unwrap_or(deployment::LONGEST)
    }

    pub(super) fn memo(&self, promotions: Vec<Promotion>, life_cycle: Option<LifeCycle>) -> Memo {
        Memo {
            endpoint: self.endpoint.clone(),
            arn: self.arn.clone(),
            pin: self.pin.clone(),
            digests: self.digests.clone(),
            alarms: self.alarms.known().clone(),
            scaled: self.scaled.clone(),
            scaled_on: self.scaled_on.clone(),
            back: self.back.clone(),
            is_earlier: self.is_earlier,
            replaced: self.replaced.clone(),
            promotions,
            life_cycle,
        }
    }

    pub(super) fn recall(reader: Reader, memo: Memo) -> Self {
        let Memo { endpoint, arn, pin, digests, alarms, scaled, scaled_on, back, is_earlier, replaced, .. } = memo;
        Self {
            reader,
            endpoint,
            arn,
            pin,
            start: Start::Join,
            request: Document::new(),
            digests,
            alarms: SeenAlarms::recalled(alarms),
            scaled,
            scaled_on,
            last: None,
            began: None,
            seen: Seen::default(),
            back,
            is_earlier,
            replaced,
        }
    }
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        let endpoint = find(&self.reader, &self.endpoint).await?;
        match &endpoint {
            Some(there) if there.status.is_moving() => self.seen = Seen { moved: true, old_looks: 0 },
            _ => self.seen.old_looks += 1,
        }
        if let Some(there) = &endpoint {
            let ours = there.pending.as_ref().filter(|pending| pending.config == self.pin.config);
            let is_new = self.pin.previous.is_none() && there.config == self.pin.config;
            let began = ours.and_then(|ours| ours.started).or_else(|| there.created.filter(|_| is_new));
            self.began = self.began.or(began);
        }
        let verdict = judge(&self.pin, self.seen, endpoint.as_ref());
        let there = endpoint.as_ref();
        let look = Look {
            verdict,
            progress: there.map(|it| progress(&self.pin, it)).unwrap_or_else(Progress::default),
            said: Vec::new(),
            rest: there
                .filter(|it| is_resting(it))
                .and_then(|it| it.last_deployment.as_ref())
                .or_else(|| self.request.get("DeploymentConfig").filter(|_| there.is_some_and(is_resting)))
                .map(deployment::waits),
        };
        self.last = endpoint.or_else(|| self.last.take());
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_endpoint_that_failed_is_deleted() {
        let endpoint = |status: EndpointStatus, config: &str, second: i64| Endpoint {
            status,
            config: config.to_owned(),
            created: Timestamp::from_second(second).ok(),
            ..Endpoint::default()
        };
        let captured = Replaced::of(&endpoint(EndpointStatus::Failed, "one", 1));
        for (there, expected) in [
            (endpoint(EndpointStatus::Failed, "one", 1), true),
            (endpoint(EndpointStatus::Deleting, "one", 1), true),
            (endpoint(EndpointStatus::InService, "one", 1), false),
            (endpoint(EndpointStatus::Creating, "one", 2), false),
            // Made again meanwhile, and failed again.
            (endpoint(EndpointStatus::Failed, "one", 2), false),
            (endpoint(EndpointStatus::Failed, "two", 1), false),
        ] {
            assert_eq!(captured.is(&there), expected, "{there:?}");
        }
    }
}
