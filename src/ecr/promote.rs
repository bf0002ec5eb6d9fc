//! Tags for an image that was seen to run.

use serde::{Deserialize, Serialize};

use crate::aws::ecr::{Put, Registries, WritableRegistries};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, send};
use crate::cycle::Events;
use crate::spec::{ImageReference, Registry};

/// A tag that an image gets once it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The image, by its digest: `registry/repository@sha256:…`.
    pub image: String,
    /// The tag.
    pub tag: String,
}

/// Puts the tag on the image.
///
/// Idempotent: looks first, and before each further attempt. What goes wrong is a warning, because what runs does not change by
/// it.
pub(super) async fn promote(
    promotion: &Promotion,
    registries: &Registries,
    writers: &WritableRegistries,
    max_retries: u32,
    events: &Events,
) {
    let Promotion { image, tag } = promotion;
    let Ok(ImageReference { registry: Registry::Ecr(registry), repository, digest: Some(digest), .. }) = image.parse()
    else {
        return events.warn(format!("The tag `{tag}` was not put on {image}: it is no image in Amazon ECR."));
    };
    let (reader, writer) = (registries.reader(&registry), writers.writer(&registry));
    let name = format!("{repository}:{tag}");
    let is_there = async || match reader.describe_tag(&repository, tag).await {
        Ok(there) => Ok(Some(there.digest)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let outcome: Result<Outcome, CallError> =
        send(Again::WhenPassing, Attempts::new(max_retries, events), async || {
            if is_there().await?.is_some_and(|there| there == digest) {
                return Ok(Outcome::There);
            }
            let manifest = reader.manifest(&repository, &digest).await?;
            match writer.tag(&repository, &manifest, &digest, tag).await? {
                Put::Done => Ok(Outcome::Put),
                Put::Immutable => is_there().await.map(Outcome::Immutable),
            }
        })
        .await;
    match outcome {
        Ok(Outcome::Put) => events.note(format!("Tagged {digest} as {name}.")),
        Ok(Outcome::There) => events.note(format!("{name} is on {digest} already.")),
        Ok(Outcome::Immutable(there)) => events.warn(format!(
            "The deployed image was not tagged as {name}: that tag is on {}, the deployed image is {digest}, and the repository's \
             tags cannot be moved.",
            there.as_deref().unwrap_or("another image")
        )),
        Err(error) => events.warn(format!(
            "The deployed image {digest} was not tagged as {name}: {error}. What runs is not affected; run the job again, and the \
             tag is put."
        )),
    }
}

enum Outcome {
    Put,
    There,
    Immutable(Option<String>),
}
