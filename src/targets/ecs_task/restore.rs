//! Stops what still runs.

use super::rollout::Memo;
use super::{Rollout, judge, outputs};
use crate::aws::ecs::{Reader, Task, Writer};
use crate::aws::{Again, Attempts, retries_on_the_way_back, send};
use crate::cycle::{Events, Failure, Look, Restore, Verdict, Watch};
use crate::text::last_part;

/// How often a task of which only the mark is known is looked for: lists lag behind.
const LOOKS: u32 = 3;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(700);

/// Idempotent: what has stopped is left alone.
pub(super) async fn restore(
    writer: &Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Restore<Restoration>, Failure> {
    let retries = retries_on_the_way_back(max_retries);
    let mut rollout = rollout.clone();
    if rollout.memo.tasks.is_empty() {
        if !rollout.memo.is_found_by_it {
            return Ok(Restore::Impossible(format!(
                "AWS did not say whether it started the task: look for tasks of {} that were started by {}, and stop them.",
                last_part(&rollout.memo.task_definition),
                rollout.memo.started_by
            )));
        }
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let memo = &rollout.memo;
            let found = send(Again::Whatever, Attempts::new(retries, events), async || {
                rollout.reader.tasks_started_by(&memo.cluster, &memo.started_by).await
            })
            .await?;
            if !found.is_empty() {
                rollout.memo.tasks = found;
                break;
            }
        }
    }
    if rollout.memo.tasks.is_empty() {
        return Ok(Restore::NothingToDo);
    }
    let memo = &rollout.memo;
    let described = send(Again::Whatever, Attempts::new(retries, events), async || {
        rollout.reader.describe_tasks(&memo.cluster, &memo.tasks).await
    })
    .await;
    let seen = described.unwrap_or_default();
    let has_stopped = |arn: &String| seen.iter().any(|task| task.arn == *arn && task.is_stopped());
    let running: Vec<String> = memo.tasks.iter().filter(|arn| !has_stopped(arn)).cloned().collect();
    if running.is_empty() {
        outputs::announce(&Rollout { seen, ..rollout.clone() }, events).await;
        return Ok(Restore::Over);
    }
    for arn in &running {
        events.note(format!("Stopping {}.", rollout.name()));
        send(Again::Whatever, Attempts::new(retries, events), async || {
            writer.stop_task(&memo.cluster, arn, "Stopped by ecs-deploy-action: it was cancelled or out of time.").await
        })
        .await?;
    }
    Ok(Restore::Started(Restoration { reader: rollout.reader.clone(), memo: memo.clone() }))
}

/// Tasks while they stop.
#[derive(Debug)]
pub struct Restoration {
    reader: Reader,
    memo: Memo,
}

impl Watch for Restoration {
    async fn look(&mut self) -> Result<Look, Failure> {
        let seen = self.reader.describe_tasks(&self.memo.cluster, &self.memo.tasks).await?;
        let is_over = seen.len() == self.memo.tasks.len() && seen.iter().all(Task::is_stopped);
        let verdict = if is_over { Verdict::Done } else { Verdict::Pending };
        Ok(Look { verdict, progress: judge::progress(&self.memo, &seen), said: Vec::new(), rest: None })
    }
}
