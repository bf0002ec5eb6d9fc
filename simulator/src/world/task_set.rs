//! Task sets: what a service of the controller CODE_DEPLOY has in the place of deployments. AWS CodeDeploy makes them, gives
//! one of them the traffic, and removes them; the scheduler keeps each of them at the desired count.
//!
//! A task set's book-keeping (tasks that were started, pauses after failures) is that of an entry in `deployments` with the
//! same id, which no answer shows.

use serde_json::{Value, json};

use super::Surroundings;
use super::deployment::Deployment;
use super::service::Service;
use super::task::{State, Task};

/// One task set.
#[derive(Clone, Debug)]
pub(crate) struct TaskSet {
    /// `ecs-svc/...`, which tasks name as who started them.
    pub(crate) id: String,
    /// The id of the CodeDeploy deployment that made it (API reference, TaskSet.externalId).
    pub(crate) external_id: Option<String>,
    /// Whether it serves production traffic.
    pub(crate) primary: bool,
    /// Whether it is being removed.
    pub(crate) draining: bool,
}

impl TaskSet {
    fn status(&self) -> &'static str {
        match (self.draining, self.primary) {
            (true, _) => "DRAINING",
            (false, true) => "PRIMARY",
            (false, false) => "ACTIVE",
        }
    }
}

impl Service {
    /// Whether AWS CodeDeploy deploys this service.
    pub(crate) fn has_task_sets(&self) -> bool {
        self.controller == "CODE_DEPLOY"
    }

    /// Makes what the service has when the world starts a task set.
    pub(crate) fn adopt_task_set(&mut self) {
        let Some(deployment) = self.deployments.first() else { return };
        let id = deployment.id.clone();
        self.task_sets.push(TaskSet { id, external_id: None, primary: true, draining: false });
    }

    /// Adds a task set without traffic, and gives its id.
    pub(crate) fn create_task_set(
        &mut self,
        task_definition: &str,
        external_id: &str,
        around: &mut Surroundings<'_>,
    ) -> String {
        let id = format!("ecs-svc/{}", around.identity.digits());
        let revision = self.revise(task_definition, around);
        let mut deployment = Deployment::new(id.clone(), &revision, task_definition, "", around.now);
        deployment.begun = true;
        self.deployments.push(deployment);
        let external_id = Some(external_id.to_owned());
        self.task_sets.push(TaskSet { id: id.clone(), external_id, primary: false, draining: false });
        self.look(around);
        id
    }

    pub(crate) fn primary_task_set(&self) -> Option<&TaskSet> {
        self.task_sets.iter().find(|set| set.primary)
    }

    /// Gives a task set the traffic. "Any parameters that are updated on the primary task set in a service will transition to
    /// the service" (API reference, UpdateServicePrimaryTaskSet).
    pub(crate) fn make_primary(&mut self, id: &str) {
        for set in &mut self.task_sets {
            set.primary = set.id == id;
        }
        if let Some(deployment) = self.deployments.iter().find(|deployment| deployment.id == id) {
            self.task_definition.clone_from(&deployment.task_definition);
        }
    }

    /// Begins to remove a task set.
    pub(crate) fn drain_task_set(&mut self, id: &str, around: &mut Surroundings<'_>) {
        for set in self.task_sets.iter_mut().filter(|set| set.id == id) {
            set.draining = true;
            set.primary = false;
        }
        self.look(around);
    }

    pub(crate) fn has_task_set(&self, id: &str) -> bool {
        self.task_sets.iter().any(|set| set.id == id)
    }

    /// Whether all tasks of a task set run and count as healthy.
    pub(crate) fn is_steady(&self, id: &str) -> bool {
        let counted = |task: &&Task| task.deployment == id && task.state == State::Running && task.counted;
        self.tasks.iter().filter(counted).count() == self.desired
            && self.tasks.iter().filter(|task| task.deployment == id && task.live()).count() == self.desired
    }

    /// One look of the scheduler at every task set.
    pub(super) fn look_at_task_sets(&mut self, around: &mut Surroundings<'_>) {
        for set in self.task_sets.clone() {
            let live: Vec<String> = self
                .tasks
                .iter()
                .filter(|task| task.live() && task.deployment == set.id)
                .map(|task| task.id.clone())
                .collect();
            let wanted = if set.draining { 0 } else { self.desired };
            if live.len() > wanted {
                self.stop_all(&live[wanted..], &set.id, around);
            } else {
                self.start_tasks_of(&set.id, wanted - live.len(), around);
            }
        }
        let tasks = &self.tasks;
        self.task_sets.retain(|set| !set.draining || tasks.iter().any(|task| task.deployment == set.id));
        let sets = &self.task_sets;
        self.deployments.retain(|deployment| sets.iter().any(|set| set.id == deployment.id));
        self.tell_of_steady_state(around);
    }

    fn tell_of_steady_state(&mut self, around: &mut Surroundings<'_>) {
        let steady = self.task_sets.iter().all(|set| !set.draining && self.is_steady(&set.id));
        if steady && !self.steady {
            self.say("has reached a steady state.", around);
        }
        self.steady = steady;
    }

    /// As DescribeServices shows them, the one with the traffic first.
    pub(crate) fn task_sets_document(&self, around: &Surroundings<'_>) -> Value {
        let mut sets: Vec<&TaskSet> = self.task_sets.iter().collect();
        sets.sort_by_key(|set| !set.primary);
        sets.into_iter()
            .filter_map(|set| {
                let deployment = self.deployments.iter().find(|deployment| deployment.id == set.id)?;
                let (running, pending) = self.counts(&set.id);
                let digits = set.id.rsplit('/').next().unwrap_or_default();
                let path = format!("task-set/{}/{}/ecs-svc/{digits}", self.cluster, self.name);
                let steady = !set.draining && self.is_steady(&set.id);
                let mut document = json!({
                    "id": set.id,
                    "taskSetArn": around.scenario.arn(&path),
                    "serviceArn": self.arn,
                    "clusterArn": self.cluster_arn,
                    "status": set.status(),
                    "taskDefinition": deployment.task_definition,
                    "computedDesiredCount": if set.draining { 0 } else { self.desired },
                    "runningCount": running,
                    "pendingCount": pending,
                    "createdAt": around.timestamp(deployment.created_at),
                    "updatedAt": around.timestamp(deployment.updated_at),
                    "launchType": "FARGATE",
                    "scale": {"unit": "PERCENT", "value": if set.draining { 0.0 } else { 100.0 }},
                    "stabilityStatus": if steady { "STEADY_STATE" } else { "STABILIZING" },
                    "startedBy": "CODE_DEPLOY",
                });
                if let Some(id) = &set.external_id {
                    document["externalId"] = json!(id);
                }
                Some(document)
            })
            .collect()
    }

    /// The tasks of a task set that run, and those that are on their way.
    pub(crate) fn counts(&self, id: &str) -> (usize, usize) {
        let mine = || self.tasks.iter().filter(|task| task.deployment == id);
        (
            mine().filter(|task| task.state == State::Running).count(),
            mine().filter(|task| task.state < State::Running).count(),
        )
    }
}
