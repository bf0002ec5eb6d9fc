//! Starts the tasks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Rollout;
use crate::aws::Attempts;
use crate::aws::ecs::{Started, Writer};
use crate::cycle::{Cause, Events, Failure, NotUpdated, Output};

/// How long to leave a cluster without room alone.
const PAUSE: Duration = Duration::from_secs(10);

/// Sends RunTask until all tasks are placed, or the time for that is up.
///
/// Idempotent by its token: without an answer the very same request is sent again. A request that was answered with a want
/// of room gets a new token, because AWS may remember the answer.
pub(super) async fn update(
    writer: &Writer,
    mut rollout: Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Rollout, NotUpdated> {
    for container in rollout.memo.containers.iter().filter_map(|it| it.elsewhere()) {
        events.note(container);
    }
    let deadline = Instant::now() + rollout.placement;
    for round in 0_u32.. {
        let missing = usize::from(rollout.memo.count) - rollout.memo.tasks.len().min(rollout.memo.count.into());
        let token = if round == 0 { rollout.token.clone() } else { format!("{}-{round}", rollout.token) };
        rollout.request.insert("count".to_owned(), json!(missing));
        rollout.request.insert("clientToken".to_owned(), Value::from(token));
        let Started { tasks, failures } = send(writer, &rollout, max_retries, events).await.map_err(|mut error| {
            error.may_have_happened |= !rollout.memo.tasks.is_empty();
            error
        })?;
        rollout.memo.tasks.extend(tasks.into_iter().map(|task| task.arn));
        if let Ok(arns) = serde_json::to_string(&rollout.memo.tasks) {
            events.know(Output::RunTaskArn, arns);
        }
        let Some(reason) = failures.first() else { break };
        if !passes(reason) || Instant::now() + PAUSE > deadline {
            let may_have_happened = !rollout.memo.tasks.is_empty();
            return Err(NotUpdated { failure: unplaced(reason, rollout.placement), may_have_happened });
        }
        events.note(format!("No place for the task yet: {}; asking again.", explained(reason)));
        sleep(PAUSE).await;
    }
    Ok(rollout)
}

async fn send(writer: &Writer, rollout: &Rollout, max_retries: u32, events: &Events) -> Result<Started, NotUpdated> {
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_have_happened = false;
    loop {
        let error = match writer.run_task(&rollout.request).await {
            Ok(started) => return Ok(started),
            Err(error) => error,
        };
        may_have_happened |= error.may_have_happened();
        if !error.is_passing() {
            return Err(NotUpdated { failure: error.into(), may_have_happened });
        }
        attempts.pause_after(error).await.map_err(|error| NotUpdated { failure: error.into(), may_have_happened })?;
    }
}

/// Whether waiting can mend it.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>
fn passes(reason: &str) -> bool {
    reason.starts_with("RESOURCE") || reason == "AGENT" || reason.contains("Capacity is unavailable")
}

fn explained(reason: &str) -> String {
    let told = match reason {
        "RESOURCE:CPU" => "no container instance has enough free CPU",
        "RESOURCE:MEMORY" => "no container instance has enough free memory",
        "RESOURCE:GPU" => "no container instance has enough free GPUs",
        "RESOURCE:ENI" => "no container instance has a free network interface",
        "AGENT" => "the agent of the container instance is not connected",
        "ATTRIBUTE" => "no container instance has an attribute that the task definition needs",
        "LOCATION" => "no container instance lies in an Availability Zone of the subnets",
        "INACTIVE" => "the container instance is not registered any more",
        _ if reason.starts_with("RESOURCE:PORT") => "a host port of the task is taken on every container instance",
        _ if reason.contains("placement constraint") => "no container instance meets the placement constraint",
        _ if reason.contains("Capacity is unavailable") => "AWS has no capacity for it at the moment",
        _ => return reason.to_owned(),
    };
    format!("{told} ({reason})")
}

fn unplaced(reason: &str, patience: Duration) -> Failure {
    let waited = if passes(reason) {
        format!(" It was asked for during {} minutes (`run-task-placement-minutes`).", patience.as_secs_f64() / 60.0)
    } else {
        String::new()
    };
    Failure::new(Cause::Placement, format!("Amazon ECS has no place for the task: {}.{waited}", explained(reason)))
        .advise("Look at what is free on the cluster's container instances, or let a capacity provider add one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_of_room_passes_and_a_constraint_does_not() {
        for (reason, expected) in [
            ("RESOURCE:GPU", true),
            ("RESOURCE:PORTS", true),
            ("AGENT", true),
            ("Capacity is unavailable at this time. Please try again later or in a different availability zone", true),
            ("MemberOf placement constraint unsatisfied.", false),
            ("ATTRIBUTE", false),
            ("of the future", false),
        ] {
            assert_eq!(passes(reason), expected, "{reason}");
            assert!(explained(reason).contains(reason), "AWS's own word is told");
        }
    }
}
