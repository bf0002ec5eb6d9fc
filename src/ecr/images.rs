//! The images of one request, from their names to the tags that they get.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;

use jiff::civil::Date;

use super::gate::{self, Suspect};
use super::platform::{self, Content, Platform, content};
use super::promote::{self, Promotion};
use super::resolved::Resolved;
use super::{advised, said};
use crate::aws::ecr::{Reader, Registries, WritableRegistries};
use crate::aws::{CallError, CallErrorKind};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::spec::{GateAction, ImageReference, ImageRules, Registry, Resolve};

/// The images that a request names.
#[derive(Debug)]
pub struct Images {
    registries: Registries,
    rules: ImageRules,
    /// The day, by UTC: some exceptions of the scan gate end on one.
    today: Date,
    max_retries: u32,
    /// Once: a tag that moves meanwhile is on another image when it is looked at again.
    resolved: OnceCell<Vec<Resolved>>,
    promotions: RefCell<Vec<Promotion>>,
}

/// Where images run, in words for complaints.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Who runs them: `the task runs`.
    pub runs: &'static str,
    /// What else can be changed.
    pub remedy: &'static str,
    /// What to say of an image whose manifest has this media type, in words that follow the image.
    pub remark: fn(&str) -> Option<String>,
}

impl Images {
    /// Images that are looked up through `registries`, by these rules.
    pub fn new(registries: Registries, rules: ImageRules, today: Date, max_retries: u32) -> Self {
        let (resolved, promotions) = (OnceCell::new(), RefCell::default());
        Self { registries, rules, today, max_retries, resolved, promotions }
    }

    /// Finds the digest of each image, the first time that it is asked.
    ///
    /// # Errors
    /// When Amazon ECR has no such image, or when a digest is needed and cannot be had.
    pub async fn resolve(&self, named: &[String], events: &Events) -> Result<&[Resolved], Failure> {
        if let Some(resolved) = self.resolved.get() {
            return Ok(resolved);
        }
        let mut resolved = Vec::new();
        let mut seen = HashSet::new();
        for image in named.iter().filter(|image| seen.insert(image.as_str())) {
            if self.rules.resolve != Resolve::Never {
                resolved.extend(self.resolve_one(image, events).await?);
            }
        }
        self.promotions.replace(promotions(&resolved, &self.rules.promote_tags)?);
        if resolved.is_empty() && !self.rules.promote_tags.is_empty() {
            events.warn("No image in Amazon ECR is named, so there is none to put the `promote-tags` on.");
        }
        if resolved.is_empty() && self.rules.scan.action != GateAction::Off {
            events.warn("No image in Amazon ECR is named, so there is no scan to look at for `scan-gate`.");
        }
        let digests: Vec<&str> = resolved.iter().map(|image| image.digest.as_str()).collect();
        if !digests.is_empty() {
            events.know(Output::ImageDigest, digests.join("\n"));
        }
        Ok(self.resolved.get_or_init(|| resolved))
    }

    /// What was resolved so far.
    pub fn resolved(&self) -> &[Resolved] {
        self.resolved.get().map(Vec::as_slice).unwrap_or_default()
    }

    async fn resolve_one(&self, image: &str, events: &Events) -> Result<Option<Resolved>, Failure> {
        let Ok(reference) = image.parse::<ImageReference>() else { return Ok(None) };
        let Registry::Ecr(registry) = reference.registry.clone() else {
            events.note(format!("{image} is not in a private registry of Amazon ECR: it is deployed as it is named."));
            return Ok(None);
        };
        let reader = self.registries.reader(&registry);
        let described = match (&reference.digest, &reference.tag) {
            (Some(digest), _) => reader.describe_digest(&reference.repository, digest).await,
            (None, tag) => reader.describe_tag(&reference.repository, tag.as_deref().unwrap_or("latest")).await,
        };
        let error = match described {
            Ok(described) => {
                let (written, digest) = (image.to_owned(), described.digest);
                if reference.digest.is_none() {
                    events.note(format!("{written} is {digest}."));
                }
                return Ok(Some(Resolved { written, reference, registry, digest }));
            }
            Err(error) => error,
        };
        let doubt = match error.kind {
            CallErrorKind::Denied => error,
            CallErrorKind::NotFound => match reader.is_pulled_through(&reference.repository).await {
                Ok(false) => {
                    return Err(Failure::new(
                        Cause::NotFound,
                        format!("Amazon ECR has no image {image}: {}.", said(&error)),
                    )
                    .advise("Push it first, or correct its name: repository, tag, account and region."));
                }
                Ok(true) => {
                    return self.without_digest(image, "a pull-through cache may bring it, and has not yet", events);
                }
                Err(denied) if denied.kind == CallErrorKind::Denied => {
                    let why = format!(
                        "Amazon ECR has no such image, and whether a pull-through cache would bring it cannot be known ({})",
                        said(&denied)
                    );
                    return self.without_digest(image, &why, events);
                }
                Err(error) => return Err(advised(error)),
            },
            _ => return Err(advised(error)),
        };
        if self.rules.needs_digest().is_some() {
            return Err(advised(doubt));
        }
        self.without_digest(image, &said(&doubt), events)
    }

    /// An image whose digest is not known: deployed as it is named, unless more was asked for.
    fn without_digest(&self, image: &str, why: &str, events: &Events) -> Result<Option<Resolved>, Failure> {
        if let Some(input) = self.rules.needs_digest() {
            return Err(Failure::new(Cause::Preflight, format!("The digest of {image} is not known: {why}."))
                .advise(format!("It is needed for `{input}`.")));
        }
        events.warn(format!(
            "The digest of {image} is not known, so it is deployed by its name, and runs whatever that name is on: {why}."
        ));
        Ok(None)
    }

    /// Checks, before anything is changed, what would only come out while the rollout fails: whether each image has the
    /// platform, whether tags can be moved, what scanning found. `platform` is `None` where it is not known;
    /// `place` says in words what runs there, and what can be changed about it.
    ///
    /// # Errors
    /// Everything that excludes success, at once; then what the scan gate does not let through.
    pub async fn check(&self, platform: Option<&Platform>, place: Place, events: &Events) -> Result<(), Failure> {
        let mut complaints = Vec::new();
        let mut suspects = Vec::new();
        for image in self.resolved() {
            let reader = self.registries.reader(&image.registry);
            complaints.extend(self.check_mutability(image, &reader).await?);
            let content = match reader.manifest(&image.reference.repository, &image.digest).await {
                Ok(manifest) => {
                    if let Some(remark) = manifest.media_type.as_deref().and_then(place.remark) {
                        events.warn(format!("{} {remark}", image.written));
                    }
                    content(&manifest.document)
                }
                Err(error) if self.rules.scan.action == GateAction::Fail => return Err(advised(error)),
                Err(error) => {
                    events.note(format!("The platform of {} was not checked: {}.", image.written, said(&error)));
                    Content::Unknown
                }
            };
            if let Some(platform) = platform {
                complaints.extend(misfit(image, &content, (platform, place), &reader, events).await);
            }
            suspects.push(Suspect { image, reader, digests: scanned(image, &content, platform) });
        }
        if !complaints.is_empty() {
            return Err(Failure::new(Cause::Preflight, format!("{}.", complaints.join(". "))));
        }
        if self.rules.scan.action == GateAction::Off {
            return Ok(());
        }
        gate::pass(&suspects, &self.rules.scan, self.today, events).await
    }

    async fn check_mutability(&self, image: &Resolved, reader: &Reader) -> Result<Option<String>, Failure> {
        let tag = match (&image.reference.digest, &image.reference.tag) {
            (None, tag) if self.rules.forbid_mutable_tags => tag.as_deref().unwrap_or("latest"),
            _ => return Ok(None),
        };
        let mutability = reader.mutability(&image.reference.repository).await.map_err(advised)?;
        Ok(mutability.of(tag).then(|| {
            format!(
                "{}: the tag can be moved to another image, and `forbid-mutable-tags` is true; make the repository's tags \
                 immutable, or name the image by its digest",
                image.written
            )
        }))
    }

    /// Warns when a rollback to these images would not bring back what ran: when one is gone, or its tag is on the very image
    /// that is being deployed.
    pub async fn check_the_way_back(&self, previous: &[String], events: &Events) {
        if self.rules.resolve == Resolve::Never {
            return;
        }
        for image in previous {
            let Ok(reference) = image.parse::<ImageReference>() else { continue };
            let Registry::Ecr(registry) = &reference.registry else { continue };
            // In another repository than the new image's these credentials need not be at home.
            let is_at_home =
                |new: &Resolved| new.registry == *registry && new.reference.repository == reference.repository;
            if !self.resolved().iter().any(is_at_home) {
                continue;
            }
            let reader = self.registries.reader(registry);
            let (repository, tag) = (&reference.repository, reference.tag.as_deref().unwrap_or("latest"));
            let described = match &reference.digest {
                Some(digest) => reader.describe_digest(repository, digest).await,
                None => reader.describe_tag(repository, tag).await,
            };
            match described {
                Ok(there)
                    if reference.digest.is_none() && self.resolved().iter().any(|new| new.digest == there.digest) =>
                {
                    events.warn(format!(
                        "The image that runs now is named {image}, and that tag is on the new image meanwhile: a rollback would \
                         start the new image again."
                    ));
                }
                Err(error) if is_gone(&error) && !matches!(reader.is_pulled_through(repository).await, Ok(true)) => {
                    events.warn(format!(
                        "The image that runs now is gone from Amazon ECR: {image}. If the rollout fails, a rollback cannot pull it."
                    ));
                }
                // Whatever is not known here, the deployment itself does not depend on it.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// The tags that are owed to images once they run.
    pub fn promotions(&self) -> Vec<Promotion> {
        self.promotions.borrow().clone()
    }

    /// Takes over what another process owes.
    pub fn owe(&self, promotions: Vec<Promotion>) {
        self.promotions.replace(promotions);
    }

    /// Puts the tags on the images, which are known to run. What goes wrong is a warning.
    pub async fn promote(&self, writers: &WritableRegistries, events: &Events) {
        for promotion in self.promotions() {
            promote::promote(&promotion, &self.registries, writers, self.max_retries, events).await;
        }
    }
}

fn is_gone(error: &CallError) -> bool {
    error.kind == CallErrorKind::NotFound
}

/// The tags for every image; the same repository cannot have a tag on two.
fn promotions(resolved: &[Resolved], tags: &[String]) -> Result<Vec<Promotion>, Failure> {
    let mut promotions: Vec<(Promotion, &Resolved)> = Vec::new();
    for image in resolved {
        let place = |image: &Resolved| {
            (image.registry.account.clone(), image.registry.region.clone(), image.reference.repository.clone())
        };
        for tag in tags {
            match promotions.iter().find(|(it, other)| it.tag == *tag && place(other) == place(image)) {
                Some((_, other)) if other.digest == image.digest => {}
                Some((_, other)) => {
                    let reason = format!("`{tag}` cannot be put on both {} and {}.", other.written, image.written);
                    return Err(Failure::new(Cause::InvalidInput, reason)
                        .advise("Name one image a repository, or leave `promote-tags` out."));
                }
                None => {
                    let image_by_digest = image.reference.pinned(&image.digest).to_string();
                    promotions.push((Promotion { image: image_by_digest, tag: tag.clone() }, image));
                }
            }
        }
    }
    Ok(promotions.into_iter().map(|(promotion, _)| promotion).collect())
}

/// Why the image cannot run on the platform, if it is known that it cannot.
async fn misfit(
    image: &Resolved,
    content: &Content,
    (platform, place): (&Platform, Place),
    reader: &Reader,
    events: &Events,
) -> Option<String> {
    let there = match content {
        Content::Index(children) if platform::fits(children, platform) == Some(false) => platform::platforms(children),
        Content::Image { config } => match reader.layer(&image.reference.repository, config).await {
            Ok(config) => serde_json::from_value(config).ok().filter(|there: &Platform| there != platform)?.to_string(),
            Err(error) => {
                events.note(format!("The platform of {} was not checked: {}.", image.written, said(&error)));
                return None;
            }
        },
        Content::Index(_) | Content::Unknown => return None,
    };
    let there = if there.is_empty() { "nothing that runs".to_owned() } else { there };
    Some(format!(
        "{} is for {there}, and {} on {platform}: build it for {platform}, or {}",
        image.written, place.runs, place.remedy
    ))
}

/// The digests of what Amazon ECR scans of an image.
fn scanned(image: &Resolved, content: &Content, platform: Option<&Platform>) -> Vec<String> {
    let Content::Index(children) = content else { return vec![image.digest.clone()] };
    let is_for = |child: &&platform::Child| match (platform, &child.platform) {
        (Some(wanted), Some(there)) => wanted == there,
        (None, _) | (_, None) => true,
    };
    children.iter().filter(is_for).map(|child| child.digest.clone()).collect()
}
