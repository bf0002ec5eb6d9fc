//! What Fargate asks for besides.

use serde_json::{Map, Value};

use super::super::size::{FargateSize, cpu_units, fargate_size, mebibytes};
use super::{Complaints, objects, text};
use crate::spec::EcrRegistry;

/// Complains about a task definition that has to run on Fargate, even if it may run elsewhere too.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
pub(super) fn check(task: &Map<String, Value>, complaints: &mut Complaints) {
    let compatibilities = task.get("requiresCompatibilities").and_then(Value::as_array);
    if !compatibilities.into_iter().flatten().any(|compatibility| compatibility == "FARGATE") {
        return;
    }
    if text(task, "networkMode") != Some("awsvpc") {
        complaints.error("networkMode", "has to be `awsvpc` on Fargate");
    }
    sizes(task, complaints);
    accelerators(task, complaints);
    if text(task, "executionRoleArn").is_none_or(str::is_empty) {
        execution_role(task, complaints);
    }
}

fn sizes(task: &Map<String, Value>, complaints: &mut Complaints) {
    for member in ["cpu", "memory"] {
        if !task.contains_key(member) {
            complaints.error(member, "is missing; Fargate needs the task's `cpu` and `memory`");
        }
    }
    let (Some(cpu), Some(memory)) = (text(task, "cpu").and_then(cpu_units), text(task, "memory").and_then(mebibytes))
    else {
        return;
    };
    match fargate_size(cpu, memory) {
        FargateSize::Exists => {}
        FargateSize::Unknown => {
            complaints.warning("cpu", format!("{cpu} units are more than Fargate was known to have; ECS decides"));
        }
        FargateSize::NoSuchCpu(sizes) => {
            complaints.error("cpu", format!("Fargate has no tasks of {cpu} CPU units; it has {sizes}"));
        }
        FargateSize::NoSuchMemory(range) => {
            complaints.error("memory", format!("Fargate has no {memory} MiB with {cpu} CPU units; it has {range}"));
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-gpu.html>
fn accelerators(task: &Map<String, Value>, complaints: &mut Complaints) {
    for container in objects(task, "containerDefinitions") {
        let name = text(container, "name").unwrap_or_default();
        let needs_gpu = objects(container, "resourceRequirements").any(|needed| text(needed, "type") == Some("GPU"));
        if needs_gpu {
            complaints.error(
                format!("containerDefinitions[{name}].resourceRequirements"),
                "asks for a GPU, and Fargate has none; run the task on EC2 or Amazon ECS Managed Instances, without FARGATE in \
                 `requiresCompatibilities`",
            );
        }
    }
}

/// The role with which Fargate pulls from ECR and writes to CloudWatch Logs. (Secrets need it everywhere: see `container`.)
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html>
fn execution_role(task: &Map<String, Value>, complaints: &mut Complaints) {
    for container in objects(task, "containerDefinitions") {
        let name = text(container, "name").unwrap_or_default();
        let driver = container.get("logConfiguration").and_then(|log| log.get("logDriver"));
        let needs = [
            (text(container, "image").is_some_and(is_in_ecr), "pull the image from Amazon ECR"),
            (driver.is_some_and(|driver| driver == "awslogs"), "write logs to CloudWatch"),
        ];
        for (_, what) in needs.into_iter().filter(|(needed, _)| *needed) {
            complaints.error(
                "executionRoleArn",
                format!("is missing; Fargate needs that role to {what} for container `{name}`"),
            );
        }
    }
}

/// By its host alone: what is wrong with the rest is another complaint.
fn is_in_ecr(image: &str) -> bool {
    image.split_once('/').is_some_and(|(host, _)| EcrRegistry::of_host(host).is_some())
}
