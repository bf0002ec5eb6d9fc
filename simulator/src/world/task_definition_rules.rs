//! What ECS refuses in a task definition although its shape is right.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::wire::Refusal;

/// Complains about the first thing that is wrong.
pub(crate) fn check(document: &Map<String, Value>) -> Result<(), Refusal> {
    family(document)?;
    containers(document)?;
    roles(document)?;
    if list(document, "requiresCompatibilities").iter().any(|compatibility| compatibility == "FARGATE") {
        fargate(document)?;
    }
    Ok(())
}

fn family(document: &Map<String, Value>) -> Result<(), Refusal> {
    let family = text(document, "family").unwrap_or_default();
    let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if family.is_empty() || family.len() > 255 || !family.chars().all(valid) {
        return Err(Refusal::client(
            "Family contains invalid characters: up to 255 letters, numbers, underscores, and hyphens are allowed.",
        ));
    }
    Ok(())
}

fn containers(document: &Map<String, Value>) -> Result<(), Refusal> {
    let containers = list(document, "containerDefinitions");
    if containers.is_empty() {
        return Err(Refusal::client("Container list cannot be empty."));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        let name = container["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::client("Container.name should not be null or empty."))?;
        if container["image"].as_str().is_none_or(str::is_empty) {
            return Err(Refusal::client("Container.image should not be null or empty."));
        }
        if !names.insert(name) {
            return Err(Refusal::client(format!("Container names must be unique: {name}")));
        }
        let limited = |member: &str| container[member].as_u64().is_some_and(|memory| memory > 0);
        if text(document, "memory").is_none() && !limited("memory") && !limited("memoryReservation") {
            return Err(Refusal::client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
            )));
        }
    }
    if containers.iter().all(|container| container["essential"] == Value::Bool(false)) {
        return Err(Refusal::client("TaskDefinition must contain at least one essential container."));
    }
    Ok(())
}

fn roles(document: &Map<String, Value>) -> Result<(), Refusal> {
    for role in ["executionRoleArn", "taskRoleArn"] {
        // A name is accepted as well as an ARN; an ARN must be one of a role.
        if text(document, role).is_some_and(|arn| arn.starts_with("arn:") && !arn.contains(":role/")) {
            return Err(Refusal::client("Role is not valid"));
        }
    }
    Ok(())
}

/// Fargate's rules (developer guide, "Amazon ECS task definition parameters for Fargate").
fn fargate(document: &Map<String, Value>) -> Result<(), Refusal> {
    if text(document, "networkMode").is_some_and(|mode| mode != "awsvpc") {
        return Err(Refusal::client("Fargate only supports network mode 'awsvpc'."));
    }
    let (Some(cpu), Some(memory)) = (text(document, "cpu"), text(document, "memory")) else {
        return Err(Refusal::client("Fargate requires task definition to have 'cpu' and 'memory' at the task level."));
    };
    let pair = units(cpu, "vcpu").zip(units(memory, "gb"));
    if pair.is_some_and(|(cpu, memory)| fits(cpu, memory)) {
        return Ok(());
    }
    Err(Refusal::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
         See the Amazon ECS documentation for the valid values."
    )))
}

/// `256` and `0.25 vCPU` are the same, and so are `1024` and `1 GB`.
fn units(text: &str, unit: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    match text.strip_suffix(unit) {
        Some(number) => {
            let units = number.trim().parse::<f64>().ok()? * 1024.0;
            (units >= 0.0 && units.fract() == 0.0).then_some(units as u64)
        }
        None => text.trim().parse().ok(),
    }
}

fn fits(cpu: u64, memory: u64) -> bool {
    const GB: u64 = 1024;
    match cpu {
        256 => [512, GB, 2 * GB].contains(&memory),
        512 => (GB..=4 * GB).contains(&memory) && memory.is_multiple_of(GB),
        1024 => (2 * GB..=8 * GB).contains(&memory) && memory.is_multiple_of(GB),
        2048 => (4 * GB..=16 * GB).contains(&memory) && memory.is_multiple_of(GB),
        4096 => (8 * GB..=30 * GB).contains(&memory) && memory.is_multiple_of(GB),
        8192 => (16 * GB..=60 * GB).contains(&memory) && memory.is_multiple_of(4 * GB),
        16384 => (32 * GB..=120 * GB).contains(&memory) && memory.is_multiple_of(8 * GB),
        _ => false,
    }
}

fn text<'a>(document: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    document.get(member).and_then(Value::as_str)
}

fn list<'a>(document: &'a Map<String, Value>, member: &str) -> &'a [Value] {
    document.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(change: Value) -> Option<String> {
        let mut document = json!({
            "family": "web",
            "containerDefinitions": [{"name": "web", "image": "web:1"}],
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
        });
        for (member, value) in change.as_object().unwrap() {
            document[member] = value.clone();
        }
        check(document.as_object().unwrap()).err().map(|refusal| refusal.message)
    }

    #[test]
    fn refuses_what_ecs_refuses() {
        for (change, part) in [
            (json!({"family": "a b"}), "invalid characters"),
            (json!({"containerDefinitions": []}), "cannot be empty"),
            (json!({"containerDefinitions": [{"name": "web", "image": ""}]}), "Container.image"),
            (json!({"containerDefinitions": [{"image": "web"}]}), "Container.name"),
            (json!({"containerDefinitions": [{"name": "a", "image": "b", "essential": false}]}), "essential"),
            (json!({"executionRoleArn": "arn:aws:iam::123456789012:user/me"}), "Role"),
            (json!({"networkMode": "bridge"}), "awsvpc"),
            (json!({"memory": "4096"}), "No Fargate configuration"),
            (json!({"cpu": "300"}), "No Fargate configuration"),
            (json!({"memory": null}), "memory"),
        ] {
            let complaint = complaint(change.clone()).unwrap_or_default();
            assert!(complaint.contains(part), "{change}: {complaint}");
        }
    }

    #[test]
    fn accepts_units_in_either_notation() {
        for change in
            [json!({}), json!({"cpu": "0.25 vCPU", "memory": "0.5 GB"}), json!({"cpu": "1 vcpu", "memory": "2048"})]
        {
            assert_eq!(complaint(change), None);
        }
    }
}
