//! A deployment: an entry of a service's `deployments`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Service, Surroundings};

/// One deployment. The newest of a service is its PRIMARY one.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) revision: String,
    pub(crate) task_definition: String,
    pub(crate) state: RolloutState,
    pub(crate) reason: String,
    /// Whether it has left PENDING; until then it starts no tasks.
    pub(crate) begun: bool,
    /// The service deployment that it carries out, and whether by rolling back.
    pub(crate) service_deployment: String,
    pub(crate) rollback: bool,
    pub(crate) created_at: Duration,
    pub(crate) updated_at: Duration,
    /// Failures since the last task that became healthy.
    pub(crate) failed: usize,
    /// Tasks in a row that ended before they ran; the scheduler slows down with them.
    pub(crate) failed_to_start: u32,
    /// The scheduler starts no task before this moment.
    pub(crate) hold_until: Duration,
    /// How many tasks it has started so far.
    pub(crate) started: usize,
    /// Whether it has said that the limits of the service block it.
    pub(crate) complained: bool,
    /// Since when everything is as it should be, while the bake time runs.
    pub(crate) baking_since: Option<Duration>,
}

/// `rolloutState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

impl RolloutState {
    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl Deployment {
    pub(crate) fn new(
        id: String,
        revision: &str,
        task_definition: &str,
        service_deployment: &str,
        now: Duration,
    ) -> Self {
        Self {
            reason: format!("ECS deployment {id} in progress."),
            id,
            revision: revision.to_owned(),
            task_definition: task_definition.to_owned(),
            state: RolloutState::InProgress,
            begun: false,
            service_deployment: service_deployment.to_owned(),
            rollback: false,
            created_at: now,
            updated_at: now,
            failed: 0,
            failed_to_start: 0,
            hold_until: Duration::ZERO,
            started: 0,
            complained: false,
            baking_since: None,
        }
    }

    pub(crate) fn turn(&mut self, state: RolloutState, reason: String, now: Duration) {
        self.state = state;
        self.reason = reason;
        self.updated_at = now;
    }

    /// As DescribeServices shows it.
    pub(crate) fn document(&self, service: &Service, primary: bool, around: &Surroundings<'_>) -> Value {
        let mine = || service.tasks.iter().filter(|task| task.deployment == self.id);
        let running = mine().filter(|task| task.state == super::task::State::Running).count();
        let pending = mine().filter(|task| task.state < super::task::State::Running).count();
        let mut document = json!({
            "id": self.id,
            "status": if primary { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": self.task_definition,
            // A deployment that is being replaced wants what it still has.
            "desiredCount": if primary { service.desired } else { running + pending },
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": self.failed,
            "createdAt": around.timestamp(self.created_at),
            "updatedAt": around.timestamp(self.updated_at),
            "launchType": service.settings.get("launchType").cloned().unwrap_or_else(|| json!("FARGATE")),
            "rolloutState": self.state.name(),
            "rolloutStateReason": self.reason,
        });
        for member in ["networkConfiguration", "platformVersion", "capacityProviderStrategy", "volumeConfigurations"] {
            if let Some(value) = service.revision(&self.revision).and_then(|revision| revision.settings.get(member)) {
                document[member] = value.clone();
            }
        }
        document
    }
}
