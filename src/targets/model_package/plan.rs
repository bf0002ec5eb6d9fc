//! Makes the request. Pure: no client, no clock.

use serde_json::{Map, Value, json};

use super::{Request, Snapshot};
use crate::aws::sage_maker::{Document, Made};
use crate::cycle::{Cause, Change, Failure, Plan, Shown};
use crate::spec::{Approve, Edit, Metrics, numbers};
use crate::targets::sage_maker::container::set_data;
use crate::targets::sage_maker::difference::{changes, holds};
use crate::targets::sage_maker::images;
use crate::text::last_part;

/// The most that a version's properties may be, and how long a key and a value.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html>
const PROPERTIES: usize = 50;
const KEY: usize = 128;
/// The longest description of a decision.
const DESCRIPTION: usize = 1024;

/// What to do.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The request that makes the group, if it has to be made.
    pub(super) new_group: Option<Document>,
    /// The request that makes the version, with its token.
    pub(super) request: Document,
    /// What is written on the version, by which it is found again.
    pub(super) description: Option<String>,
    /// The version, where an earlier attempt registered it.
    pub(super) found: Option<Made>,
    /// All versions that have the same written on them and are there already.
    pub(super) others: Vec<String>,
    /// What is decided about it, and why.
    pub(super) decision: Option<(String, String)>,
}

pub(super) fn plan(request: &Request, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
    let document = document(request, before);
    let content = Value::Object(document.clone());
    let description = request.provenance.description_of(&content);
    let is_same = |made: &&Made| has_content(&made.document, &document);
    let (failed, standing): (Vec<&Made>, Vec<&Made>) =
        before.ours.iter().filter(is_same).partition(|made| is(made, "ModelPackageStatus", &["Failed", "Deleting"]));
    let found = standing.first().copied();
    let decision = decision(request, before);
    let mut plan = Plan::default();
    let mut new_group = None;
    if !before.has_group {
        let group = &request.registration.group;
        plan.changes.push(change("ModelPackageGroup", Shown::Absent, group));
        new_group = Some(self::group(request));
    }
    match found {
        None => {
            let mut shown = document.clone();
            // The description says where it comes from. A hash of values of variables is not for everybody.
            if let Some(description) = request.provenance.description() {
                shown.insert(DESCRIBED.to_owned(), json!(description));
            }
            let elsewhere = ["ModelPackageGroupName", "ModelApprovalStatus", "MetadataProperties"];
            shown.retain(|member, _| !elsewhere.contains(&member.as_str()));
            if let Some(properties) = shown.get_mut("CustomerMetadataProperties").and_then(Value::as_object_mut) {
                properties.retain(|key, _| !key.starts_with(env!("CARGO_PKG_NAME")));
            }
            plan.changes.extend(changes(&Value::Null, &Value::Object(shown)));
            images::show(&before.images, &mut plan.changes);
            let approval = decision.as_ref().map_or(PENDING, |(status, _)| status);
            plan.changes.push(change("ModelApprovalStatus", Shown::Absent, approval));
        }
        Some(found) => plan.changes.extend(open(found, decision.as_ref())?),
    }
    let mut request_with_token = document;
    if let Some(description) = &description {
        request_with_token.insert(DESCRIBED.to_owned(), json!(description));
    }
    request_with_token.insert("ClientToken".to_owned(), json!(request.provenance.token(&content, failed.len())));
    let is_decided =
        |found: &Made| decision.as_ref().is_some_and(|(status, _)| is(found, "ModelApprovalStatus", &[status]));
    let draft = Draft {
        new_group,
        request: request_with_token,
        description,
        decision: decision.clone().filter(|_| !found.is_some_and(is_decided)),
        found: found.cloned(),
        others: before.ours.iter().map(|made| made.arn.clone()).collect(),
    };
    Ok((plan, draft))
}

/// Whether a version is what a request asks for: its containers, and what is known of them. What else AWS answers, and in which form,
/// is its own affair. Where nothing can be compared, it is not.
pub(super) fn has_content(there: &Document, request: &Document) -> bool {
    const CONTENT: [&str; 3] = ["InferenceSpecification", "ModelMetrics", "CustomerMetadataProperties"];
    let mut wanted = CONTENT.iter().filter_map(|member| Some((member, request.get(*member)?))).peekable();
    wanted.peek().is_some()
        && wanted.all(|(member, wanted)| there.get(*member).is_some_and(|there| holds(there, wanted)))
}

/// What the version is found by that is asked for.
pub(super) fn description(request: &Request, before: &Snapshot) -> Option<String> {
    request.provenance.description_of(&Value::Object(document(request, before)))
}

const DESCRIBED: &str = "ModelPackageDescription";

/// How versions begin.
pub(super) const PENDING: &str = "PendingManualApproval";

fn is(made: &Made, member: &str, words: &[&str]) -> bool {
    made.document.get(member).and_then(Value::as_str).is_some_and(|there| words.contains(&there))
}

fn change(subject: &str, before: Shown, after: &str) -> Change {
    Change { subject: subject.to_owned(), before, after: Shown::Value(after.to_owned()) }
}

/// What is left to do about a version that is there. What a person decided meanwhile is not decided again.
fn open(found: &Made, decision: Option<&(String, String)>) -> Result<Vec<Change>, Failure> {
    let text = |member: &str| found.document.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut open = Vec::new();
    let (status, approval) = (text("ModelPackageStatus"), text("ModelApprovalStatus"));
    if status != "Completed" {
        open.push(change("ModelPackageStatus", Shown::Value(status), "Completed"));
    }
    match decision {
        Some((wanted, _)) if approval == PENDING => {
            open.push(change("ModelApprovalStatus", Shown::Value(approval), wanted));
        }
        Some((wanted, _)) if approval != *wanted => {
            let number = last_part(&found.arn);
            let reason = format!("Version {number}, which this run registered before, is {approval} meanwhile.");
            return Err(Failure::new(Cause::Conflict, reason)
                .advise(format!("Somebody decided that; it is not made {wanted} over their head.")));
        }
        _ => {}
    }
    Ok(open)
}

/// What becomes of the version once it is complete.
fn decision(request: &Request, before: &Snapshot) -> Option<(String, String)> {
    let by = request.provenance.by();
    let (status, why) = match request.registration.approve {
        Approve::Manual => return None,
        Approve::IfGatesPass => {
            let passed = before.judgements.iter().map(|it| format!("{} ({})", it.gate, it.there));
            ("Approved", format!("Passed the quality gates: {}", passed.collect::<Vec<_>>().join(", ")))
        }
        Approve::Never => ("Rejected", "Registered for the record, not to be deployed".to_owned()),
    };
    let room = DESCRIPTION - by.len().min(DESCRIPTION);
    let why = crate::text::shorten(&why, room.saturating_sub(4));
    Some((status.to_owned(), format!("{why}{by}")))
}

fn group(request: &Request) -> Document {
    let mut group = Map::new();
    group.insert("ModelPackageGroupName".to_owned(), json!(request.registration.group));
    if !request.tags.is_empty() {
        let tags: Value = request.tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect();
        group.insert("Tags".to_owned(), tags);
    }
    group
}

/// The request, but for what is written on the version and for its token, which follow from it.
fn document(request: &Request, before: &Snapshot) -> Document {
    let asked = &request.registration;
    let mut document = Map::new();
    let mut put = |member: &str, value: Value| drop(document.insert(member.to_owned(), value));
    put("ModelPackageGroupName", json!(asked.group));
    let mut specification = Map::new();
    specification.insert("Containers".to_owned(), json!([Value::Object(container(request, before))]));
    specification.insert("SupportedContentTypes".to_owned(), json!(asked.content_types));
    specification.insert("SupportedResponseMIMETypes".to_owned(), json!(asked.response_types));
    if !asked.instance_types.is_empty() {
        specification.insert("SupportedRealtimeInferenceInstanceTypes".to_owned(), json!(asked.instance_types));
    }
    put("InferenceSpecification", Value::Object(specification));
    if let Some(Metrics::S3(uri)) = &asked.metrics {
        let source = json!({"ContentType": "application/json", "S3Uri": uri});
        put("ModelMetrics", json!({"ModelQuality": {"Statistics": source}}));
    }
    let metadata = request.provenance.metadata();
    if !metadata.is_empty() {
        put(
            "MetadataProperties",
            metadata.into_iter().map(|(member, value)| (member.to_owned(), json!(value))).collect(),
        );
    }
    let properties = properties(request, before);
    if !properties.is_empty() {
        put("CustomerMetadataProperties", Value::Object(properties));
    }
    put("ModelApprovalStatus", json!(PENDING));
    document
}

fn container(request: &Request, before: &Snapshot) -> Document {
    let asked = &request.registration;
    let resolved = before.images.first().filter(|image| image.written == asked.image);
    let image = resolved.map_or_else(|| asked.image.clone(), |it| it.reference.pinned(&it.digest).to_string());
    let mut container = Document::new();
    container.insert("Image".to_owned(), json!(image));
    if let Some(data) = &asked.data {
        set_data(&mut container, data);
    }
    let variables = asked.environment.iter().filter_map(|edit| match edit {
        Edit::Set { name, value } => Some((name.clone(), json!(value))),
        // The inputs have no such lines: there is nothing to remove from.
        Edit::Remove { .. } => None,
    });
    let environment: Document = variables.collect();
    if !environment.is_empty() {
        container.insert("Environment".to_owned(), Value::Object(environment));
    }
    container
}

/// Where the version comes from, then the numbers that gates ask for, then the others: as many as there is room for.
fn properties(request: &Request, before: &Snapshot) -> Map<String, Value> {
    let mut properties: Map<String, Value> =
        request.provenance.properties().into_iter().map(|(key, value)| (key, json!(value))).collect();
    let gates = request.registration.gates.iter();
    let asked = gates.filter_map(|gate| Some((gate.key(), gate.number(&before.metrics)?)));
    for (key, number) in asked.chain(numbers(&before.metrics)) {
        if properties.len() < PROPERTIES && is_key(&key) {
            properties.entry(key).or_insert_with(|| json!(number.to_string()));
        }
    }
    properties
}

/// Letters, digits, blanks and some signs.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html#sagemaker-CreateModelPackage-request-CustomerMetadataProperties>
fn is_key(key: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || "_.:/=+-@ ".contains(c);
    !key.is_empty() && key.chars().count() <= KEY && key.chars().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_the_content_only_where_that_can_be_compared() {
        let document = |value: Value| value.as_object().cloned().unwrap_or_default();
        let there =
            document(json!({"InferenceSpecification": {"Containers": [{"Image": "bikes:1", "ImageDigest": "a"}]}}));
        let asked = |image: &str| document(json!({"InferenceSpecification": {"Containers": [{"Image": image}]}}));
        assert!(has_content(&there, &asked("bikes:1")));
        assert!(!has_content(&there, &asked("bikes:2")));
        assert!(!has_content(&there, &document(json!({"ModelApprovalStatus": PENDING}))));
        assert!(!has_content(&there, &Document::new()));
    }
}
