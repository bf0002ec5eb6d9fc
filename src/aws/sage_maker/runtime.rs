//! The call that asks a model.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::config::StalledStreamProtectionConfig;
use aws_sdk_sagemakerruntime::config::retry::RetryConfig;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::primitives::Blob;
use tokio::time::Instant;

use crate::aws::{CallError, Operation};

/// A model has 60 seconds to answer; a little more is for the way.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
const PATIENCE: Duration = Duration::from_secs(70);

/// Asks endpoints.
#[derive(Debug, Clone)]
pub struct Invoker {
    client: Client,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// The variant that shall answer.
    pub variant: Option<&'a str>,
    /// The request's body.
    pub payload: &'a [u8],
    /// Its media type.
    pub content_type: &'a str,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of the model's own answer.
    pub status: u16,
    /// The answer: text from outside, if it is one.
    pub body: Vec<u8>,
    /// Where the container's log is, when it failed.
    pub log: Option<String>,
    /// How long it took.
    pub after: Duration,
}

impl Invoker {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let patient = TimeoutConfig::builder().operation_timeout(PATIENCE).operation_attempt_timeout(PATIENCE).build();
        let config = aws_sdk_sagemakerruntime::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(patient)
            // A model that thinks sends nothing meanwhile.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { client: Client::from_conf(config) }
    }

    /// [InvokeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html), once. An
    /// error of the model's own is an answer.
    ///
    /// # Errors
    /// When there is no answer of the model; [`CallError::is_passing`] when it may only not be ready yet.
    pub async fn invoke(&self, question: Question<'_>) -> Result<Answer, CallError> {
        let asked = Instant::now();
        let answered = self
            .client
            .invoke_endpoint()
            .endpoint_name(question.endpoint)
            .set_target_variant(question.variant.map(str::to_owned))
            .content_type(question.content_type)
            .body(Blob::new(question.payload))
            .send()
            .await;
        let after = asked.elapsed();
        let error = match answered {
            Ok(answer) => {
                let body = answer.body.map(Blob::into_inner).unwrap_or_default();
                return Ok(Answer { status: 200, body, log: None, after });
            }
            Err(error) => error,
        };
        let Some(InvokeEndpointError::ModelError(error)) = error.as_service_error() else {
            return Err(CallError::new(Operation::InvokeEndpoint, error));
        };
        let status = error.original_status_code().and_then(|status| u16::try_from(status).ok());
        Ok(Answer {
            status: status.unwrap_or(500),
            body: error.original_message().unwrap_or_default().as_bytes().to_vec(),
            log: error.log_stream_arn().map(str::to_owned),
            after,
        })
    }
}
