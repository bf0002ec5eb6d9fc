//! A one-off task: the inputs `run-task-…`.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::volume::{self, Pair};
use super::{InputError, field};
use crate::runner::Inputs;

/// How long RunTask is asked again while the cluster has no room.
const PLACEMENT_MINUTES: f64 = 5.0;
const PLACEMENT_MINUTES_MOST: f64 = 360.0;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskManagedEBSVolumeConfiguration.html>
const VOLUME: Pair = Pair {
    name: "run-task-managed-ebs-volume-name",
    volume: "run-task-managed-ebs-volume",
    more: &["terminationPolicy"],
};

/// What RunTask is asked for. What was not named is empty, and never sent.
#[derive(Clone, PartialEq)]
pub struct OneOff {
    /// `overrides.containerOverrides`.
    pub overrides: Vec<Value>,
    /// Subnets; those of the service when empty.
    pub subnets: Vec<String>,
    /// Security groups; those of the service when empty.
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub assign_public_ip: Option<String>,
    /// `FARGATE`, `EC2`, `EXTERNAL` or `MANAGED_INSTANCES`.
    pub launch_type: Option<String>,
    /// `capacityProviderStrategy`, which takes the place of a launch type.
    pub capacity_provider_strategy: Vec<Value>,
    /// `placementConstraints`.
    pub placement_constraints: Vec<Value>,
    /// `startedBy`.
    pub started_by: Option<String>,
    /// `tags`.
    pub tags: Vec<Value>,
    /// `volumeConfigurations[0]`.
    pub volume: Option<Value>,
    /// How many tasks, 1 to 10.
    pub count: u8,
    /// How long RunTask is asked again while the cluster has no room.
    pub placement: Duration,
    /// Whether the end is waited for.
    pub wait: bool,
}

/// No overrides: environment variables are among them.
impl fmt::Debug for OneOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneOff").field("count", &self.count).field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl OneOff {
    /// Reads the inputs, with all that is wrong.
    pub(super) fn from_inputs(inputs: &Inputs) -> Result<Self, Vec<InputError>> {
        let mut errors = Vec::new();
        let mut objects = |input, text: &Option<String>, example| {
            text.as_deref().map(|text| objects(input, text, example)).transpose().unwrap_or_else(|error| {
                errors.push(error);
                None
            })
        };
        let overrides = objects(
            "run-task-container-overrides",
            &inputs.run_task_container_overrides,
            r#"[{"name": "app", "command": ["migrate"]}]"#,
        );
        let capacity_provider_strategy = objects(
            "run-task-capacity-provider-strategy",
            &inputs.run_task_capacity_provider_strategy,
            r#"[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]"#,
        );
        let placement_constraints = objects(
            "run-task-placement-constraints",
            &inputs.run_task_placement_constraints,
            r#"[{"type": "memberOf", "expression": "attribute:ecs.instance-type == g5.xlarge"}]"#,
        );
        let tags = objects("run-task-tags", &inputs.run_task_tags, r#"[{"key": "team", "value": "shop"}]"#);
        let mut keep = |error: InputError| errors.push(error);
        let assign_public_ip = inputs.run_task_assign_public_ip.as_deref().and_then(|text| {
            let choices = ["ENABLED", "DISABLED"].map(|word| (word, word));
            field::choice("run-task-assign-public-ip", text, &choices).map_err(&mut keep).ok().map(str::to_owned)
        });
        let launch_type = inputs.run_task_launch_type.as_deref().and_then(|text| {
            let choices = ["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"].map(|word| (word, word));
            field::choice("run-task-launch-type", text, &choices).map_err(&mut keep).ok().map(str::to_owned)
        });
        let started_by =
            inputs.run_task_started_by.as_deref().and_then(|text| started_by(text).map_err(&mut keep).ok());
        let (name, volume) = (&inputs.run_task_managed_ebs_volume_name, &inputs.run_task_managed_ebs_volume);
        let volume = volume::parse(VOLUME, name.as_deref(), volume.as_deref()).map_err(&mut keep).ok().flatten();
        let count = inputs.run_task_count.as_deref().and_then(|text| {
            let remedy = "write how many tasks to run, 1 to 10";
            field::within("run-task-count", text, 1..=10, remedy).map_err(&mut keep).ok()
        });
        let placement = inputs.run_task_placement_minutes.as_deref().and_then(|text| {
            let most = PLACEMENT_MINUTES_MOST;
            field::minutes_or_none("run-task-placement-minutes", text, most).map_err(&mut keep).ok()
        });
        let wait = inputs
            .wait_for_task_stopped
            .as_deref()
            .and_then(|text| field::flag("wait-for-task-stopped", text).map_err(&mut keep).ok());
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            overrides: overrides.unwrap_or_default(),
            subnets: inputs.run_task_subnets.as_deref().map(field::list).unwrap_or_default(),
            security_groups: inputs.run_task_security_groups.as_deref().map(field::list).unwrap_or_default(),
            assign_public_ip,
            launch_type,
            capacity_provider_strategy: capacity_provider_strategy.unwrap_or_default(),
            placement_constraints: placement_constraints.unwrap_or_default(),
            started_by,
            tags: tags.unwrap_or_default(),
            volume,
            count: count.unwrap_or(1),
            placement: placement.unwrap_or_else(|| Duration::from_secs_f64(PLACEMENT_MINUTES * 60.0)),
            wait: wait.unwrap_or(true),
        })
    }
}

/// A JSON list of objects. Never quoted in an error: environment variables may be inside.
fn objects(input: &'static str, text: &str, example: &str) -> Result<Vec<Value>, InputError> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) if items.iter().all(Value::is_object) => Ok(items),
        Ok(_) | Err(_) => {
            Err(InputError::new(input, "it is not a JSON list of objects", format!("write it as {example}")))
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>
fn started_by(text: &str) -> Result<String, InputError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    if text.len() <= 128 && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    let remedy = "write up to 128 letters, digits, hyphens, slashes and underscores";
    Err(InputError::new("run-task-started-by", format!("ECS does not take `{text}`"), remedy))
}
