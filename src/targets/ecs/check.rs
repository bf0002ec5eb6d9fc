//! What ECS would only find out about a revision while a rollout fails.

use serde_json::Value;

use super::{Revision, images};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Place};
use crate::spec::{Severity, TaskDefinition, check};
use crate::text::{count, last_part, sentences};

/// Whether the images of the revision can run, and, with a word of warning, those of the one that runs.
pub(in crate::targets) async fn check_images(
    images: &Images,
    running: &TaskDefinition,
    revision: &Revision,
    events: &Events,
) -> Result<(), Failure> {
    let document = revision.document().unwrap_or(running);
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
            errors.push(format!(
                "{} is deregistered, and Amazon ECS neither moves a service to it nor runs a task of it",
                last_part(arn)
            ));
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

/// What ECS would refuse about a volume that it makes for each task of the revision, and that the input names.
pub(in crate::targets) fn check_volume(document: &TaskDefinition, volume: &Value, input: &str) -> Option<String> {
    let name = volume["name"].as_str()?;
    (!document.is_configured_at_launch(name)).then(|| {
        format!("the task definition has no volume {name} with configuredAtLaunch, which `{input}` has to name")
    })
}

/// All complaints at once: about what ECS would refuse, and about alarms.
pub(in crate::targets) fn complain(errors: Vec<String>, alarms: Vec<String>) -> Result<(), Failure> {
    let mut reasons = Vec::new();
    if !errors.is_empty() {
        reasons.push(format!(
            "Amazon ECS would refuse this ({}): {}",
            count(errors.len(), "finding", "findings"),
            sentences(errors)
        ));
    }
    if !alarms.is_empty() {
        reasons.push(format!("The alarms do not allow it: {}", sentences(alarms)));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::new(Cause::Preflight, reasons.join(" "))) }
}
