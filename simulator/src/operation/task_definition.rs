//! Task definitions.

use serde_json::{Value, json};

use super::{Answer, text, with_tags};
use crate::wire::{Refusal, page, without_nulls};
use crate::world::{TaskDefinition, World};

pub(super) fn register(world: &mut World, request: &Value) -> Answer {
    let scenario = std::sync::Arc::clone(&world.scenario);
    let revision = world.task_definitions.register(request, world.now, &scenario)?;
    let mut answer = json!({"taskDefinition": revision.document(&scenario)});
    if !revision.tags.is_empty() {
        answer["tags"] = json!(revision.tags);
    }
    Ok(answer)
}

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let found = world.task_definitions.find(text(request, "taskDefinition"));
    let revision = found.ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let mut answer = json!({"taskDefinition": revision.document(&world.scenario)});
    if with_tags(request) {
        answer["tags"] = json!(revision.tags);
    }
    Ok(answer)
}

pub(super) fn deregister(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "taskDefinition");
    let revision = world.task_definitions.deregister(name, world.now);
    let revision = revision.ok_or_else(|| Refusal::client("The specified task definition does not exist."))?;
    Ok(json!({"taskDefinition": revision.document(&world.scenario)}))
}

pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    let prefix = request["familyPrefix"].as_str();
    let active = request["status"].as_str().unwrap_or("ACTIVE") == "ACTIVE";
    let wanted = |family: &str, revision: &TaskDefinition| {
        // A prefix is, in spite of its name, a whole family here (API reference, ListTaskDefinitions).
        revision.active == active && prefix.is_none_or(|prefix| prefix == family)
    };
    let found = world.task_definitions.iter().filter(|(family, revision)| wanted(family, revision));
    let mut arns: Vec<Value> = found.map(|(_, revision)| json!(revision.arn)).collect();
    if request["sort"] == "DESC" {
        arns.reverse();
    }
    let (arns, next) = page(arns, request, 100)?;
    Ok(without_nulls(&json!({"taskDefinitionArns": arns, "nextToken": next})))
}
