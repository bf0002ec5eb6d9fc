//! The operations of the API, each from a valid request to an answer.

mod alarm;
mod cluster;
mod code_deploy;
mod container_instance;
pub(crate) mod github;
pub(crate) mod image;
pub(crate) mod invocation;
mod log;
mod model_package;
pub(crate) mod object;
pub(crate) mod page;
mod rule;
mod run_task;
mod sage_maker;
mod scaling;
mod service;
mod service_deployment;
pub(crate) mod session;
mod tag;
mod task;
mod task_definition;

use serde_json::Value;

use crate::wire::Refusal;
use crate::world::{Service, World};

/// What an operation gives back.
type Answer = Result<Value, Refusal>;

/// Performs an operation of the service with that signing name on the world. The request has passed the model.
pub(crate) fn perform(world: &mut World, service: &str, operation: &str, request: &Value) -> Answer {
    match service {
        "ecs" => of_ecs(world, operation, request),
        "monitoring" => of_cloudwatch(world, operation, request),
        "logs" => log::perform(world, operation, request),
        "codedeploy" => code_deploy::perform(world, operation, request),
        "events" => of_events(world, operation, request),
        "sagemaker" => sage_maker::perform(world, operation, request),
        "application-autoscaling" => scaling::perform(world, operation, request),
        "ecr" => image::perform(world, operation, request),
        "github" => github::perform(world, operation, request),
        _ => unknown(operation),
    }
}

fn unknown(operation: &str) -> Answer {
    Err(Refusal::new("UnknownOperationException", format!("The operation {operation} is not known.")))
}

fn of_cloudwatch(world: &World, operation: &str, request: &Value) -> Answer {
    match operation {
        "DescribeAlarms" => alarm::describe(world, request),
        _ => unknown(operation),
    }
}

fn of_events(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "DescribeRule" => rule::describe(world, request),
        "ListTargetsByRule" => rule::list_targets(world, request),
        "PutTargets" => rule::put_targets(world, request),
        _ => unknown(operation),
    }
}

fn of_ecs(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "CreateCluster" => cluster::create(world, request),
        "DescribeClusters" => cluster::describe(world, request),
        "CreateService" => service::create(world, request),
        "UpdateService" => service::update(world, request),
        "DeleteService" => service::delete(world, request),
        "DescribeServices" => service::describe(world, request),
        "ListServices" => service::list(world, request),
        "RegisterTaskDefinition" => task_definition::register(world, request),
        "DescribeTaskDefinition" => task_definition::describe(world, request),
        "DeregisterTaskDefinition" => task_definition::deregister(world, request),
        "ListTaskDefinitions" => task_definition::list(world, request),
        "ListTasks" => task::list(world, request),
        "DescribeTasks" => task::describe(world, request),
        "RunTask" => run_task::run(world, request),
        "StopTask" => run_task::stop(world, request),
        "ListContainerInstances" => container_instance::list(world, request),
        "DescribeContainerInstances" => container_instance::describe(world, request),
        "DescribeServiceDeployments" => service_deployment::describe(world, request),
        "ListServiceDeployments" => service_deployment::list(world, request),
        "StopServiceDeployment" => service_deployment::stop(world, request),
        "ContinueServiceDeployment" => service_deployment::resume(world, request),
        "DescribeServiceRevisions" => service_deployment::describe_revisions(world, request),
        "ListTagsForResource" => tag::list(world, request),
        "TagResource" => tag::add(world, request),
        "UntagResource" => tag::remove(world, request),
        _ => unknown(operation),
    }
}

/// Whether an operation only looks.
pub(crate) fn reads(operation: &str) -> bool {
    ["Describe", "List", "Get", "BatchGet"].iter().any(|verb| operation.starts_with(verb)) || github::reads(operation)
}

/// Whether an operation belongs to the service deployments API, which a caller or a partition may lack.
pub(crate) fn of_service_deployments(operation: &str) -> bool {
    [
        "DescribeServiceDeployments",
        "ListServiceDeployments",
        "StopServiceDeployment",
        "ContinueServiceDeployment",
        "DescribeServiceRevisions",
    ]
    .contains(&operation)
}

impl World {
    /// The newest service of that name or ARN in that cluster.
    pub(crate) fn find_service(&self, cluster: &str, service: &str) -> Option<&Service> {
        self.services.get(self.service_index(cluster, service)?)
    }

    fn service_index(&self, cluster: &str, service: &str) -> Option<usize> {
        let matches = |each: &Service| each.cluster == cluster && (each.name == service || each.arn == service);
        self.services.iter().rposition(matches)
    }
}

/// A member that is text.
fn text<'a>(request: &'a Value, member: &str) -> &'a str {
    request[member].as_str().unwrap_or_default()
}

/// The texts of a member that is a list.
fn texts<'a>(request: &'a Value, member: &str) -> Vec<&'a str> {
    request[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn with_tags(request: &Value) -> bool {
    texts(request, "include").contains(&"TAGS")
}

/// The name of the cluster that a request means: by name, by ARN, or the default one.
fn cluster(world: &World, request: &Value) -> Result<String, Refusal> {
    let name = request["cluster"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
    let name = name.rsplit_once(":cluster/").map_or(name, |(_, name)| name);
    if world.clusters.contains_key(name) {
        return Ok(name.to_owned());
    }
    Err(Refusal::new("ClusterNotFoundException", "Cluster not found."))
}

/// Where the service is that a request means.
fn service_position(world: &World, request: &Value) -> Result<usize, Refusal> {
    let cluster = cluster(world, request)?;
    let service = text(request, "service");
    if service.is_empty() {
        return Err(Refusal::invalid("Service name cannot be empty."));
    }
    let missing = || Refusal::new("ServiceNotFoundException", "Service not found.");
    world.service_index(&cluster, service).ok_or_else(missing)
}

/// What describing operations say of things that are not there.
fn missing(arn: &str) -> Value {
    serde_json::json!({"arn": arn, "reason": "MISSING"})
}
