//! What else runs in a cluster.

use aws_sdk_ecs::types::DesiredStatus;

use super::Reader;
use crate::aws::{CallError, Operation};

/// The most that one call of DescribeTasks, and of DescribeServices, takes.
const TASKS_A_CALL: usize = 100;
const SERVICES_A_CALL: usize = 10;

/// A task of a service that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningTask {
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Its containers.
    pub containers: Vec<RunningContainer>,
}

/// A container of a task that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningContainer {
    /// Its name in the task definition.
    pub name: String,
    /// The image, as the task definition has it.
    pub image: String,
    /// The digest that was pulled, once AWS tells it.
    pub digest: Option<String>,
}

impl Reader {
    /// The tasks of a service, by its name, that run.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn running_tasks(&self, cluster: &str, service: &str) -> Result<Vec<RunningTask>, CallError> {
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let listed = self
                .client
                .list_tasks()
                .cluster(cluster)
                .service_name(service)
                .desired_status(DesiredStatus::Running)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListTasks, error))?;
            arns.extend_from_slice(listed.task_arns());
            token = listed.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        let mut tasks = Vec::new();
        for arns in arns.chunks(TASKS_A_CALL) {
            let described = self
                .client
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns.to_vec()))
                .send()
                .await
                .map_err(|error| CallError::new(Operation::DescribeTasks, error))?;
            let running = described.tasks().iter().filter(|task| task.last_status() == Some("RUNNING"));
            tasks.extend(running.map(|task| {
                RunningTask {
                    task_definition: task.task_definition_arn().unwrap_or_default().to_owned(),
                    containers: task
                        .containers()
                        .iter()
                        .map(|container| RunningContainer {
                            name: container.name().unwrap_or_default().to_owned(),
                            image: container.image().unwrap_or_default().to_owned(),
                            digest: container.image_digest().map(str::to_owned),
                        })
                        .collect(),
                }
            }));
        }
        Ok(tasks)
    }

    /// The ARNs of all task definitions that services of the cluster are set to, come from or go to; `None` when there are
    /// more than `most` services.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn task_definitions_in_use(&self, cluster: &str, most: usize) -> Result<Option<Vec<String>>, CallError> {
        let mut services = Vec::new();
        let mut token = None;
        loop {
            let listed = self
                .client
                .list_services()
                .cluster(cluster)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListServices, error))?;
            services.extend_from_slice(listed.service_arns());
            token = listed.next_token().map(str::to_owned);
            if services.len() > most {
                return Ok(None);
            }
            if token.is_none() {
                break;
            }
        }
        let mut in_use = Vec::new();
        for services in services.chunks(SERVICES_A_CALL) {
            let described = self
                .client
                .describe_services()
                .cluster(cluster)
                .set_services(Some(services.to_vec()))
                .send()
                .await
                .map_err(|error| CallError::new(Operation::DescribeServices, error))?;
            for service in described.services() {
                let of_deployments = service.deployments().iter().filter_map(|deployment| deployment.task_definition());
                let of_task_sets = service.task_sets().iter().filter_map(|set| set.task_definition());
                let all = service.task_definition().into_iter().chain(of_deployments).chain(of_task_sets);
                in_use.extend(all.map(str::to_owned));
            }
        }
        Ok(Some(in_use))
    }
}
