//! Groups and deployments as answers show them.

use serde_json::{Value, json};

use super::{Deployment, Event};
use crate::DeploymentGroup;
use crate::clock::epoch_seconds;
use crate::wire::without_nulls;
use crate::world::World;

impl World {
    fn moment(&self, moment: std::time::Duration) -> Value {
        json!(epoch_seconds(self.scenario.epoch, moment))
    }

    /// As GetDeploymentGroup shows it.
    pub(crate) fn deployment_group_document(&self, group: &DeploymentGroup) -> Value {
        let brief = |deployment: &Deployment| {
            json!({
                "deploymentId": deployment.id,
                "status": deployment.status.name(),
                "createTime": self.moment(deployment.created_at),
                "endTime": deployment.completed_at.map(|moment| self.moment(moment)),
            })
        };
        let deployments = || self.deployments_of(&group.application, &group.name);
        let succeeded = deployments().filter(|deployment| deployment.status == super::Status::Succeeded).last();
        without_nulls(&json!({
            "applicationName": group.application,
            "deploymentGroupName": group.name,
            "deploymentGroupId": "c1d2e3f4-0000-4000-8000-000000000001",
            "deploymentConfigName": group.config,
            "computePlatform": group.compute_platform,
            "serviceRoleArn": format!("arn:{}:iam::{}:role/codedeploy", self.scenario.partition(), self.scenario.account),
            "ecsServices": if group.compute_platform == "ECS" {
                json!([{"clusterName": group.cluster, "serviceName": group.service}])
            } else {
                Value::Null
            },
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "blueGreenDeploymentConfiguration": blue_green(group),
            "autoRollbackConfiguration": {"enabled": !group.rollback_events.is_empty(), "events": group.rollback_events},
            "alarmConfiguration": {
                "enabled": !group.alarms.is_empty(),
                "alarms": group.alarms.iter().map(|name| json!({"name": name})).collect::<Value>(),
            },
            "lastAttemptedDeployment": deployments().last().map(brief),
            "lastSuccessfulDeployment": succeeded.map(brief),
        }))
    }

    /// As GetDeployment shows it. The AppSpec's content is left out, as AWS does (API reference, GetDeployment).
    pub(crate) fn code_deployment_document(&self, deployment: &Deployment) -> Value {
        let group = self.deployment_group(&deployment.application, &deployment.group).ok();
        let rollback = match (&deployment.rolled_back_by, &deployment.rolls_back) {
            (None, None) => Value::Null,
            (back, of) => json!({"rollbackDeploymentId": back, "rollbackTriggeringDeploymentId": of}),
        };
        without_nulls(&json!({
            "applicationName": deployment.application,
            "deploymentGroupName": deployment.group,
            "deploymentConfigName": deployment.config,
            "deploymentId": deployment.id,
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": deployment.sha256}},
            "status": deployment.status.name(),
            "errorInformation": deployment.error.as_ref().map(|(code, message)| json!({"code": code, "message": message})),
            "createTime": self.moment(deployment.created_at),
            "startTime": deployment.started_at.map(|moment| self.moment(moment)),
            "completeTime": deployment.completed_at.map(|moment| self.moment(moment)),
            "description": deployment.description,
            "creator": deployment.creator,
            "rollbackInfo": rollback,
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "instanceTerminationWaitTimeStarted": deployment.awaits_termination(),
            "blueGreenDeploymentConfiguration": group.map(blue_green),
            "computePlatform": "ECS",
        }))
    }

    /// As BatchGetDeploymentTargets shows it.
    pub(crate) fn deployment_target_document(&self, deployment: &Deployment) -> Value {
        let Ok(group) = self.deployment_group(&deployment.application, &deployment.group) else { return Value::Null };
        let Some(service) = self.find_service(&group.cluster, &group.service) else { return Value::Null };
        let set = |id: &Option<String>, label: &str, weight: u32| {
            let id = id.as_ref()?;
            let (running, pending) = service.counts(id);
            let set = service.task_sets.iter().find(|set| set.id == *id)?;
            Some(json!({
                "identifer": id,
                "desiredCount": if set.draining { 0 } else { service.desired },
                "runningCount": running,
                "pendingCount": pending,
                "status": if set.draining { "DRAINING" } else if set.primary { "PRIMARY" } else { "ACTIVE" },
                "trafficWeight": f64::from(weight),
                "taskSetLabel": label,
            }))
        };
        let sets: Vec<Value> = [
            set(&deployment.blue, "Blue", 100 - deployment.shifted),
            set(&deployment.green, "Green", deployment.shifted),
        ]
        .into_iter()
        .flatten()
        .collect();
        let status = match deployment.status {
            super::Status::Created => "Pending",
            super::Status::Stopped => "Skipped",
            other => other.name(),
        };
        json!({
            "deploymentTargetType": "ECSTarget",
            "ecsTarget": {
                "deploymentId": deployment.id,
                "targetId": format!("{}:{}", group.cluster, group.service),
                "targetArn": service.arn,
                "lastUpdatedAt": self.moment(self.now),
                "status": status,
                "lifecycleEvents": deployment.events.iter().map(|event| self.event_document(event)).collect::<Value>(),
                "taskSetsInfo": sets,
            },
        })
    }

    fn event_document(&self, event: &Event) -> Value {
        let diagnostics = event
            .message
            .as_ref()
            .map(|message| json!({"errorCode": "UnknownError", "scriptName": "", "message": message, "logTail": ""}));
        without_nulls(&json!({
            "lifecycleEventName": event.name,
            "status": event.status,
            "startTime": event.started_at.map(|moment| self.moment(moment)),
            "endTime": event.ended_at.map(|moment| self.moment(moment)),
            "diagnostics": diagnostics,
        }))
    }
}

fn blue_green(group: &DeploymentGroup) -> Value {
    let ready = match group.ready_wait {
        Some(wait) => json!({"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": wait.as_secs() / 60}),
        None => json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}),
    };
    json!({
        "deploymentReadyOption": ready,
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": group.termination_wait.as_secs() / 60,
        },
    })
}
