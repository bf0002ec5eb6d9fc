//! Collects the evidence of a failed deployment.

use super::Rollout;
use crate::aws::ecs::StoppedTask;
use crate::cycle::Diagnosis;
use crate::targets::ecs::{group, hints, is_evidence, logs_of};
use crate::text::last_part;

/// Reads what AWS says. A part that cannot be had is left out: a diagnosis never stands in the way of a rollback.
pub(super) async fn diagnose(rollout: &Rollout) -> Diagnosis {
    let (pin, seen, clients) = (&rollout.pin, &rollout.seen, rollout.observer.clients());
    let new = seen.target.new.as_ref().map(|new| new.id.as_str());
    let tasks = match new {
        Some(_) => clients.ecs.stopped_tasks(&pin.cluster, last_part(&pin.service)).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let ours = tasks.into_iter().filter(|task| task.started_by.as_deref() == new && is_evidence(task));
    let ours: Vec<StoppedTask> = ours.collect();
    let logs = logs_of(&clients.ecs, &clients.logs, &pin.task_definition, &ours).await;
    let (statements, stopped, events) = (statements(rollout), group(ours.into_iter()), rollout.said.clone());
    let said = statements.iter().chain(events.iter().map(|event| &event.message)).map(String::as_str);
    Diagnosis { hints: hints(&stopped, said), statements, stopped, logs, events }
}

/// What CodeDeploy gave as its reasons: for the deployment, and for each lifecycle event that failed.
fn statements(rollout: &Rollout) -> Vec<String> {
    let deployment = &rollout.seen.deployment;
    let error = match (&deployment.error_code, &deployment.error_message) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.clone().or_else(|| message.clone()),
    };
    let event = rollout.seen.target.failed_event();
    let event = event.and_then(|event| Some(format!("{}: {}", event.name, event.message.as_deref()?)));
    error.into_iter().chain(event).chain(deployment.rollback_message.clone()).collect()
}
