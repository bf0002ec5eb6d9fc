//! Collects the evidence of a failed rollout.

use super::Rollout;
use super::evidence::{self, group};
use super::known_causes::hints;
use crate::aws::ecs::{Reader, RolloutState, StoppedTask};
use crate::aws::logs;
use crate::cycle::{Diagnosis, LogTail};
use crate::targets::ecs_task::Container;
use crate::text::last_part;

/// Reads what AWS says. A part that cannot be had is left out: a diagnosis never stands in the way of a rollback.
pub(super) async fn diagnose(rollout: &Rollout, logs: &logs::Reader) -> Diagnosis {
    let observer = &rollout.observer;
    let tasks =
        observer.reader().stopped_tasks(observer.cluster(), last_part(observer.service())).await.unwrap_or_default();
    let ours: Vec<StoppedTask> =
        tasks.into_iter().filter(|task| rollout.pin.started(task) && is_evidence(task)).collect();
    let logs = logs_of(observer.reader(), logs, &rollout.pin.task_definition, &ours).await;
    let stopped = group(ours.into_iter());
    let (statements, events) = (statements(rollout), rollout.said.clone());
    let said = statements.iter().chain(events.iter().map(|event| &event.message)).map(String::as_str);
    Diagnosis { hints: hints(&stopped, said), statements, stopped, logs, events }
}

/// The last lines of the containers that failed. Where they write stands in the task definition.
pub(in crate::targets) async fn logs_of(
    reader: &Reader,
    logs: &logs::Reader,
    task_definition: &str,
    tasks: &[StoppedTask],
) -> Vec<LogTail> {
    if tasks.is_empty() {
        return Vec::new();
    }
    match reader.describe_task_definition(task_definition).await {
        Ok(document) => evidence::logs(logs, &Container::all(&document.register_input()), tasks).await,
        Err(_) => Vec::new(),
    }
}

/// Whether it tells why a rollout did not come to its end. A task whose capacity AWS took back has not failed, and does.
pub(in crate::targets) fn is_evidence(task: &StoppedTask) -> bool {
    task.failed() || matches!(task.stop_code.as_deref(), Some("SpotInterruption" | "TerminationNotice"))
}

/// What AWS gave as its reasons up to the verdict. What it says afterwards is about our own way back.
fn statements(rollout: &Rollout) -> Vec<String> {
    let mut statements = Vec::new();
    if let Some(deployment) = &rollout.seen.service_deployment {
        statements.extend([deployment.status_reason.clone(), deployment.rollback_reason.clone()].into_iter().flatten());
    }
    if let Some(ours) = rollout.pin.ours(&rollout.seen.service).filter(|ours| ours.rollout == RolloutState::Failed) {
        statements.extend(ours.rollout_reason.clone());
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements.dedup();
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_somebody_wanted_to_stop_is_no_evidence() {
        for (stop_code, expected) in [
            ("EssentialContainerExited", true),
            ("TaskFailedToStart", true),
            ("SpotInterruption", true),
            ("TerminationNotice", true),
            ("UserInitiated", false),
            ("ServiceSchedulerInitiated", false),
        ] {
            let task = StoppedTask { stop_code: Some(stop_code.to_owned()), ..StoppedTask::default() };
            assert_eq!(is_evidence(&task), expected, "{stop_code}");
        }
    }
}
