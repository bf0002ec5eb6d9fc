//! Looks at the group, and at what earlier attempts of the same run registered in it.

use serde_json::Value;

use super::{Request, plan};
use crate::aws::sage_maker::{Made, Reader};
use crate::aws::{Again, Attempts, Objects, send};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Resolved};
use crate::spec::{self, Judgement, Metrics};
use crate::targets::sage_maker::gates;

/// What there was before.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) has_group: bool,
    /// How many versions it has.
    pub(super) versions: usize,
    /// Those that this workflow run registered of the same content, newest first.
    pub(super) ours: Vec<Made>,
    /// The image, as far as its digest is known.
    pub(super) images: Vec<Resolved>,
    /// The model's metrics, where they were read.
    pub(super) metrics: Value,
    /// What the gates say of them.
    pub(super) judgements: Vec<Judgement>,
}

pub(super) async fn capture(
    reader: &Reader,
    objects: &Objects,
    request: &Request,
    images: &Images,
    events: &Events,
) -> Result<Snapshot, Failure> {
    let asked = &request.registration;
    let has_group = reader.has_model_package_group(&asked.group).await?;
    let packages = if has_group { reader.model_packages(&asked.group).await? } else { Vec::new() };
    let images = images.resolve(std::slice::from_ref(&asked.image), events).await?.to_vec();
    let metrics = match &asked.metrics {
        Some(Metrics::Document(document)) => document.clone(),
        // Nobody asks what they are.
        Some(Metrics::S3(_)) if asked.gates.is_empty() => Value::Null,
        Some(Metrics::S3(uri)) => read(objects, uri, request.max_retries, events).await?,
        None => Value::Null,
    };
    let judgements = gates::judge(&asked.gates, &metrics);
    let mut before = Snapshot { has_group, versions: packages.len(), ours: Vec::new(), images, metrics, judgements };
    if let Some(description) = plan::description(request, &before) {
        for package in packages.iter().filter(|package| package.description == description) {
            before.ours.push(reader.describe_model_package(&package.arn).await?);
        }
    }
    Ok(before)
}

/// The document that ModelMetrics points at.
async fn read(objects: &Objects, uri: &str, max_retries: u32, events: &Events) -> Result<Value, Failure> {
    let attempts = Attempts::new(max_retries, events);
    let text = send(Again::WhenPassing, attempts, async || objects.text(uri).await).await?;
    spec::metrics(&text).map_err(|error| {
        let reason = format!("The metrics in {uri} are not a JSON object: {error}.");
        Failure::new(Cause::QualityGates, reason).because(error)
    })
}
