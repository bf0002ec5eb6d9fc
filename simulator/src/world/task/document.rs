//! A task as DescribeTasks shows it.

use serde_json::{Value, json};

use super::{Container, Health, Shown, State, Task};
use crate::world::task_definition::digest;
use crate::world::{Service, Surroundings};

impl Task {
    /// As DescribeTasks shows it.
    pub(crate) fn of_service(&self, service: &Service, around: &Surroundings<'_>) -> Value {
        let shown = Shown {
            cluster_arn: &service.cluster_arn,
            group: format!("service:{}", service.name),
            launch_type: service.settings.get("launchType").cloned().unwrap_or_else(|| json!("FARGATE")),
            overrides: json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []}),
            tags: json!([]),
        };
        self.document(&shown, around)
    }

    pub(crate) fn document(&self, shown: &Shown<'_>, around: &Surroundings<'_>) -> Value {
        let mut task = json!({
            "taskArn": self.arn,
            "clusterArn": shown.cluster_arn,
            "taskDefinitionArn": self.task_definition,
            "group": shown.group,
            "startedBy": self.deployment,
            "lastStatus": self.state.name(),
            "desiredStatus": self.desired_status(),
            "healthStatus": self.health.name(),
            "launchType": shown.launch_type,
            "connectivity": "CONNECTED",
            "createdAt": around.timestamp(self.created_at),
            "version": self.version,
            "attachments": [],
            "attributes": [],
            "overrides": shown.overrides,
            "tags": shown.tags,
            "containers": self.containers.iter().map(|container| self.container(container)).collect::<Value>(),
        });
        if let Some(instance) = &self.instance {
            task["containerInstanceArn"] = json!(instance);
        }
        for (member, moment) in
            [("startedAt", self.started_at), ("stoppingAt", self.stopping_at), ("stoppedAt", self.stopped_at)]
        {
            if let Some(moment) = moment {
                task[member] = around.timestamp(moment);
            }
        }
        if let Some(stop) = &self.stop {
            task["stopCode"] = json!(stop.code);
            task["stoppedReason"] = json!(stop.reason);
        }
        task
    }

    fn container(&self, container: &Container) -> Value {
        let status = match self.state {
            State::Provisioning | State::Pending | State::Activating => "PENDING",
            State::Running | State::Deactivating if container.exit_code.is_none() => "RUNNING",
            _ => "STOPPED",
        };
        let health = if container.checked { self.health } else { Health::Unknown };
        let mut document = json!({
            "containerArn": format!("{}/{}", self.arn.replacen(":task/", ":container/", 1), container.runtime_id),
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": status,
            "healthStatus": health.name(),
            "networkInterfaces": [],
        });
        if self.started_at.is_some() {
            document["runtimeId"] = json!(container.runtime_id);
            document["imageDigest"] = json!(digest(&container.image));
            // A container that is told to stop is assumed to end in order.
            let ended = (status == "STOPPED").then_some(0);
            if let Some(code) = container.exit_code.or(ended) {
                document["exitCode"] = json!(code);
            }
        }
        if let Some(reason) = &container.reason {
            document["reason"] = json!(reason);
        }
        document
    }
}
