//! The calls to Amazon ECS that read.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    DesiredStatus, ServiceDeploymentBrief, ServiceDeploymentStatus as SdkStatus, SortOrder, TaskDefinitionField,
    TaskDefinitionStatus,
};

use super::{Service, ServiceDeployment, StoppedTask};
use crate::aws::document::AnswerBytes;
use crate::aws::retry::without_quota;
use crate::aws::{CallError, Operation};
use crate::spec::TaskDefinition;
use crate::text::last_part;

/// The most tasks that one DescribeTasks takes.
const TASKS_A_CALL: i32 = 100;

/// Calls to Amazon ECS that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) client: Client,
    region: String,
}

/// What a deployment brought, or was to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The ARN of the service revision.
    pub revision: String,
    /// Whether it came to a good end.
    pub is_successful: bool,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let config = aws_sdk_ecs::config::Builder::from(config).retry_partition(without_quota("reader")).build();
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Self { client: Client::from_conf(config), region }
    }

    /// [DescribeServices](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html) for one
    /// service.
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`](crate::aws::CallErrorKind::NotFound) when AWS lists it as `MISSING`.
    pub async fn describe_service(&self, cluster: &str, service: &str) -> Result<Service, CallError> {
        const OPERATION: Operation = Operation::DescribeServices;
        let bytes = AnswerBytes::default();
        let answer = self
            .client
            .describe_services()
            .cluster(cluster)
            .services(service)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        if let Some(service) = answer.services().first() {
            let document = bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?;
            return Ok(Service::from(service).with_document(&document["services"][0]));
        }
        let reason = answer.failures().first().and_then(|failure| failure.reason()).unwrap_or("MISSING");
        let region = &self.region;
        let explanation = format!("there is no service {service} in cluster {cluster} of region {region} ({reason})");
        Err(CallError::not_found(OPERATION, explanation))
    }

    /// The names of the services of a cluster, at most a hundred: for the error that tells which service was meant.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn list_services(&self, cluster: &str) -> Result<Vec<String>, CallError> {
        let answer = self
            .client
            .list_services()
            .cluster(cluster)
            .max_results(100)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::ListServices, error))?;
        Ok(answer.service_arns().iter().map(|arn| last_part(arn).to_owned()).collect())
    }

    /// [DescribeServiceDeployments](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html)
    /// for one; `None` when AWS does not list it.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn describe_service_deployment(&self, arn: &str) -> Result<Option<ServiceDeployment>, CallError> {
        let answer = self
            .client
            .describe_service_deployments()
            .service_deployment_arns(arn)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeServiceDeployments, error))?;
        Ok(answer.service_deployments().first().map(ServiceDeployment::from))
    }

    /// What deployments of the service brought, or were to bring, newest first. AWS keeps them for 90 days.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn list_service_deployments(&self, cluster: &str, service: &str) -> Result<Vec<Brought>, CallError> {
        const OPERATION: Operation = Operation::ListServiceDeployments;
        let mut briefs = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_service_deployments()
                .cluster(cluster)
                .service(service)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(OPERATION, error))?;
            briefs.extend_from_slice(answer.service_deployments());
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        // The API reference promises no order.
        briefs.sort_by_key(|brief| std::cmp::Reverse(brief.created_at().and_then(|at| at.to_millis().ok())));
        let brought = |brief: &ServiceDeploymentBrief| {
            let is_successful = brief.status() == Some(&SdkStatus::Successful);
            Some(Brought { revision: brief.target_service_revision_arn()?.to_owned(), is_successful })
        };
        Ok(briefs.iter().filter_map(brought).collect())
    }

    /// The task definition of each of up to 20 service revisions, in the order of the question where AWS knows them.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn task_definitions_of_revisions(&self, arns: &[String]) -> Result<Vec<String>, CallError> {
        let answer = self
            .client
            .describe_service_revisions()
            .set_service_revision_arns(Some(arns.to_vec()))
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeServiceRevisions, error))?;
        Ok(arns
            .iter()
            .filter_map(|arn| {
                let revision =
                    answer.service_revisions().iter().find(|revision| revision.service_revision_arn() == Some(arn))?;
                revision.task_definition().map(str::to_owned)
            })
            .collect())
    }

    /// [DescribeTaskDefinition](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html),
    /// tags included, by ARN, `family:revision`, or `family` for its newest active revision. Members that the SDK does not
    /// know are there too.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn describe_task_definition(&self, name: &str) -> Result<TaskDefinition, CallError> {
        const OPERATION: Operation = Operation::DescribeTaskDefinition;
        let bytes = AnswerBytes::default();
        self.client
            .describe_task_definition()
            .task_definition(name)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let mut answer = bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?;
        let (document, tags) = (answer["taskDefinition"].take(), answer["tags"].take());
        TaskDefinition::from_described(document, Some(tags)).map_err(|error| CallError::unreadable(OPERATION, error))
    }

    /// The ARNs of the active revisions of a family, newest first, `most` at the most.
    /// [ListTaskDefinitions](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html) gives a
    /// hundred a page.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn list_active_revisions(&self, family: &str, most: usize) -> Result<Vec<String>, CallError> {
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_task_definitions()
                .family_prefix(family)
                .status(TaskDefinitionStatus::Active)
                .sort(SortOrder::Desc)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListTaskDefinitions, error))?;
            arns.extend_from_slice(answer.task_definition_arns());
            token = answer.next_token().map(str::to_owned);
            if token.is_none() || arns.len() >= most {
                arns.truncate(most);
                return Ok(arns);
            }
        }
    }

    /// Tasks of a service, by its name, that stopped lately (AWS shows them for about an hour), at most a hundred.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn stopped_tasks(&self, cluster: &str, service: &str) -> Result<Vec<StoppedTask>, CallError> {
        let listed = self
            .client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(DesiredStatus::Stopped)
            .max_results(TASKS_A_CALL)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::ListTasks, error))?;
        if listed.task_arns().is_empty() {
            return Ok(Vec::new());
        }
        let described = self
            .client
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(listed.task_arns().to_vec()))
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeTasks, error))?;
        // A task that is meant to stop and has not yet may still exit with a code of its own.
        Ok(described
            .tasks()
            .iter()
            .filter(|task| task.last_status() == Some("STOPPED"))
            .map(StoppedTask::from)
            .collect())
    }
}
