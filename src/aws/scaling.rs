//! Application Auto Scaling: scalable targets of endpoints, their policies and their scheduled actions, as documents.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{AnswerBytes, replace_body};
use super::{CallError, Operation};

/// What is scaled of an endpoint.
const INSTANCES: ScalableDimension = ScalableDimension::SageMakerVariantDesiredInstanceCount;

/// A request to Application Auto Scaling.
pub type Document = Map<String, Value>;

/// What scales a variant of an endpoint: the requests that make it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// RegisterScalableTarget.
    pub target: Document,
    /// PutScalingPolicy, for each of its policies.
    pub policies: Vec<Document>,
    /// PutScheduledAction, for each of its scheduled actions.
    #[serde(default)]
    pub scheduled: Vec<Document>,
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
    /// [DescribeScalingPolicies](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html),
    /// [DescribeScheduledActions](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html),
    /// all pages.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn scaling(&self, endpoint: &str, variant: &str) -> Result<Option<Scaling>, CallError> {
        let resource = format!("endpoint/{endpoint}/variant/{variant}");
        let Some(target) = self.targets(&resource).await?.into_iter().next() else { return Ok(None) };
        let (policies, scheduled) = (self.policies(&resource).await?, self.scheduled(&resource).await?);
        Ok(Some(Scaling { target, policies, scheduled }))
    }

    async fn targets(&self, resource: &str) -> Result<Vec<Document>, CallError> {
        const OPERATION: Operation = Operation::DescribeScalableTargets;
        // A role of one's own is ignored for endpoints, which have a service-linked one, and who names it has to be allowed to
        // pass it.
        let answered = ["CreationTime", "ScalableTargetARN", "PredictedCapacity", "RoleARN"];
        all(OPERATION, "ScalableTargets", &answered, async |bytes, token| {
            let call = self.client.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker);
            let call = call.resource_ids(resource).scalable_dimension(INSTANCES).set_next_token(token);
            let sent = call.customize().interceptor(bytes).send().await;
            sent.map(drop).map_err(|error| CallError::new(OPERATION, error))
        })
        .await
    }

    async fn policies(&self, resource: &str) -> Result<Vec<Document>, CallError> {
        const OPERATION: Operation = Operation::DescribeScalingPolicies;
        all(OPERATION, "ScalingPolicies", &["CreationTime", "PolicyARN", "Alarms"], async |bytes, token| {
            let call = self.client.describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker);
            let call = call.resource_id(resource).scalable_dimension(INSTANCES).set_next_token(token);
            let sent = call.customize().interceptor(bytes).send().await;
            sent.map(drop).map_err(|error| CallError::new(OPERATION, error))
        })
        .await
    }

    async fn scheduled(&self, resource: &str) -> Result<Vec<Document>, CallError> {
        const OPERATION: Operation = Operation::DescribeScheduledActions;
        all(OPERATION, "ScheduledActions", &["CreationTime", "ScheduledActionARN"], async |bytes, token| {
            let call = self.client.describe_scheduled_actions().service_namespace(ServiceNamespace::Sagemaker);
            let call = call.resource_id(resource).scalable_dimension(INSTANCES).set_next_token(token);
            let sent = call.customize().interceptor(bytes).send().await;
            sent.map(drop).map_err(|error| CallError::new(OPERATION, error))
        })
        .await
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
            .scalable_dimension(INSTANCES)
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
    pub async fn register(&self, target: &Document) -> Result<(), CallError> {
        let body = replace_body(Value::Object(target.clone()).to_string());
        let call = self.client.register_scalable_target().customize().mutate_request(body);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::RegisterScalableTarget, error))
    }

    /// [PutScalingPolicy](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html). Idempotent:
    /// the same again changes nothing.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn put_policy(&self, policy: &Document) -> Result<(), CallError> {
        let body = replace_body(Value::Object(policy.clone()).to_string());
        let call = self.client.put_scaling_policy().customize().mutate_request(body);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::PutScalingPolicy, error))
    }

    /// [PutScheduledAction](https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html).
    /// Idempotent: the same again changes nothing.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn put_scheduled_action(&self, action: &Document) -> Result<(), CallError> {
        let body = replace_body(Value::Object(action.clone()).to_string());
        let call = self.client.put_scheduled_action().customize().mutate_request(body);
        call.send().await.map(drop).map_err(|error| CallError::new(Operation::PutScheduledAction, error))
    }
}

/// All pages of what is described, as the requests that would make it again: without the members that only answers have.
async fn all(
    operation: Operation,
    member: &str,
    answered: &[&str],
    page: impl AsyncFn(AnswerBytes, Option<String>) -> Result<(), CallError>,
) -> Result<Vec<Document>, CallError> {
    let mut requests = Vec::new();
    let mut token = None;
    loop {
        let bytes = AnswerBytes::default();
        page(bytes.clone(), token).await?;
        let mut answer = bytes.parse().map_err(|error| CallError::unreadable(operation, error))?;
        for item in answer[member].as_array_mut().map(std::mem::take).unwrap_or_default() {
            let Value::Object(mut members) = item else { continue };
            members.retain(|member, value| !value.is_null() && !answered.contains(&member.as_str()));
            requests.push(members);
        }
        token = answer["NextToken"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(requests);
        }
    }
}
