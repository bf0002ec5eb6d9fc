//! Rules of Amazon EventBridge: only what their targets are. Nothing ever starts by a rule here.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html>

use serde_json::{Value, json};

use super::{Answer, text};
use crate::wire::Refusal;
use crate::world::World;

/// How many targets a page has.
const PAGE: usize = 100;

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "Name");
    targets(world, name)?;
    Ok(json!({"Name": name, "State": "ENABLED"}))
}

pub(super) fn list_targets(world: &mut World, request: &Value) -> Answer {
    let targets = targets(world, text(request, "Rule"))?.clone();
    let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
    let start = text(request, "NextToken").parse::<usize>().unwrap_or(0);
    let mut answer = json!({"Targets": targets.iter().skip(start).take(limit).collect::<Vec<_>>()});
    if start + limit < targets.len() {
        answer["NextToken"] = json!((start + limit).to_string());
    }
    Ok(answer)
}

/// A target of the same id is replaced as a whole, another one is added.
pub(super) fn put_targets(world: &mut World, request: &Value) -> Answer {
    let targets = targets(world, text(request, "Rule"))?;
    for new in request["Targets"].as_array().into_iter().flatten() {
        match targets.iter_mut().find(|target| target["Id"] == new["Id"]) {
            Some(target) => target.clone_from(new),
            None => targets.push(new.clone()),
        }
    }
    Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
}

fn targets<'a>(world: &'a mut World, rule: &str) -> Result<&'a mut Vec<Value>, Refusal> {
    let missing = || {
        let message = format!("Rule {rule} does not exist on EventBus default.");
        Refusal::new("ResourceNotFoundException", message)
    };
    world.rules.get_mut(rule).ok_or_else(missing)
}
