//! What was asked for of a service's network, merged into what is there. Pure: no client, no clock.

use serde_json::{Value, json};

use crate::cycle::{Cause, Change, Failure, Shown};
use crate::spec::Network;

/// The `networkConfiguration` that was asked for; `None` when it is there already. Members that nobody named stay.
///
/// # Errors
/// When the service's tasks have no network of their own.
pub(super) fn merged(asked: &Network, there: &Value) -> Result<Option<Value>, Failure> {
    if asked.is_empty() {
        return Ok(None);
    }
    if !there["awsvpcConfiguration"].is_object() {
        let reason =
            "`subnets`, `security-groups` and `assign-public-ip` are for services whose network mode is awsvpc.";
        return Err(Failure::new(Cause::InvalidInput, reason)
            .advise("Leave them out: this service's tasks use the hosts' network."));
    }
    let mut wanted = there.clone();
    let members = &mut wanted["awsvpcConfiguration"];
    for (member, ids) in [("subnets", &asked.subnets), ("securityGroups", &asked.security_groups)] {
        if !ids.is_empty() && sorted(&json!(ids)) != sorted(&members[member]) {
            members[member] = json!(ids);
        }
    }
    if let Some(assign) = &asked.assign_public_ip {
        members["assignPublicIp"] = json!(assign);
    }
    Ok((wanted != *there).then_some(wanted))
}

/// What differs between the two, member by member.
pub(super) fn changes(there: &Value, wanted: &Value) -> impl Iterator<Item = Change> {
    let of = |configuration: &Value, member: &str| match &configuration["awsvpcConfiguration"][member] {
        Value::Null => Shown::Absent,
        Value::String(text) => Shown::Value(text.clone()),
        list => Shown::Value(sorted(list).join(", ")),
    };
    ["subnets", "securityGroups", "assignPublicIp"].into_iter().filter_map(move |member| {
        let (before, after) = (of(there, member), of(wanted, member));
        (before != after).then(|| Change { subject: format!("networkConfiguration.{member}"), before, after })
    })
}

/// Their order means nothing.
fn sorted(ids: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> = ids.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ids.sort_unstable();
    ids
}
