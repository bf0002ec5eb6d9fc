//! Makes sure that what is registered is what was asked for, and decides about it.

use serde_json::{Value, json};

use super::Rollout;
use super::plan::{PENDING, has_content};
use crate::aws::sage_maker::{Document, Writer};
use crate::aws::{Again, Attempts, CallErrorKind, send};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::eventually::eventually;

/// Compares what was registered with the request, image and metrics included.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let Some(last) = &rollout.last else { return Ok(()) };
    if !has_content(last, &rollout.request) {
        let reason = format!("{} is not what was asked for.", rollout.name());
        return Err(Failure::new(Cause::Conflict, reason));
    }
    if let Some(wrong) = image_of_another_digest(last) {
        return Err(Failure::new(Cause::Conflict, format!("{} has another image: {wrong}.", rollout.name())));
    }
    events.know(Output::ModelApprovalStatus, approval(last).unwrap_or(PENDING));
    Ok(())
}

/// What SageMaker resolved an image to, where that is another digest than the request has.
fn image_of_another_digest(package: &Document) -> Option<String> {
    let containers = package.get("InferenceSpecification")?.get("Containers")?.as_array()?;
    containers.iter().find_map(|container| {
        let (_, asked) = container["Image"].as_str()?.split_once('@')?;
        container["ImageDigest"].as_str().filter(|there| *there != asked).map(|there| format!("{there}, not {asked}"))
    })
}

fn approval(package: &Document) -> Option<&str> {
    package.get("ModelApprovalStatus").and_then(Value::as_str)
}

/// Approves or rejects the version, with the reason. Idempotent; what somebody else decided meanwhile stays.
pub(super) async fn decide(
    writer: &Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    let (Some(arn), Some((status, why))) = (&rollout.arn, &rollout.decision) else { return Ok(()) };
    let mut request = Document::new();
    request.insert("ModelPackageArn".to_owned(), json!(arn));
    request.insert("ModelApprovalStatus".to_owned(), json!(status));
    request.insert("ApprovalDescription".to_owned(), json!(why));
    let mut attempts = Attempts::new(max_retries, events);
    loop {
        let there = look(rollout, max_retries, events).await?;
        match approval(&there) {
            Some(there) if there == status => break,
            Some(PENDING) | None => {}
            Some(other) => {
                let reason = format!("{} is {other} meanwhile.", rollout.name());
                return Err(Failure::new(Cause::Conflict, reason).advise("Somebody else decided about it: ask them."));
            }
        }
        match writer.update_model_package(&request).await {
            Ok(()) => break,
            Err(error) if error.is_passing() || error.kind == CallErrorKind::Conflict => {
                attempts.pause_after(error).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let shown = eventually(async || {
        let there = look(rollout, 0, events).await.ok()?;
        (approval(&there) == Some(status)).then_some(())
    });
    if shown.await.is_some() {
        events.know(Output::ModelApprovalStatus, status);
        events.note(format!("{} is {status}.", rollout.name()));
        return Ok(());
    }
    let reason = format!("{} was to be {status}, and Amazon SageMaker does not show it so.", rollout.name());
    Err(Failure::new(Cause::Conflict, reason))
}

async fn look(rollout: &Rollout, max_retries: u32, events: &Events) -> Result<Document, Failure> {
    let arn = rollout.arn.as_deref().unwrap_or_default();
    let look = async || rollout.reader.describe_model_package(arn).await;
    Ok(send(Again::WhenPassing, Attempts::new(max_retries, events), look).await?.document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_to_be_the_one_that_was_judged() {
        let package = |image: &str, digest: Value| {
            let container = json!({"Image": image, "ImageDigest": digest});
            json!({"InferenceSpecification": {"Containers": [container]}}).as_object().cloned().unwrap()
        };
        for (image, digest, expected) in [
            ("bikes@sha256:aa", json!("sha256:aa"), None),
            ("bikes@sha256:aa", json!("sha256:bb"), Some("sha256:bb, not sha256:aa")),
            // What AWS does not tell cannot be compared, and what was not pinned either.
            ("bikes@sha256:aa", Value::Null, None),
            ("bikes:1", json!("sha256:bb"), None),
        ] {
            assert_eq!(image_of_another_digest(&package(image, digest)).as_deref(), expected, "{image}");
        }
    }
}
