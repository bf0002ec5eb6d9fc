//! Collects the evidence of a failed rollout.

use super::Rollout;
use crate::aws::ecs::{RolloutState, StoppedTask};
use crate::aws::logs;
use crate::cycle::Diagnosis;
use crate::targets::ecs::{group, hints, is_evidence, logs_of};
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
