//! Amazon CloudWatch Logs.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>

use serde_json::{Value, json};

use super::{Answer, text, unknown};
use crate::wire::Refusal;
use crate::world::{Stream, World};

pub(super) fn perform(world: &World, operation: &str, request: &Value) -> Answer {
    match operation {
        "GetLogEvents" => get_events(world, request),
        "DescribeLogStreams" => describe_streams(world, request),
        _ => unknown(operation),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html>
fn describe_streams(world: &World, request: &Value) -> Answer {
    let by_time = request["orderBy"] == "LastEventTime";
    if by_time && request.get("logStreamNamePrefix").is_some_and(|prefix| !prefix.is_null()) {
        return Err(Refusal::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let mut streams = world.endpoint_logs(text(request, "logGroupName"))?;
    let last = |events: &Vec<Value>| events.last().and_then(|event| event["timestamp"].as_u64());
    streams.retain(|(stream, _)| stream.name.starts_with(text(request, "logStreamNamePrefix")));
    streams.sort_by_key(|(stream, events)| (last(events).filter(|_| by_time), stream.name.clone()));
    if request["descending"] == true {
        streams.reverse();
    }
    let limit = request["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(50);
    let epoch = u64::try_from(world.scenario.epoch.as_millisecond()).unwrap_or_default();
    let shown = |(stream, events): (&Stream, Vec<Value>)| {
        json!({
            "logStreamName": stream.name,
            "creationTime": epoch + u64::try_from(stream.at.as_millis()).unwrap_or_default(),
            "firstEventTimestamp": events[0]["timestamp"],
            "lastEventTimestamp": last(&events),
            "storedBytes": 0,
        })
    };
    Ok(json!({"logStreams": streams.into_iter().take(limit).map(shown).collect::<Vec<_>>()}))
}

/// Both tokens of an answer are positions; at an end of the stream the token that was passed comes back.
fn get_events(world: &World, request: &Value) -> Answer {
    let events = world.log_events(text(request, "logGroupName"), text(request, "logStreamName"))?;
    let limit = request["limit"].as_u64().map_or(10_000, |limit| usize::try_from(limit).unwrap_or(10_000));
    let position = |token: &str| token.get(2..).and_then(|it| it.strip_suffix("/s")).and_then(|it| it.parse().ok());
    let (start, end) = match request["nextToken"].as_str() {
        None if request["startFromHead"] == true => (0, events.len().min(limit)),
        None => (events.len().saturating_sub(limit), events.len()),
        Some(token) => {
            let at: usize = position(token)
                .filter(|at| *at <= events.len())
                .ok_or_else(|| Refusal::invalid("The specified nextToken is invalid."))?;
            if token.starts_with("b/") { (at.saturating_sub(limit), at) } else { (at, events.len().min(at + limit)) }
        }
    };
    Ok(json!({
        "events": events[start..end],
        "nextForwardToken": format!("f/{end:056}/s"),
        "nextBackwardToken": format!("b/{start:056}/s"),
    }))
}
