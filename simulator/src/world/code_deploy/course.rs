//! How a deployment goes on: lifecycle event after lifecycle event, and back.

use std::time::Duration;

use super::super::schedule::Due;
use super::{Asked, Deployment, EVENTS, Event, Stage, Status};
use crate::world::{Happening, Service, Surroundings, World};
use crate::{AlarmState, DeploymentGroup};

/// CodeDeploy waits so long for the tasks of the replacement task set (user guide, "Troubleshoot Amazon ECS deployment
/// issues").
const INSTALL_LIMIT: Duration = Duration::from_secs(3600);

/// The places of the lifecycle events in which CodeDeploy itself does something.
const INSTALL: usize = 1;
const ALLOW_TRAFFIC: usize = 6;

impl World {
    /// Creates a deployment that nothing stands in the way of, and gives its id.
    pub(crate) fn create_code_deployment(&mut self, asked: Asked) -> String {
        self.add_code_deployment(asked, "user", None)
    }

    fn add_code_deployment(&mut self, asked: Asked, creator: &'static str, rolls_back: Option<String>) -> String {
        let id = format!("d-{}", &self.identity.task()[..9].to_uppercase());
        let config = asked.config.unwrap_or_else(|| {
            self.deployment_group(&asked.application, &asked.group)
                .map(|group| group.config.clone())
                .unwrap_or_default()
        });
        let event = |name| Event { name, status: "Pending", message: None, started_at: None, ended_at: None };
        self.code_deploy.deployments.push(Deployment {
            id: id.clone(),
            application: asked.application,
            group: asked.group,
            creator,
            description: asked.description,
            config,
            sha256: asked.sha256,
            task_definition: asked.task_definition,
            ignores_alarms: asked.ignores_alarms,
            hooks: asked.hooks,
            status: Status::Created,
            error: None,
            rolled_back_by: None,
            rolls_back,
            created_at: self.now,
            started_at: None,
            completed_at: None,
            events: EVENTS.map(event).to_vec(),
            blue: None,
            green: None,
            shifted: 0,
            stage: Stage::Created,
            turn: 0,
        });
        self.tell_of_code_deployment(&id, Status::Created);
        self.plan_turn(&id, self.scenario.pending);
        id
    }

    /// What was planned for this turn of a deployment happens.
    pub(crate) fn take_turn(&mut self, id: &str, turn: u32) {
        let Some(deployment) = self.code_deploy.deployments.iter().find(|each| each.id == id && each.turn == turn)
        else {
            return;
        };
        match deployment.stage {
            Stage::Created => self.start_code_deployment(id),
            Stage::Event(INSTALL) => {
                let message =
                    "The ECS service cannot be updated: the replacement task set did not become stable in time.";
                self.fail_code_deployment(id, "TIMEOUT", message.to_owned(), None);
            }
            Stage::Event(ALLOW_TRAFFIC) => self.shift_traffic(id),
            Stage::Event(place) => self.end_event(id, place),
            Stage::Ready => {
                let message = "The deployment was stopped because nobody continued it in time.".to_owned();
                self.end_code_deployment(id, Status::Stopped, Some(("TIMEOUT", message)));
            }
            Stage::TerminationWait => self.terminate(id),
            Stage::Terminating => self.finish_terminating(id),
            Stage::Stopping { rolls_back } => {
                let message = "Deployment stopped by the user".to_owned();
                self.end_code_deployment(id, Status::Stopped, Some(("MANUAL_STOP", message)));
                if rolls_back || self.rolls_back_by_itself(id, "DEPLOYMENT_STOP_ON_REQUEST") {
                    self.roll_code_deployment_back(id);
                }
            }
            Stage::Over => {}
        }
    }

    /// Something happened to a service: whoever deploys it may have waited for that.
    pub(crate) fn notice_service(&mut self, arn: &str) {
        let Some(service) = self.services.iter().rev().find(|service| service.arn == arn && service.has_task_sets())
        else {
            return;
        };
        let Some(deployment) = self.code_deploy.deployments.iter().find(|deployment| {
            !deployment.status.is_over()
                && deployment.blue.as_ref().or(deployment.green.as_ref()).is_some()
                && self.serves(deployment, service)
        }) else {
            return;
        };
        let id = deployment.id.clone();
        match deployment.stage {
            Stage::Event(INSTALL) if deployment.green.as_ref().is_some_and(|green| service.is_steady(green)) => {
                self.end_event(&id, INSTALL);
            }
            Stage::Terminating => self.finish_terminating(&id),
            _ => {}
        }
    }

    fn serves(&self, deployment: &Deployment, service: &Service) -> bool {
        self.deployment_group(&deployment.application, &deployment.group)
            .is_ok_and(|group| group.service == service.name && group.cluster == service.cluster)
    }

    pub(crate) fn continue_code_deployment(&mut self, id: &str, after_termination_wait: bool) -> bool {
        match self.code_deployment(id).map(|deployment| deployment.stage) {
            Ok(Stage::Ready) if !after_termination_wait => {
                self.change(id, |deployment| deployment.status = Status::InProgress);
                self.begin_event(id, ALLOW_TRAFFIC - 1);
                true
            }
            Ok(Stage::TerminationWait) if after_termination_wait => {
                self.terminate(id);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn stop_code_deployment(&mut self, id: &str, rolls_back: bool) {
        self.enter(id, Stage::Stopping { rolls_back });
        self.plan_turn(id, self.scenario.pending);
    }

    /// Whether it can still be stopped. The documentation does not say until when; once the old tasks are being stopped, there
    /// is nothing that CodeDeploy could give the traffic back to.
    pub(crate) fn can_stop(&self, id: &str) -> bool {
        self.code_deployment(id).is_ok_and(|deployment| {
            !deployment.status.is_over() && deployment.stage != Stage::Terminating && deployment.rolls_back.is_none()
        })
    }

    /// An alarm went into ALARM.
    pub(crate) fn alarm_code_deployments(&mut self, name: &str) {
        let watched = |group: &DeploymentGroup| group.alarms.iter().any(|alarm| alarm == name);
        let failing: Vec<String> = self
            .code_deploy
            .deployments
            .iter()
            .filter(|deployment| !deployment.status.is_over() && !deployment.ignores_alarms)
            .filter(|each| self.deployment_group(&each.application, &each.group).is_ok_and(watched))
            .map(|deployment| deployment.id.clone())
            .collect();
        for id in failing {
            self.alarm_code_deployment(&id, name);
        }
    }

    fn alarm_code_deployment(&mut self, id: &str, name: &str) {
        let message = format!(
            "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected \
             deployments have been stopped. Activated alarms: <{name}>"
        );
        self.end_code_deployment(id, Status::Stopped, Some(("ALARM_ACTIVE", message)));
        if self.rolls_back_by_itself(id, "DEPLOYMENT_STOP_ON_ALARM") {
            self.roll_code_deployment_back(id);
        }
    }

    /// An alarm of the group's that is in ALARM already. CodeDeploy polls the state of alarms, and one that an earlier deployment
    /// set off blocks the next (API reference, CreateDeployment, `overrideAlarmConfiguration`).
    fn red_alarm(&self, deployment: &Deployment) -> Option<String> {
        let group = self.deployment_group(&deployment.application, &deployment.group).ok()?;
        let is_red = |name: &&String| self.alarms.get(*name).is_some_and(|alarm| alarm.state == AlarmState::Alarm);
        group.alarms.iter().find(is_red).filter(|_| !deployment.ignores_alarms).cloned()
    }

    fn start_code_deployment(&mut self, id: &str) {
        let now = self.now;
        self.change(id, |deployment| {
            deployment.status = Status::InProgress;
            deployment.started_at = Some(now);
        });
        self.tell_of_code_deployment(id, Status::InProgress);
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        if let Some(alarm) = self.red_alarm(&deployment) {
            return self.alarm_code_deployment(id, &alarm);
        }
        let Some(taken_back) = deployment.rolls_back.as_ref().and_then(|id| self.code_deployment(id).ok().cloned())
        else {
            let blue =
                self.with_service_of(&deployment, |service, _| service.primary_task_set().map(|set| set.id.clone()));
            self.change(id, |deployment| deployment.blue = blue.flatten());
            return self.begin_event(id, 0);
        };
        // The original task set gets the traffic back, and the replacement goes.
        let (blue, green) = (taken_back.blue, taken_back.green);
        self.with_service_of(&deployment, |service, around| {
            if let Some(blue) = &blue {
                service.make_primary(blue);
            }
            if let Some(green) = &green {
                service.drain_task_set(green, around);
            }
        });
        let now = self.now;
        self.change(id, |deployment| {
            (deployment.green, deployment.blue) = (blue, green);
            deployment.shifted = 100;
            for event in &mut deployment.events {
                (event.status, event.started_at, event.ended_at) = ("Succeeded", Some(now), Some(now));
            }
        });
        self.enter(id, Stage::Terminating);
        self.finish_terminating(id);
    }

    fn begin_event(&mut self, id: &str, place: usize) {
        let (now, pending) = (self.now, self.scenario.pending);
        self.change(id, |deployment| {
            deployment.events[place].status = "InProgress";
            deployment.events[place].started_at = Some(now);
        });
        self.enter(id, Stage::Event(place));
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        if place == INSTALL {
            let green = self.with_service_of(&deployment, |service, around| {
                // The documentation does not say what becomes of a task set that a failed deployment left behind.
                let left: Vec<String> =
                    service.task_sets.iter().filter(|set| !set.primary).map(|set| set.id.clone()).collect();
                for set in left {
                    service.drain_task_set(&set, around);
                }
                service.create_task_set(&deployment.task_definition, &deployment.id, around)
            });
            self.change(id, |deployment| deployment.green = green);
            self.plan_turn(id, INSTALL_LIMIT);
        } else {
            self.plan_turn(id, pending);
        }
    }

    fn end_event(&mut self, id: &str, place: usize) {
        let now = self.now;
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        let failing = deployment.hooks.get(EVENTS[place]).filter(|function| {
            self.deployment_group(&deployment.application, &deployment.group)
                .is_ok_and(|group| group.failing_hooks.iter().any(|failing| function.contains(failing.as_str())))
        });
        if let Some(function) = failing {
            let message = format!(
                "The overall deployment failed because one of the event's Lambda functions, {function}, failed. Event: {}",
                EVENTS[place]
            );
            let diagnosis = format!("The Lambda function {function} reported Failed.");
            return self.fail_code_deployment(id, "HOOK_EXECUTION_FAILURE", message, Some((place, diagnosis)));
        }
        self.change(id, |deployment| {
            deployment.events[place].status = "Succeeded";
            deployment.events[place].ended_at = Some(now);
        });
        let ready_wait = self
            .deployment_group(&deployment.application, &deployment.group)
            .ok()
            .and_then(|group| group.ready_wait)
            .filter(|_| place + 2 == ALLOW_TRAFFIC);
        if let Some(wait) = ready_wait {
            self.change(id, |deployment| deployment.status = Status::Ready);
            self.enter(id, Stage::Ready);
            self.plan_turn(id, wait);
        } else if place + 1 < EVENTS.len() {
            self.begin_event(id, place + 1);
        } else {
            self.await_termination(id);
        }
    }

    /// Traffic shifts by the steps of the deployment's configuration (user guide, "Deployment configurations on an Amazon ECS
    /// compute platform"). When the replacement becomes the primary task set is not documented: here when it has all of it.
    fn shift_traffic(&mut self, id: &str) {
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        let (step, every) = steps(&deployment.config);
        let shifted = match (deployment.shifted, step) {
            (0, step) => step,
            (_, _) if deployment.config.contains("Canary") => 100,
            (shifted, step) => (shifted + step).min(100),
        };
        self.change(id, |deployment| deployment.shifted = shifted);
        if shifted < 100 {
            self.enter(id, Stage::Event(ALLOW_TRAFFIC));
            self.plan_turn(id, every);
            return;
        }
        if let Some(green) = deployment.green.clone() {
            self.with_service_of(&deployment, |service, _| service.make_primary(&green));
        }
        self.end_event(id, ALLOW_TRAFFIC);
    }

    fn await_termination(&mut self, id: &str) {
        let Ok(deployment) = self.code_deployment(id) else { return };
        let wait =
            self.deployment_group(&deployment.application, &deployment.group).map(|group| group.termination_wait);
        self.enter(id, Stage::TerminationWait);
        self.plan_turn(id, wait.unwrap_or_default());
    }

    fn terminate(&mut self, id: &str) {
        self.enter(id, Stage::Terminating);
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        if let Some(blue) = deployment.blue.clone() {
            self.with_service_of(&deployment, |service, around| service.drain_task_set(&blue, around));
        }
        self.finish_terminating(id);
    }

    /// Succeeds once the tasks without traffic are gone.
    fn finish_terminating(&mut self, id: &str) {
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        let left = deployment.blue.clone().is_some_and(|blue| {
            self.with_service_of(&deployment, |service, _| service.has_task_set(&blue)) == Some(true)
        });
        if !left {
            self.end_code_deployment(id, Status::Succeeded, None);
        }
    }

    fn fail_code_deployment(&mut self, id: &str, code: &'static str, message: String, at: Option<(usize, String)>) {
        let place = at.as_ref().map_or(INSTALL, |(place, _)| *place);
        self.change(id, |deployment| {
            deployment.events[place].status = "Failed";
            deployment.events[place].message = at.map(|(_, message)| message);
        });
        self.end_code_deployment(id, Status::Failed, Some((code, message)));
        if self.rolls_back_by_itself(id, "DEPLOYMENT_FAILURE") {
            self.roll_code_deployment_back(id);
        }
    }

    fn end_code_deployment(&mut self, id: &str, status: Status, error: Option<(&'static str, String)>) {
        let now = self.now;
        self.enter(id, Stage::Over);
        self.change(id, |deployment| {
            deployment.status = status;
            deployment.error = error;
            deployment.completed_at = Some(now);
            for event in &mut deployment.events {
                match event.status {
                    "Pending" => event.status = "Skipped",
                    "InProgress" => event.status = "Skipped",
                    _ => {}
                }
                if event.started_at.is_some() && event.ended_at.is_none() {
                    event.ended_at = Some(now);
                }
            }
        });
        self.tell_of_code_deployment(id, status);
    }

    fn rolls_back_by_itself(&self, id: &str, event: &str) -> bool {
        self.code_deployment(id).is_ok_and(|deployment| {
            deployment.rolls_back.is_none()
                && self
                    .deployment_group(&deployment.application, &deployment.group)
                    .is_ok_and(|group| group.rollback_events.iter().any(|each| each == event))
        })
    }

    /// "These rolled-back deployments are technically new deployments, with new deployment IDs" (user guide, "Redeploy and
    /// roll back a deployment with CodeDeploy").
    fn roll_code_deployment_back(&mut self, id: &str) {
        let Ok(deployment) = self.code_deployment(id).cloned() else { return };
        if deployment.green.is_none() {
            return;
        }
        let last_good = self
            .deployments_of(&deployment.application, &deployment.group)
            .filter(|each| each.status == Status::Succeeded)
            .last()
            .map(|each| each.sha256.clone());
        let asked = Asked {
            application: deployment.application,
            group: deployment.group,
            config: None,
            description: None,
            sha256: last_good.unwrap_or_default(),
            task_definition: String::new(),
            ignores_alarms: true,
            hooks: Default::default(),
        };
        let back = self.add_code_deployment(asked, "codeDeployRollback", Some(id.to_owned()));
        self.change(id, |deployment| deployment.rolled_back_by = Some(back));
    }

    fn enter(&mut self, id: &str, stage: Stage) {
        self.change(id, |deployment| {
            deployment.stage = stage;
            deployment.turn += 1;
        });
    }

    fn plan_turn(&mut self, id: &str, delay: Duration) {
        let Ok(turn) = self.code_deployment(id).map(|deployment| deployment.turn) else { return };
        let due = Due::CodeDeployment { id: id.to_owned(), turn };
        self.schedule.at(self.now + delay, due);
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Deployment)) {
        if let Some(deployment) = self.code_deploy.deployments.iter_mut().find(|each| each.id == id) {
            change(deployment);
        }
    }

    fn with_service_of<V>(
        &mut self,
        deployment: &Deployment,
        act: impl FnOnce(&mut Service, &mut Surroundings<'_>) -> V,
    ) -> Option<V> {
        let group = self.deployment_group(&deployment.application, &deployment.group).ok()?.clone();
        let (services, mut around) = self.split();
        let service = services
            .iter_mut()
            .rev()
            .find(|service| service.name == group.service && service.cluster == group.cluster)?;
        Some(act(service, &mut around))
    }

    fn tell_of_code_deployment(&mut self, id: &str, status: Status) {
        let what = Happening::CodeDeployment { id: id.to_owned(), status: status.name().to_owned() };
        let (_, mut around) = self.split();
        around.fact(what);
    }
}

/// The share of the traffic that shifts first, or at each step, and the time between steps, by the names of the predefined
/// configurations: `CodeDeployDefault.ECSCanary10Percent5Minutes`, `CodeDeployDefault.ECSLinear10PercentEvery3Minutes`.
fn steps(config: &str) -> (u32, Duration) {
    let numbers: Vec<u64> =
        config.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    match numbers[..] {
        [percent, minutes] => (u32::try_from(percent).unwrap_or(100), Duration::from_secs(60 * minutes)),
        _ => (100, Duration::ZERO),
    }
}
