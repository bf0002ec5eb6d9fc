//! The strategies BLUE_GREEN, LINEAR and CANARY: a service deployment goes through stages, in which the new tasks start beside
//! the old ones and traffic moves from these to those.
//!
//! The stages, their order, and what a hook at one of them does are those of the developer guide ("Amazon ECS blue/green
//! service deployments workflow", "Lifecycle hooks for Amazon ECS service deployments"). How long a stage without work lasts
//! it does not say: `Scenario::stage` does.

use std::time::Duration;

use serde_json::{Value, json};

use super::Surroundings;
use super::deployment::RolloutState;
use super::rollout::Cause;
use super::service::Service;
use super::service_deployment::{ServiceDeployment, Status};
use super::task::{State, Task};
use crate::scenario::HookOutcome;

/// A hook waits so long unless it says otherwise (API reference, DeploymentLifecycleHookTimeoutConfiguration).
const HOOK_MINUTES: u64 = 1440;

/// Where a service deployment that shifts traffic stands.
#[derive(Clone, Debug)]
pub(crate) struct Shift {
    stage: Stage,
    since: Duration,
    /// The percentage of production traffic that the new revision gets, and of test traffic.
    production: f64,
    test: f64,
    hooks: Vec<Hook>,
    /// The revision that has the traffic that the new one has not.
    blue: Option<String>,
}

/// `lifecycleStage`, in AWS's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    /// The text of the API reference has it, and so have the stages of hooks; the published enum of `lifecycleStage` has not.
    /// Shown only while a hook holds the deployment in it.
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }
}

/// A hook that runs, or has run, in the current stage.
#[derive(Clone, Debug)]
struct Hook {
    id: String,
    /// None for a pause.
    lambda: Option<String>,
    status: &'static str,
    expires_at: Duration,
    timeout_action: String,
    /// When a function ends, and whether well.
    ends: Option<(Duration, bool)>,
}

/// What the hooks of a stage allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    Go,
    Wait,
    Fail,
}

impl Shift {
    /// At the first stage; none for the rolling strategy, which has no stages.
    pub(crate) fn new(
        configuration: &Value,
        sources: &[String],
        completed: Option<&String>,
        now: Duration,
    ) -> Option<Self> {
        if matches!(configuration["strategy"].as_str(), None | Some("ROLLING")) {
            return None;
        }
        // Only with more than one active revision is there something to reconcile.
        let stage = if sources.len() > 1 { Stage::ReconcileService } else { Stage::PreScaleUp };
        let blue = completed.filter(|completed| sources.contains(completed)).or(sources.first()).cloned();
        Some(Self { stage, since: now, production: 0.0, test: 0.0, hooks: Vec::new(), blue })
    }

    /// Of a deployment that is long over.
    pub(crate) fn finish(&mut self) {
        (self.stage, self.production, self.test) = (Stage::CleanUp, 100.0, 100.0);
    }

    /// All traffic goes back at once.
    pub(crate) fn go_back(&mut self) {
        (self.production, self.test) = (0.0, 0.0);
    }

    pub(crate) fn describe(&self, document: &mut Value, around: &Surroundings<'_>) {
        document["lifecycleStage"] = json!(self.stage.name());
        document["targetServiceRevision"]["requestedProductionTrafficWeight"] = json!(self.production);
        document["targetServiceRevision"]["requestedTestTrafficWeight"] = json!(self.test);
        for source in document["sourceServiceRevisions"].as_array_mut().into_iter().flatten() {
            let is_blue = source["arn"].as_str() == self.blue.as_deref();
            source["requestedProductionTrafficWeight"] = json!(if is_blue { 100.0 - self.production } else { 0.0 });
            source["requestedTestTrafficWeight"] = json!(if is_blue { 100.0 - self.test } else { 0.0 });
        }
        if !self.hooks.is_empty() {
            document["lifecycleHookDetails"] = self.hooks.iter().map(|hook| hook.document(around)).collect();
        }
    }

    /// Whether new tasks may start.
    pub(crate) fn scales_up(&self) -> bool {
        self.stage >= Stage::ScaleUp
    }

    /// Whether this task of another deployment is to stop.
    pub(crate) fn replaces(&self, task: &Task) -> bool {
        match self.stage {
            Stage::CleanUp => true,
            Stage::ReconcileService => Some(&task.revision) != self.blue.as_ref(),
            _ => false,
        }
    }

    pub(crate) fn is_cleaning_up(&self) -> bool {
        self.stage == Stage::CleanUp
    }

    /// Ends a pause; whether there was one.
    pub(crate) fn resume(&mut self, hook: &str) -> bool {
        match self.hooks.iter_mut().find(|each| each.id == hook && each.status == "AWAITING_ACTION") {
            Some(paused) => {
                paused.status = "SUCCEEDED";
                true
            }
            None => false,
        }
    }

    /// The pause that waits for an action.
    pub(crate) fn paused_at(&self) -> Option<&str> {
        self.hooks.iter().find(|hook| hook.status == "AWAITING_ACTION").map(|hook| hook.id.as_str())
    }

    /// What production traffic comes after what there is.
    fn next_weight(&self, configuration: &Value) -> f64 {
        let next = match configuration["strategy"].as_str() {
            Some("CANARY") if self.production == 0.0 => {
                configuration["canaryConfiguration"]["canaryPercent"].as_f64().unwrap_or(5.0)
            }
            Some("LINEAR") => {
                self.production + configuration["linearConfiguration"]["stepPercent"].as_f64().unwrap_or(10.0)
            }
            _ => 100.0,
        };
        next.min(100.0)
    }

    /// How long the stage lasts at least.
    fn lasts(&self, configuration: &Value, shortest: Duration) -> Duration {
        let minutes = match self.stage {
            Stage::BakeTime => configuration["bakeTimeInMinutes"].as_u64().unwrap_or(0),
            // The step bakes within the stage that shifted its traffic; the documentation does not say what is shown meanwhile.
            Stage::ProductionTrafficShift if self.production < 100.0 => match configuration["strategy"].as_str() {
                Some("CANARY") => {
                    configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"].as_u64().unwrap_or(10)
                }
                _ => configuration["linearConfiguration"]["stepBakeTimeInMinutes"].as_u64().unwrap_or(6),
            },
            Stage::PreProductionTrafficShift => return Duration::ZERO,
            _ => 0,
        };
        Duration::from_secs(minutes * 60).max(shortest)
    }

    fn next(&self) -> Option<Stage> {
        Some(match self.stage {
            Stage::ReconcileService => Stage::PreScaleUp,
            Stage::PreScaleUp => Stage::ScaleUp,
            Stage::ScaleUp => Stage::PostScaleUp,
            Stage::PostScaleUp => Stage::TestTrafficShift,
            Stage::TestTrafficShift => Stage::PostTestTrafficShift,
            Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
            Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
            Stage::ProductionTrafficShift if self.production < 100.0 => Stage::PreProductionTrafficShift,
            Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
            Stage::PostProductionTrafficShift => Stage::BakeTime,
            Stage::BakeTime => Stage::CleanUp,
            Stage::CleanUp => return None,
        })
    }

    fn enter(&mut self, stage: Stage, configuration: &Value, around: &mut Surroundings<'_>) {
        (self.stage, self.since) = (stage, around.now);
        match stage {
            Stage::TestTrafficShift => self.test = 100.0,
            Stage::ProductionTrafficShift => self.production = self.next_weight(configuration),
            _ => {}
        }
        let hooks = configuration["lifecycleHooks"].as_array().into_iter().flatten();
        let here = hooks.filter(|hook| {
            hook["lifecycleStages"].as_array().is_some_and(|stages| stages.iter().any(|each| each == stage.name()))
        });
        self.hooks = here.map(|hook| Hook::begin(hook, around)).collect();
    }

    fn hooks(&mut self, service: &str, around: &mut Surroundings<'_>) -> Leave {
        self.hooks.iter_mut().map(|hook| hook.look(service, around)).fold(Leave::Go, |all, one| match (all, one) {
            (Leave::Fail, _) | (_, Leave::Fail) => Leave::Fail,
            (Leave::Wait, _) | (_, Leave::Wait) => Leave::Wait,
            (Leave::Go, Leave::Go) => Leave::Go,
        })
    }
}

impl Hook {
    fn begin(configured: &Value, around: &mut Surroundings<'_>) -> Self {
        let pauses = configured["targetType"] == "PAUSE";
        let lambda = configured["hookTargetArn"].as_str().filter(|_| !pauses).map(str::to_owned);
        let minutes = configured["timeoutConfiguration"]["timeoutInMinutes"].as_u64().unwrap_or(HOOK_MINUTES);
        let ends = lambda.as_deref().and_then(|arn| match around.scenario.hook(arn) {
            HookOutcome::Succeeds { after } => Some((around.now + after, true)),
            HookOutcome::Fails { after } => Some((around.now + after, false)),
            HookOutcome::NeverEnds => None,
        });
        Self {
            // The developer guide shows such an id for a pause; for a function it shows none.
            id: format!("ecs-{}-{}", if pauses { "pause" } else { "lambda" }, around.identity.nano()),
            lambda,
            status: if pauses { "AWAITING_ACTION" } else { "IN_PROGRESS" },
            expires_at: around.now + Duration::from_secs(minutes * 60),
            timeout_action: configured["timeoutConfiguration"]["action"].as_str().unwrap_or("ROLLBACK").to_owned(),
            ends,
        }
    }

    fn look(&mut self, service: &str, around: &mut Surroundings<'_>) -> Leave {
        match self.status {
            "SUCCEEDED" => return Leave::Go,
            "FAILED" => return Leave::Fail,
            _ => {}
        }
        if let Some((at, well)) = self.ends
            && around.now >= at
        {
            self.status = if well { "SUCCEEDED" } else { "FAILED" };
            return if well { Leave::Go } else { Leave::Fail };
        }
        if around.now >= self.expires_at {
            self.status = "TIMED_OUT";
            return if self.timeout_action == "CONTINUE" { Leave::Go } else { Leave::Fail };
        }
        let next = self.ends.map_or(self.expires_at, |(at, _)| at.min(self.expires_at));
        around.schedule.look_at(next, service);
        Leave::Wait
    }

    fn document(&self, around: &Surroundings<'_>) -> Value {
        let mut document = json!({
            "hookId": self.id,
            "targetType": if self.lambda.is_some() { "AWS_LAMBDA" } else { "PAUSE" },
            "status": self.status,
            "expiresAt": around.timestamp(self.expires_at),
            "timeoutAction": self.timeout_action,
        });
        if let Some(arn) = &self.lambda {
            document["targetArn"] = json!(arn);
        }
        document
    }
}

impl Service {
    /// Where the newest deployment stands, when it shifts traffic and is on its way.
    pub(crate) fn shifting(&self) -> Option<&Shift> {
        let primary = self.deployments.first().filter(|primary| !primary.rollback)?;
        self.service_deployments.iter().find(|each| each.arn == primary.service_deployment)?.shift.as_ref()
    }

    /// Enters the first stage.
    pub(crate) fn begin_shift(&mut self, arn: &str, around: &mut Surroundings<'_>) {
        if let Some(ServiceDeployment { shift: Some(shift), configuration, .. }) = self.service_deployment_mut(arn) {
            let first = shift.stage;
            shift.enter(first, configuration, around);
        }
    }

    /// Moves the newest deployment on, as far as its stages allow at this moment.
    pub(crate) fn shift(&mut self, around: &mut Surroundings<'_>) {
        loop {
            let Some(primary) = self.deployments.first() else { return };
            if !primary.begun || primary.rollback || primary.state != RolloutState::InProgress {
                return;
            }
            let (id, arn) = (primary.id.clone(), primary.service_deployment.clone());
            let healthy = |task: &&Task| task.deployment == id && task.state == State::Running && task.counted;
            let is_full = self.tasks.iter().filter(healthy).count() >= self.desired;
            let old = |task: &&Task| task.live() && task.deployment != id;
            let reconciled =
                self.shifting().is_none_or(|shift| !self.tasks.iter().filter(old).any(|task| shift.replaces(task)));
            let (name, shortest) = (self.arn.clone(), around.scenario.stage);
            let Some(current) = self.service_deployment_mut(&arn).filter(|each| each.status == Status::InProgress)
            else {
                return;
            };
            let ServiceDeployment { shift: Some(shift), configuration, .. } = current else { return };
            match shift.hooks(&name, around) {
                Leave::Go => {}
                Leave::Wait => return,
                Leave::Fail => return self.fail(Cause::Hook, around),
            }
            let until = shift.since + shift.lasts(configuration, shortest);
            if around.now < until {
                return around.schedule.look_at(until, &name);
            }
            let is_done = match shift.stage {
                Stage::ReconcileService => reconciled,
                Stage::ScaleUp => is_full,
                _ => true,
            };
            match shift.next().filter(|_| is_done) {
                Some(next) => shift.enter(next, configuration, around),
                None => return,
            }
        }
    }
}
