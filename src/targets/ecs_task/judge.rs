//! What a look at the tasks means. Pure: no client, no clock.

use super::rollout::Memo;
use crate::aws::ecs::Task;
use crate::cycle::{Cause, Failure, Progress, Verdict};
use crate::targets::ecs::Container;

/// A task that was just started may be missing from an answer; one that stays missing is not there.
const MISSING_LOOKS: u32 = 15;

pub(super) fn judge(memo: &Memo, seen: &[Task], missing: u32) -> Verdict {
    if missing >= MISSING_LOOKS {
        return Verdict::Failed(Failure::new(Cause::NotFound, "Amazon ECS does not know the task (any more)."));
    }
    if missing > 0 || !seen.iter().all(Task::is_stopped) {
        return Verdict::Pending;
    }
    let complaints: Vec<String> = seen.iter().filter_map(|task| complaint(&memo.containers, task)).collect();
    match complaints.first() {
        None => Verdict::Done,
        Some(first) if seen.len() == 1 => Verdict::Failed(Failure::new(Cause::TaskFailed, format!("{first}."))),
        Some(first) => Verdict::Failed(Failure::new(
            Cause::TaskFailed,
            format!("{} of {} tasks did not end well; the first: {first}.", complaints.len(), seen.len()),
        )),
    }
}

/// How the task did not end well, if it did not. Exit codes of essential containers decide.
fn complaint(containers: &[Container], task: &Task) -> Option<String> {
    let end = &task.end;
    let is_essential = |name: &str| containers.iter().find(|it| it.name == name).is_none_or(|it| it.essential);
    let failing = end.containers.iter().find(|it| is_essential(&it.name) && it.exit_code != Some(0));
    let because =
        end.reason.as_deref().map(|reason| format!(" ({})", reason.trim_end_matches('.'))).unwrap_or_default();
    match (failing, end.stop_code.as_deref()) {
        (Some(container), Some("EssentialContainerExited") | None) => Some(match container.exit_code {
            Some(code) => {
                let own = container.reason.as_deref().map(|reason| format!(": {}", reason.trim_end_matches('.')));
                format!("container {} ended with exit code {code}{}", container.name, own.unwrap_or_default())
            }
            None => format!("container {} has no exit code{because}", container.name),
        }),
        (_, Some("TaskFailedToStart")) => Some(format!("it could not start{because}")),
        // Whoever stopped it, it did not come to its end.
        (_, Some("UserInitiated")) => Some(format!("somebody stopped it{because}")),
        (_, Some(code @ ("SpotInterruption" | "TerminationNotice"))) => {
            Some(format!("AWS took its capacity back, {code}{because}"))
        }
        (Some(container), Some(code)) => Some(match container.exit_code {
            Some(exit) => format!("{code}, container {} ended with exit code {exit}{because}", container.name),
            None => format!("{code}{because}"),
        }),
        (None, _) => None,
    }
}

/// The exit code that stands for all: the first of an essential container that is not 0. None where there is none.
pub(super) fn exit_code(memo: &Memo, seen: &[Task]) -> Option<i32> {
    let essential = |name: &str| memo.containers.iter().find(|it| it.name == name).is_none_or(|it| it.essential);
    let codes: Vec<i32> = seen
        .iter()
        .flat_map(|task| &task.end.containers)
        .filter(|container| essential(&container.name))
        .filter_map(|container| container.exit_code)
        .collect();
    codes.iter().copied().find(|code| *code != 0).or_else(|| codes.first().copied())
}

pub(super) fn progress(memo: &Memo, seen: &[Task]) -> Progress {
    let count = |is: &dyn Fn(&Task) -> bool| u32::try_from(seen.iter().filter(|task| is(task)).count()).unwrap_or(0);
    let failed = count(&|task| task.is_stopped() && complaint(&memo.containers, task).is_some());
    let running = count(&|task| task.status == "RUNNING");
    let stopped = count(&Task::is_stopped);
    let state = seen.iter().find(|task| !task.is_stopped()).or(seen.first());
    Progress {
        shift: None,
        running,
        pending: u32::from(memo.count).saturating_sub(running + stopped),
        desired: u32::from(memo.count),
        failed,
        old: 0,
        state: state.map(|task| task.status.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::ecs::StoppedTask;
    use crate::cycle::StoppedContainer;

    fn memo() -> Memo {
        let document = json!({"containerDefinitions": [{"name": "app"}, {"name": "proxy", "essential": false}]});
        Memo {
            cluster: "default".to_owned(),
            task_definition: "job:1".to_owned(),
            tasks: vec!["a".to_owned()],
            started_by: "me".to_owned(),
            is_found_by_it: true,
            containers: Container::all(&document),
            count: 1,
            promotions: Vec::new(),
        }
    }

    fn task(status: &str, stop_code: Option<&str>, codes: [Option<i32>; 2]) -> Task {
        let container = |(name, exit_code): (&str, Option<i32>)| StoppedContainer {
            name: name.to_owned(),
            exit_code,
            reason: None,
            health: None,
        };
        let end = StoppedTask {
            stop_code: stop_code.map(str::to_owned),
            reason: Some("It ended.".to_owned()),
            containers: ["app", "proxy"].into_iter().zip(codes).map(container).collect(),
            ..StoppedTask::default()
        };
        Task { arn: "a".to_owned(), status: status.to_owned(), end }
    }

    #[test]
    fn exit_codes_of_essential_containers_decide() {
        let exited = Some("EssentialContainerExited");
        for (status, stop_code, codes, expected) in [
            ("RUNNING", None, [None, None], "pending"),
            ("DEPROVISIONING", exited, [Some(1), None], "pending"),
            ("STOPPED", exited, [Some(0), Some(0)], "done"),
            ("STOPPED", exited, [Some(0), Some(137)], "done"),
            ("STOPPED", exited, [Some(0), None], "done"),
            ("STOPPED", exited, [Some(3), Some(0)], "container app ended with exit code 3."),
            ("STOPPED", exited, [None, Some(0)], "container app has no exit code (It ended)."),
            ("STOPPED", Some("TaskFailedToStart"), [None, None], "it could not start (It ended)."),
            ("STOPPED", Some("UserInitiated"), [Some(0), Some(0)], "somebody stopped it (It ended)."),
            (
                "STOPPED",
                Some("SpotInterruption"),
                [Some(0), None],
                "AWS took its capacity back, SpotInterruption (It ended).",
            ),
            ("STOPPED", Some("OfTheFuture"), [Some(0), None], "done"),
            ("STOPPED", Some("OfTheFuture"), [None, None], "OfTheFuture (It ended)."),
        ] {
            let told = match judge(&memo(), &[task(status, stop_code, codes)], 0) {
                Verdict::Pending => "pending".to_owned(),
                Verdict::Done => "done".to_owned(),
                Verdict::Failed(failure) => failure.reason,
                Verdict::Paused(_) | Verdict::Left(_) => unreachable!("a task has no pauses"),
                Verdict::Superseded(by) => by,
            };
            assert_eq!(told, expected, "{status} {stop_code:?} {codes:?}");
        }
    }

    #[test]
    fn a_task_that_is_missing_is_waited_for_and_not_for_ever() {
        assert!(matches!(judge(&memo(), &[], 1), Verdict::Pending));
        assert!(matches!(judge(&memo(), &[], MISSING_LOOKS), Verdict::Failed(_)));
    }

    #[test]
    fn the_exit_code_is_the_first_that_is_not_0() {
        let ended = |code| task("STOPPED", None, [Some(code), Some(9)]);
        assert_eq!(exit_code(&memo(), &[ended(0), ended(3), ended(4)]), Some(3));
        assert_eq!(exit_code(&memo(), &[ended(0)]), Some(0));
        assert_eq!(exit_code(&memo(), &[]), None);
    }
}
