//! Checks, before anything is changed, what ECS would only find out while the rollout fails.

use super::plan::{Draft, Revision};
use super::{Snapshot, images, rules};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Place};
use crate::spec::{Severity, TaskDefinition, check};
use crate::text::{last_part, sentences};
use crate::verification::Checks;

/// What an alarm of the deployment's that is in ALARM already means.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>
const BLIND: &str = "so Amazon ECS will watch none of the deployment's alarms";

pub(super) async fn preflight(
    checks: &Checks,
    images: &Images,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    would_be_taken(checks, before, draft, events)?;
    check_images(images, &before.running, &draft.revision, events).await
}

/// Whether the images of the revision can run, and, with a word of warning, those of the one that runs.
pub(in crate::targets) async fn check_images(
    images: &Images,
    running: &TaskDefinition,
    revision: &Revision,
    events: &Events,
) -> Result<(), Failure> {
    let document = match revision {
        Revision::New(document) | Revision::Existing { document, .. } => document,
        Revision::Kept(_) => running,
    };
    let new = document.images();
    let previous = running.images().into_iter().map(|(_, image)| image);
    let previous: Vec<String> =
        previous.filter(|image| !new.iter().any(|(_, other)| other == image)).map(str::to_owned).collect();
    images.check_the_way_back(&previous, events).await;
    let remedy = "change the task definition's `runtimePlatform`";
    let place = Place { runs: "the task runs", remedy, remark: |_| None };
    images.check(images::platform(document).as_ref(), place, events).await
}

/// What ECS would refuse about the revision. What it only ought to refuse is a warning.
pub(in crate::targets) fn check_revision(revision: &Revision, events: &Events) -> Vec<String> {
    let mut errors = Vec::new();
    match revision {
        Revision::Kept(_) => {}
        Revision::Existing { arn, document } if document.is_inactive() => {
            errors.push(format!("{} is deregistered, and no service can be moved to it", last_part(arn)));
        }
        Revision::Existing { .. } => {}
        Revision::New(document) => {
            for complaint in check(document) {
                let text = format!("{}: {}", complaint.subject, complaint.message);
                match complaint.severity {
                    Severity::Error => errors.push(text),
                    Severity::Warning => events.warn(text),
                }
            }
        }
    }
    errors
}

fn would_be_taken(checks: &Checks, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
    let mut errors = check_revision(&draft.revision, events);
    errors.extend(rules::complaints(&before.rules, draft.revision.family()));
    let document = match &draft.revision {
        Revision::Kept(_) => &before.running,
        Revision::Existing { document, .. } | Revision::New(document) => document,
    };
    for volume in draft.update.volume_configurations.iter().flatten().filter_map(|volume| volume["name"].as_str()) {
        if !document.is_configured_at_launch(volume) {
            errors.push(format!(
                "the task definition has no volume {volume} with configuredAtLaunch, which `service-managed-ebs-volume-name` \
                 has to name"
            ));
        }
    }
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

/// All complaints at once: about what ECS would refuse, and about alarms.
pub(in crate::targets) fn complain(errors: Vec<String>, alarms: Vec<String>) -> Result<(), Failure> {
    let mut reasons = Vec::new();
    if !errors.is_empty() {
        reasons.push(format!("Amazon ECS would refuse this ({} finding(s)): {}", errors.len(), sentences(errors)));
    }
    if !alarms.is_empty() {
        reasons.push(format!("The alarms do not allow it: {}", sentences(alarms)));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::new(Cause::Preflight, reasons.join(" "))) }
}
