//! Services.

use serde_json::{Map, Value, json};

use super::{Answer, cluster, missing, service_position, text, texts, with_tags};
use crate::wire::{Refusal, page, without_nulls};
use crate::world::{REVISION_SETTINGS, Service, World};

/// The members of a request that are not settings of the service.
const NOT_SETTINGS: [&str; 11] = [
    "clientToken",
    "cluster",
    "deploymentController",
    "desiredCount",
    "forceNewDeployment",
    "schedulingStrategy",
    "service",
    "serviceName",
    "tags",
    "taskDefinition",
    "role",
];

/// What a request changes about a service that the answer repeats.
fn settings(request: &Value) -> Map<String, Value> {
    let members = without_nulls(request);
    let members = members.as_object().cloned().unwrap_or_default();
    members.into_iter().filter(|(member, _)| !NOT_SETTINGS.contains(&member.as_str())).collect()
}

/// What a service has that the answer shows, besides what was asked for.
fn default_configuration(controller: &str) -> Map<String, Value> {
    let mut configuration = Map::new();
    if controller == "ECS" {
        configuration.insert("deploymentCircuitBreaker".to_owned(), json!({"enable": false, "rollback": false}));
        configuration.insert("strategy".to_owned(), json!("ROLLING"));
    }
    configuration.insert("maximumPercent".to_owned(), json!(200));
    configuration.insert("minimumHealthyPercent".to_owned(), json!(100));
    configuration
}

/// The members of a deployment configuration that belong to one strategy (API reference, DeploymentConfiguration).
const OF_ONE_STRATEGY: [(&str, &str); 3] =
    [("canaryConfiguration", "CANARY"), ("linearConfiguration", "LINEAR"), ("earlySuccessCriteria", "ROLLING")];

/// What AWS would refuse; and what this simulator would get wrong it refuses too, rather than to pretend.
fn simulated(settings: &Map<String, Value>) -> Result<(), Refusal> {
    let configuration = settings.get("deploymentConfiguration").unwrap_or(&Value::Null);
    let strategy = configuration["strategy"].as_str().unwrap_or("ROLLING");
    for (member, of) in OF_ONE_STRATEGY {
        if !configuration[member].is_null() && strategy != of {
            return Err(Refusal::invalid(format!("{member} is only valid with the deployment strategy {of}.")));
        }
    }
    if strategy == "BLUE_GREEN" && configuration["bakeTimeInMinutes"].is_null() {
        return Err(Refusal::invalid("bakeTimeInMinutes is required with the deployment strategy BLUE_GREEN."));
    }
    let hooks = configuration["lifecycleHooks"].as_array().into_iter().flatten();
    for hook in hooks {
        if strategy == "ROLLING" {
            let message = "The simulator does not know lifecycle hooks of rolling deployments yet.";
            return Err(Refusal::new("UnsupportedFeatureException", message));
        }
        let shifts = |stage: &Value| stage == "TEST_TRAFFIC_SHIFT" || stage == "PRODUCTION_TRAFFIC_SHIFT";
        if hook["targetType"] == "PAUSE" && hook["lifecycleStages"].as_array().is_some_and(|it| it.iter().any(shifts)) {
            return Err(Refusal::invalid("PAUSE hooks cannot be configured for a stage in which traffic shifts."));
        }
    }
    Ok(())
}

/// Adds what a request says to what a service has. A part of a deployment configuration leaves its other parts alone, except
/// that another strategy does not keep what only the one before had: the API reference speaks of neither.
fn merge(current: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (member, value) in changes {
        match (current.get_mut(&member), value) {
            (Some(Value::Object(parts)), Value::Object(new)) if member == "deploymentConfiguration" => {
                if new.get("strategy").is_some_and(|strategy| parts.get("strategy") != Some(strategy)) {
                    OF_ONE_STRATEGY.iter().for_each(|(member, _)| drop(parts.shift_remove(*member)));
                }
                parts.extend(new)
            }
            (_, value) => {
                current.insert(member, value);
            }
        }
    }
}

pub(super) fn create(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let name = text(request, "serviceName").to_owned();
    let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || name.len() > 255 || !name.chars().all(valid) {
        return Err(Refusal::invalid("Service names can have up to 255 letters, numbers, underscores, and hyphens."));
    }
    if world.find_service(&cluster, &name).is_some_and(|service| service.status != "INACTIVE") {
        return Err(Refusal::invalid("Creation of service was not idempotent."));
    }
    let controller = request["deploymentController"]["type"].as_str().unwrap_or("ECS").to_owned();
    let task_definition = match request["taskDefinition"].as_str() {
        Some(task_definition) => active_task_definition(world, task_definition)?,
        None if controller == "EXTERNAL" => String::new(),
        None => return Err(Refusal::invalid("TaskDefinition can not be blank.")),
    };
    let mut all = Map::new();
    all.insert("deploymentConfiguration".to_owned(), Value::Object(default_configuration(&controller)));
    merge(&mut all, settings(request));
    simulated(&all)?;
    let service = Service {
        arn: world.scenario.arn(&format!("service/{cluster}/{name}")),
        cluster_arn: world.scenario.arn(&format!("cluster/{cluster}")),
        name,
        cluster,
        status: "ACTIVE".to_owned(),
        desired: count(request).unwrap_or(0),
        controller,
        settings: all,
        tags: request["tags"].as_array().cloned().unwrap_or_default(),
        created_at: world.now,
        task_definition: task_definition.clone(),
        deployments: Vec::new(),
        task_sets: Vec::new(),
        revisions: Vec::new(),
        service_deployments: Vec::new(),
        last_completed: None,
        events: Default::default(),
        tasks: Vec::new(),
        stopped: Vec::new(),
        steady: false,
    };
    world.services.push(service);
    let position = world.services.len() - 1;
    if !task_definition.is_empty() {
        let (services, mut around) = world.split();
        services[position].deploy(&task_definition, &mut around);
        if services[position].has_task_sets() {
            services[position].adopt_task_set();
        }
    }
    Ok(json!({"service": document(world, position, true)}))
}

/// Changes a service, and deploys it when what changed is a part of its revisions (API reference, UpdateService).
pub(super) fn update(world: &mut World, request: &Value) -> Answer {
    let position = service_position(world, request)?;
    let service = &world.services[position];
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let task_definition = match request["taskDefinition"].as_str() {
        Some(_) if !service.rolls() => {
            return Err(Refusal::invalid(format!(
                "Unable to update task definition on services with a {} deployment controller. \
                 Use AWS CodeDeploy to trigger a new deployment.",
                service.controller
            )));
        }
        // The one that it has may have been deregistered.
        Some(name) if name == service.task_definition => name.to_owned(),
        Some(name) => active_task_definition(world, name)?,
        None => service.task_definition.clone(),
    };
    let changes = settings(request);
    let service = &world.services[position];
    let differs = |member: &&str| changes.get(*member).is_some_and(|new| service.settings.get(*member) != Some(new));
    let deploys = task_definition != service.task_definition
        || request["forceNewDeployment"] == true
        || REVISION_SETTINGS.iter().any(differs);
    if deploys && !service.rolls() {
        return Err(Refusal::invalid(format!(
            "Cannot force a new deployment on services with a {} deployment controller.",
            service.controller
        )));
    }
    let mut settings = service.settings.clone();
    merge(&mut settings, changes);
    simulated(&settings)?;
    let (services, mut around) = world.split();
    let service = &mut services[position];
    service.settings = settings;
    if let Some(desired) = count(request) {
        service.desired = desired;
    }
    if deploys {
        service.deploy(&task_definition, &mut around);
    }
    service.look(&mut around);
    Ok(json!({"service": document(world, position, true)}))
}

fn count(request: &Value) -> Option<usize> {
    request["desiredCount"].as_u64().and_then(|count| usize::try_from(count).ok())
}

fn active_task_definition(world: &World, name: &str) -> Result<String, Refusal> {
    match world.task_definitions.find(name) {
        Some(revision) if revision.active => Ok(revision.arn.clone()),
        Some(_) => Err(Refusal::client("TaskDefinition is inactive")),
        None => Err(Refusal::client("TaskDefinition not found.")),
    }
}

pub(super) fn delete(world: &mut World, request: &Value) -> Answer {
    let position = service_position(world, request)?;
    let (services, mut around) = world.split();
    let service = &mut services[position];
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotFoundException", "Service not found."));
    }
    if service.desired > 0 && request["force"] != true {
        return Err(Refusal::invalid("The service cannot be stopped while it is scaled above 0."));
    }
    service.desired = 0;
    service.stop_service_deployment("Service deployment stopped because the service was deleted.", &mut around);
    service.status = "DRAINING".to_owned();
    service.look(&mut around);
    Ok(json!({"service": document(world, position, true)}))
}

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let wanted = texts(request, "services");
    if wanted.is_empty() || wanted.len() > 10 {
        return Err(Refusal::invalid("Services must have between 1 and 10 members."));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match world.service_index(&cluster, wanted) {
            Some(position) => services.push(document(world, position, with_tags(request))),
            None if wanted.starts_with("arn:") => failures.push(missing(wanted)),
            None => failures.push(missing(&world.scenario.arn(&format!("service/{cluster}/{wanted}")))),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// Services that drain are not listed (API reference, DeleteService).
pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let arns = world.services.iter().filter(|service| service.cluster == cluster && service.status == "ACTIVE");
    let (arns, next) = page(arns.map(|service| json!(service.arn)).collect(), request, 10)?;
    Ok(without_nulls(&json!({"serviceArns": arns, "nextToken": next})))
}

fn document(world: &mut World, position: usize, with_tags: bool) -> Value {
    let (services, around) = world.split();
    services[position].document(with_tags, &around)
}
