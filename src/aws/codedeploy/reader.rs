//! The calls to AWS CodeDeploy that read.

use aws_config::SdkConfig;
use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::types::{AppSpecContent, DeploymentStatus, RevisionLocation, RevisionLocationType};

use super::{Deployment, Group, Target};
use crate::aws::retry::without_quota;
use crate::aws::{CallError, CallErrorKind, Operation};

/// Calls to AWS CodeDeploy that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let config = aws_sdk_codedeploy::config::Builder::from(config)
            .retry_partition(without_quota("codedeploy-reader"))
            .build();
        Self { client: Client::from_conf(config) }
    }

    /// [GetDeploymentGroup](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeploymentGroup.html).
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn group(&self, application: &str, group: &str) -> Result<Group, CallError> {
        const OPERATION: Operation = Operation::GetDeploymentGroup;
        let answer = self
            .client
            .get_deployment_group()
            .application_name(application)
            .deployment_group_name(group)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let group = answer.deployment_group_info();
        group.map(Group::from).ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no deployment group"))
    }

    /// [GetDeployment](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html).
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn deployment(&self, id: &str) -> Result<Deployment, CallError> {
        const OPERATION: Operation = Operation::GetDeployment;
        let answer = self
            .client
            .get_deployment()
            .deployment_id(id)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let deployment = answer.deployment_info();
        deployment
            .map(Deployment::from)
            .ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no deployment"))
    }

    /// [BatchGetDeploymentTargets](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_BatchGetDeploymentTargets.html)
    /// for the one target of a deployment to Amazon ECS, `<cluster>:<service>`; `None` before the deployment has one.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn target(&self, deployment: &str, target: &str) -> Result<Option<Target>, CallError> {
        let answer = self
            .client
            .batch_get_deployment_targets()
            .deployment_id(deployment)
            .target_ids(target)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::BatchGetDeploymentTargets, error));
        match answer {
            Ok(answer) => {
                Ok(answer.deployment_targets().iter().find_map(|target| target.ecs_target()).map(Target::from))
            }
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of the ids of the group's deployments, only of the successful ones if so wished, and the token of the next page;
    /// [ListDeployments](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ListDeployments.html) promises no order,
    /// and gives the newest first.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn deployments(
        &self,
        application: &str,
        group: &str,
        are_successful: bool,
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), CallError> {
        let answer = self
            .client
            .list_deployments()
            .application_name(application)
            .deployment_group_name(group)
            .set_include_only_statuses(are_successful.then(|| vec![DeploymentStatus::Succeeded]))
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::ListDeployments, error))?;
        Ok((answer.deployments().to_vec(), answer.next_token().map(str::to_owned)))
    }

    /// The content of an AppSpec, by its SHA-256:
    /// [GetApplicationRevision](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetApplicationRevision.html).
    /// GetDeployment always leaves it out.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn appspec(&self, application: &str, sha256: &str) -> Result<Option<String>, CallError> {
        let revision = RevisionLocation::builder()
            .revision_type(RevisionLocationType::AppSpecContent)
            .app_spec_content(AppSpecContent::builder().sha256(sha256).build())
            .build();
        let answer = self
            .client
            .get_application_revision()
            .application_name(application)
            .revision(revision)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::GetApplicationRevision, error))?;
        Ok(answer
            .revision()
            .and_then(|revision| revision.app_spec_content())
            .and_then(|content| content.content())
            .map(str::to_owned))
    }
}
