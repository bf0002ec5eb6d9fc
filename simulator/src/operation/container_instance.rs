//! Container instances.

use serde_json::{Value, json};

use super::{Answer, cluster, missing, texts};
use crate::wire::{page, without_nulls};
use crate::world::World;

pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let is_asked = request["status"].as_str().is_none_or(|status| status == "ACTIVE");
    let mine = world.instances.iter().filter(|instance| is_asked && instance.cluster == cluster);
    let (arns, next) = page(mine.map(|instance| json!(instance.arn)).collect(), request, 100)?;
    Ok(without_nulls(&json!({"containerInstanceArns": arns, "nextToken": next})))
}

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for wanted in texts(request, "containerInstances") {
        let matches = |arn: &str| arn == wanted || arn.rsplit('/').next() == Some(wanted);
        match world.instances.iter().find(|instance| instance.cluster == cluster && matches(&instance.arn)) {
            Some(instance) => found.push(instance.document()),
            None => failures.push(missing(wanted)),
        }
    }
    Ok(json!({"containerInstances": found, "failures": failures}))
}
