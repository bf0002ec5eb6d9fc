//! How an endpoint goes on: instances start, traffic shifts, alarms are watched, and SageMaker goes back by itself.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::super::schedule::Due;
use super::{Endpoint, Pending, Status, Variant};
use crate::ModelOutcome;
use crate::alarm::AlarmState;
use crate::wire::Refusal;
use crate::world::{Happening, World};

/// What UpdateEndpoint asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) config: String,
    /// Whether counts and weights stay as they are.
    pub(crate) retains: bool,
    /// The properties that do not stay all the same.
    pub(crate) excluded: Vec<String>,
    pub(crate) deployment: Option<Value>,
    pub(crate) retains_deployment: bool,
}

impl World {
    /// Starts an endpoint's first instances.
    pub(crate) fn create_endpoint(&mut self, name: &str, config: &str) -> Result<(), Refusal> {
        let fleet = self.fleet(config)?;
        self.begin_logs(name, &fleet);
        let capture = self.capture(config)?;
        let pending = self.pending(config, fleet, capture, Value::Null);
        let endpoint = Endpoint {
            capture: Value::Null,
            name: name.to_owned(),
            arn: self.sage_maker_arn("endpoint", name),
            config: config.to_owned(),
            status: Status::Creating,
            failure: None,
            fleet: Vec::new(),
            pending: Some(pending),
            last_deployment: None,
            created: self.now,
            modified: self.now,
            turn: 0,
        };
        self.sage_maker.endpoints.insert(name.to_owned(), endpoint);
        self.go_on(name);
        Ok(())
    }

    /// Starts an update that nothing stands in the way of.
    pub(crate) fn update_endpoint(&mut self, name: &str, asked: Asked) -> Result<(), Refusal> {
        let mut fleet = self.fleet(&asked.config)?;
        let mut capture = self.capture(&asked.config)?;
        let endpoint = self.endpoint(name)?;
        if asked.retains {
            let stays = |property: &str| !asked.excluded.iter().any(|excluded| excluded == property);
            for variant in &mut fleet {
                let Some(live) = endpoint.fleet.iter().find(|live| live.name == variant.name) else { continue };
                if stays("DesiredInstanceCount") && live.serverless.is_none() && variant.serverless.is_none() {
                    variant.count = live.count;
                }
                if stays("DesiredWeight") {
                    variant.weight = live.weight;
                }
            }
            if stays("DataCaptureConfig") {
                capture = endpoint.capture.clone();
            }
        }
        self.begin_logs(name, &fleet);
        let endpoint = self.endpoint(name)?;
        let deployment = match asked.deployment {
            None if asked.retains_deployment => endpoint.last_deployment.clone().unwrap_or_default(),
            deployment => deployment.unwrap_or_default(),
        };
        let pending = self.pending(&asked.config, fleet, capture, deployment.clone());
        let red = alarms(&deployment)
            .find(|name| self.alarms.get(*name).is_some_and(|alarm| alarm.state == AlarmState::Alarm));
        let red = red.map(str::to_owned);
        self.change_endpoint(name, |endpoint, now| {
            endpoint.pending = Some(pending);
            endpoint.status = Status::Updating;
            endpoint.failure = None;
            endpoint.modified = now;
            endpoint.last_deployment = Some(deployment).filter(|deployment| !deployment.is_null());
        });
        // A red alarm ends a deployment that has only begun (developer guide, "Deployment guardrails: auto-rollback").
        match red {
            Some(alarm) => self.roll_endpoint_back(name, alarm_reason(&alarm)),
            None => self.go_on(name),
        }
        Ok(())
    }

    /// Maintenance, which keeps every update out.
    pub(crate) fn update_endpoint_by_itself(&mut self, name: &str, lasts: Duration) {
        self.change_endpoint(name, |endpoint, _| endpoint.status = Status::SystemUpdating);
        self.plan_endpoint(name, lasts);
    }

    /// Deletes an endpoint whose instances have to go first.
    pub(crate) fn delete_endpoint(&mut self, name: &str) {
        self.change_endpoint(name, |endpoint, _| {
            endpoint.pending = None;
            endpoint.status = Status::Deleting;
        });
        self.plan_endpoint(name, self.scenario.stage);
    }

    /// What was planned for this turn of an endpoint happens.
    pub(crate) fn endpoint_turn(&mut self, name: &str, turn: u32) {
        let Some(endpoint) = self.sage_maker.endpoints.get_mut(name).filter(|endpoint| endpoint.turn == turn) else {
            return;
        };
        match endpoint.status {
            Status::Deleting => {
                self.sage_maker.endpoints.remove(name);
            }
            Status::SystemUpdating => self.rest(name, None),
            Status::Creating | Status::Updating => {
                let Some(pending) = &mut endpoint.pending else { return };
                let step = pending.steps.pop_front();
                let failure = pending.fleet.iter().find_map(Variant::failure);
                match failure {
                    Some(reason) if step.is_some_and(|(step, _)| step == "Creating") => {
                        self.fail_endpoint(name, reason)
                    }
                    _ => self.go_on(name),
                }
            }
            Status::InService | Status::Failed | Status::UpdateRollbackFailed => {}
        }
    }

    /// An alarm went into ALARM.
    pub(crate) fn alarm_endpoints(&mut self, alarm: &str) {
        let watching = |endpoint: &&Endpoint| {
            let pending = endpoint.pending.as_ref().filter(|pending| pending.goes_back.is_none());
            pending.is_some_and(|pending| alarms(&pending.deployment).any(|name| name == alarm))
        };
        let names: Vec<String> =
            self.sage_maker.endpoints.values().filter(watching).map(|endpoint| endpoint.name.clone()).collect();
        for name in names {
            self.roll_endpoint_back(&name, alarm_reason(alarm));
        }
    }

    fn pending(&self, config: &str, fleet: Vec<Variant>, capture: Value, deployment: Value) -> Pending {
        let start = fleet.iter().map(|variant| variant.start()).max().unwrap_or_default();
        let steps = steps(&deployment, start, self.scenario.stage);
        Pending { config: config.to_owned(), fleet, steps, started: self.now, capture, deployment, goes_back: None }
    }

    /// The next step, or the end.
    fn go_on(&mut self, name: &str) {
        let Ok(endpoint) = self.endpoint(name) else { return };
        let Some(pending) = endpoint.pending.clone() else { return };
        match pending.steps.front() {
            Some((_, lasts)) => self.plan_endpoint(name, *lasts),
            None if pending.goes_back.is_some() => {
                // Some rollbacks leave no reason behind (hashicorp/terraform-provider-aws, issue 46663).
                let reason = pending.goes_back.filter(|_| !self.scenario.silent_endpoint_rollbacks);
                self.rest(name, reason);
            }
            None => {
                self.change_endpoint(name, |endpoint, _| {
                    endpoint.config = pending.config;
                    endpoint.fleet = pending.fleet;
                    endpoint.capture = pending.capture;
                });
                self.rest(name, None);
            }
        }
    }

    fn fail_endpoint(&mut self, name: &str, reason: String) {
        if self.endpoint(name).is_ok_and(|endpoint| endpoint.status == Status::Creating) {
            self.change_endpoint(name, |endpoint, now| {
                endpoint.pending = None;
                endpoint.status = Status::Failed;
                endpoint.failure = Some(reason);
                endpoint.modified = now;
            });
            return;
        }
        self.roll_endpoint_back(name, reason);
    }

    fn roll_endpoint_back(&mut self, name: &str, reason: String) {
        let stage = self.scenario.stage;
        let may_fail = self.scenario.endpoint_rollbacks_fail;
        self.change_endpoint(name, |endpoint, now| {
            let Some(pending) = &mut endpoint.pending else { return };
            // Only a rolling update can end as a mix of both (API reference, DescribeEndpoint).
            if may_fail && pending.deployment.get("RollingUpdatePolicy").is_some() {
                endpoint.pending = None;
                endpoint.status = Status::UpdateRollbackFailed;
                endpoint.failure = Some(reason);
                endpoint.modified = now;
                return;
            }
            pending.goes_back = Some(reason);
            pending.steps = [("Deleting", stage)].into();
        });
        self.go_on(name);
    }

    /// An endpoint is in service with what it has.
    fn rest(&mut self, name: &str, failure: Option<String>) {
        self.change_endpoint(name, |endpoint, now| {
            endpoint.pending = None;
            endpoint.status = Status::InService;
            endpoint.failure = failure;
            endpoint.modified = now;
        });
    }

    /// Changes an endpoint, and tells what became of it.
    pub(crate) fn change_endpoint(&mut self, name: &str, change: impl FnOnce(&mut Endpoint, Duration)) {
        let now = self.now;
        let Some(endpoint) = self.sage_maker.endpoints.get_mut(name) else { return };
        let before = endpoint.status;
        change(endpoint, now);
        endpoint.turn += 1;
        let what = Happening::Endpoint {
            name: name.to_owned(),
            status: endpoint.status.name().to_owned(),
            config: endpoint.config.clone(),
        };
        if endpoint.status != before {
            let (_, mut around) = self.split();
            around.fact(what);
        }
    }

    fn plan_endpoint(&mut self, name: &str, after: Duration) {
        let at = self.now + after;
        let Some(endpoint) = self.sage_maker.endpoints.get_mut(name) else { return };
        endpoint.turn += 1;
        self.schedule.at(at, Due::Endpoint { name: name.to_owned(), turn: endpoint.turn });
    }
}

impl Variant {
    fn start(&self) -> Duration {
        match &self.outcome {
            ModelOutcome::Serves { after } | ModelOutcome::Fails { after, .. } => *after,
        }
    }

    fn failure(&self) -> Option<String> {
        match &self.outcome {
            ModelOutcome::Serves { .. } => None,
            ModelOutcome::Fails { reason, .. } => Some(reason.replace("{variant}", &self.name)),
        }
    }
}

fn alarms(deployment: &Value) -> impl Iterator<Item = &str> {
    let alarms = deployment["AutoRollbackConfiguration"]["Alarms"].as_array();
    alarms.into_iter().flatten().filter_map(|alarm| alarm["AlarmName"].as_str())
}

/// No wording of it was found in public.
fn alarm_reason(alarm: &str) -> String {
    format!("The deployment was rolled back because the CloudWatch alarm(s) [{alarm}] are in ALARM state.")
}

/// What an update does, one thing after another (developer guide, "Deployment guardrails"): the new fleet starts; traffic shifts
/// at once or in steps, each followed by a bake time; the old fleet stays for the termination wait and goes. A rolling update
/// does that for a part of the fleet at a time.
fn steps(deployment: &Value, start: Duration, stage: Duration) -> VecDeque<(&'static str, Duration)> {
    let seconds = |value: &Value| Duration::from_secs(value.as_u64().unwrap_or_default());
    let rolling = &deployment["RollingUpdatePolicy"];
    let mut steps = VecDeque::from([("Creating", start)]);
    if rolling.is_object() {
        let percent = rolling["MaximumBatchSize"]["Value"].as_u64().unwrap_or(50).max(1);
        for batch in 0..100_u64.div_ceil(percent) {
            if batch > 0 {
                steps.push_back(("Creating", start));
            }
            steps.extend([("ActivatingTraffic", stage), ("Baking", seconds(&rolling["WaitIntervalInSeconds"]))]);
        }
        return steps;
    }
    let policy = &deployment["BlueGreenUpdatePolicy"];
    let routing = &policy["TrafficRoutingConfiguration"];
    let shifts = match routing["Type"].as_str() {
        Some("CANARY") => 2,
        Some("LINEAR") => 100_u64.div_ceil(routing["LinearStepSize"]["Value"].as_u64().unwrap_or(10).max(1)),
        _ => 1,
    };
    for _ in 0..shifts {
        steps.extend([("ActivatingTraffic", stage), ("Baking", seconds(&routing["WaitIntervalInSeconds"]))]);
    }
    steps.push_back(("Deleting", seconds(&policy["TerminationWaitInSeconds"]) + stage));
    steps
}
