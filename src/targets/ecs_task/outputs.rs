//! What is known of tasks at their end.

use std::time::Duration;

use tokio::time::sleep;

use super::Rollout;
use super::judge::exit_code;
use crate::aws::ecs::Task;
use crate::cycle::{Diagnosis, Events, Kind, Output, StoppedTasks};
use crate::targets::ecs::{group, hints, logs};

/// A log comes into CloudWatch a little later than it was written: it is read on until nothing more comes.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Exit code, the rest of the log, and its result.
pub(super) async fn announce(rollout: &Rollout, events: &Events) {
    let mut rollout = rollout.clone();
    if let Some(code) = exit_code(&rollout.memo, &rollout.seen) {
        events.know(Output::ExitCode, code);
    }
    let has_log =
        rollout.memo.tasks.iter().any(|task| rollout.memo.containers.iter().any(|it| it.stream(task).is_some()));
    for look in 0..LOOKS {
        if !has_log || rollout.read.trouble.is_some() {
            break;
        }
        if look > 0 {
            sleep(PAUSE).await;
        }
        let said = rollout.news().await;
        let is_all = said.is_empty() && look > 0;
        for said in said {
            events.send(Kind::Said { at: said.at, message: said.message });
        }
        if is_all {
            break;
        }
    }
    if let Some(trouble) = &rollout.read.trouble {
        events.note(trouble.clone());
    }
    if let Some(result) = &rollout.read.result {
        events.know(Output::Result, result);
    }
}

/// The evidence of a task that did not end well.
pub(super) async fn diagnose(rollout: &Rollout) -> Diagnosis {
    let stopped = rollout.seen.iter().filter(|task| task.is_stopped()).map(|task: &Task| task.end.clone());
    let tasks: Vec<_> = stopped.collect();
    let logs = logs(&rollout.logs, &rollout.memo.containers, &tasks).await;
    let stopped: Vec<StoppedTasks> = group(tasks.into_iter());
    Diagnosis { hints: hints(&stopped, std::iter::empty()), stopped, logs, ..Diagnosis::default() }
}
