//! Amazon CloudWatch Logs.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>

use serde_json::{Value, json};

use super::{Answer, text};
use crate::wire::Refusal;
use crate::world::World;

/// Both tokens of an answer are positions; at an end of the stream the token that was passed comes back.
pub(super) fn get_events(world: &mut World, request: &Value) -> Answer {
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
