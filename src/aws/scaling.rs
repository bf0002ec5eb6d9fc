//! Application Auto Scaling: scalable targets of endpoints and their policies, as documents.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{AnswerBytes, replace_body};
use super::{CallError, Operation};

/// What scales a variant of an endpoint: the requests that make it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// RegisterScalableTarget.
    pub target: Map<String, Value>,
    /// PutScalingPolicy, for each of its policies.
    pub policies: Vec<Map<String, Value>>,
}

impl Scaling {
    /// `endpoint/NAME/variant/NAME`.
    pub fn resource(&self) -> &str {
        self.target.get("ResourceId").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Calls to Application Auto Scaling that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

/// Calls to Application Auto Scaling that change something. Each is sent once.
#[derive(Debug, Clone)]
pub struct Writer {
    client: Client,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// What scales a variant of an endpoint; `None` when nothing does.
    ///
    /// [DescribeScalableTargets](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html),
    /// [DescribeScalingPolicies](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html)
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn scaling(&self, endpoint: &str, variant: &str) -> Result<Option<Scaling>, CallError> {
        let resource = format!("endpoint/{endpoint}/variant/{variant}");
        let bytes = AnswerBytes::default();
        self.client
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_ids(&resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeScalableTargets, error))?;
        let answered = ["CreationTime", "ScalableTargetARN", "PredictedCapacity"];
        let targets = requests(Operation::DescribeScalableTargets, &bytes, "ScalableTargets", &answered)?;
        let Some(target) = targets.into_iter().next() else { return Ok(None) };
        let bytes = AnswerBytes::default();
        self.client
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(&resource)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeScalingPolicies, error))?;
        let answered = ["CreationTime", "PolicyARN", "Alarms"];
        let policies = requests(Operation::DescribeScalingPolicies, &bytes, "ScalingPolicies", &answered)?;
        Ok(Some(Scaling { target, policies }))
    }
}

impl Writer {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let once =
            aws_sdk_applicationautoscaling::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once) }
    }

    /// [DeregisterScalableTarget](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html),
    /// which deletes its policies with it. Idempotent: one that is gone is not found.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn deregister(&self, resource: &str) -> Result<(), CallError> {
        self.client
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .send()
            .await
            .map(drop)
            .map_err(|error| CallError::new(Operation::DeregisterScalableTarget, error))
    }

    /// [RegisterScalableTarget](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
    /// Idempotent: the same again changes nothing.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn register(&self, target: &Map<String, Value>) -> Result<(), CallError> {
        let body = replace_body(Value::Object(target.clone()).to_string());
        let call = self.client.register_scalable_target().customize().mutate_request(body);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::RegisterScalableTarget, error))
    }

    /// [PutScalingPolicy](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html). Idempotent:
    /// the same again changes nothing.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn put_policy(&self, policy: &Map<String, Value>) -> Result<(), CallError> {
        let body = replace_body(Value::Object(policy.clone()).to_string());
        let call = self.client.put_scaling_policy().customize().mutate_request(body);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::PutScalingPolicy, error))
    }
}

/// What was described, as the requests that would make it again.
fn requests(
    operation: Operation,
    bytes: &AnswerBytes,
    member: &str,
    answered: &[&str],
) -> Result<Vec<Map<String, Value>>, CallError> {
    let mut document = bytes.parse().map_err(|error| CallError::unreadable(operation, error))?;
    let items = document[member].as_array_mut().map(std::mem::take).unwrap_or_default();
    let request = |item: Value| {
        let Value::Object(mut members) = item else { return None };
        members.retain(|member, value| !value.is_null() && !answered.contains(&member.as_str()));
        Some(members)
    };
    Ok(items.into_iter().filter_map(request).collect())
}
