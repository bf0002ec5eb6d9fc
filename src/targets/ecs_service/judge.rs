//! What an observation means. Pure: no client, no clock.

use super::pin::{Observation, Pin};
use super::stages::has_stages;
use crate::aws::ecs::{Deployment, RolloutState, ServiceDeployment, ServiceDeploymentStatus as Status};
use crate::cycle::{Cause, Failure, Verdict};
use crate::targets::ecs::{primary, threshold};
use crate::text::last_part;

/// So many looks in a row have to show the same where no state of AWS says that it will last.
pub(super) const STEADY_LOOKS: u32 = 3;

pub(super) fn judge(pin: &Pin, seen: &Observation) -> Verdict {
    if seen.service.status != "ACTIVE" {
        return Verdict::Failed(Failure::new(
            Cause::Conflict,
            format!("The service was deleted meanwhile: it is {}.", seen.service.status),
        ));
    }
    if !pin.starts_deployment() {
        return judge_settings(pin, seen);
    }
    match &seen.service_deployment {
        Some(deployment) => judge_service_deployment(pin, seen, deployment),
        None => judge_deployments(pin, seen),
    }
}

/// Whether the service's list of deployments says too little, so that the service deployment has to be looked at too.
pub(super) fn is_unclear(pin: &Pin, seen: &Observation) -> bool {
    match pin.ours(&seen.service) {
        _ if has_stages(&seen.service) => true,
        Some(ours) => !ours.is_primary() || ours.rollout != RolloutState::InProgress,
        None => true,
    }
}

fn judge_service_deployment(pin: &Pin, seen: &Observation, deployment: &ServiceDeployment) -> Verdict {
    match &deployment.status {
        Status::Successful => match newer(pin, seen) {
            Some(by) => Verdict::Superseded(by),
            None if seen.service.task_definition == pin.task_definition => Verdict::Done,
            // The service in this answer is older than the service deployment in the other.
            None => Verdict::Pending,
        },
        Status::StopRequested | Status::Stopped => match newer(pin, seen) {
            Some(by) => Verdict::Superseded(by),
            None => Verdict::Failed(given_up(deployment)),
        },
        Status::RollbackRequested
        | Status::RollbackInProgress
        | Status::RollbackSuccessful
        | Status::RollbackFailed => Verdict::Failed(given_up(deployment)),
        Status::Pending | Status::InProgress | Status::Other(_) => match newer(pin, seen) {
            // A newer deployment to the old revision may be ECS's own way back, which the next status tells.
            Some(by) if primary(&seen.service).is_some_and(|it| Some(&it.task_definition) != pin.stable.as_ref()) => {
                Verdict::Superseded(by)
            }
            Some(_) => Verdict::Pending,
            None => judge_tasks(pin, seen),
        },
    }
}

/// Without service deployments, the entry with our id in the service's list has to tell.
fn judge_deployments(pin: &Pin, seen: &Observation) -> Verdict {
    let Some(ours) = pin.ours(&seen.service) else {
        return match newer(pin, seen) {
            // ECS removes a deployment that it gave up from the list once it has gone back.
            Some(_) if went_back(pin, seen) => Verdict::Failed(given_up_for(None)),
            Some(by) => Verdict::Superseded(by),
            None => Verdict::Pending,
        };
    };
    match &ours.rollout {
        RolloutState::Failed => Verdict::Failed(given_up_for(ours.rollout_reason.as_deref())),
        _ if !ours.is_primary() => match newer(pin, seen) {
            Some(by) => Verdict::Superseded(by),
            None => Verdict::Pending,
        },
        RolloutState::Completed if seen.service.task_definition == pin.task_definition && ours.is_full() => {
            Verdict::Done
        }
        RolloutState::Absent if seen.full_looks >= STEADY_LOOKS && seen.service.running == ours.running => {
            Verdict::Done
        }
        RolloutState::Completed | RolloutState::Absent | RolloutState::InProgress | RolloutState::Other(_) => {
            judge_tasks(pin, seen)
        }
    }
}

/// Fails a rollout whose tasks keep failing, unless ECS's own circuit breaker watches it.
fn judge_tasks(pin: &Pin, seen: &Observation) -> Verdict {
    if seen.service.circuit_breaker.enabled {
        return Verdict::Pending;
    }
    let Some(ours) = pin.ours(&seen.service) else { return Verdict::Pending };
    // What ECS counts starts again with every task that stays; what stopped does not, so it counts only while nothing runs.
    let stopped = if ours.running == 0 { u32::try_from(seen.failed.len()).unwrap_or(u32::MAX) } else { 0 };
    let failed = ours.failed.max(stopped);
    let enough = threshold(seen.service.desired);
    if failed < enough || ours.is_full() {
        return Verdict::Pending;
    }
    let by_health_check = seen.failed.iter().filter(|task| task.failed_health_check()).count();
    let cause = if by_health_check * 2 > seen.failed.len() { Cause::HealthCheck } else { Cause::TasksFailing };
    let what = if cause == Cause::HealthCheck { "failed their health checks" } else { "failed" };
    Verdict::Failed(Failure::new(
        cause,
        format!("{failed} tasks of {} {what}, one after the other.", last_part(&pin.task_definition)),
    ))
}

/// A change that starts no deployment, or a look at a service that is set to the right revision already. No state of AWS tells
/// its end, so it is over when all tasks run and go on running.
fn judge_settings(pin: &Pin, seen: &Observation) -> Verdict {
    let Some(primary) = primary(&seen.service) else { return Verdict::Pending };
    if Some(&primary.id) != pin.deployment.as_ref() {
        return Verdict::Superseded(name(primary));
    }
    if seen.other_count_looks >= STEADY_LOOKS {
        return Verdict::Superseded(format!("a desired count of {}", seen.service.desired));
    }
    let is_full = seen.service.running == seen.service.desired && seen.full_looks >= STEADY_LOOKS;
    if is_full && seen.other_count_looks == 0 { Verdict::Done } else { judge_tasks(pin, seen) }
}

/// The deployment that took our place. An answer that still shows what was before our own is only old.
fn newer(pin: &Pin, seen: &Observation) -> Option<String> {
    let primary = primary(&seen.service)?;
    let is_ours = Some(&primary.id) == pin.deployment.as_ref();
    let is_before_ours = Some(&primary.id) == pin.previous_deployment.as_ref();
    (!is_ours && !is_before_ours).then(|| name(primary))
}

fn name(deployment: &Deployment) -> String {
    format!("deployment {} to {}", deployment.id, last_part(&deployment.task_definition))
}

/// Whether the service's events tell that ECS gave up our deployment.
fn went_back(pin: &Pin, seen: &Observation) -> bool {
    let Some(id) = &pin.deployment else { return false };
    Some(&seen.service.task_definition) == pin.stable.as_ref()
        && seen
            .service
            .events
            .iter()
            .any(|event| event.message.contains(id.as_str()) && event.message.contains("failed"))
}

fn given_up(deployment: &ServiceDeployment) -> Failure {
    let words = deployment.rollback_reason.as_deref().or(deployment.status_reason.as_deref());
    if !deployment.triggered_alarms.is_empty() {
        return Failure::new(
            Cause::Alarm,
            format!(
                "Amazon ECS gave the deployment up because of the alarm {}.",
                deployment.triggered_alarms.join(", ")
            ),
        );
    }
    if deployment.circuit_breaker_triggered {
        return breaker(words);
    }
    if let Some(failed) = deployment.hooks.iter().find(|hook| hook.has_failed()) {
        return hook(&format!("{} ({})", failed.name(), failed.status), deployment.stage.as_deref(), words);
    }
    match words.map(cause_of) {
        Some(Cause::CircuitBreaker) => breaker(words),
        Some(Cause::Alarm) => alarm(words),
        Some(Cause::Hook) => hook("which it does not name", deployment.stage.as_deref(), words),
        _ => stopped(deployment.status.as_str(), words),
    }
}

/// Where AWS gives a reason in words and nothing else. Without words it is the circuit breaker, which alone gives up
/// deployments in services that have no alarms.
fn given_up_for(words: Option<&str>) -> Failure {
    match words.map(cause_of) {
        Some(Cause::Alarm) => alarm(words),
        Some(Cause::Hook) => hook("which it does not name", None, words),
        Some(Cause::Stopped) => stopped("FAILED", words),
        _ => breaker(words),
    }
}

/// The cause that a reason of AWS speaks of. AWS documents no codes for it; the words are those of `statusReason`,
/// `rollback.reason` and `rolloutStateReason`.
fn cause_of(words: &str) -> Cause {
    let words = words.to_ascii_lowercase();
    if words.contains("circuit breaker") {
        Cause::CircuitBreaker
    } else if words.contains("alarm") {
        Cause::Alarm
    } else if words.contains("hook") {
        Cause::Hook
    } else if words.contains("user") || words.contains("stop") {
        Cause::Stopped
    } else {
        Cause::CircuitBreaker
    }
}

fn alarm(words: Option<&str>) -> Failure {
    let words = words.unwrap_or_default();
    Failure::new(Cause::Alarm, format!("Amazon ECS gave the deployment up because of an alarm: {words}"))
}

fn hook(name: &str, stage: Option<&str>, words: Option<&str>) -> Failure {
    let stage = stage.map(|stage| format!(" in {stage}")).unwrap_or_default();
    let words = words.map_or_else(|| ".".to_owned(), |words| format!(": {words}"));
    Failure::new(
        Cause::Hook,
        format!("Amazon ECS gave the deployment up because of the lifecycle hook {name}{stage}{words}"),
    )
}

fn stopped(status: &str, words: Option<&str>) -> Failure {
    Failure::new(
        Cause::Stopped,
        match words {
            Some(words) => format!("The deployment was stopped from outside ({status}): {words}"),
            None => format!("The deployment was stopped from outside ({status})."),
        },
    )
}

fn breaker(words: Option<&str>) -> Failure {
    Failure::new(
        Cause::CircuitBreaker,
        match words.filter(|words| !words.is_empty()) {
            Some(words) => format!("The deployment circuit breaker of Amazon ECS gave the deployment up: {words}"),
            None => "The deployment circuit breaker of Amazon ECS gave the deployment up.".to_owned(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs::{CircuitBreaker, Hook, Service, StoppedTask};
    use crate::cycle::Said;

    const OLD: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
    const NEW: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2";
    const THEIRS: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3";

    fn pin() -> Pin {
        Pin {
            task_definition: NEW.to_owned(),
            stable: Some(OLD.to_owned()),
            previous_deployment: Some("old".to_owned()),
            deployment: Some("ours".to_owned()),
            ..Pin::default()
        }
    }

    fn deployment(id: &str, task_definition: &str, rollout: RolloutState) -> Deployment {
        Deployment {
            id: id.to_owned(),
            status: "ACTIVE".to_owned(),
            task_definition: task_definition.to_owned(),
            desired: 2,
            running: 2,
            rollout,
            ..Deployment::default()
        }
    }

    /// A service whose first deployment is the PRIMARY one.
    fn service(mut deployments: Vec<Deployment>) -> Observation {
        deployments[0].status = "PRIMARY".to_owned();
        Observation {
            service: Service {
                status: "ACTIVE".to_owned(),
                task_definition: deployments[0].task_definition.clone(),
                desired: 2,
                running: 2,
                deployments,
                ..Service::default()
            },
            ..Observation::default()
        }
    }

    fn ours(rollout: RolloutState) -> Observation {
        service(vec![deployment("ours", NEW, rollout), deployment("old", OLD, RolloutState::Completed)])
    }

    fn with_status(mut seen: Observation, status: Status) -> Observation {
        seen.service_deployment = Some(ServiceDeployment { status, ..ServiceDeployment::default() });
        seen
    }

    /// The verdict in a word.
    fn word(seen: &Observation) -> &'static str {
        match judge(&pin(), seen) {
            Verdict::Pending | Verdict::Paused(_) | Verdict::Left(_) => "pending",
            Verdict::Done => "done",
            Verdict::Superseded(_) => "superseded",
            Verdict::Failed(failure) => failure.cause.as_str(),
        }
    }

    #[test]
    fn a_service_deployment_counts_for_more_than_the_list_of_deployments() {
        use RolloutState::{Completed, InProgress};
        let back = || service(vec![deployment("back", OLD, InProgress), deployment("ours", NEW, RolloutState::Failed)]);
        let theirs = || service(vec![deployment("theirs", THEIRS, InProgress), deployment("ours", NEW, InProgress)]);
        let restarted = || service(vec![deployment("theirs", NEW, InProgress), deployment("ours", NEW, Completed)]);
        let stale = || service(vec![deployment("old", OLD, Completed)]);
        for (seen, status, expected) in [
            (ours(Completed), Status::InProgress, "pending"),
            (ours(Completed), Status::Successful, "done"),
            (ours(InProgress), Status::Other("FROM_THE_FUTURE".to_owned()), "pending"),
            (stale(), Status::Successful, "pending"),
            (theirs(), Status::Successful, "superseded"),
            (restarted(), Status::Successful, "superseded"),
            (theirs(), Status::StopRequested, "superseded"),
            (theirs(), Status::Stopped, "superseded"),
            (theirs(), Status::InProgress, "superseded"),
            (ours(InProgress), Status::Stopped, "stopped"),
            (back(), Status::InProgress, "pending"),
            (back(), Status::RollbackInProgress, "stopped"),
            (back(), Status::RollbackSuccessful, "stopped"),
            (back(), Status::RollbackFailed, "stopped"),
            (ours(Completed), Status::RollbackRequested, "stopped"),
            (ours(Completed), Status::StopRequested, "stopped"),
        ] {
            assert_eq!(word(&with_status(seen.clone(), status.clone())), expected, "{status:?}, {seen:?}");
        }
    }

    #[test]
    fn the_cause_of_a_rollback_is_what_set_it_off() {
        let rolled_back = ServiceDeployment { status: Status::RollbackSuccessful, ..ServiceDeployment::default() };
        let causes = [
            (ServiceDeployment { circuit_breaker_triggered: true, ..rolled_back.clone() }, "circuit-breaker"),
            (ServiceDeployment { triggered_alarms: vec!["errors".to_owned()], ..rolled_back.clone() }, "alarm"),
            (
                ServiceDeployment {
                    rollback_reason: Some(
                        "Service deployment rolled back because the circuit breaker threshold was exceeded.".to_owned(),
                    ),
                    ..rolled_back.clone()
                },
                "circuit-breaker",
            ),
            (
                ServiceDeployment {
                    hooks: vec![Hook { status: "FAILED".to_owned(), ..Hook::default() }],
                    ..rolled_back.clone()
                },
                "hook",
            ),
            (
                ServiceDeployment {
                    status_reason: Some("hook execution failure(s) detected.".to_owned()),
                    ..rolled_back.clone()
                },
                "hook",
            ),
            (rolled_back, "stopped"),
        ];
        for (deployment, expected) in causes {
            let mut seen = ours(RolloutState::InProgress);
            seen.service_deployment = Some(deployment);
            assert_eq!(word(&seen), expected, "{:?}", seen.service_deployment);
        }
    }

    #[test]
    fn without_service_deployments_the_entry_with_our_id_decides() {
        use RolloutState::{Absent, Completed, Failed, InProgress, Other};
        let said = |seen: Observation, message: &str| Observation {
            service: Service {
                events: vec![Said { at: jiff::Timestamp::UNIX_EPOCH, message: message.to_owned() }],
                ..seen.service
            },
            ..seen
        };
        let gone_back = || service(vec![deployment("back", OLD, Completed)]);
        for (name, seen, expected) in [
            ("completed", ours(Completed), "done"),
            ("in progress", ours(InProgress), "pending"),
            ("unknown", ours(Other("PAUSED".to_owned())), "pending"),
            ("given up", ours(Failed), "circuit-breaker"),
            ("no state, all run and go on running", Observation { full_looks: STEADY_LOOKS, ..ours(Absent) }, "done"),
            ("no state, all run", ours(Absent), "pending"),
            ("not there yet: an old answer", service(vec![deployment("old", OLD, Completed)]), "pending"),
            (
                "theirs",
                service(vec![deployment("theirs", THEIRS, InProgress), deployment("ours", NEW, InProgress)]),
                "superseded",
            ),
            ("theirs alone", service(vec![deployment("theirs", THEIRS, Completed)]), "superseded"),
            ("to the old revision by somebody", gone_back(), "superseded"),
            (
                "to the old revision by ECS",
                said(gone_back(), "(service web) (deployment ours) deployment failed: tasks failed to start."),
                "circuit-breaker",
            ),
        ] {
            assert_eq!(word(&seen), expected, "{name}");
        }
    }

    #[test]
    fn completed_with_tasks_missing_is_not_done() {
        let mut seen = ours(RolloutState::Completed);
        seen.service.deployments[0].running = 1;
        assert_eq!(word(&seen), "pending");
    }

    #[test]
    fn tasks_that_keep_failing_are_given_up_at_the_threshold_of_the_circuit_breaker() {
        for (desired, expected) in [(0, 3), (1, 3), (6, 3), (7, 4), (20, 10), (400, 200), (5_000, 200)] {
            assert_eq!(threshold(desired), expected, "{desired}");
        }
        let failing = |failed, running| {
            let mut seen = ours(RolloutState::InProgress);
            seen.service.deployments[0].failed = failed;
            seen.service.deployments[0].running = running;
            seen
        };
        assert_eq!(word(&failing(2, 0)), "pending");
        assert_eq!(word(&failing(3, 0)), "tasks-failing");
        assert_eq!(word(&failing(3, 1)), "tasks-failing");
        assert_eq!(word(&failing(3, 2)), "pending", "all that should run do run");
        let mut watched = failing(3, 0);
        watched.service.circuit_breaker = CircuitBreaker { enabled: true, rollback: false };
        assert_eq!(word(&watched), "pending", "ECS itself decides");
    }

    #[test]
    fn where_ecs_does_not_count_the_tasks_that_stopped_do_while_none_runs() {
        let stopped = |reason: &str, running| {
            let mut seen = ours(RolloutState::InProgress);
            seen.service.deployments[0].running = running;
            seen.failed = vec![StoppedTask { reason: Some(reason.to_owned()), ..StoppedTask::default() }; 3];
            seen
        };
        assert_eq!(word(&stopped("Essential container in task exited", 0)), "tasks-failing");
        assert_eq!(word(&stopped("Task failed container health checks", 0)), "health-check");
        assert_eq!(word(&stopped("Essential container in task exited", 1)), "pending");
    }

    #[test]
    fn a_change_of_settings_is_done_when_the_count_is_reached_under_the_same_deployment() {
        let pin = Pin { deployment: Some("old".to_owned()), task_definition: OLD.to_owned(), ..pin() };
        let mut seen = service(vec![deployment("old", OLD, RolloutState::Completed)]);
        seen.full_looks = STEADY_LOOKS - 1;
        assert!(matches!(judge(&pin, &seen), Verdict::Pending), "one look may be luck");
        seen.full_looks = STEADY_LOOKS;
        assert!(matches!(judge(&pin, &seen), Verdict::Done));
        seen.service.desired = 4;
        assert!(matches!(judge(&pin, &seen), Verdict::Pending));
        seen.service.deployments[0].id = "theirs".to_owned();
        assert!(matches!(judge(&pin, &seen), Verdict::Superseded(_)));
    }

    #[test]
    fn a_service_that_is_being_deleted_is_a_failure() {
        let mut seen = ours(RolloutState::Completed);
        seen.service.status = "DRAINING".to_owned();
        assert_eq!(word(&seen), "conflict");
    }
}
