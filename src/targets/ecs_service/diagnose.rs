//! Collects the evidence of a failed rollout.

use super::known_causes::hints;
use super::{Rollout, short};
use crate::aws::ecs::{RolloutState, StoppedTask};
use crate::cycle::{Diagnosis, StoppedTasks};

/// Reads what AWS says. A part that cannot be had is left out: a diagnosis never stands in the way of a rollback.
pub(super) async fn diagnose(rollout: &Rollout) -> Diagnosis {
    let observer = &rollout.observer;
    let tasks =
        observer.reader().stopped_tasks(observer.cluster(), short(observer.service())).await.unwrap_or_default();
    let ours = tasks.into_iter().filter(|task| rollout.pin.started(task) && is_evidence(task));
    let (statements, stopped, events) = (statements(rollout), group(ours), rollout.said.clone());
    let said = statements.iter().chain(events.iter().map(|event| &event.message)).map(String::as_str);
    Diagnosis { hints: hints(&stopped, said), statements, stopped, events }
}

/// Whether it tells why a rollout did not come to its end. A task whose capacity AWS took back has not failed, and does.
fn is_evidence(task: &StoppedTask) -> bool {
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

/// Counts tasks with the same story together, most frequent first.
fn group(tasks: impl Iterator<Item = StoppedTask>) -> Vec<StoppedTasks> {
    let mut groups: Vec<StoppedTasks> = Vec::new();
    for task in tasks {
        let told =
            StoppedTasks { count: 1, stop_code: task.stop_code, reason: task.reason, containers: task.containers };
        let same = groups.iter_mut().find(|group| {
            (&group.stop_code, &group.reason, &group.containers) == (&told.stop_code, &told.reason, &told.containers)
        });
        match same {
            Some(group) => group.count += 1,
            None => groups.push(told),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
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

    #[test]
    fn tasks_with_the_same_story_are_counted_together() {
        let told = |reason: &str| StoppedTask { reason: Some(reason.to_owned()), ..StoppedTask::default() };

        let groups = group([told("image"), told("exit 1"), told("exit 1")].into_iter());

        let counted: Vec<_> = groups.iter().map(|group| (group.count, group.reason.as_deref().unwrap())).collect();
        assert_eq!(counted, [(2, "exit 1"), (1, "image")]);
    }
}
