//! The calls to AWS CodeDeploy that change something.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::types::{AlarmConfiguration, AppSpecContent, RevisionLocation, RevisionLocationType};
use serde::{Deserialize, Serialize};

use crate::aws::{CallError, Operation};

/// Calls to AWS CodeDeploy that change something. Each is sent once: after a failure only the caller can know whether the
/// change was made, and looks before it sends again.
#[derive(Debug, Clone)]
pub struct Writer {
    client: Client,
}

/// A deployment to create. What is `None` is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeployment {
    /// The application's name.
    pub application: String,
    /// The deployment group's name.
    pub group: String,
    /// The name of the deployment configuration that takes the place of the group's.
    pub config: Option<String>,
    /// Whether the group's alarms are switched off for it, so that one that is in ALARM already does not stop it. It takes the
    /// permission UpdateDeploymentGroup.
    #[serde(default)]
    pub ignores_alarms: bool,
    /// At most 512 characters.
    pub description: Option<String>,
    /// The AppSpec, as JSON.
    pub appspec: String,
    /// Its SHA-256 in hexadecimal digits, by which AWS and this program know it again.
    pub sha256: String,
}

impl Writer {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let once = aws_sdk_codedeploy::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once) }
    }

    /// [CreateDeployment](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html). Answers the
    /// deployment's id.
    ///
    /// Not idempotent, but a group has at most one deployment at a time.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create(&self, deployment: &NewDeployment) -> Result<String, CallError> {
        const OPERATION: Operation = Operation::CreateDeployment;
        let content = AppSpecContent::builder().content(&deployment.appspec).sha256(&deployment.sha256).build();
        let revision = RevisionLocation::builder()
            .revision_type(RevisionLocationType::AppSpecContent)
            .app_spec_content(content)
            .build();
        let answer = self
            .client
            .create_deployment()
            .application_name(&deployment.application)
            .deployment_group_name(&deployment.group)
            .set_deployment_config_name(deployment.config.clone())
            .set_description(deployment.description.clone())
            .set_override_alarm_configuration(
                deployment.ignores_alarms.then(|| AlarmConfiguration::builder().enabled(false).build()),
            )
            .revision(revision)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let id = answer.deployment_id().map(str::to_owned);
        id.ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no deployment id"))
    }

    /// [StopDeployment](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_StopDeployment.html) with rollback:
    /// CodeDeploy gives the traffic back to the old tasks, by a deployment of its own.
    ///
    /// Idempotent while the deployment is in flight; one that is over is a conflict.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn roll_back(&self, id: &str) -> Result<(), CallError> {
        self.client
            .stop_deployment()
            .deployment_id(id)
            .auto_rollback_enabled(true)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::StopDeployment, error))?;
        Ok(())
    }
}
