//! The calls to Amazon EventBridge that read.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use serde_json::Value;

use crate::aws::document::AnswerBytes;
use crate::aws::{CallError, Operation};

/// Calls to Amazon EventBridge that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// [ListTargetsByRule](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html) for a rule of
    /// the default event bus: all its targets, as AWS writes them. Members that the SDK does not know are there too.
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`](crate::aws::CallErrorKind::NotFound) when there is no such rule.
    pub async fn list_targets(&self, rule: &str) -> Result<Vec<Value>, CallError> {
        const OPERATION: Operation = Operation::ListTargetsByRule;
        let mut targets = Vec::new();
        let mut token = None;
        loop {
            let bytes = AnswerBytes::default();
            let answer = self
                .client
                .list_targets_by_rule()
                .rule(rule)
                .set_next_token(token)
                .customize()
                .interceptor(bytes.clone())
                .send()
                .await
                .map_err(|error| CallError::new(OPERATION, error))?;
            let mut document = bytes.parse().map_err(|error| CallError::unreadable(OPERATION, error))?;
            if let Value::Array(page) = document["Targets"].take() {
                targets.extend(page);
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(targets);
            }
        }
    }
}
