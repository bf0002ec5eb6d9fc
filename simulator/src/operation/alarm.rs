//! Alarms of Amazon CloudWatch.

use serde_json::{Value, json};

use super::{Answer, text, texts};
use crate::clock::epoch_seconds;
use crate::wire::Refusal;
use crate::world::{Alarm, World};
use crate::{AlarmKind, AlarmState};

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>: names that do not exist are left
/// out, and only metric alarms are answered unless other types are asked for.
pub(super) fn describe(world: &World, request: &Value) -> Answer {
    let (names, types) = (texts(request, "AlarmNames"), texts(request, "AlarmTypes"));
    let (state, prefix) = (request["StateValue"].as_str(), text(request, "AlarmNamePrefix"));
    let is_wanted = |(name, alarm): &(&String, &Alarm)| {
        (names.is_empty() || names.contains(&name.as_str()))
            && (types.contains(&kind(alarm.kind)) || types.is_empty() && alarm.kind == AlarmKind::Metric)
            && state.is_none_or(|state| state == alarm.state.name())
            && name.starts_with(prefix)
    };
    let found: Vec<_> = world.alarms.iter().filter(is_wanted).collect();
    let start = match request["NextToken"].as_str() {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|start| *start <= found.len())
            .ok_or_else(|| Refusal::new("InvalidNextToken", "The next token is not valid."))?,
    };
    let size = request["MaxRecords"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(50);
    let end = found.len().min(start + size);
    let mut answer = json!({"MetricAlarms": [], "CompositeAlarms": []});
    for (name, alarm) in &found[start..end] {
        let list = format!("{}s", kind(alarm.kind));
        match answer[&list].as_array_mut() {
            Some(alarms) => alarms.push(document(world, name, alarm)),
            None => answer[&list] = json!([document(world, name, alarm)]),
        }
    }
    if end < found.len() {
        answer["NextToken"] = json!(end.to_string());
    }
    Ok(answer)
}

fn kind(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::Metric => "MetricAlarm",
        AlarmKind::Composite => "CompositeAlarm",
        AlarmKind::Log => "LogAlarm",
    }
}

fn document(world: &World, name: &str, alarm: &Alarm) -> Value {
    let scenario = &world.scenario;
    let at = epoch_seconds(scenario.epoch, alarm.transitioned);
    json!({
        "AlarmName": name,
        "AlarmArn": format!(
            "arn:{}:cloudwatch:{}:{}:alarm:{name}", scenario.partition(), scenario.region, scenario.account
        ),
        "ActionsEnabled": true,
        "StateValue": alarm.state.name(),
        "StateReason": match alarm.state {
            AlarmState::Alarm => "Threshold Crossed: 1 datapoint was greater than the threshold (1.0).",
            AlarmState::Ok | AlarmState::InsufficientData => "Unchecked: Initial alarm creation",
        },
        "StateUpdatedTimestamp": at,
        "StateTransitionedTimestamp": at,
    })
}
