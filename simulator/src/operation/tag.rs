//! Tags.

use serde_json::{Value, json};

use super::{Answer, text, texts};
use crate::wire::Refusal;
use crate::world::World;

pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    // ListTagsForResource does not know ResourceNotFoundException.
    let missing = |_| Refusal::invalid("The specified resource was not found.");
    let tags = tags(world, text(request, "resourceArn")).map_err(missing)?;
    Ok(json!({"tags": tags}))
}

/// A tag replaces the one with the same key.
pub(super) fn add(world: &mut World, request: &Value) -> Answer {
    let tags = tags(world, text(request, "resourceArn"))?;
    for tag in request["tags"].as_array().into_iter().flatten() {
        tags.retain(|existing| existing["key"] != tag["key"]);
        tags.push(tag.clone());
    }
    Ok(json!({}))
}

pub(super) fn remove(world: &mut World, request: &Value) -> Answer {
    let keys = texts(request, "tagKeys");
    tags(world, text(request, "resourceArn"))?.retain(|tag| !keys.contains(&text(tag, "key")));
    Ok(json!({}))
}

fn tags<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Vec<Value>, Refusal> {
    if arn.contains(":task-definition/") {
        world.task_definitions.find_mut(arn).map(|revision| &mut revision.tags)
    } else if arn.contains(":service/") {
        world.services.iter_mut().rev().find(|service| service.arn == arn).map(|service| &mut service.tags)
    } else {
        world.clusters.values_mut().find(|cluster| cluster.arn == arn).map(|cluster| &mut cluster.tags)
    }
    .ok_or_else(|| Refusal::new("ResourceNotFoundException", "The specified resource was not found."))
}
