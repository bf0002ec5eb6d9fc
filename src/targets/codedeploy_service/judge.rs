//! What an observation means. Pure: no client, no clock.

use super::observe::Observation;
use super::rollout::Pin;
use crate::aws::codedeploy::{Deployment, Status};
use crate::cycle::{Cause, Failure, Verdict};
use crate::targets::ecs::threshold;
use crate::text::last_part;

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
        format!("{failed} tasks of {} {what}, one after the other.", last_part(&pin.task_definition)),
    ))
}

/// The lifecycle events that only hooks of the user's are for.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html#reference-appspec-file-structure-hooks-list-ecs>
const HOOKS: [&str; 5] =
    ["BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"];

/// AWS's codes: <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ErrorInformation.html>
fn given_up(seen: &Observation) -> Failure {
    let Deployment { id, status, error_code, error_message, .. } = &seen.deployment;
    let event = seen.target.failed_event();
    let hook = event.filter(|event| HOOKS.contains(&event.name.as_str()));
    let cause = match error_code.as_deref() {
        Some("ALARM_ACTIVE") => Cause::Alarm,
        Some("MANUAL_STOP") => Cause::Stopped,
        Some("TIMEOUT") if *status == Status::Stopped => Cause::Timeout,
        Some("IAM_ROLE_MISSING" | "IAM_ROLE_PERMISSIONS") => Cause::AccessDenied,
        Some("INTERNAL_ERROR" | "THROTTLED") => Cause::Unavailable,
        Some("HEALTH_CONSTRAINTS") => Cause::HealthCheck,
        Some("HOOK_EXECUTION_FAILURE" | "INVALID_LAMBDA_FUNCTION" | "INVALID_LAMBDA_CONFIGURATION") => Cause::Hook,
        None if *status == Status::Stopped => Cause::Stopped,
        _ if hook.is_some() => Cause::Hook,
        Some(
            "ECS_UPDATE_ERROR"
            | "INVALID_ECS_SERVICE"
            | "ELASTIC_LOAD_BALANCING_INVALID"
            | "ELB_INVALID_INSTANCE"
            | "MISSING_ELB_INFORMATION"
            | "INVALID_REVISION"
            | "RESOURCE_LIMIT_EXCEEDED",
        ) => Cause::RequestRefused,
        _ => Cause::TasksFailing,
    };
    let place = event.map(|event| format!(" in {}", event.name)).unwrap_or_default();
    let code = error_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let words = error_message.as_deref().filter(|words| !words.is_empty()).unwrap_or("it gives no reason");
    let ended = if *status == Status::Stopped { "was stopped" } else { "failed" };
    let failure = Failure::new(cause, format!("AWS CodeDeploy deployment {id} {ended}{place}{code}: {words}"));
    if cause != Cause::Hook {
        return failure;
    }
    let event = event.map(|event| event.name.as_str()).unwrap_or("of the AppSpec");
    failure.advise(format!(
        "Look at the log of the Lambda function of the hook {event}: it has to report Succeeded, with \
         PutLifecycleEventHookExecutionStatus, within the hour."
    ))
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
            (Status::Failed, Some("HOOK_EXECUTION_FAILURE"), "hook"),
            (Status::Failed, Some("ECS_UPDATE_ERROR"), "request-refused"),
            (Status::Failed, Some("CODE_FROM_THE_FUTURE"), "tasks-failing"),
        ] {
            assert_eq!(word(&seen(status.clone(), code, 2, 0)), expected, "{status:?} {code:?}");
        }
        let followed = Observation { newer: Some("theirs".to_owned()), ..seen(Status::Stopped, None, 2, 0) };
        assert_eq!(word(&followed), "superseded");
    }

    #[test]
    fn whatever_fails_in_the_event_of_a_hook_is_the_hooks_failure() {
        for (event, expected) in
            [("Install", "tasks-failing"), ("AllowTraffic", "tasks-failing"), ("AfterInstall", "hook")]
        {
            let mut seen = seen(Status::Failed, Some("TIMEOUT"), 2, 0);
            (seen.target.events[0].name, seen.target.events[0].status) = (event.to_owned(), "Failed".to_owned());
            assert_eq!(word(&seen), expected, "{event}");
        }
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
