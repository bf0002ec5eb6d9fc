//! Checks, before anything is changed, what ECS would only find out while the rollout fails.

use super::plan::Draft;
use super::{Snapshot, rules};
use crate::cycle::{Events, Failure};
use crate::ecr::Images;
use crate::targets::ecs::{Revision, check_images, check_revision, check_volume, complain};
use crate::targets::ecs_task::EcsTask;
use crate::verification::Checks;

/// What an alarm of the deployment's that is in ALARM already means.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>
const BLIND: &str = "so Amazon ECS will watch none of the deployment's alarms";

pub(super) async fn preflight(
    checks: &Checks,
    images: &Images,
    first: Option<&EcsTask>,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    would_be_taken(checks, first, before, draft, events)?;
    check_images(images, &before.running, &draft.revision, events).await
}

fn would_be_taken(
    checks: &Checks,
    first: Option<&EcsTask>,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    let mut errors = check_revision(&draft.revision, events);
    errors.extend(rules::complaints(&before.rules, draft.revision.family()));
    let document = draft.revision.document().unwrap_or(&before.running);
    let volumes = draft.update.volume_configurations.iter().flatten();
    errors.extend(volumes.filter_map(|it| check_volume(document, it, "service-managed-ebs-volume-name")));
    errors.extend(first.and_then(|task| task.check_volume(document)));
    let desired = draft.update.desired_count.map_or(i64::from(before.service.desired), i64::from);
    if desired == 0 {
        events.warn(
            "The service's desired count is 0: no task will run, so nothing can show whether the new revision works.",
        );
    }
    if before.stable.is_none() {
        events.warn("No earlier revision is known to have run: if the rollout fails, there is nothing to go back to.");
    }
    let starts_tasks = !matches!(draft.revision, Revision::Kept(_)) || draft.update.force_new_deployment == Some(true);
    let is_guarded = starts_tasks || draft.update.deployment_configuration.is_some();
    let watched: &[String] = if is_guarded { &before.deployment_alarms } else { &[] };
    let alarms = checks.judge_alarms(&before.alarms, watched, BLIND);
    for warning in alarms.warnings {
        events.warn(format!("Before the deployment: {warning}."));
    }
    complain(errors, alarms.errors)
}
