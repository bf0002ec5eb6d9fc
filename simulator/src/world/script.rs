//! What somebody else does, through the same operations that the client uses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::shift::Shift;
use super::{Happening, World};
use crate::AlarmState;
use crate::operation;
use crate::others::Action;

impl World {
    /// Carries out an entry of the scenario's `others`. What AWS refuses them, they do not insist on.
    pub(crate) fn somebody_acts(&mut self, index: usize) {
        let scenario = Arc::clone(&self.scenario);
        let Some(other) = scenario.others.get(index) else { return };
        for (service, name, request) in self.calls(&other.action) {
            if operation::perform(self, service, name, &request).is_err() {
                return;
            }
        }
        match &other.action {
            Action::TripAlarm { name } => self.set_alarm(name, AlarmState::Alarm),
            Action::ClearAlarm { name } => self.set_alarm(name, AlarmState::Ok),
            Action::DeleteAlarm { name } => {
                self.alarms.remove(name);
            }
            Action::MaintainEndpoint { endpoint, lasts } => self.update_endpoint_by_itself(endpoint, *lasts),
            Action::MoveTag { repository, tag, digest } => {
                if let Some(repository) = self.registries.get_mut(&scenario.account, repository) {
                    repository.tag(tag, digest);
                }
            }
            _ => {}
        }
        let (_, mut around) = self.split();
        around.fact(Happening::SomebodyActed { index });
    }

    fn calls(&self, action: &Action) -> Vec<(&'static str, &'static str, Value)> {
        match action {
            Action::UpdateService { cluster, service, image, task_definition } => {
                let Some(current) = self.find_service(cluster, service) else { return Vec::new() };
                let mut request = task_definition
                    .clone()
                    .or_else(|| self.task_definitions.request(&current.task_definition))
                    .unwrap_or_default();
                if let (Some(image), None) = (image, task_definition) {
                    request["containerDefinitions"][0]["image"] = json!(image);
                }
                let family = request["family"].clone();
                vec![
                    ("ecs", "RegisterTaskDefinition", request),
                    ("ecs", "UpdateService", json!({"cluster": cluster, "service": service, "taskDefinition": family})),
                ]
            }
            Action::ForceNewDeployment { cluster, service } => {
                let request = json!({"cluster": cluster, "service": service, "forceNewDeployment": true});
                vec![("ecs", "UpdateService", request)]
            }
            Action::Scale { cluster, service, desired_count } => {
                vec![(
                    "ecs",
                    "UpdateService",
                    json!({"cluster": cluster, "service": service, "desiredCount": desired_count}),
                )]
            }
            Action::DeleteService { cluster, service } => {
                vec![("ecs", "DeleteService", json!({"cluster": cluster, "service": service, "force": true}))]
            }
            Action::StopServiceDeployment { cluster, service } => {
                let service = self.find_service(cluster, service);
                let Some(current) = service.and_then(|service| service.service_deployments.last()) else {
                    return Vec::new();
                };
                vec![(
                    "ecs",
                    "StopServiceDeployment",
                    json!({"serviceDeploymentArn": current.arn, "stopType": "ROLLBACK"}),
                )]
            }
            Action::ContinueServiceDeployment { cluster, service, rollback } => {
                let service = self.find_service(cluster, service);
                let Some(current) = service.and_then(|service| service.service_deployments.last()) else {
                    return Vec::new();
                };
                let Some(hook) = current.shift.as_ref().and_then(Shift::paused_at) else { return Vec::new() };
                let action = if *rollback { "ROLLBACK" } else { "CONTINUE" };
                let request = json!({"serviceDeploymentArn": current.arn, "hookId": hook, "action": action});
                vec![("ecs", "ContinueServiceDeployment", request)]
            }
            Action::DeregisterTaskDefinition { task_definition } => {
                vec![("ecs", "DeregisterTaskDefinition", json!({"taskDefinition": task_definition}))]
            }
            Action::CreateCodeDeployment { service, image } => {
                let Some(current) = self.find_service("default", service) else { return Vec::new() };
                let mut request = self.task_definitions.request(&current.task_definition).unwrap_or_default();
                request["containerDefinitions"][0]["image"] = json!(image);
                let properties = json!({"TaskDefinition": request["family"]});
                let resource = json!({"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}});
                let content = json!({"version": 0.0, "Resources": [resource]}).to_string();
                let create = json!({
                    "applicationName": format!("AppECS-default-{service}"),
                    "deploymentGroupName": format!("DgpECS-default-{service}"),
                    "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
                });
                vec![("ecs", "RegisterTaskDefinition", request), ("codedeploy", "CreateDeployment", create)]
            }
            Action::StopCodeDeployment { service, rolls_back } => {
                let (application, group) = (format!("AppECS-default-{service}"), format!("DgpECS-default-{service}"));
                let Some(newest) = self.deployments_of(&application, &group).last() else { return Vec::new() };
                let stop = json!({"deploymentId": newest.id, "autoRollbackEnabled": rolls_back});
                vec![("codedeploy", "StopDeployment", stop)]
            }
            Action::UpdateEndpoint { endpoint, config, image } => self.calls_to_update(endpoint, config, image),
            Action::ScaleEndpoint { endpoint, count } => {
                let Ok(found) = self.endpoint(endpoint) else { return Vec::new() };
                let variant = |variant: &str| json!({"VariantName": variant, "DesiredInstanceCount": count});
                let desired: Value = found.fleet.iter().map(|live| variant(&live.name)).collect();
                let request = json!({"EndpointName": endpoint, "DesiredWeightsAndCapacities": desired});
                vec![("sagemaker", "UpdateEndpointWeightsAndCapacities", request)]
            }
            Action::DeleteEndpoint { endpoint } => {
                vec![("sagemaker", "DeleteEndpoint", json!({"EndpointName": endpoint}))]
            }
            Action::MaintainEndpoint { .. }
            | Action::TripAlarm { .. }
            | Action::ClearAlarm { .. }
            | Action::DeleteAlarm { .. }
            | Action::MoveTag { .. } => Vec::new(),
        }
    }

    fn calls_to_update(&self, endpoint: &str, config: &str, image: &str) -> Vec<(&'static str, &'static str, Value)> {
        let Some(current) = self.endpoint(endpoint).ok().and_then(|found| self.endpoint_config(&found.config).ok())
        else {
            return Vec::new();
        };
        let mut new_config = current.document.clone();
        let running = new_config["ProductionVariants"][0]["ModelName"].as_str().unwrap_or_default();
        let Ok(model) = self.model(running) else { return Vec::new() };
        let mut new_model = model.document.clone();
        new_model.insert("ModelName".to_owned(), json!(config));
        new_model["PrimaryContainer"]["Image"] = json!(image);
        new_config.insert("EndpointConfigName".to_owned(), json!(config));
        new_config["ProductionVariants"][0]["ModelName"] = json!(config);
        vec![
            ("sagemaker", "CreateModel", Value::Object(new_model)),
            ("sagemaker", "CreateEndpointConfig", Value::Object(new_config)),
            ("sagemaker", "UpdateEndpoint", json!({"EndpointName": endpoint, "EndpointConfigName": config})),
        ]
    }
}
