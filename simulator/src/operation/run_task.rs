//! RunTask and StopTask.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>

use serde_json::{Map, Value, json};

use super::{Answer, cluster, text};
use crate::wire::Refusal;
use crate::world::{Once, World};

pub(super) fn run(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let revision = world
        .task_definitions
        .find(text(request, "taskDefinition"))
        .ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if !revision.active {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    check(request, &revision.document)?;
    let task_definition = revision.arn.clone();
    let count = request["count"].as_u64().unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(Refusal::invalid("Count must be between 1 and 10."));
    }
    // The same token with the same parameters starts nothing twice; with others it is a conflict (developer guide, "Ensuring
    // idempotency").
    let token = text(request, "clientToken").to_owned();
    let mut asked = request.clone();
    asked["taskDefinition"] = json!(task_definition);
    let told = world.once.get(&token).cloned().filter(|_| !token.is_empty());
    let (tasks, failures) = match told {
        Some(once) if once.cluster == cluster && once.request == asked => (once.tasks, Vec::new()),
        Some(once) => {
            return Err(Refusal::new(
                "ConflictException",
                format!("The client token was used with other parameters, for {}.", once.tasks.join(", ")),
            ));
        }
        None => start(world, &cluster, &task_definition, &asked, count),
    };
    if !token.is_empty() && !tasks.is_empty() {
        world.once.insert(token, Once { cluster: cluster.clone(), request: asked, tasks: tasks.clone() });
    }
    let documents: Vec<Value> = tasks.iter().map(|arn| shown(world, &cluster, arn)).collect();
    Ok(json!({"tasks": documents, "failures": failures}))
}

fn start(
    world: &mut World,
    cluster: &str,
    task_definition: &str,
    asked: &Value,
    count: u64,
) -> (Vec<String>, Vec<Value>) {
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..count {
        match world.run_one(cluster, task_definition, asked) {
            Ok(arn) => tasks.push(arn),
            Err(reason) => {
                let arn = world.instances.iter().find(|it| it.cluster == cluster).map(|it| it.arn.clone());
                failures.push(crate::wire::without_nulls(&json!({"arn": arn, "reason": reason})));
            }
        }
    }
    (tasks, failures)
}

fn check(request: &Value, document: &Map<String, Value>) -> Result<(), Refusal> {
    let awsvpc = document.get("networkMode").and_then(Value::as_str) == Some("awsvpc");
    let given = request["networkConfiguration"].is_object();
    if awsvpc && !given {
        return Err(Refusal::invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."));
    }
    if !awsvpc && given {
        return Err(Refusal::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ));
    }
    let launch_type = request["launchType"].as_str();
    if launch_type.is_some() && request["capacityProviderStrategy"].as_array().is_some_and(|it| !it.is_empty()) {
        return Err(Refusal::invalid("Specifying both a launch type and capacity provider strategy is not supported."));
    }
    let compatible = document.get("requiresCompatibilities").and_then(Value::as_array);
    if launch_type == Some("FARGATE") && !compatible.is_some_and(|it| it.iter().any(|one| one == "FARGATE")) {
        return Err(Refusal::invalid("Task definition does not support launch_type FARGATE."));
    }
    let containers = document.get("containerDefinitions").and_then(Value::as_array);
    for overridden in request["overrides"]["containerOverrides"].as_array().into_iter().flatten() {
        let is_there = |it: &Vec<Value>| it.iter().any(|container| container["name"] == overridden["name"]);
        if !containers.is_some_and(is_there) {
            let name = text(overridden, "name");
            return Err(Refusal::invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    Ok(())
}

pub(super) fn stop(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let wanted = text(request, "task");
    let found = world.visible_one_offs(&cluster).find(|one| one.task.arn == wanted || one.task.id == wanted);
    let Some((id, arn)) = found.map(|one| (one.task.id.clone(), one.task.arn.clone())) else {
        return Err(Refusal::invalid("The referenced task was not found."));
    };
    world.stop_one_off(&id, text(request, "reason"));
    Ok(json!({"task": shown(world, &cluster, &arn)}))
}

fn shown(world: &mut World, cluster: &str, arn: &str) -> Value {
    let cluster_arn = world.clusters.get(cluster).map(|cluster| cluster.arn.clone()).unwrap_or_default();
    let one_offs = world.one_offs.clone();
    let (_, around) = world.split();
    one_offs.iter().find(|one| one.task.arn == arn).map_or(Value::Null, |one| one.document(&cluster_arn, &around))
}
