//! Makes the request. Pure: no client, no clock.

use serde_json::{Map, Value, json};

use super::{Request, Snapshot};
use crate::aws::ecs::Placement;
use crate::cycle::{Cause, Change, Failure, Plan, Shown};
use crate::targets::ecs::{Base, Revision, made_of};

/// What to do.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) revision: Revision,
    /// RunTask's members, less the revision, who started it and the token.
    pub(super) request: Map<String, Value>,
    pub(super) count: u8,
}

pub(super) fn plan(request: &Request, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
    let revision = match &before.base {
        Base::Registered { arn, document } if request.overrides.is_empty() => {
            Revision::Existing { arn: arn.clone(), document: document.clone() }
        }
        base => Revision::New(made_of(base, &request.overrides, &before.images)?.with_tags(&request.tags)),
    };
    let count = request.one_off.count;
    let mut draft = Draft { revision, request: Map::new(), count };
    let document = draft.revision.document().unwrap_or(before.base.document()).register_input();
    let placement = before.service.as_ref().map(|service| service.placement.clone()).unwrap_or_default();
    draft.request = run_task(request, &placement, &document)?;
    let after = Shown::Value(format!("{count} × {}", draft.revision.name()));
    let change = Change { subject: "task".to_owned(), before: Shown::Absent, after };
    Ok((Plan { changes: vec![change], diff: String::new() }, draft))
}

fn run_task(request: &Request, service: &Placement, document: &Value) -> Result<Map<String, Value>, Failure> {
    let one_off = &request.one_off;
    let mut members = Map::new();
    let mut put = |member: &str, value: Value| {
        members.insert(member.to_owned(), value);
    };
    put("cluster", json!(request.cluster));
    if document["networkMode"] == "awsvpc" {
        put("networkConfiguration", json!({"awsvpcConfiguration": network(request, service)?}));
    }
    let is_for_fargate =
        document["requiresCompatibilities"].as_array().is_some_and(|list| list.contains(&json!("FARGATE")));
    let strategy = match (&one_off.capacity_provider_strategy, &one_off.launch_type) {
        (named, _) if !named.is_empty() => named,
        (_, Some(_)) => &Vec::new(),
        (_, None) => &service.capacity_provider_strategy,
    };
    if !strategy.is_empty() {
        put("capacityProviderStrategy", json!(strategy));
    } else if let Some(launch_type) = one_off.launch_type.as_ref().or(service.launch_type.as_ref()) {
        put("launchType", json!(launch_type));
    } else if is_for_fargate {
        put("launchType", json!("FARGATE"));
    }
    if !one_off.overrides.is_empty() {
        put("overrides", json!({"containerOverrides": one_off.overrides}));
    }
    if !one_off.placement_constraints.is_empty() {
        put("placementConstraints", json!(one_off.placement_constraints));
    }
    if !one_off.tags.is_empty() {
        put("tags", json!(one_off.tags));
    }
    if let Some(volume) = &one_off.volume {
        put("volumeConfigurations", json!([volume]));
    }
    if let Some(on) = request.settings.enable_ecs_managed_tags {
        put("enableECSManagedTags", json!(on));
    }
    if let Some(on) = request.settings.enable_execute_command {
        put("enableExecuteCommand", json!(on));
    }
    // RunTask takes tags from the task definition only.
    if request.settings.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
        put("propagateTags", json!("TASK_DEFINITION"));
    }
    Ok(members)
}

/// Each part as it was named, or else as the service has it.
fn network(request: &Request, service: &Placement) -> Result<Value, Failure> {
    let one_off = &request.one_off;
    let or = |named: &Vec<String>, of_service: &Vec<String>| {
        if named.is_empty() { of_service.clone() } else { named.clone() }
    };
    let subnets = or(&one_off.subnets, &service.subnets);
    if subnets.is_empty() {
        return Err(Failure::new(Cause::InvalidInput, "The task's network mode is awsvpc, and no subnet is named.")
            .advise("Give `run-task-subnets`, or a `service` whose network the task takes."));
    }
    let mut network = json!({"subnets": subnets});
    let security_groups = or(&one_off.security_groups, &service.security_groups);
    if !security_groups.is_empty() {
        network["securityGroups"] = json!(security_groups);
    }
    if let Some(assign) = one_off.assign_public_ip.as_ref().or(service.assign_public_ip.as_ref()) {
        network["assignPublicIp"] = json!(assign);
    }
    Ok(network)
}
