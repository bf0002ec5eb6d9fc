//! Where containers write, and what they wrote.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::logs::Stream;
use crate::text::last_part;

/// A container, as far as its end and its log go. No values of variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::targets) struct Container {
    pub(in crate::targets) name: String,
    pub(in crate::targets) essential: bool,
    driver: Option<String>,
    group: Option<String>,
    prefix: Option<String>,
    region: Option<String>,
}

impl Container {
    /// The containers of a task definition, as RegisterTaskDefinition takes it.
    pub(in crate::targets) fn all(document: &Value) -> Vec<Self> {
        let of = |definition: &Value| {
            let log = &definition["logConfiguration"];
            let option = |name: &str| log["options"][name].as_str().map(str::to_owned);
            Self {
                name: definition["name"].as_str().unwrap_or_default().to_owned(),
                // A container is essential unless its definition says no.
                essential: definition["essential"].as_bool().unwrap_or(true),
                driver: log["logDriver"].as_str().map(str::to_owned),
                group: option("awslogs-group"),
                prefix: option("awslogs-stream-prefix"),
                region: option("awslogs-region"),
            }
        };
        document["containerDefinitions"].as_array().into_iter().flatten().map(of).collect()
    }

    /// The stream that this container of that task writes to, where it is one of CloudWatch Logs.
    ///
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>
    pub(in crate::targets) fn stream(&self, task: &str) -> Option<Stream> {
        if self.driver.as_deref() != Some("awslogs") {
            return None;
        }
        let id = last_part(task);
        let name = format!("{}/{}/{id}", self.prefix.as_ref()?, self.name);
        Some(Stream { group: self.group.clone()?, name, region: self.region.clone() })
    }

    /// Where a person finds the log that is not read here.
    pub(in crate::targets) fn elsewhere(&self) -> Option<String> {
        let name = &self.name;
        match (self.driver.as_deref()?, &self.group, &self.prefix) {
            ("awslogs", Some(_), Some(_)) => None,
            ("awslogs", Some(group), None) => Some(format!(
                "Container {name} writes to the log group {group}, without `awslogs-stream-prefix`: its stream cannot be told from the task."
            )),
            (driver, ..) => {
                Some(format!("Container {name} writes its log with the driver {driver}, which is not read here."))
            }
        }
    }
}
