//! The form in which two documents can be compared: what ECS takes for the same looks the same in it.

use serde_json::{Map, Value, json};

use super::document::RESPONSE_ONLY;
use super::{TaskDefinition, size};

/// Lists without an order, by what tells their items apart: the first member of these that an item has.
///
/// `environmentFiles`, `command`, `entryPoint` and the like are missing because their order means something.
const KEYED: [(&str, &[&str]); 17] = [
    ("containerDefinitions", &["name"]),
    ("environment", &["name"]),
    ("secrets", &["name"]),
    ("secretOptions", &["name"]),
    ("portMappings", &["containerPort", "containerPortRange"]),
    ("mountPoints", &["containerPath"]),
    ("volumesFrom", &["sourceContainer"]),
    ("dependsOn", &["containerName"]),
    ("ulimits", &["name"]),
    ("systemControls", &["namespace"]),
    ("extraHosts", &["hostname"]),
    ("resourceRequirements", &["type"]),
    ("tmpfs", &["containerPath"]),
    ("devices", &["hostPath"]),
    ("volumes", &["name"]),
    ("inferenceAccelerators", &["deviceName"]),
    ("properties", &["name"]),
];

/// Lists of texts without an order.
const SETS: [&str; 3] = ["requiresCompatibilities", "add", "drop"];

/// Lists and objects that say nothing when they are empty: DescribeTaskDefinition fills some of them in, and drops others.
const SAY_NOTHING_WHEN_EMPTY: [&str; 30] = [
    "command",
    "credentialSpecs",
    "dependsOn",
    "devices",
    "dnsSearchDomains",
    "dnsServers",
    "dockerLabels",
    "dockerSecurityOptions",
    "driverOpts",
    "entryPoint",
    "environment",
    "environmentFiles",
    "extraHosts",
    "host",
    "inferenceAccelerators",
    "labels",
    "links",
    "mountPoints",
    "options",
    "placementConstraints",
    "portMappings",
    "requiresCompatibilities",
    "resourceRequirements",
    "secretOptions",
    "secrets",
    "systemControls",
    "tmpfs",
    "ulimits",
    "volumes",
    "volumesFrom",
];

/// What ECS fills in, by the member that the object with the default is in.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html>
fn defaults(parent: &str) -> Vec<(&'static str, Value)> {
    match parent {
        "containerDefinitions" => vec![("essential", json!(true)), ("cpu", json!(0))],
        "portMappings" => vec![("protocol", json!("tcp"))],
        "mountPoints" | "volumesFrom" => vec![("readOnly", json!(false))],
        "healthCheck" => vec![("interval", json!(30)), ("timeout", json!(5)), ("retries", json!(3))],
        "efsVolumeConfiguration" => vec![("rootDirectory", json!("/")), ("transitEncryption", json!("DISABLED"))],
        "dockerVolumeConfiguration" => vec![("scope", json!("task")), ("driver", json!("local"))],
        _ => Vec::new(),
    }
}

/// The document in that form: without what only answers have, without tags, nulls, defaults and empty lists that say nothing,
/// with amounts as numbers of units, and with keys and unordered lists in one order.
pub(super) fn normal_form(document: &TaskDefinition) -> Value {
    let mut members = document.0.clone();
    members.retain(|key, _| key != "tags" && !RESPONSE_ONLY.contains(&key.as_str()));
    amount(&mut members, "cpu", size::cpu_units);
    amount(&mut members, "memory", size::mebibytes);
    let network_mode = members.get("networkMode").and_then(Value::as_str).unwrap_or_default().to_owned();
    for container in members.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten() {
        for mapping in container.get_mut("portMappings").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(mapping) = mapping.as_object_mut() {
                host_port(mapping, &network_mode);
            }
        }
    }
    let mut document = Value::Object(members);
    normalise(&mut document, "");
    document.sort_all_objects();
    document
}

/// Where the network mode leaves no choice of a port on the host, or takes any, ECS says so in its answers.
fn host_port(mapping: &mut Map<String, Value>, network_mode: &str) {
    let implied = match network_mode {
        "awsvpc" | "host" => mapping.get("containerPort").cloned(),
        _ => Some(json!(0)),
    };
    if implied.is_some() && mapping.get("hostPort") == implied.as_ref() {
        mapping.remove("hostPort");
    }
}

fn amount(members: &mut Map<String, Value>, member: &str, units: fn(&str) -> Option<u32>) {
    let Some(value) = members.get_mut(member) else { return };
    let number = match value {
        Value::String(text) => units(text),
        Value::Number(number) => units(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    if let Some(number) = number {
        *value = Value::String(number.to_string());
    }
}

fn normalise(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            for (member, value) in members.iter_mut() {
                normalise(value, member);
            }
            let defaults = if is_free_form(name) { Vec::new() } else { defaults(name) };
            members.retain(|member, value| {
                let is_default = defaults.iter().any(|(key, default)| member == key && value == default);
                let says_nothing =
                    is_empty(value) && !is_free_form(name) && SAY_NOTHING_WHEN_EMPTY.contains(&member.as_str());
                !(value.is_null() || is_default || says_nothing)
            });
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            for item in items.iter_mut() {
                normalise(item, name);
            }
            if is_keyed(name) {
                items.sort_by_cached_key(|item| key_of(item, name));
            } else if SETS.contains(&name) {
                items.sort_by_cached_key(Value::to_string);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Objects whose keys are the user's own, so that a key that looks like one of ECS's means nothing.
fn is_free_form(name: &str) -> bool {
    ["dockerLabels", "options", "labels", "driverOpts"].contains(&name)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Whether the items of the list are told apart by a member.
pub(super) fn is_keyed(list: &str) -> bool {
    KEYED.iter().any(|(name, _)| *name == list)
}

/// What tells an item of a keyed list apart.
pub(super) fn key_of(item: &Value, list: &str) -> Option<String> {
    let (_, keys) = KEYED.iter().find(|(name, _)| *name == list)?;
    let key = keys.iter().find_map(|key| item.get(key))?;
    let key = match key {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    // One port may be mapped once for each protocol.
    let protocol = item.get("protocol").and_then(Value::as_str).filter(|_| list == "portMappings");
    Some(protocol.map_or(key.clone(), |protocol| format!("{key}/{protocol}")))
}
