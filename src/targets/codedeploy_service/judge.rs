//! What an observation means. Pure: no client, no clock.

use super::observe::Observation;
use super::rollout::Pin;
use crate::aws::codedeploy::{Deployment, Status};
use crate::cycle::{Cause, Failure, Verdict};
use crate::targets::ecs_service::{short, threshold};

pub(super) fn judge(pin: &Pin, seen: &Observation) -> Verdict {
    match (&seen.deployment.status, &seen.newer) {
        (Status::Succeeded, _) => Verdict::Done,
        (Status::Failed | Status::Stopped, Some(by)) => Verdict::Superseded(by.clone()),
        (Status::Failed | Status::Stopped, None) => Verdict::Failed(given_up(seen)),
        _ => judge_tasks(pin, seen),
    }
}

/// Fails a deployment whose tasks keep failing: CodeDeploy would go on for an hour.
fn judge_tasks(pin: &Pin, seen: &Observation) -> Verdict {
    let Some(new) = seen.target.new.as_ref().filter(|new| new.running < new.desired) else { return Verdict::Pending };
    let failed = u32::try_from(seen.failed.len()).unwrap_or(u32::MAX);
    if failed < threshold(new.desired) || seen.target.has_shifted() {
        return Verdict::Pending;
    }
    let by_health_check = seen.failed.iter().filter(|task| task.failed_health_check()).count();
    let (cause, what) = if by_health_check * 2 > seen.failed.len() {
        (Cause::HealthCheck, "failed their health checks")
    } else {
        (Cause::TasksFailing, "failed")
    };
    Verdict::Failed(Failure::new(
        cause,
        format!("{failed} tasks of {} {what}, one after the other.", short(&pin.task_definition)),
    ))
}

/// AWS's codes: <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ErrorInformation.html>
fn given_up(seen: &Observation) -> Failure {
    let Deployment { id, status, error_code, error_message, .. } = &seen.deployment;
    let cause = match error_code.as_deref() {
        Some("ALARM_ACTIVE") => Cause::Alarm,
        Some("MANUAL_STOP") => Cause::Stopped,
        Some("TIMEOUT") if *status == Status::Stopped => Cause::Timeout,
        Some("IAM_ROLE_MISSING" | "IAM_ROLE_PERMISSIONS") => Cause::AccessDenied,
        Some("INTERNAL_ERROR" | "THROTTLED") => Cause::Unavailable,
        Some("HEALTH_CONSTRAINTS") => Cause::HealthCheck,
        None if *status == Status::Stopped => Cause::Stopped,
        _ => Cause::TasksFailing,
    };
    let event = seen.target.events.iter().find(|event| event.status == "Failed");
    let place = event.map(|event| format!(" in {}", event.name)).unwrap_or_default();
    let code = error_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let words = error_message.as_deref().filter(|words| !words.is_empty()).unwrap_or("it gives no reason");
    let ended = if *status == Status::Stopped { "was stopped" } else { "failed" };
    Failure::new(cause, format!("AWS CodeDeploy deployment {id} {ended}{place}{code}: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::codedeploy::{LifecycleEvent, Target, TaskSet};
    use crate::aws::ecs::StoppedTask;

    fn seen(status: Status, code: Option<&str>, running: u32, failed: usize) -> Observation {
        Observation {
            deployment: Deployment {
                id: "d-1".to_owned(),
                status,
                error_code: code.map(str::to_owned),
                ..Deployment::default()
            },
            target: Target {
                events: vec![LifecycleEvent {
                    name: "Install".to_owned(),
                    status: "InProgress".to_owned(),
                    ..LifecycleEvent::default()
                }],
                new: Some(TaskSet { desired: 2, running, ..TaskSet::default() }),
                old: None,
            },
            failed: vec![StoppedTask::default(); failed],
            newer: None,
        }
    }

    fn word(seen: &Observation) -> &'static str {
        match judge(&Pin::default(), seen) {
            Verdict::Done => "done",
            Verdict::Superseded(_) => "superseded",
            Verdict::Failed(failure) => failure.cause.as_str(),
            _ => "pending",
        }
    }

    #[test]
    fn the_status_decides_and_the_code_says_why() {
        for (status, code, expected) in [
            (Status::Created, None, "pending"),
            (Status::Ready, None, "pending"),
            (Status::Other("FromTheFuture".to_owned()), None, "pending"),
            (Status::Succeeded, None, "done"),
            (Status::Stopped, Some("ALARM_ACTIVE"), "alarm"),
            (Status::Stopped, Some("MANUAL_STOP"), "stopped"),
            (Status::Stopped, None, "stopped"),
            (Status::Stopped, Some("TIMEOUT"), "timeout"),
            (Status::Failed, Some("TIMEOUT"), "tasks-failing"),
            (Status::Failed, Some("IAM_ROLE_PERMISSIONS"), "access-denied"),
            (Status::Failed, Some("CODE_FROM_THE_FUTURE"), "tasks-failing"),
        ] {
            assert_eq!(word(&seen(status.clone(), code, 2, 0)), expected, "{status:?} {code:?}");
        }
        let followed = Observation { newer: Some("theirs".to_owned()), ..seen(Status::Stopped, None, 2, 0) };
        assert_eq!(word(&followed), "superseded");
    }

    #[test]
    fn tasks_that_keep_failing_are_not_waited_for() {
        for (running, failed, expected) in
            [(0, 2, "pending"), (0, 3, "tasks-failing"), (1, 3, "tasks-failing"), (2, 9, "pending")]
        {
            assert_eq!(word(&seen(Status::InProgress, None, running, failed)), expected, "{running} {failed}");
        }
    }
}
