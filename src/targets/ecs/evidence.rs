//! The evidence of tasks that stopped, grouped so that a person sees the cause first.

use super::Container;
use crate::aws::ecs::{Reader, StoppedTask};
use crate::aws::{CallErrorKind, logs};
use crate::cycle::{LogTail, StoppedTasks};

/// How many logs are shown, and how many lines of each.
const MAX_LOGS: usize = 5;
const LINES: i32 = 20;

/// Counts tasks with the same story together, most frequent first.
pub(in crate::targets) fn group(tasks: impl Iterator<Item = StoppedTask>) -> Vec<StoppedTasks> {
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

/// The last lines of each container that failed, of the first task in which it did. What cannot be read is told, and is never
/// a failure.
pub(in crate::targets) async fn logs(
    reader: &logs::Reader,
    containers: &[Container],
    tasks: &[StoppedTask],
) -> Vec<LogTail> {
    let mut tails: Vec<LogTail> = Vec::new();
    for container in containers {
        let failed = |task: &&StoppedTask| {
            task.containers.iter().any(|it| it.name == container.name && it.exit_code.is_some_and(|code| code != 0))
        };
        let Some(task) = tasks.iter().find(failed).filter(|_| tails.len() < MAX_LOGS) else { continue };
        let mut tail = LogTail { container: container.name.clone(), ..LogTail::default() };
        match container.stream(&task.arn) {
            None => tail.note = container.elsewhere(),
            Some(stream) => {
                match reader.last(&stream, LINES).await {
                    Ok(lines) => tail.lines = lines.into_iter().map(|line| line.text).collect(),
                    Err(error) if error.kind == CallErrorKind::NotFound => {
                        tail.note = Some("Nothing was written to it.".to_owned());
                    }
                    Err(error) => tail.note = Some(format!("It cannot be read: {error}")),
                }
                (tail.group, tail.stream) = (Some(stream.group), Some(stream.name));
            }
        }
        if !tail.lines.is_empty() || tail.note.is_some() {
            tails.push(tail);
        }
    }
    tails
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
        Ok(document) => self::logs(logs, &Container::all(&document.register_input()), tasks).await,
        Err(_) => Vec::new(),
    }
}

/// Whether it tells why a rollout did not come to its end. A task whose capacity AWS took back has not failed, and does.
pub(in crate::targets) fn is_evidence(task: &StoppedTask) -> bool {
    task.failed() || matches!(task.stop_code.as_deref(), Some("SpotInterruption" | "TerminationNotice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_with_the_same_story_are_counted_together() {
        let told = |reason: &str| StoppedTask { reason: Some(reason.to_owned()), ..StoppedTask::default() };

        let groups = group([told("image"), told("exit 1"), told("exit 1")].into_iter());

        let counted: Vec<_> = groups.iter().map(|group| (group.count, group.reason.as_deref().unwrap())).collect();
        assert_eq!(counted, [(2, "exit 1"), (1, "image")]);
    }

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
