//! The calls to Amazon ECS that change something.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, StopServiceDeploymentStopType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Service;
use crate::aws::document::{AnswerBytes, replace_body};
use crate::aws::{CallError, Operation};
use crate::spec::TaskDefinition;

/// Calls to Amazon ECS that change something. Each is sent once: after a failure only the caller can know whether the
/// change was made, and looks before it sends again.
#[derive(Debug, Clone)]
pub struct Writer {
    pub(super) client: Client,
}

/// What UpdateService shall change, in the form of the request. What is `None` is not sent, and what is not sent stays as it
/// is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceUpdate {
    /// The ARN of a task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// Tasks that should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<i32>,
    /// Start new tasks even when nothing differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_new_deployment: Option<bool>,
    /// Whether ECS tags the tasks.
    #[serde(rename = "enableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// `TASK_DEFINITION`, `SERVICE` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<String>,
    /// Whether ECS Exec can be used in new tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// The volumes that ECS makes for each task: the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_configurations: Option<Vec<Value>>,
    /// The network of new tasks: the whole of it, as a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Value>,
    /// How ECS carries deployments out: the whole of it, as a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<Value>,
}

impl ServiceUpdate {
    /// Whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Writer {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let once = aws_sdk_ecs::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once) }
    }

    /// [RegisterTaskDefinition](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html)
    /// with the document itself as the request's body. Answers the revision as it was registered.
    ///
    /// Not idempotent: every success makes a revision, which does nothing until a service uses it.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn register_task_definition(&self, document: &TaskDefinition) -> Result<TaskDefinition, CallError> {
        const OPERATION: Operation = Operation::RegisterTaskDefinition;
        let bytes = AnswerBytes::default();
        self.client
            .register_task_definition()
            .customize()
            .mutate_request(replace_body(document.register_input().to_string()))
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let mut answer = bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?;
        let (document, tags) = (answer["taskDefinition"].take(), answer["tags"].take());
        TaskDefinition::from_described(document, Some(tags)).map_err(|error| CallError::unreadable(OPERATION, error))
    }

    /// [DeregisterTaskDefinition](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html).
    /// Idempotent: a revision can be deregistered again.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn deregister_task_definition(&self, arn: &str) -> Result<(), CallError> {
        self.client
            .deregister_task_definition()
            .task_definition(arn)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DeregisterTaskDefinition, error))?;
        Ok(())
    }

    /// [UpdateService](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html) with the members
    /// of `update` and no others. Answers the service as it is right after.
    ///
    /// Idempotent unless `force_new_deployment` is set: the same task definition again starts no second deployment.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn update_service(
        &self,
        cluster: &str,
        service: &str,
        update: &ServiceUpdate,
    ) -> Result<Service, CallError> {
        const OPERATION: Operation = Operation::UpdateService;
        /// The request's body: a document, so that members arrive that the SDK does not know.
        #[derive(Serialize)]
        struct Request<'a> {
            cluster: &'a str,
            service: &'a str,
            #[serde(flatten)]
            update: &'a ServiceUpdate,
        }
        let bytes = AnswerBytes::default();
        let body = Request { cluster, service, update };
        let body = serde_json::to_string(&body).map_err(|error| CallError::unreadable(OPERATION, error))?;
        let answer = self
            .client
            .update_service()
            // The SDK wants to see one that is named.
            .service(service)
            .customize()
            .mutate_request(replace_body(body))
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let service =
            answer.service().ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no service"))?;
        let document = bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?;
        Ok(Service::from(service).with_document(&document["service"]))
    }

    /// [StopServiceDeployment](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html)
    /// with `ROLLBACK`: ECS goes back to the service revision that the deployment replaces.
    ///
    /// Idempotent while the deployment is in flight; a finished one is a conflict.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn roll_back_service_deployment(&self, arn: &str) -> Result<(), CallError> {
        self.client
            .stop_service_deployment()
            .service_deployment_arn(arn)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::StopServiceDeployment, error))?;
        Ok(())
    }

    /// [ContinueServiceDeployment](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html)
    /// with `CONTINUE`: the deployment goes on from the pause `hook`.
    ///
    /// Not idempotent: a hook that awaits no action any more is an error.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn continue_service_deployment(&self, arn: &str, hook: &str) -> Result<(), CallError> {
        self.client
            .continue_service_deployment()
            .service_deployment_arn(arn)
            .hook_id(hook)
            .action(DeploymentLifecycleHookAction::Continue)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::ContinueServiceDeployment, error))?;
        Ok(())
    }
}
