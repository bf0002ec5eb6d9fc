//! Tasks.

use serde_json::{Value, json};

use super::{Answer, cluster, missing, texts};
use crate::wire::{Refusal, page, without_nulls};
use crate::world::{Service, Task, World};

pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let named = request["serviceName"].as_str();
    if let Some(name) = named
        && world.find_service(&cluster, name).is_none()
    {
        return Err(Refusal::new("ServiceNotFoundException", "Service not found."));
    }
    let desired = request["desiredStatus"].as_str().unwrap_or("RUNNING");
    let family = |task: &Task| {
        request["family"]
            .as_str()
            .is_none_or(|family| task.task_definition.contains(&format!("task-definition/{family}:")))
    };
    let started_by = |task: &Task| request["startedBy"].as_str().is_none_or(|started_by| task.deployment == started_by);
    let now = world.now;
    let mine = |service: &&Service| {
        service.cluster == cluster && named.is_none_or(|name| service.name == name || service.arn == name)
    };
    let wanted = |task: &&Task| task.desired_status() == desired && family(task) && started_by(task);
    let found = world.services.iter().filter(mine).flat_map(|service| service.visible_tasks(now).filter(wanted));
    let one_offs = world.visible_one_offs(&cluster).map(|one| &one.task).filter(|_| named.is_none()).filter(wanted);
    let (arns, next) = page(found.chain(one_offs).map(|task| json!(task.arn)).collect(), request, 100)?;
    Ok(without_nulls(&json!({"taskArns": arns, "nextToken": next})))
}

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let wanted = texts(request, "tasks");
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(Refusal::invalid("Tasks must have between 1 and 100 members."));
    }
    let unknown = |name: &&str| {
        if name.starts_with("arn:") {
            missing(name)
        } else {
            missing(&world.scenario.arn(&format!("task/{cluster}/{name}")))
        }
    };
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    let failing: Vec<Value> = wanted.iter().map(unknown).collect();
    let cluster_arn = world.clusters.get(&cluster).map(|it| it.arn.clone()).unwrap_or_default();
    let one_offs: Vec<_> = world.visible_one_offs(&cluster).cloned().collect();
    let (services, around) = world.split();
    for (name, failure) in wanted.iter().zip(failing) {
        let mine = services.iter().filter(|service| service.cluster == cluster);
        let mut found = mine.flat_map(|service| service.visible_tasks(around.now).map(move |task| (service, task)));
        let is_it = |task: &Task| task.arn == *name || task.id == *name;
        match (found.find(|(_, task)| is_it(task)), one_offs.iter().find(|one| is_it(&one.task))) {
            (Some((service, task)), _) => tasks.push(task.of_service(service, &around)),
            (None, Some(one)) => tasks.push(one.document(&cluster_arn, &around)),
            (None, None) => failures.push(failure),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}
