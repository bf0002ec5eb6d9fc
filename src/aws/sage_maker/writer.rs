//! The calls to Amazon SageMaker that change something.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sagemaker::{Client, types};
use serde_json::Value;

use super::Document;
use crate::aws::document::replace_body;
use crate::aws::{CallError, Operation};
use crate::spec::Tag;

/// Calls to Amazon SageMaker that change something. Each is sent once: after a failure only the caller can know whether the
/// change was made, and looks before it sends again.
#[derive(Debug, Clone)]
pub struct Writer {
    client: Client,
}

impl Writer {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let once = aws_sdk_sagemaker::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once) }
    }

    /// [CreateModel](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html) with the document itself as
    /// the request's body.
    ///
    /// Not idempotent: a name is taken once, which is a conflict the second time.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create_model(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.create_model().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::CreateModel, error))
    }

    /// [CreateEndpointConfig](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html), as
    /// [`Writer::create_model`].
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create_endpoint_config(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.create_endpoint_config().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::CreateEndpointConfig, error))
    }

    /// [CreateEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html), as
    /// [`Writer::create_model`].
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create_endpoint(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.create_endpoint().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::CreateEndpoint, error))
    }

    /// [UpdateEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html).
    ///
    /// Idempotent while the update is on its way: the second one is a conflict.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn update_endpoint(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.update_endpoint().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::UpdateEndpoint, error))
    }

    /// [DeleteEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpoint.html). Idempotent: one that
    /// is gone is not found.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_endpoint(&self, name: &str) -> Result<(), CallError> {
        let call = self.client.delete_endpoint().endpoint_name(name);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::DeleteEndpoint, error))
    }

    /// [DeleteEndpointConfig](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html), which
    /// SageMaker does for one that is in use, too. Idempotent: one that is gone is not found.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_endpoint_config(&self, name: &str) -> Result<(), CallError> {
        let call = self.client.delete_endpoint_config().endpoint_config_name(name);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::DeleteEndpointConfig, error))
    }

    /// [DeleteModel](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModel.html), as
    /// [`Writer::delete_endpoint_config`].
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_model(&self, name: &str) -> Result<(), CallError> {
        let call = self.client.delete_model().model_name(name);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::DeleteModel, error))
    }

    /// [AddTags](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html). Idempotent.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn add_tags(&self, arn: &str, tags: &[Tag]) -> Result<(), CallError> {
        let tags = tags.iter().map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build()).collect();
        let call = self.client.add_tags().resource_arn(arn).set_tags(Some(tags));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::AddTags, error))
    }

    /// [DeleteTags](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteTags.html). Idempotent: keys that are not
    /// there are nothing to delete.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_tags(&self, arn: &str, keys: &[String]) -> Result<(), CallError> {
        let call = self.client.delete_tags().resource_arn(arn).set_tag_keys(Some(keys.to_vec()));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::DeleteTags, error))
    }

    /// [CreateModelPackageGroup](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html), as
    /// [`Writer::create_model`].
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create_model_package_group(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.create_model_package_group().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::CreateModelPackageGroup, error))
    }

    /// [DeleteModelPackageGroup](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModelPackageGroup.html), which
    /// SageMaker does only for one that is empty. Idempotent: one that is gone is not found.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn delete_model_package_group(&self, name: &str) -> Result<(), CallError> {
        let call = self.client.delete_model_package_group().model_package_group_name(name);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::DeleteModelPackageGroup, error))
    }

    /// Makes a version of a model package group and gives its ARN.
    ///
    /// [CreateModelPackage](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html), idempotent by the
    /// `ClientToken` in the request for as long as AWS remembers it.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn create_model_package(&self, request: &Document) -> Result<String, CallError> {
        const OPERATION: Operation = Operation::CreateModelPackage;
        let call = self.client.create_model_package().customize().mutate_request(body(request));
        let answer = call.send().await.map_err(|error| CallError::new(OPERATION, error))?;
        let nameless = || CallError::unreadable(OPERATION, "the answer has no ModelPackageArn");
        answer.model_package_arn().map(str::to_owned).ok_or_else(nameless)
    }

    /// [UpdateModelPackage](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html). Idempotent: it
    /// sets what the request names.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn update_model_package(&self, request: &Document) -> Result<(), CallError> {
        let call = self.client.update_model_package().customize().mutate_request(body(request));
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::UpdateModelPackage, error))
    }
}

fn body(
    request: &Document,
) -> impl Fn(&mut aws_smithy_runtime_api::client::orchestrator::HttpRequest) + Send + Sync + 'static {
    replace_body(Value::Object(request.clone()).to_string())
}
