//! Checks, before anything is changed, what SageMaker would only find out while the rollout fails.

use super::capture::Origin;
use super::deployment::{self, starts};
use super::plan::Draft;
use super::scaling::{complaints, in_the_way};
use super::serving::containers;
use super::{Request, Snapshot};
use crate::aws::cloudwatch::AlarmState;
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Place, Platform};
use crate::spec::{AlarmPreflight, OnFirstFailure};
use crate::targets::sage_maker::images::{elsewhere, manifest};
use crate::targets::sage_maker::{container, gates};
use crate::text::{count, sentences};
use crate::verification::{Checks, in_alarm};

pub(super) async fn preflight(
    request: &Request,
    checks: &Checks,
    images: &Images,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    if let Origin::Package { judgements, .. } = &before.origin {
        gates::pass(judgements, events)?;
    }
    let mut errors = Vec::new();
    // Whoever wants a first one that fails deleted does not want to keep the one that a killed run left behind.
    let may_delete = request.endpoint.recreate_failed || request.endpoint.on_first_failure == OnFirstFailure::Delete;
    if before.has_failed() && !may_delete {
        errors.push(
            "the endpoint is Failed, and can only be deleted: do so, or set `recreate-failed: true` to have it deleted and \
             made again"
                .to_owned(),
        );
    }
    errors.extend(elsewhere(&before.images, &request.region, "the endpoint"));
    let new = draft.new_model.as_ref().map(containers).unwrap_or_default();
    errors.extend(new.into_iter().flat_map(container::complaints));
    if request.endpoint.smoke_test.is_some() && draft.picture["AsyncInferenceConfig"].is_object() {
        errors.push(
            "the endpoint is asynchronous: it answers into Amazon S3, where this action does not look; leave the smoke test out"
                .to_owned(),
        );
    }
    errors.extend(alarms(request, checks, before, events));
    if let Some(running) = &before.running {
        let scaling = in_the_way(&before.scaling.all, &running.picture(), &draft.picture);
        errors.extend(complaints(&scaling, events));
        let has_scaling = !scaling.is_empty() || !before.scaling.lost.is_empty();
        if has_scaling && !request.waits {
            errors.push(
                "other instances need autoscaling taken away for the time of the update, and with \
                 `wait-for-service-stability: false` nobody is there to put it back: wait, or deregister the scalable target \
                 yourself"
                    .to_owned(),
            );
        }
    }
    if let Some(budget) = tight_budget(draft) {
        events.warn(budget);
    }
    if before.running.is_none() {
        events.warn("There is no endpoint before this one: if it fails, there is nothing to go back to.");
    }
    if !errors.is_empty() {
        let reason = format!(
            "SageMaker would not carry this out ({}): {}",
            count(errors.len(), "finding", "findings"),
            sentences(errors)
        );
        return Err(Failure::new(Cause::Preflight, reason));
    }
    let new: Vec<String> = images_of(draft);
    let previous = before.running.as_ref().map(|running| running.images()).unwrap_or_default();
    let previous: Vec<String> = previous.into_iter().filter(|image| !new.contains(image)).collect();
    images.check_the_way_back(&previous, events).await;
    let place = Place { runs: "the endpoint runs", remedy: "choose another `instance-type`", remark: manifest };
    images.check(platform(draft).as_ref(), place, events).await
}

/// An alarm that is in ALARM when an update begins ends it at once.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html>
fn alarms(request: &Request, checks: &Checks, before: &Snapshot, events: &Events) -> Vec<String> {
    let kept = super::plan::alarms(request, before.endpoint.as_ref());
    let watched: Vec<&String> = request.alarms.iter().chain(&kept).collect();
    if watched.is_empty() || request.alarm_preflight == AlarmPreflight::Ignore {
        return Vec::new();
    }
    let known = before.alarms.known();
    let is_red = |name: &&&String| known.get(**name).is_some_and(|alarm| alarm.state == AlarmState::Alarm);
    let red: Vec<&str> = watched.iter().filter(is_red).map(|name| name.as_str()).collect();
    let mut errors = checks.judge_alarms(&before.alarms, &[], "").errors;
    if !red.is_empty() && before.running.is_some() {
        errors.push(format!("{}, and SageMaker would take the update back at once", in_alarm(&red)));
    }
    for name in kept.iter().filter(|name| before.alarms.are_known() && !known.contains_key(*name)) {
        events.warn(format!("There is no alarm {name}, which the endpoint's last update named."));
    }
    errors.dedup();
    errors
}

/// The time after which SageMaker ends the update is a number of minutes that was computed here, or one that was kept. Whether
/// it holds all waits and the longest starts that the variants allow themselves.
fn tight_budget(draft: &Draft) -> Option<String> {
    let deployment = draft.request.get("DeploymentConfig")?;
    let (most, needed) = (deployment::most(deployment)?, deployment::needed(deployment, starts(&draft.picture)));
    (needed > most).then(|| {
        format!(
            "SageMaker ends the update after {} minutes. Its waits, and starts that take as long as the variants allow, come to {}: \
             fewer steps, shorter waits or lower timeouts would leave it more room.",
            most.as_secs() / 60,
            needed.as_secs() / 60
        )
    })
}

fn images_of(draft: &Draft) -> Vec<String> {
    let variants = draft.picture["ProductionVariants"].as_array();
    let models = variants.into_iter().flatten().filter_map(|variant| variant["Model"].as_object());
    models.flat_map(super::serving::images).collect()
}

/// What the instances of the variants run; `None` where that is not known of all of them.
fn platform(draft: &Draft) -> Option<Platform> {
    let variants = draft.picture["ProductionVariants"].as_array()?;
    let mut found = None;
    for variant in variants {
        let architecture = match variant["InstanceType"].as_str() {
            Some(instance_type) => architecture(instance_type)?,
            None if variant["ServerlessConfig"].is_object() => "amd64",
            None => return None,
        };
        if found.is_some_and(|found| found != architecture) {
            return None;
        }
        found = Some(architecture);
    }
    found.map(|architecture| Platform::new("linux", architecture))
}

/// The processors of an instance type, by the name of its family: Graviton has a `g` after the generation.
///
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>
fn architecture(instance_type: &str) -> Option<&'static str> {
    let family = instance_type.strip_prefix("ml.")?.split('.').next()?;
    let letters = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let options = letters.trim_start_matches(|c: char| c.is_ascii_digit());
    let generation = letters.len() - options.len();
    if generation == 0 || generation == letters.len() && letters.is_empty() {
        return None;
    }
    Some(if options.starts_with('g') || family.starts_with("p6e") { "arm64" } else { "amd64" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_says_what_the_processors_are() {
        for (instance_type, expected) in [
            ("ml.m5.large", Some("amd64")),
            ("ml.c7g.xlarge", Some("arm64")),
            ("ml.r6gd.large", Some("arm64")),
            ("ml.c6gn.large", Some("arm64")),
            ("ml.g4dn.xlarge", Some("amd64")),
            ("ml.g5.2xlarge", Some("amd64")),
            ("ml.p4d.24xlarge", Some("amd64")),
            ("ml.p6e-gb200.36xlarge", Some("arm64")),
            ("ml.inf2.xlarge", Some("amd64")),
            ("m5.large", None),
            ("ml.x", None),
        ] {
            assert_eq!(architecture(instance_type), expected, "{instance_type}");
        }
    }
}
