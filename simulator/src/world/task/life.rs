//! One life, from PROVISIONING to STOPPED.

use std::time::Duration;

use super::{Belongs, Health, State, Stop, Task};
use crate::scenario::{Behaviour, Scenario};
use crate::world::schedule::Due;
use crate::world::{Happening, Surroundings};

/// The next moment of a task's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Go(State),
    FailToStart,
    Exit,
    Count,
    FailHealthCheck,
}

/// What a step meant for the service.
#[derive(Debug, PartialEq)]
pub(crate) enum Passed {
    /// Nothing that the scheduler looks at.
    Nothing,
    /// It runs, counts, or begins to stop.
    Changed,
    /// Its health check failed: the scheduler stops it.
    Unhealthy {
        /// What an event says of it.
        event: String,
        /// What it is stopped for.
        reason: String,
    },
    /// It is gone.
    Stopped,
}

impl Task {
    /// A new task, with its way to RUNNING planned.
    ///
    /// The documentation names the states and their order, not how long each takes: the shares are a guess.
    pub(crate) fn start(belongs: &Belongs<'_>, behaviour: Behaviour, around: &mut Surroundings<'_>) -> Self {
        let task = Self::new(belongs, behaviour, around);
        let usual = around.scenario.start;
        let mut plan = |delay, step| task.plan(delay, step, belongs.service_arn, around);
        match task.behaviour {
            Behaviour::ImageMissing { after } | Behaviour::FailsToStart { after, .. } => {
                plan(after / 5, Step::Go(State::Pending));
                plan(after, Step::FailToStart);
            }
            Behaviour::Stuck => plan(usual / 5, Step::Go(State::Pending)),
            _ => {
                let start = if let Behaviour::Healthy { start, .. } = task.behaviour { start } else { usual };
                plan(start / 5, Step::Go(State::Pending));
                plan(start / 10 * 9, Step::Go(State::Activating));
                plan(start, Step::Go(State::Running));
            }
        }
        task
    }

    fn plan(&self, delay: Duration, step: Step, service: &str, around: &mut Surroundings<'_>) {
        let due = Due::Task { service: service.to_owned(), task: self.id.clone(), step };
        around.schedule.at(around.now + delay, due);
    }

    /// Takes a step, unless the task's life took another turn meanwhile.
    pub(crate) fn pass(&mut self, step: Step, service: &str, around: &mut Surroundings<'_>) -> Passed {
        let possible = match step {
            Step::Go(next) => self.state < next && (self.state >= State::Deactivating) == (next > State::Deactivating),
            Step::FailToStart => self.state < State::Running,
            Step::Exit | Step::Count | Step::FailHealthCheck => self.state == State::Running,
        };
        if !possible {
            return Passed::Nothing;
        }
        self.version += 1;
        match step {
            Step::Go(State::Running) => {
                self.run(service, around);
                Passed::Changed
            }
            Step::Go(State::Stopped) => {
                self.state = State::Stopped;
                self.stopped_at = Some(around.now);
                around.vacate(&self.id);
                Passed::Stopped
            }
            Step::Go(state) => {
                self.state = state;
                Passed::Nothing
            }
            Step::Count => {
                self.counted = true;
                if self.checked() {
                    self.health = Health::Healthy;
                }
                Passed::Changed
            }
            Step::FailHealthCheck => self.fail_health_check(around),
            Step::FailToStart => {
                let reason = self.start_failure();
                self.end(Stop { code: "TaskFailedToStart", reason, failed: true }, service, around);
                Passed::Changed
            }
            Step::Exit => {
                self.exit();
                let stop = Stop {
                    code: "EssentialContainerExited",
                    reason: "Essential container in task exited".to_owned(),
                    failed: !self.counted,
                };
                self.end(stop, service, around);
                Passed::Changed
            }
        }
    }

    /// The texts are those of
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>.
    fn fail_health_check(&mut self, around: &Surroundings<'_>) -> Passed {
        if let Behaviour::NotAnswering { reason, .. } = &self.behaviour {
            let Scenario { region, account, .. } = around.scenario;
            let partition = around.scenario.partition();
            let group = format!(
                "(target-group arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/web/1c38bf81f6e9e283)"
            );
            return Passed::Unhealthy {
                event: format!("(port 8080) is unhealthy in {group} due to (reason {reason})."),
                reason: format!("Task failed ELB health checks in {group}"),
            };
        }
        self.health = Health::Unhealthy;
        Passed::Unhealthy {
            event: format!("(task {}) failed container health checks.", self.id),
            reason: "Task failed container health checks".to_owned(),
        }
    }

    fn run(&mut self, service: &str, around: &mut Surroundings<'_>) {
        self.state = State::Running;
        self.started_at = Some(around.now);
        around.fact(Happening::TaskRunning { task: self.arn.clone(), deployment: self.deployment.clone() });
        let unchecked = around.scenario.unchecked;
        let count = |healthy| if self.checked() { healthy } else { unchecked };
        match self.behaviour {
            Behaviour::Healthy { healthy, .. } => self.plan(count(healthy), Step::Count, service, around),
            Behaviour::Crash { after, .. } | Behaviour::CrashAtFirst { after, .. } => {
                if !self.checked() {
                    self.plan(unchecked, Step::Count, service, around);
                }
                self.plan(after, Step::Exit, service, around);
            }
            Behaviour::Ends { after, .. } => self.plan(after, Step::Exit, service, around),
            // Failing health checks are ignored during the grace period (API reference, healthCheckGracePeriodSeconds).
            Behaviour::Unhealthy { after } | Behaviour::NotAnswering { after, .. } => {
                self.plan(after.max(self.grace), Step::FailHealthCheck, service, around)
            }
            _ => {}
        }
    }

    /// Begins to stop the task.
    pub(crate) fn end(&mut self, stop: Stop, service: &str, around: &mut Surroundings<'_>) {
        self.stop = Some(stop);
        self.state = State::Deactivating;
        self.stopping_at = Some(around.now);
        let whole = around.scenario.stop;
        self.plan(whole / 5, Step::Go(State::Stopping), service, around);
        self.plan(whole / 5 * 4, Step::Go(State::Deprovisioning), service, around);
        self.plan(whole, Step::Go(State::Stopped), service, around);
    }

    fn start_failure(&mut self) -> String {
        let image = self.containers.first().map(|container| container.image.clone()).unwrap_or_default();
        match &self.behaviour {
            Behaviour::FailsToStart { reason, .. } => reason.clone(),
            _ => format!(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                 {image}: {image}: not found"
            ),
        }
    }

    fn exit(&mut self) {
        if let Behaviour::Ends { exit_codes, .. } = &self.behaviour {
            for container in &mut self.containers {
                container.exit_code = Some(exit_codes.get(&container.name).copied().unwrap_or(0));
            }
            return;
        }
        let (named, code, said) = match &self.behaviour {
            Behaviour::Crash { container, exit_code, reason, .. } => (container.clone(), *exit_code, reason.clone()),
            _ => (None, 1, None),
        };
        let index = self
            .containers
            .iter()
            .position(|container| named.as_ref().map_or(container.essential, |name| *name == container.name))
            .unwrap_or(0);
        for (position, container) in self.containers.iter_mut().enumerate() {
            // The other containers get SIGTERM and are assumed to end in order.
            container.exit_code = Some(if position == index { code } else { 0 });
            container.reason = said.clone().filter(|_| position == index);
        }
    }
}
