//! Clusters.

use serde_json::{Map, Value, json};

use super::{Answer, missing, text, texts, with_tags};
use crate::world::World;

/// Creating a cluster that exists gives the existing one.
pub(super) fn create(world: &mut World, request: &Value) -> Answer {
    let name = Some(text(request, "clusterName")).filter(|name| !name.is_empty()).unwrap_or("default").to_owned();
    let cluster = world.add_cluster(&name);
    for member in ["settings", "configuration", "capacityProviders", "defaultCapacityProviderStrategy"] {
        if let Some(value) = request.get(member).filter(|value| !value.is_null()) {
            cluster.settings.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(tags) = request["tags"].as_array() {
        cluster.tags.clone_from(tags);
    }
    Ok(json!({"cluster": document(world, &name, true)}))
}

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let mut wanted = texts(request, "clusters");
    if wanted.is_empty() {
        wanted.push("default");
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let name = wanted.rsplit_once(":cluster/").map_or(wanted, |(_, name)| name);
        if world.clusters.contains_key(name) {
            clusters.push(document(world, name, with_tags(request)));
        } else {
            failures.push(missing(&world.scenario.arn(&format!("cluster/{name}"))));
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

fn document(world: &World, name: &str, with_tags: bool) -> Value {
    let Some(cluster) = world.clusters.get(name) else { return Value::Null };
    let services = || world.services.iter().filter(|service| service.cluster == name && service.status == "ACTIVE");
    let tasks = |running: bool| {
        let counted = |service: &crate::world::Service| {
            let live = service.tasks.iter().filter(|task| task.live()).count();
            if running { service.running() } else { live - service.running() }
        };
        services().map(counted).sum::<usize>()
    };
    let mut document: Map<String, Value> = cluster.settings.clone();
    for (member, value) in [
        ("clusterArn", json!(cluster.arn)),
        ("clusterName", json!(name)),
        ("status", json!("ACTIVE")),
        ("registeredContainerInstancesCount", json!(0)),
        ("runningTasksCount", json!(tasks(true))),
        ("pendingTasksCount", json!(tasks(false))),
        ("activeServicesCount", json!(services().count())),
        ("statistics", json!([])),
    ] {
        document.insert(member.to_owned(), value);
    }
    for member in ["settings", "capacityProviders", "defaultCapacityProviderStrategy"] {
        document.entry(member).or_insert(json!([]));
    }
    document.insert("tags".to_owned(), if with_tags { json!(cluster.tags) } else { json!([]) });
    Value::Object(document)
}
