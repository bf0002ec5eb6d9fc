//! AWS CodeDeploy, as far as it deploys Amazon ECS services.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answer, text, texts, unknown};
use crate::wire::{Refusal, page, without_nulls};
use crate::world::{CodeDeployAsked, World};

pub(super) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "CreateDeployment" => create(world, request),
        "GetDeployment" => {
            let deployment = world.code_deployment(text(request, "deploymentId"))?;
            Ok(json!({"deploymentInfo": world.code_deployment_document(deployment)}))
        }
        "GetDeploymentGroup" => {
            let group =
                world.deployment_group(text(request, "applicationName"), text(request, "deploymentGroupName"))?;
            Ok(json!({"deploymentGroupInfo": world.deployment_group_document(group)}))
        }
        "GetApplicationRevision" => revision(world, request),
        "ListDeployments" => list(world, request),
        "StopDeployment" => stop(world, request),
        "ContinueDeployment" => go_on(world, request),
        "ListDeploymentTargets" => {
            let deployment = world.code_deployment(text(request, "deploymentId"))?;
            let target = world.deployment_target_document(deployment);
            Ok(json!({"targetIds": [target["ecsTarget"]["targetId"]]}))
        }
        "BatchGetDeploymentTargets" => targets(world, request),
        _ => unknown(operation),
    }
}

fn create(world: &mut World, request: &Value) -> Answer {
    let (application, group) = (text(request, "applicationName"), text(request, "deploymentGroupName"));
    let found = world.deployment_group(application, group)?;
    let refuse = |code: &str, message: String| Err(Refusal::new(code, message));
    let Some(service) = world.find_service(&found.cluster, &found.service).filter(|service| service.has_task_sets())
    else {
        return refuse("InvalidECSServiceException", format!("The ECS service {} is not valid.", found.service));
    };
    if service.status != "ACTIVE" {
        return refuse("InvalidECSServiceException", format!("The ECS service {} is not active.", found.service));
    }
    if request["revision"]["revisionType"] != "AppSpecContent" {
        return refuse(
            "InvalidRevisionException",
            "The simulator knows revisions of the type AppSpecContent only.".to_owned(),
        );
    }
    let content = text(&request["revision"]["appSpecContent"], "content").to_owned();
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    if request["revision"]["appSpecContent"]["sha256"].as_str().is_some_and(|claimed| claimed != sha256) {
        return refuse("InvalidRevisionException", "The SHA-256 hash does not match the AppSpec content.".to_owned());
    }
    let (task_definition, hooks) = read(&content)?;
    let Some(task_definition) =
        world.task_definitions.find(&task_definition).filter(|revision| revision.active).map(|found| found.arn.clone())
    else {
        // CodeDeploy finds this out later, in the Install event; here it is at once.
        return refuse("InvalidRevisionException", "The task definition in the AppSpec does not exist.".to_owned());
    };
    if let Some(active) = world.active_deployment(application, group) {
        return refuse(
            "DeploymentLimitExceededException",
            format!("The Deployment Group '{group}' already has an active Deployment '{}'", active.id),
        );
    }
    world.code_deploy.revisions.insert((application.to_owned(), sha256.clone()), content);
    let id = world.create_code_deployment(CodeDeployAsked {
        application: application.to_owned(),
        group: group.to_owned(),
        config: request["deploymentConfigName"].as_str().map(str::to_owned),
        description: request["description"].as_str().map(str::to_owned),
        sha256,
        task_definition,
        ignores_alarms: request["overrideAlarmConfiguration"]["enabled"] == false,
        hooks,
    });
    Ok(json!({"deploymentId": id}))
}

/// The task definition and the hooks of an AppSpec. AWS reads YAML too; the simulator reads JSON only.
fn read(content: &str) -> Result<(String, BTreeMap<String, String>), Refusal> {
    let invalid = || Refusal::new("InvalidRevisionException", "The AppSpec content is not valid.");
    let document: Value = serde_json::from_str(content).ok().ok_or_else(invalid)?;
    let member = |value: &Value, name: &str| {
        let (_, found) = value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(found.clone())
    };
    let resource = member(&document, "Resources")
        .and_then(|resources| resources[0].as_object().and_then(|named| named.values().next().cloned()))
        .ok_or_else(invalid)?;
    let properties = member(&resource, "Properties").ok_or_else(invalid)?;
    let task_definition = member(&properties, "TaskDefinition").ok_or_else(invalid)?;
    let hooks = member(&document, "Hooks").unwrap_or_default();
    let hooks = hooks.as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    let hooks = hooks.map(|(event, function)| (event.clone(), function.as_str().unwrap_or_default().to_owned()));
    Ok((task_definition.as_str().unwrap_or_default().to_owned(), hooks.collect()))
}

fn revision(world: &World, request: &Value) -> Answer {
    let application = text(request, "applicationName");
    let sha256 = text(&request["revision"]["appSpecContent"], "sha256");
    let Some(content) = world.code_deploy.revisions.get(&(application.to_owned(), sha256.to_owned())) else {
        return Err(Refusal::new("RevisionDoesNotExistException", "Revision does not exist."));
    };
    Ok(json!({
        "applicationName": application,
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": sha256}},
    }))
}

/// Newest first. The API reference promises no order.
fn list(world: &World, request: &Value) -> Answer {
    let (application, group) = (text(request, "applicationName"), text(request, "deploymentGroupName"));
    world.deployment_group(application, group)?;
    let statuses = texts(request, "includeOnlyStatuses");
    let mut ids: Vec<Value> = world
        .deployments_of(application, group)
        .filter(|deployment| statuses.is_empty() || statuses.contains(&deployment.status.name()))
        .map(|deployment| json!(deployment.id))
        .collect();
    ids.reverse();
    let (ids, next) = page(ids, request, 100)?;
    Ok(without_nulls(&json!({"deployments": ids, "nextToken": next})))
}

fn stop(world: &mut World, request: &Value) -> Answer {
    let id = text(request, "deploymentId");
    world.code_deployment(id)?;
    if !world.can_stop(id) {
        return Err(Refusal::new(
            "DeploymentAlreadyCompletedException",
            format!("The deployment {id} is already completed"),
        ));
    }
    world.stop_code_deployment(id, request["autoRollbackEnabled"] == true);
    Ok(json!({"status": "Pending", "statusMessage": "Stopping the deployment."}))
}

fn go_on(world: &mut World, request: &Value) -> Answer {
    let id = text(request, "deploymentId");
    if world.code_deployment(id)?.status.is_over() {
        let message = format!("The deployment {id} is already completed");
        return Err(Refusal::new("DeploymentAlreadyCompletedException", message));
    }
    if !world.continue_code_deployment(id, text(request, "deploymentWaitType") == "TERMINATION_WAIT") {
        let message = format!("The deployment {id} does not wait for that");
        return Err(Refusal::new("DeploymentIsNotInReadyStateException", message));
    }
    Ok(Value::Null)
}

fn targets(world: &World, request: &Value) -> Answer {
    let deployment = world.code_deployment(text(request, "deploymentId"))?;
    if deployment.started_at.is_none() {
        let message = "The specified deployment has not started.";
        return Err(Refusal::new("DeploymentNotStartedException", message));
    }
    let target = world.deployment_target_document(deployment);
    if texts(request, "targetIds") != [text(&target["ecsTarget"], "targetId")] {
        return Err(Refusal::new(
            "DeploymentTargetDoesNotExistException",
            "The provided target ID does not belong to the deployment.",
        ));
    }
    Ok(json!({"deploymentTargets": [target]}))
}
