//! The calls to Amazon EventBridge that change something.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_eventbridge::Client;
use serde_json::{Value, json};

use crate::aws::document::replace_body;
use crate::aws::{CallError, Operation};

/// Calls to Amazon EventBridge that change something. Each is sent once.
#[derive(Debug, Clone)]
pub struct Writer {
    client: Client,
}

impl Writer {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let once = aws_sdk_eventbridge::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once) }
    }

    /// [PutTargets](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html) with these documents: targets
    /// of the same ids are replaced, others stay.
    ///
    /// Idempotent: the same targets again change nothing.
    ///
    /// # Errors
    /// As AWS answers; also when AWS took some of the targets and not all.
    pub async fn put_targets(&self, rule: &str, targets: &[Value]) -> Result<(), CallError> {
        const OPERATION: Operation = Operation::PutTargets;
        let answer = self
            .client
            .put_targets()
            // The SDK wants to see one that is named; the body has them all.
            .rule(rule)
            .customize()
            .mutate_request(replace_body(json!({"Rule": rule, "Targets": targets}).to_string()))
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        match answer.failed_entries().first() {
            None => Ok(()),
            Some(entry) => {
                let text = |value: Option<&str>| value.unwrap_or("no reason given").to_owned();
                Err(CallError::refused(
                    OPERATION,
                    format!("{}: {}", text(entry.error_code()), text(entry.error_message())),
                ))
            }
        }
    }
}
