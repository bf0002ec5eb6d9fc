//! One-off tasks: RunTask, StopTask, and what becomes of a task.

use aws_sdk_ecs::types as sdk;
use serde_json::{Map, Value};

use super::{Reader, StoppedTask, Writer};
use crate::aws::document::replace_body;
use crate::aws::{CallError, Operation};

/// A task at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Its ARN.
    pub arn: String,
    /// `PROVISIONING`, `PENDING`, `RUNNING`, `STOPPED` and what lies between.
    pub status: String,
    /// How it stopped, as far as it has.
    pub end: StoppedTask,
}

impl Task {
    /// Whether it is over.
    pub fn is_stopped(&self) -> bool {
        self.status == "STOPPED"
    }
}

impl From<&sdk::Task> for Task {
    fn from(task: &sdk::Task) -> Self {
        Self {
            arn: task.task_arn().unwrap_or_default().to_owned(),
            status: task.last_status().unwrap_or_default().to_owned(),
            end: task.into(),
        }
    }
}

/// What RunTask did.
#[derive(Debug, Clone, Default)]
pub struct Started {
    /// The tasks that ECS placed.
    pub tasks: Vec<Task>,
    /// Why it placed no more, a reason for each task that is missing.
    pub failures: Vec<String>,
}

impl Writer {
    /// [RunTask](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html) with `request` itself as the
    /// body.
    ///
    /// Idempotent by the request's `clientToken`: the same request again answers the tasks that the first one started.
    ///
    /// # Errors
    /// As AWS answers. A cluster without room is an answer, not an error.
    pub async fn run_task(&self, request: &Map<String, Value>) -> Result<Started, CallError> {
        let body = Value::Object(request.clone()).to_string();
        let answer = self
            .client
            .run_task()
            // Both are in the body; the SDK wants the one and would make up the other.
            .task_definition("")
            .client_token("")
            .customize()
            .mutate_request(replace_body(body))
            .send()
            .await
            .map_err(|error| CallError::new(Operation::RunTask, error))?;
        let reason = |failure: &sdk::Failure| {
            let told = [failure.reason(), failure.detail()];
            told.into_iter().flatten().collect::<Vec<_>>().join(": ")
        };
        Ok(Started {
            tasks: answer.tasks().iter().map(Task::from).collect(),
            failures: answer.failures().iter().map(reason).collect(),
        })
    }

    /// [StopTask](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html). Idempotent.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn stop_task(&self, cluster: &str, task: &str, reason: &str) -> Result<(), CallError> {
        self.client
            .stop_task()
            .cluster(cluster)
            .task(task)
            .reason(reason)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::StopTask, error))?;
        Ok(())
    }
}

impl Reader {
    /// [DescribeTasks](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html) for up to a hundred
    /// tasks; those that ECS does not know (yet, or any more) are missing.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn describe_tasks(&self, cluster: &str, tasks: &[String]) -> Result<Vec<Task>, CallError> {
        let answer = self
            .client
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(tasks.to_vec()))
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeTasks, error))?;
        Ok(answer.tasks().iter().map(Task::from).collect())
    }

    /// The ARNs of the tasks that carry this `startedBy`, running or stopped lately.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn tasks_started_by(&self, cluster: &str, started_by: &str) -> Result<Vec<String>, CallError> {
        let mut found = Vec::new();
        for status in [sdk::DesiredStatus::Running, sdk::DesiredStatus::Stopped] {
            let answer = self
                .client
                .list_tasks()
                .cluster(cluster)
                .started_by(started_by)
                .desired_status(status)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListTasks, error))?;
            found.extend_from_slice(answer.task_arns());
        }
        Ok(found)
    }
}
