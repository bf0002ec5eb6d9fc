//! The service scheduler: starts and stops tasks until the service has what it wants.

use std::time::Duration;

use super::deployment::RolloutState;
use super::event::listed;
use super::service::Service;
use super::task::{Belongs, Passed, State, Step, Stop, Task};
use super::{Happening, Surroundings};
use crate::scenario::Behaviour;

/// The longest delay between two attempts to start tasks (developer guide, "Amazon ECS service throttle logic").
const LONGEST_HOLD: Duration = Duration::from_secs(27 * 60);

/// Time has to pass between two attempts, whatever the scenario says.
const SHORTEST_HOLD: Duration = Duration::from_millis(100);

/// So many tasks in a row that end before they run make the scheduler complain. The documentation gives no number.
const COMPLAINS_AFTER: u32 = 3;

impl Service {
    /// One look at the service, and everything that follows from it now.
    pub(crate) fn look(&mut self, around: &mut Surroundings<'_>) {
        if self.status != "ACTIVE" {
            self.drain(around);
            return;
        }
        if self.has_task_sets() {
            return self.look_at_task_sets(around);
        }
        self.shift(around);
        self.start_tasks(around);
        self.stop_tasks(around);
        self.forget_replaced_deployments();
        self.complain_if_blocked(around);
        self.settle(around);
    }

    /// Limits that allow neither to stop an old task nor to start a new one block a deployment for ever.
    fn complain_if_blocked(&mut self, around: &mut Surroundings<'_>) {
        let blocked = self.shifting().is_none()
            && self.most() <= self.live()
            && self.fewest() >= self.live()
            && self.deployments.len() > 1;
        let Some(primary) = self.deployments.first_mut() else { return };
        let has = self.tasks.iter().any(|task| task.deployment == primary.id);
        if blocked && primary.begun && !has && !primary.complained {
            primary.complained = true;
            self.say(
                "was unable to stop or start tasks during a deployment because of the service deployment configuration. \
                 Update the minimumHealthyPercent or maximumPercent value and try again.",
                around,
            );
        }
    }

    /// Looks once everything has happened that happens at this moment, so that what happens together is seen together.
    fn look_soon(&self, around: &mut Surroundings<'_>) {
        around.schedule.look_at(around.now, &self.arn);
    }

    fn live(&self) -> usize {
        self.tasks.iter().filter(|task| task.live()).count()
    }

    /// The most tasks that may be live at once: rounded down (API reference, maximumPercent). Where traffic shifts, all the new
    /// tasks run beside all the old ones.
    fn most(&self) -> usize {
        if self.shifting().is_some() {
            return usize::MAX;
        }
        self.desired * self.percent("maximumPercent").unwrap_or(200) / 100
    }

    /// The fewest tasks that must be healthy: rounded up (API reference, minimumHealthyPercent).
    fn fewest(&self) -> usize {
        (self.desired * self.percent("minimumHealthyPercent").unwrap_or(100)).div_ceil(100)
    }

    fn start_tasks(&mut self, around: &mut Surroundings<'_>) {
        let Some(primary) = self.deployments.first() else { return };
        // A deployment in FAILED state launches no tasks (API reference, Deployment.rolloutState).
        if !primary.begun || primary.state == RolloutState::Failed {
            return;
        }
        if self.shifting().is_some_and(|shift| !shift.scales_up()) {
            return;
        }
        let id = primary.id.clone();
        let has = self.tasks.iter().filter(|task| task.live() && task.deployment == id).count();
        let wanted = self.desired.saturating_sub(has).min(self.most().saturating_sub(self.live()));
        self.start_tasks_of(&id, wanted, around);
    }

    /// Starts so many tasks of a deployment, unless it has to pause.
    pub(super) fn start_tasks_of(&mut self, deployment: &str, wanted: usize, around: &mut Surroundings<'_>) {
        let Some(starting) = self.deployments.iter().find(|each| each.id == deployment).filter(|_| wanted > 0) else {
            return;
        };
        if around.now < starting.hold_until {
            around.schedule.look_at(starting.hold_until, &self.arn);
            return;
        }
        let mut started = Vec::new();
        for _ in 0..wanted {
            match self.start_task(deployment, around) {
                Some(task) => started.push(task),
                None => break,
            }
        }
        if !started.is_empty() {
            let tasks = listed(started.iter().map(String::as_str));
            self.say(&format!("has started {} tasks: {tasks}.", started.len()), around);
        }
    }

    /// Starts one task of a deployment; none when there is no room for it.
    fn start_task(&mut self, deployment: &str, around: &mut Surroundings<'_>) -> Option<String> {
        let primary = self.deployments.iter_mut().find(|each| each.id == deployment)?;
        let behaviour = around.task_definitions.behaviour(&primary.task_definition, primary.started, around.scenario);
        let id = primary.id.clone();
        let has_room = around.place(&self.cluster, &primary.task_definition, &[]).is_ok();
        if behaviour == Behaviour::NoCapacity || !has_room {
            self.say(
                "was unable to place a task because no container instance met all of its requirements. \
                 Reason: No Container Instances were found in your capacity.",
                around,
            );
            self.failed_to_start(&id, around);
            return None;
        }
        primary.started += 1;
        let (revision, task_definition) = (primary.revision.clone(), primary.task_definition.clone());
        let grace = self.settings.get("healthCheckGracePeriodSeconds").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let belongs = Belongs {
            service_arn: &self.arn,
            cluster: &self.cluster,
            deployment: &id,
            revision: &revision,
            task_definition: &task_definition,
            grace: Duration::from_secs(grace),
            constraints: &[],
        };
        let task = Task::start(&belongs, behaviour, around);
        around.fact(Happening::TaskStarted { task: task.arn.clone(), deployment: id });
        let id = task.id.clone();
        self.tasks.push(task);
        Some(id)
    }

    /// A task of the deployment ended before it ran: the next attempts come later and later.
    fn failed_to_start(&mut self, deployment: &str, around: &mut Surroundings<'_>) {
        let Some(failing) = self.deployments.iter_mut().find(|each| each.id == deployment) else { return };
        failing.failed_to_start += 1;
        let row = failing.failed_to_start;
        let hold = around.scenario.retry.saturating_mul(1 << row.saturating_sub(1).min(16));
        let hold = hold.clamp(SHORTEST_HOLD, LONGEST_HOLD);
        failing.hold_until = around.now + hold;
        if row == COMPLAINS_AFTER {
            self.say(
                "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.",
                around,
            );
        }
        self.count_failure(deployment, around);
        around.schedule.look_at(around.now + hold, &self.arn);
    }

    /// Stops tasks of older deployments as far as enough healthy ones remain, and tasks that are more than wanted.
    fn stop_tasks(&mut self, around: &mut Surroundings<'_>) {
        let Some(primary) = self.deployments.first() else { return };
        if !primary.begun {
            return;
        }
        let (id, failed) = (primary.id.clone(), primary.state == RolloutState::Failed);
        let mut healthy = self.tasks.iter().filter(|task| task.state == State::Running && task.counted).count();
        let fewest = self.fewest();
        let mut surplus = self.tasks.iter().filter(|task| task.live() && task.deployment == id).count();
        let mut ending = Vec::new();
        let shift = self.shifting();
        for task in &self.tasks {
            // A failed deployment that is not rolled back replaces nothing any more.
            let replaced = task.deployment != id && !failed && shift.is_none_or(|shift| shift.replaces(task));
            let more = task.deployment == id && surplus > self.desired;
            if !task.live() || !(replaced || more) {
                continue;
            }
            let counts = task.state == State::Running && task.counted;
            if counts && healthy <= fewest {
                continue;
            }
            healthy -= usize::from(counts);
            surplus -= usize::from(more);
            ending.push(task.id.clone());
        }
        self.stop_all(&ending, &id, around);
    }

    pub(super) fn stop_all(&mut self, tasks: &[String], deployment: &str, around: &mut Surroundings<'_>) {
        let (mut running, mut pending) = (Vec::new(), 0);
        let service = self.arn.clone();
        for task in self.tasks.iter_mut().filter(|task| tasks.contains(&task.id)) {
            if task.state == State::Running {
                running.push(task.id.clone());
            } else {
                pending += 1;
            }
            let stop = Stop {
                code: "ServiceSchedulerInitiated",
                reason: format!("Scaling activity initiated by (deployment {deployment})"),
                failed: false,
            };
            task.end(stop, &service, around);
        }
        if !running.is_empty() {
            let listed = listed(running.iter().map(String::as_str));
            self.say(&format!("has stopped {} running tasks: {listed}.", running.len()), around);
        }
        if pending > 0 {
            self.say(&format!("has stopped {pending} pending tasks."), around);
        }
    }

    /// A deployment that has been replaced altogether is no longer shown.
    fn forget_replaced_deployments(&mut self) {
        let Some(primary) = self.deployments.first().map(|primary| primary.id.clone()) else { return };
        let tasks = &self.tasks;
        let busy = |id: &str| tasks.iter().any(|task| task.deployment == id);
        self.deployments.retain(|deployment| deployment.id == primary || busy(&deployment.id));
    }

    /// Completes the newest deployment, and says so, once the service has what it wants and nothing else.
    fn settle(&mut self, around: &mut Surroundings<'_>) {
        let Some(primary) = self.deployments.first() else { return };
        let mine = |task: &&Task| task.deployment == primary.id;
        let counted =
            self.tasks.iter().filter(mine).filter(|task| task.state == State::Running && task.counted).count();
        let live = self.tasks.iter().filter(mine).filter(|task| task.live()).count();
        let there = primary.begun && counted == self.desired && live == self.desired && self.deployments.len() == 1;
        if !there {
            self.steady = false;
            return;
        }
        let state = primary.state;
        match state {
            RolloutState::InProgress if self.shifting().is_some_and(|shift| !shift.is_cleaning_up()) => return,
            RolloutState::InProgress if self.baked(around) => self.complete(around),
            RolloutState::Completed => {}
            RolloutState::InProgress | RolloutState::Failed => return,
        }
        if !self.steady {
            self.steady = true;
            self.say("has reached a steady state.", around);
        }
    }

    /// Whether the bake time is over, during which alarms can still fail the deployment. A rollback does not bake.
    fn baked(&mut self, around: &mut Surroundings<'_>) -> bool {
        let minutes = self.configuration("bakeTimeInMinutes").as_u64().unwrap_or(0);
        let shifts = self.shifting().is_some();
        let Some(primary) = self.deployments.first_mut() else { return true };
        if minutes == 0 || primary.rollback || shifts {
            return true;
        }
        let arn = primary.service_deployment.clone();
        let since = *primary.baking_since.get_or_insert(around.now);
        let until = since + Duration::from_secs(minutes * 60);
        if let Some(current) = self.service_deployment_mut(&arn) {
            current.bakes = true;
        }
        if around.now < until {
            around.schedule.look_at(until, &self.arn);
        }
        around.now >= until
    }

    /// A deleted service stops what it has, and is then INACTIVE (API reference, DeleteService).
    fn drain(&mut self, around: &mut Surroundings<'_>) {
        if self.status != "DRAINING" {
            return;
        }
        let ending: Vec<String> = self.tasks.iter().filter(|task| task.live()).map(|task| task.id.clone()).collect();
        let deployment = self.deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
        self.stop_all(&ending, &deployment, around);
        if self.tasks.iter().all(|task| task.state > State::Deactivating) {
            self.status = "INACTIVE".to_owned();
            // They are deleted with it (developer guide, "View service history using Amazon ECS service deployments").
            self.service_deployments.clear();
            around.fact(Happening::ServiceInactive { service: self.arn.clone() });
        }
    }

    /// A task takes a step, and the scheduler draws its conclusions.
    pub(crate) fn task_step(&mut self, task: &str, step: Step, around: &mut Surroundings<'_>) {
        let service = self.arn.clone();
        let Some(index) = self.tasks.iter().position(|each| each.id == task) else { return };
        let passed = self.tasks[index].pass(step, &service, around);
        let deployment = self.tasks[index].deployment.clone();
        match passed {
            Passed::Nothing if self.status == "DRAINING" => self.look_soon(around),
            Passed::Nothing => {}
            Passed::Changed => {
                match step {
                    Step::Count => self.reset_failures(&deployment),
                    Step::Exit | Step::FailToStart => self.hold(&deployment, around),
                    _ => {}
                }
                self.look_soon(around);
            }
            Passed::Unhealthy { event, reason } => {
                self.say(&event, around);
                self.tasks[index].end(
                    Stop { code: "ServiceSchedulerInitiated", reason, failed: true },
                    &service,
                    around,
                );
                self.say(&format!("has stopped 1 running tasks: (task {task})."), around);
                self.hold(&deployment, around);
                self.look_soon(around);
            }
            Passed::Stopped => self.task_stopped(index, &deployment, around),
        }
    }

    fn task_stopped(&mut self, index: usize, deployment: &str, around: &mut Surroundings<'_>) {
        let task = self.tasks.remove(index);
        let Some(stop) = task.stop.clone() else { return };
        around.fact(Happening::TaskStopped {
            task: task.arn.clone(),
            deployment: deployment.to_owned(),
            reason: stop.reason.clone(),
            failed: stop.failed,
        });
        self.stopped.retain(|task| task.remembered(around.now));
        self.stopped.push(task);
        if stop.failed && stop.code == "TaskFailedToStart" {
            self.failed_to_start(deployment, around);
        } else if stop.failed {
            self.count_failure(deployment, around);
        }
        self.look_soon(around);
    }

    /// Keeps the scheduler from replacing a task that ended on its own before a moment has passed.
    ///
    /// Tasks that ran are not subject to the growing delay (developer guide, "Amazon ECS service throttle logic"); that there
    /// is a pause at all is an observation.
    fn hold(&mut self, deployment: &str, around: &Surroundings<'_>) {
        if let Some(failing) = self.deployments.iter_mut().find(|each| each.id == deployment) {
            failing.hold_until = failing.hold_until.max(around.now + around.scenario.retry.max(SHORTEST_HOLD));
        }
    }
}
