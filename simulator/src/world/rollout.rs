//! How a deployment starts, completes, fails and goes back. The stages of strategies that shift traffic are in `shift`.

use super::alarm::are_watched;
use super::deployment::{Deployment, RolloutState};
use super::schedule::Due;
use super::service::Service;
use super::service_deployment::{Rollback, ServiceDeployment, Status};
use super::shift::Shift;
use super::{Happening, Surroundings};

/// Why a deployment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    CircuitBreaker,
    Alarm,
    /// A lifecycle hook. Of all that AWS says about it only the event is documented, in
    /// <https://github.com/aws/containers-roadmap/issues/2664>; the other texts follow the pattern of their neighbours.
    Hook,
    Asked,
}

impl Cause {
    fn rollout_state_reason(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "ECS deployment circuit breaker: tasks failed to start.",
            Self::Alarm => "ECS deployment failed: alarm detected.",
            Self::Hook => "ECS deployment failed: hook execution failure(s) detected.",
            // The documentation does not say what a deployment shows that was stopped by hand.
            Self::Asked => "ECS deployment stopped by user.",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "tasks failed to start.",
            Self::Alarm => "alarm detected.",
            Self::Hook => "hook execution failure(s) detected.",
            Self::Asked => "stopped by user.",
        }
    }

    fn status_reason(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "Service deployment failed because the circuit breaker threshold was exceeded.",
            Self::Alarm => "Service deployment failed because an alarm was triggered.",
            Self::Hook => "Service deployment failed because of hook execution failure(s).",
            Self::Asked => "Service deployment stopped by user.",
        }
    }

    fn rollback_reason(self) -> &'static str {
        match self {
            Self::CircuitBreaker => {
                "Service deployment rolled back because the circuit breaker threshold was exceeded."
            }
            Self::Alarm => "Service deployment rolled back because an alarm was triggered.",
            Self::Hook => "Service deployment rolled back because of hook execution failure(s).",
            Self::Asked => "Service deployment rolled back because of a user request.",
        }
    }

    fn rolling_back(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "ECS deployment circuit breaker: rolling back to deploymentId",
            Self::Alarm => "ECS deployment alarm: rolling back to deploymentId",
            Self::Hook => "ECS deployment hook failure: rolling back to deploymentId",
            Self::Asked => "ECS deployment rollback requested: rolling back to deploymentId",
        }
    }
}

impl Service {
    /// Starts a deployment of the service as it is now, with this task definition.
    pub(crate) fn deploy(&mut self, task_definition: &str, around: &mut Surroundings<'_>) {
        self.stop_service_deployment(
            "Service deployment stopped because a newer service deployment was started.",
            around,
        );
        let sources = self.revisions_with_tasks();
        let revision = self.revise(task_definition, around);
        let deployment_id = format!("ecs-svc/{}", around.identity.digits());
        let path = format!("service-deployment/{}/{}/{}", self.cluster, self.name, around.identity.nano());
        let arn = around.scenario.arn(&path);
        let configuration = self.settings.get("deploymentConfiguration").cloned().unwrap_or_default();
        let shift = Shift::new(&configuration, &sources, self.last_completed.as_ref(), around.now);
        self.service_deployments.push(ServiceDeployment {
            arn: arn.clone(),
            status: Status::Pending,
            reason: None,
            sources,
            target: revision.clone(),
            rollback: None,
            failures: 0,
            threshold: self.threshold(),
            broken: false,
            alarms: Vec::new(),
            watches_alarms: are_watched(around.alarms, &configuration),
            created_at: around.now,
            started_at: None,
            finished_at: None,
            stopped_at: None,
            updated_at: around.now,
            configuration,
            shift,
            bakes: false,
        });
        self.task_definition = task_definition.to_owned();
        self.steady = false;
        let deployment = Deployment::new(deployment_id.clone(), &revision, task_definition, &arn, around.now);
        self.deployments.insert(0, deployment);
        around.fact(Happening::DeploymentStarted {
            id: deployment_id.clone(),
            task_definition: task_definition.to_owned(),
        });
        let begin = Due::Begin { service: self.arn.clone(), deployment: deployment_id };
        around.schedule.at(around.now + around.scenario.pending, begin);
    }

    /// Stops the service deployment that is under way, because a newer one begins or the service ends. The documentation names
    /// the states, not the reasons.
    pub(crate) fn stop_service_deployment(&mut self, reason: &str, around: &mut Surroundings<'_>) {
        let Some(current) = self.service_deployments.last().filter(|current| !current.status.finished()) else {
            return;
        };
        let arn = current.arn.clone();
        self.move_on(&arn, Status::StopRequested, Some(reason), around);
        if around.scenario.pending.is_zero() {
            self.move_on(&arn, Status::Stopped, None, around);
        }
    }

    /// Leaves PENDING.
    pub(crate) fn begin(&mut self, deployment: &str, around: &mut Surroundings<'_>) {
        let stopping: Vec<String> = self
            .service_deployments
            .iter()
            .filter(|each| each.status == Status::StopRequested)
            .map(|each| each.arn.clone())
            .collect();
        for arn in stopping {
            self.move_on(&arn, Status::Stopped, None, around);
        }
        let Some(primary) = self.deployments.first_mut().filter(|primary| primary.id == deployment) else { return };
        let arn = primary.service_deployment.clone();
        // A rollback may have been asked for meanwhile: then it never begins.
        if self.service_deployments.last().is_some_and(|current| current.status == Status::Pending) {
            primary.begun = true;
            self.move_on(&arn, Status::InProgress, None, around);
            self.begin_shift(&arn, around);
            self.look(around);
        }
    }

    fn revisions_with_tasks(&self) -> Vec<String> {
        let mut revisions: Vec<String> = Vec::new();
        for task in self.tasks.iter().filter(|task| task.live()) {
            if !revisions.contains(&task.revision) {
                revisions.push(task.revision.clone());
            }
        }
        revisions
    }

    /// The circuit breaker's threshold (developer guide, "How the Amazon ECS deployment circuit breaker detects failures").
    pub(crate) fn threshold(&self) -> usize {
        let configured = &self.configuration("deploymentCircuitBreaker")["thresholdConfiguration"];
        let value = configured["value"].as_u64().and_then(|value| usize::try_from(value).ok()).unwrap_or(50);
        let share = (self.desired * value).div_ceil(100);
        match configured["type"].as_str() {
            Some("COUNT") => value,
            Some("UNBOUNDED_PERCENT") => share,
            _ => share.clamp(3, 200),
        }
    }

    /// Counts a failure for a deployment, and fails the deployment when that was one too many.
    pub(crate) fn count_failure(&mut self, deployment: &str, around: &mut Surroundings<'_>) {
        let threshold = self.threshold();
        let breaks = self.configuration("deploymentCircuitBreaker")["enable"] == true;
        let Some(failing) = self.deployments.iter_mut().find(|each| each.id == deployment) else { return };
        if failing.state != RolloutState::InProgress {
            return;
        }
        failing.failed += 1;
        let (failed, arn, rollback) = (failing.failed, failing.service_deployment.clone(), failing.rollback);
        let newest = self.deployments.first().is_some_and(|primary| primary.id == deployment);
        if let Some(current) = self.service_deployment_mut(&arn) {
            if !rollback {
                current.failures = failed;
            }
            if breaks && failed >= threshold && newest {
                current.broken = true;
                self.fail(Cause::CircuitBreaker, around);
            }
        }
    }

    /// A healthy task ends the count, unless the breaker is told to keep it (API reference, resetOnHealthyTask).
    pub(crate) fn reset_failures(&mut self, deployment: &str) {
        let keeps = self.configuration("deploymentCircuitBreaker")["resetOnHealthyTask"] == false;
        let Some(healthy) = self.deployments.iter_mut().find(|each| each.id == deployment) else { return };
        healthy.failed_to_start = 0;
        if !keeps {
            healthy.failed = 0;
            let (arn, rollback) = (healthy.service_deployment.clone(), healthy.rollback);
            if let Some(current) = self.service_deployment_mut(&arn).filter(|_| !rollback) {
                current.failures = 0;
            }
        }
    }

    /// An alarm went into ALARM.
    pub(crate) fn alarm(&mut self, name: &str, around: &mut Surroundings<'_>) {
        let alarms = self.configuration("alarms");
        let watched = alarms["enable"] == true
            && alarms["alarmNames"].as_array().is_some_and(|names| names.iter().any(|each| each == name));
        let Some(arn) = self.in_flight().map(|deployment| deployment.service_deployment.clone()) else { return };
        if watched && let Some(current) = self.service_deployment_mut(&arn).filter(|current| current.watches_alarms) {
            current.alarms.push(name.to_owned());
            self.fail(Cause::Alarm, around);
        }
    }

    /// The newest deployment has failed.
    pub(crate) fn fail(&mut self, cause: Cause, around: &mut Surroundings<'_>) {
        let Some(primary) = self.deployments.first_mut() else { return };
        primary.turn(RolloutState::Failed, cause.rollout_state_reason().to_owned(), around.now);
        let (id, arn, rollback) = (primary.id.clone(), primary.service_deployment.clone(), primary.rollback);
        self.say(&format!("(deployment {id}) deployment failed: {}", cause.event()), around);
        around.fact(Happening::DeploymentFailed { id });
        let goes_back = match cause {
            Cause::CircuitBreaker => self.configuration("deploymentCircuitBreaker")["rollback"] == true,
            Cause::Alarm => self.configuration("alarms")["rollback"] == true,
            // A failing hook rolls back whatever else is configured (developer guide, "Lifecycle hooks").
            Cause::Hook | Cause::Asked => true,
        };
        let asked = self.service_deployments.last().is_some_and(|current| current.status == Status::RollbackRequested);
        let goes_back = goes_back || asked;
        let target = self.last_completed.clone().filter(|_| goes_back && !rollback);
        match target {
            Some(revision) => self.roll_back(&arn, &revision, cause, around),
            None if rollback => self.move_on(&arn, Status::RollbackFailed, Some(cause.status_reason()), around),
            // Without a completed deployment to go back to, the failed one stays and starts no tasks (developer guide).
            None => self.move_on(&arn, Status::Stopped, Some(cause.status_reason()), around),
        }
        self.look(around);
    }

    /// Stops a service deployment and leaves the tasks as they are.
    pub(crate) fn fail_in_place(&mut self, arn: &str, around: &mut Surroundings<'_>) {
        if let Some(primary) = self.deployments.first_mut() {
            primary.turn(RolloutState::Failed, Cause::Asked.rollout_state_reason().to_owned(), around.now);
        }
        self.move_on(arn, Status::Stopped, Some(Cause::Asked.status_reason()), around);
    }

    /// Somebody asks for a rollback, which begins a moment later.
    pub(crate) fn ask_to_go_back(&mut self, arn: &str, around: &mut Surroundings<'_>) {
        let reason = "Service deployment rollback requested by user.";
        self.move_on(arn, Status::RollbackRequested, Some(reason), around);
        let due = Due::RollBack { service: self.arn.clone(), service_deployment: arn.to_owned() };
        around.schedule.at(around.now + around.scenario.pending, due);
    }

    /// Whether there is a revision to go back to.
    pub(crate) fn can_roll_back(&self) -> bool {
        self.last_completed.is_some()
    }

    /// Goes back to a revision, as a new deployment of it.
    ///
    /// The documentation says that the completed deployment turns to IN_PROGRESS once more; what it does not say is whether
    /// that deployment keeps its id. Here it gets a new one and tasks of its own, and everything that names the deployment
    /// that ECS rolls back to names the new id.
    fn roll_back(&mut self, arn: &str, revision: &str, cause: Cause, around: &mut Surroundings<'_>) {
        let Some(target) = self.revision(revision).cloned() else { return };
        let id = format!("ecs-svc/{}", around.identity.digits());
        let mut deployment = Deployment::new(id.clone(), revision, &target.task_definition, arn, around.now);
        deployment.begun = true;
        deployment.rollback = true;
        deployment.reason = format!("{} {id}.", cause.rolling_back());
        for member in super::service::REVISION_SETTINGS {
            match target.settings.get(member) {
                Some(value) => self.settings.insert(member.to_owned(), value.clone()),
                None => self.settings.shift_remove(member),
            };
        }
        self.task_definition.clone_from(&target.task_definition);
        self.last_completed = None;
        // Where traffic shifts, the old tasks are still there: the traffic goes back to them at once, and no others are needed.
        let shifts = self.service_deployment_mut(arn).and_then(|current| current.shift.as_mut()).map(Shift::go_back);
        if shifts.is_some() {
            for task in self.tasks.iter_mut().filter(|task| task.live() && task.revision == revision) {
                task.deployment.clone_from(&id);
                deployment.started += 1;
            }
        }
        self.deployments.insert(0, deployment);
        self.say(&format!("rolling back to deployment {id}."), around);
        let started_at = around.now;
        if let Some(current) = self.service_deployment_mut(arn) {
            let revision = revision.to_owned();
            current.rollback = Some(Rollback { reason: cause.rollback_reason().to_owned(), started_at, revision });
        }
        self.move_on(arn, Status::RollbackInProgress, Some(cause.rollback_reason()), around);
        around.fact(Happening::RollbackStarted { id, task_definition: target.task_definition });
    }

    /// The newest deployment is where it should be.
    pub(crate) fn complete(&mut self, around: &mut Surroundings<'_>) {
        let Some(primary) = self.deployments.first_mut() else { return };
        let id = primary.id.clone();
        primary.turn(RolloutState::Completed, format!("ECS deployment {id} completed."), around.now);
        primary.failed = 0;
        let (arn, revision, rollback) =
            (primary.service_deployment.clone(), primary.revision.clone(), primary.rollback);
        self.last_completed = Some(revision);
        self.say(&format!("(deployment {id}) deployment completed."), around);
        if rollback {
            self.move_on(&arn, Status::RollbackSuccessful, None, around);
            around.fact(Happening::RolledBack { id });
        } else {
            self.move_on(&arn, Status::Successful, None, around);
            around.fact(Happening::DeploymentCompleted { id });
        }
    }

    /// Adds an event.
    pub(crate) fn say(&mut self, message: &str, around: &mut Surroundings<'_>) {
        let name = self.name.clone();
        self.events.add(&name, message, around);
    }
}
