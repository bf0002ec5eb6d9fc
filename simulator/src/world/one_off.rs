//! Tasks that belong to no service: what RunTask starts and StopTask stops.

use std::time::Duration;

use serde_json::{Value, json};

use super::task::{Belongs, Passed, Shown, Step, Stop, Task};
use super::{Happening, Surroundings, World};

/// What the schedule knows instead of a service.
const NO_SERVICE: &str = "";

/// One task that RunTask started.
#[derive(Clone, Debug)]
pub(crate) struct OneOff {
    pub(crate) cluster: String,
    pub(crate) task: Task,
    /// The request that started it.
    pub(crate) asked: Value,
}

impl OneOff {
    /// As DescribeTasks shows it.
    pub(crate) fn document(&self, cluster_arn: &str, around: &Surroundings<'_>) -> Value {
        let family = self.task.task_definition.rsplit(['/', ':']).nth(1).unwrap_or_default();
        let has_strategy = self.asked["capacityProviderStrategy"].is_array();
        let mut overrides = json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []});
        if let (Some(members), Some(asked)) = (overrides.as_object_mut(), self.asked["overrides"].as_object()) {
            members.extend(asked.clone());
        }
        let mut document = self.task.document(
            &Shown {
                cluster_arn,
                group: self.asked["group"].as_str().map_or_else(|| format!("family:{family}"), str::to_owned),
                launch_type: self.asked.get("launchType").filter(|it| it.is_string()).cloned().unwrap_or_else(|| {
                    json!(if self.task.instance.is_some() && !has_strategy { "EC2" } else { "FARGATE" })
                }),
                overrides,
                tags: self.asked.get("tags").filter(|it| it.is_array()).cloned().unwrap_or_else(|| json!([])),
            },
            around,
        );
        document["startedBy"] = self.asked["startedBy"].clone();
        crate::wire::without_nulls(&document)
    }
}

/// A RunTask with a client token, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    pub(crate) cluster: String,
    pub(crate) request: Value,
    pub(crate) tasks: Vec<String>,
}

impl World {
    /// Starts one task; says why not, in ECS's words.
    pub(crate) fn run_one(&mut self, cluster: &str, task_definition: &str, asked: &Value) -> Result<String, String> {
        let now = self.now;
        if let Some(failure) = self.scenario.run_task_failures.iter().find(|failure| now < failure.until) {
            return Err(failure.reason.clone());
        }
        let started = self.one_offs.iter().filter(|one| one.task.task_definition == task_definition).count();
        let (_, mut around) = self.split();
        let behaviour = around.task_definitions.behaviour_alone(task_definition, started, around.scenario);
        let constraints = asked["placementConstraints"].as_array().cloned().unwrap_or_default();
        around.place(cluster, task_definition, &constraints)?;
        let belongs = Belongs {
            service_arn: NO_SERVICE,
            cluster,
            deployment: asked["startedBy"].as_str().unwrap_or_default(),
            revision: "",
            task_definition,
            grace: Duration::ZERO,
            constraints: &constraints,
        };
        let task = Task::start(&belongs, behaviour, &mut around);
        let arn = task.arn.clone();
        around.fact(Happening::TaskStarted { task: arn.clone(), deployment: task.deployment.clone() });
        self.one_offs.push(OneOff { cluster: cluster.to_owned(), task, asked: asked.clone() });
        Ok(arn)
    }

    /// Takes a step of a task without a service.
    pub(crate) fn one_off_step(&mut self, id: &str, step: Step) {
        self.with_one_off(id, |task, around| match task.pass(step, NO_SERVICE, around) {
            Passed::Unhealthy { reason, .. } => {
                task.end(Stop { code: "EssentialContainerExited", reason, failed: true }, NO_SERVICE, around);
            }
            Passed::Stopped => {
                let Some(stop) = task.stop.clone() else { return };
                around.fact(Happening::TaskStopped {
                    task: task.arn.clone(),
                    deployment: task.deployment.clone(),
                    reason: stop.reason,
                    failed: stop.failed,
                });
            }
            Passed::Nothing | Passed::Changed => {}
        });
    }

    /// Somebody stops it. A task that stops already is stopped.
    pub(crate) fn stop_one_off(&mut self, id: &str, reason: &str) {
        let reason = if reason.is_empty() { "Task stopped by user" } else { reason }.to_owned();
        self.with_one_off(id, |task, around| {
            if task.live() {
                task.end(Stop { code: "UserInitiated", reason, failed: false }, NO_SERVICE, around);
            }
        });
    }

    fn with_one_off(&mut self, id: &str, act: impl FnOnce(&mut Task, &mut Surroundings<'_>)) {
        let mut one_offs = std::mem::take(&mut self.one_offs);
        let (_, mut around) = self.split();
        if let Some(one) = one_offs.iter_mut().find(|one| one.task.id == id) {
            act(&mut one.task, &mut around);
        }
        self.one_offs = one_offs;
    }

    pub(crate) fn visible_one_offs<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a OneOff> {
        self.one_offs.iter().filter(move |one| one.cluster == cluster && one.task.remembered(self.now))
    }
}
