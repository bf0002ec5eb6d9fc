//! Computes what changes. Pure: no client, no clock.

use serde_json::{Value, json};

use super::capture::{Origin, Snapshot};
use super::naming::name;
use super::serving::{Serving, containers, digest, variants};
use super::wanted::{Wanted, promoted, wanted};
use super::{Request, deployment};
use crate::aws::sage_maker::{Document, Endpoint};
use crate::cycle::{Cause, Change, Failure, Plan, Shown};
use crate::spec::{Mode, Tag};
use crate::targets::commit::{commit, tags_of_promoted};
use crate::targets::sage_maker::{difference, images};

/// How the keys of the tags begin that this action gives.
const TAGS: &str = "ecs-deploy-action:";
/// The key of the tag that names the configuration which was served before.
pub(super) const PREVIOUS_TAG: &str = "ecs-deploy-action:previous";
/// The key of the tag that names the workflow run which made a configuration.
const RUN_TAG: &str = "ecs-deploy-action:run";

/// The key of the tag that names the endpoint for which something was made.
const ENDPOINT_TAG: &str = "ecs-deploy-action:endpoint";

/// What to do.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) start: Start,
    /// The name of the configuration that shall be served.
    pub(super) config: String,
    /// The request that makes it, if it has to be made.
    pub(super) new_config: Option<Document>,
    /// The request that makes its model, if one has to be made.
    pub(super) new_model: Option<Document>,
    /// The request that brings it.
    pub(super) request: Document,
    /// What its containers have to run: variants, and digests of the images.
    pub(super) digests: Vec<(String, String)>,
    /// What it is as one document.
    pub(super) picture: Value,
}

/// How the rollout begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With CreateEndpoint.
    Create,
    /// With DeleteEndpoint, and then CreateEndpoint.
    Recreate,
    /// With UpdateEndpoint.
    Update,
    /// It is in flight already, left by a run that was killed.
    Join,
    /// It is over, brought by an earlier attempt of this workflow run, and is to be checked.
    Check,
    /// Everything is served already; only autoscaling is away.
    Scale,
}

pub(super) fn plan(request: &Request, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
    if let Some(destination) = &before.destination {
        return rollback(request, before, destination);
    }
    let wanted = wanted(request, before)?;
    let there = before.running.as_ref().map(Serving::picture);
    let mut changes = difference::changes(there.as_ref().unwrap_or(&Value::Null), &wanted.picture);
    let mut draft = draft(request, before, wanted)?;
    let served = || before.running.as_ref().map(|running| running.config.clone()).unwrap_or_default();
    let brought = before.pending.as_ref().filter(|pending| difference::holds(&pending.picture(), &draft.picture));
    if let Some(pending) = brought {
        begin(&mut draft, Start::Join, pending.config.clone());
        changes.push(change("rollout", &pending.config, "the same, watched to its end"));
    } else if changes.is_empty() && before.running.as_ref().is_some_and(|it| is_unchecked(request, it)) {
        changes.push(change("rollout", "brought by an earlier attempt of this run", "the same, checked"));
        begin(&mut draft, if before.is_being_created() { Start::Join } else { Start::Check }, served());
    } else if changes.is_empty() && !before.scaling.lost.is_empty() {
        begin(&mut draft, Start::Scale, served());
    } else if changes.is_empty() && before.endpoint.as_ref().is_some_and(is_a_mix) {
        changes.push(change("rollout", "UpdateRollbackFailed", "a new update"));
        begin(&mut draft, Start::Update, served());
        draft.request["EndpointConfigName"] = json!(draft.config);
    }
    images::show(&before.images, &mut changes);
    for scaling in &before.scaling.lost {
        changes.push(change(
            scaling.resource(),
            "without autoscaling, since a run that ended early",
            "autoscaled again",
        ));
    }
    if !changes.is_empty() {
        let gone = |config: &String| Change {
            subject: "keep-endpoint-configs".to_owned(),
            before: Shown::Value(config.clone()),
            after: Shown::Absent,
        };
        changes.extend(before.superfluous.iter().map(gone));
    }
    Ok((Plan { changes, diff: String::new() }, draft))
}

fn change(subject: &str, before: &str, after: &str) -> Change {
    let (before, after) = (Shown::Value(before.to_owned()), Shown::Value(after.to_owned()));
    Change { subject: subject.to_owned(), before, after }
}

/// Begins with a configuration that is there.
fn begin(draft: &mut Draft, start: Start, config: String) {
    draft.start = start;
    draft.config = config;
    (draft.new_config, draft.new_model) = (None, None);
}

/// Whether nothing is left to do but to check what an earlier attempt of this workflow run brought.
fn is_unchecked(request: &Request, running: &Serving) -> bool {
    let run = |tags: &[Tag]| {
        let tag = tags.iter().find(|tag| tag.key == RUN_TAG)?;
        let (run, attempt) = tag.value.split_once('/').unwrap_or((&tag.value, ""));
        Some((run.to_owned(), attempt.to_owned()))
    };
    match (run(&running.tags), run(&request.tags)) {
        (Some((their_run, their_attempt)), Some((our_run, our_attempt))) => {
            request.is_checked && their_run == our_run && their_attempt != our_attempt
        }
        _ => false,
    }
}

fn is_a_mix(endpoint: &Endpoint) -> bool {
    endpoint.status == crate::aws::sage_maker::EndpointStatus::UpdateRollbackFailed
}

/// The configuration that was served before one with these tags.
pub(super) fn previous(tags: &[Tag]) -> Option<String> {
    tags.iter().find(|tag| tag.key == PREVIOUS_TAG).map(|tag| tag.value.clone())
}

/// Whether something with these tags was made by this action for the endpoint.
pub(super) fn is_made_for(endpoint: &str, tags: &[Tag]) -> bool {
    let has = |key: &str| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str());
    has(RUN_TAG).is_some() && has(ENDPOINT_TAG) == Some(endpoint)
}

/// The alarms of the last update, which the next one keeps.
pub(super) fn alarms(request: &Request, endpoint: Option<&Endpoint>) -> Vec<String> {
    let last = endpoint.and_then(|endpoint| endpoint.last_deployment.as_ref());
    match last {
        Some(last) if request.alarms.is_empty() && !matches!(request.mode, Mode::Rollback { .. }) => {
            deployment::alarms(last)
        }
        _ => Vec::new(),
    }
}

fn draft(request: &Request, before: &Snapshot, wanted: Wanted) -> Result<Draft, Failure> {
    let Wanted { mut config, variant, model, picture } = wanted;
    let endpoint = &request.endpoint.name;
    let there = before.running.as_ref();
    let mut new_model = None;
    if let Some(mut document) = model {
        let name = name(endpoint, &request.run, &json!(document));
        let carried = there.and_then(|there| there.variant(request.endpoint.variant.as_deref()));
        let carried = carried.and_then(|(_, variant)| there?.model_of(variant)).map(|model| model.tags.as_slice());
        config["ProductionVariants"][variant]["ModelName"] = json!(name);
        document.insert("ModelName".to_owned(), json!(name));
        put_tags(&mut document, tags(request, before, carried, None));
        new_model = Some(document);
    }
    let config_name = name(endpoint, &request.run, &json!(config));
    let digests = digests(&picture);
    config.insert("EndpointConfigName".to_owned(), json!(config_name));
    let carried = there.map(|there| there.tags.as_slice());
    put_tags(&mut config, tags(request, before, carried, there.map(|there| there.config.as_str())));
    let start = match (&before.endpoint, there) {
        (None, _) => Start::Create,
        (Some(_), None) => Start::Recreate,
        (Some(_), Some(_)) => Start::Update,
    };
    let request = match start {
        Start::Create | Start::Recreate => create(request, before, &config_name),
        Start::Update | Start::Join | Start::Check | Start::Scale => update(request, before, &config, &config_name)?,
    };
    Ok(Draft { start, config: config_name, new_config: Some(config), new_model, request, digests, picture })
}

fn rollback(request: &Request, before: &Snapshot, destination: &Serving) -> Result<(Plan, Draft), Failure> {
    let running = before.running.as_ref().ok_or_else(|| Failure::new(Cause::NotFound, "There is no endpoint."))?;
    let picture = destination.picture();
    let mut changes = difference::changes(&running.picture(), &picture);
    let is_mixed = before.endpoint.as_ref().is_some_and(is_a_mix);
    if destination.config != running.config || is_mixed {
        changes.insert(0, change("EndpointConfigName", &running.config, &destination.config));
    } else {
        changes.clear();
    }
    let capture = |serving: &Serving| serving.document.get("DataCaptureConfig").cloned();
    let named = if capture(running) == capture(destination) { Vec::new() } else { vec!["DataCaptureConfig"] };
    let draft = Draft {
        start: Start::Update,
        config: destination.config.clone(),
        new_config: None,
        new_model: None,
        request: keeping(
            &request.endpoint.name,
            &destination.config,
            named,
            [&running.document, &destination.document],
        ),
        digests: digests(&picture),
        picture,
    };
    Ok((Plan { changes, diff: String::new() }, draft))
}

fn create(request: &Request, before: &Snapshot, config: &str) -> Document {
    let mut document = Document::new();
    document.insert("EndpointName".to_owned(), json!(request.endpoint.name));
    document.insert("EndpointConfigName".to_owned(), json!(config));
    put_tags(&mut document, tags(request, before, None, None));
    document
}

/// Counts, weights and data capture stay as they are at that moment, unless they were named: somebody, or autoscaling, may have
/// changed them since the configuration was made.
fn update(request: &Request, before: &Snapshot, config: &Document, name: &str) -> Result<Document, Failure> {
    let changes = &request.endpoint.changes;
    let mut named = Vec::new();
    if changes.instance_count.is_some() {
        named.push("DesiredInstanceCount");
    }
    if request.endpoint.data_capture != crate::spec::DataCapture::default() {
        named.push("DataCaptureConfig");
    }
    let there = before.running.as_ref().map_or(config, |running| &running.document);
    let mut document = keeping(&request.endpoint.name, name, named, [there, config]);
    let last = before.endpoint.as_ref().and_then(|endpoint| endpoint.last_deployment.as_ref());
    match deployment::deployment(request, last, deployment::starts(&json!(config)))? {
        Some(deployment) => drop(document.insert("DeploymentConfig".to_owned(), deployment)),
        None if last.is_some() => drop(document.insert("RetainDeploymentConfig".to_owned(), json!(true))),
        None => {}
    }
    Ok(document)
}

/// UpdateEndpoint with everything kept that is not the configuration's, on the way between these configurations.
fn keeping(endpoint: &str, name: &str, named: Vec<&str>, configs: [&Document; 2]) -> Document {
    let mut document = Document::new();
    document.insert("EndpointName".to_owned(), json!(endpoint));
    document.insert("EndpointConfigName".to_owned(), json!(name));
    // A variant without instances has no counts, and one that gets them has to get its own.
    if configs.iter().any(|config| variants(config).iter().any(|variant| variant["ServerlessConfig"].is_object())) {
        return document;
    }
    document.insert("RetainAllVariantProperties".to_owned(), json!(true));
    if !named.is_empty() {
        let named: Value = named.into_iter().map(|property| json!({"VariantPropertyType": property})).collect();
        document.insert("ExcludeRetainedVariantProperties".to_owned(), named);
    }
    document
}

/// Those of the request, and those that are carried over, less what this action said of another run.
fn tags(request: &Request, before: &Snapshot, carried: Option<&[Tag]>, previous: Option<&str>) -> Vec<Tag> {
    let mut tags = match &before.origin {
        Origin::Endpoint(staging) => {
            let model = promoted(staging, &request.endpoint);
            tags_of_promoted(&request.tags, model.and_then(|model| commit(&model.tags)))
        }
        _ => request.tags.clone(),
    };
    for tag in carried.unwrap_or_default() {
        if !tag.key.starts_with(TAGS) && !tags.iter().any(|there| there.key == tag.key) {
            tags.push(tag.clone());
        }
    }
    // Without a word about the run, nothing is said about who made it.
    if tags.iter().any(|tag| tag.key == RUN_TAG) {
        tags.push(Tag { key: ENDPOINT_TAG.to_owned(), value: request.endpoint.name.clone() });
    }
    if let Some(previous) = previous {
        tags.push(Tag { key: PREVIOUS_TAG.to_owned(), value: previous.to_owned() });
    }
    tags
}

fn put_tags(document: &mut Document, tags: Vec<Tag>) {
    if !tags.is_empty() {
        let tags: Value = tags.into_iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect();
        document.insert("Tags".to_owned(), tags);
    }
}

/// The digests of the images in a picture, by variant.
fn digests(picture: &Value) -> Vec<(String, String)> {
    let variants = picture["ProductionVariants"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |variant: &Value| {
        let name = variant["VariantName"].as_str().unwrap_or_default().to_owned();
        let model = variant["Model"].as_object().cloned().unwrap_or_default();
        let images =
            containers(&model).into_iter().filter_map(|it| digest(it.get("Image")?.as_str()?).map(str::to_owned));
        images.map(|digest| (name.clone(), digest)).collect::<Vec<_>>()
    };
    variants.iter().flat_map(of).collect()
}
