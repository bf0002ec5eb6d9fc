//! Checks, before anything is made, what SageMaker would refuse, or no endpoint could run.

use serde_json::Value;

use super::plan::Draft;
use super::{Request, Snapshot};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Place};
use crate::targets::sage_maker::images::{elsewhere, manifest};
use crate::targets::sage_maker::{container, gates};
use crate::text::{count, sentences};

pub(super) async fn preflight(
    request: &Request,
    images: &Images,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    gates::pass(&before.judgements, events)?;
    let mut errors = elsewhere(&before.images, &request.region, "the model registry");
    let containers = draft.request.get("InferenceSpecification").and_then(|it| it["Containers"].as_array());
    let containers = containers.into_iter().flatten().filter_map(Value::as_object);
    errors.extend(containers.flat_map(container::complaints));
    if !errors.is_empty() {
        let reason = format!(
            "SageMaker would not carry this out ({}): {}",
            count(errors.len(), "finding", "findings"),
            sentences(errors)
        );
        return Err(Failure::new(Cause::Preflight, reason));
    }
    let place = Place { runs: "the model runs", remedy: "choose another image", remark: manifest };
    images.check(None, place, events).await
}
