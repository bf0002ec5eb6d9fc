//! The calls to Amazon SageMaker that read.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{EndpointConfigSortKey, ModelPackageSortBy, OrderKey, SortOrder};

use super::{Document, Endpoint, Made, ModelPackage};
use crate::aws::document::AnswerBytes;
use crate::aws::retry::without_quota;
use crate::aws::{CallError, CallErrorKind, Operation};
use crate::spec::Tag;

/// Calls to Amazon SageMaker that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let config =
            aws_sdk_sagemaker::config::Builder::from(config).retry_partition(without_quota("sagemaker")).build();
        Self { client: Client::from_conf(config) }
    }

    /// [DescribeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html)
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`](crate::aws::CallErrorKind::NotFound) only when there is no such endpoint.
    pub async fn describe_endpoint(&self, name: &str) -> Result<Endpoint, CallError> {
        const OPERATION: Operation = Operation::DescribeEndpoint;
        let bytes = AnswerBytes::default();
        self.client
            .describe_endpoint()
            .endpoint_name(name)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        Ok(Endpoint::read(&bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?))
    }

    /// [DescribeEndpointConfig](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpointConfig.html)
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn describe_endpoint_config(&self, name: &str) -> Result<Made, CallError> {
        const OPERATION: Operation = Operation::DescribeEndpointConfig;
        let bytes = AnswerBytes::default();
        self.client
            .describe_endpoint_config()
            .endpoint_config_name(name)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        made(OPERATION, &bytes, "EndpointConfigArn", &["EndpointConfigName", "CreationTime"])
    }

    /// [DescribeModel](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModel.html)
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn describe_model(&self, name: &str) -> Result<Made, CallError> {
        const OPERATION: Operation = Operation::DescribeModel;
        let bytes = AnswerBytes::default();
        self.client
            .describe_model()
            .model_name(name)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        made(OPERATION, &bytes, "ModelArn", &["ModelName", "CreationTime", "DeploymentRecommendation"])
    }

    /// [ListTags](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html), all pages, without those of AWS
    /// itself, which nobody else can set.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn tags(&self, arn: &str) -> Result<Vec<Tag>, CallError> {
        let mut tags = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_tags()
                .resource_arn(arn)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListTags, error))?;
            let tag = |tag: &aws_sdk_sagemaker::types::Tag| Tag {
                key: tag.key().unwrap_or_default().to_owned(),
                value: tag.value().unwrap_or_default().to_owned(),
            };
            tags.extend(answer.tags().iter().map(tag).filter(|tag| !tag.key.starts_with("aws:")));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(tags);
            }
        }
    }

    /// The names and the ARNs of the newest endpoint configurations, newest first, and whether these are all.
    ///
    /// [ListEndpointConfigs](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpointConfigs.html), so many
    /// pages of a hundred.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn endpoint_configs(&self, pages: usize) -> Result<(Vec<(String, String)>, bool), CallError> {
        let mut configs = Vec::new();
        let mut token = None;
        for _ in 0..pages {
            let answer = self
                .client
                .list_endpoint_configs()
                .sort_by(EndpointConfigSortKey::CreationTime)
                .sort_order(OrderKey::Descending)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListEndpointConfigs, error))?;
            configs.extend(answer.endpoint_configs().iter().map(|config| {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                (text(config.endpoint_config_name()), text(config.endpoint_config_arn()))
            }));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok((configs, true));
            }
        }
        Ok((configs, false))
    }

    /// The configurations that endpoints serve or are being updated to; `None` when there are more endpoints than `most`.
    ///
    /// [ListEndpoints](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html), and a look at each.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn endpoint_configs_in_use(&self, most: usize) -> Result<Option<BTreeSet<String>>, CallError> {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_endpoints()
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListEndpoints, error))?;
            names.extend(answer.endpoints().iter().filter_map(|it| it.endpoint_name().map(str::to_owned)));
            if names.len() > most {
                return Ok(None);
            }
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        let mut in_use = BTreeSet::new();
        for name in names {
            match self.describe_endpoint(&name).await {
                Ok(endpoint) => {
                    in_use.extend(endpoint.pending.map(|pending| pending.config));
                    in_use.insert(endpoint.config);
                }
                // Deleted since it was listed.
                Err(error) if error.kind == CallErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(in_use))
    }

    /// Whether there is such a model package group.
    ///
    /// [DescribeModelPackageGroup](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackageGroup.html)
    ///
    /// # Errors
    /// As AWS answers, unless that is that there is none.
    pub async fn has_model_package_group(&self, name: &str) -> Result<bool, CallError> {
        let described = self.client.describe_model_package_group().model_package_group_name(name).send().await;
        match described.map_err(|error| CallError::new(Operation::DescribeModelPackageGroup, error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A version of a model package group as it was made, with what became of it.
    ///
    /// [DescribeModelPackage](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html)
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`] only when there is no such version.
    pub async fn describe_model_package(&self, arn: &str) -> Result<Made, CallError> {
        const OPERATION: Operation = Operation::DescribeModelPackage;
        let bytes = AnswerBytes::default();
        self.client
            .describe_model_package()
            .model_package_name(arn)
            .customize()
            .interceptor(bytes.clone())
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        made(OPERATION, &bytes, "ModelPackageArn", &["ModelPackageName", "CreationTime"])
    }

    /// Every version of a model package group, newest first.
    ///
    /// [ListModelPackages](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModelPackages.html) answers pages
    /// that may be empty and not the last; its order is asked for, because what it is otherwise depends on whom one asks.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn model_packages(&self, group: &str) -> Result<Vec<ModelPackage>, CallError> {
        let mut packages = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_model_packages()
                .model_package_group_name(group)
                .sort_by(ModelPackageSortBy::CreationTime)
                .sort_order(SortOrder::Descending)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListModelPackages, error))?;
            packages.extend(answer.model_package_summary_list().iter().map(|it| ModelPackage {
                arn: it.model_package_arn().unwrap_or_default().to_owned(),
                version: it.model_package_version().unwrap_or_default(),
                description: it.model_package_description().unwrap_or_default().to_owned(),
                approval: it.model_approval_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
                status: it.model_package_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            }));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                packages.sort_by_key(|package: &ModelPackage| -package.version);
                return Ok(packages);
            }
        }
    }
}

/// What was described, as the request that would make it again.
fn made(operation: Operation, bytes: &AnswerBytes, arn: &str, answered: &[&str]) -> Result<Made, CallError> {
    let unreadable = |error: serde_json::Error| CallError::unreadable(operation, error);
    let mut document: Document = bytes.parse().and_then(serde_json::from_value).map_err(unreadable)?;
    let arn = document.remove(arn).and_then(|arn| arn.as_str().map(str::to_owned)).unwrap_or_default();
    document.retain(|member, value| !value.is_null() && !answered.contains(&member.as_str()));
    Ok(Made { arn, document })
}
