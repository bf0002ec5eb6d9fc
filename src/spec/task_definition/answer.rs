//! What only an answer of Amazon ECS knows about a task definition.

use serde_json::Value;

use super::TaskDefinition;

impl TaskDefinition {
    /// The revision's ARN; absent in a document that was not registered yet.
    pub fn arn(&self) -> Option<&str> {
        self.0.get("taskDefinitionArn").and_then(Value::as_str)
    }

    /// Whether the revision was deregistered, so that no service can be moved to it and no task started of it.
    pub fn is_inactive(&self) -> bool {
        self.0.get("status").and_then(Value::as_str).is_some_and(|status| status != "ACTIVE")
    }
}
