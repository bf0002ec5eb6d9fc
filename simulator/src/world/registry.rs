//! What is in Amazon ECR: repositories by account and name, and the rules of pull-through caches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::registry::{self, Image, Repository};

/// Every registry that the world can see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registries {
    repositories: BTreeMap<(String, String), Stored>,
    /// Prefixes of the names of cached repositories, by account.
    pub(crate) pull_through: Vec<(String, String)>,
}

/// A repository.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) mutability: String,
    pub(crate) exclusions: Vec<String>,
    images: BTreeMap<String, Arc<Image>>,
    tags: BTreeMap<String, String>,
}

impl Registries {
    pub(crate) fn add(&mut self, repository: Repository, own_account: &str) {
        let Repository { name, account, mutability, exclusions, images } = repository;
        let mut stored = Stored { mutability, exclusions, images: BTreeMap::new(), tags: BTreeMap::new() };
        images.into_iter().for_each(|image| stored.push(image));
        self.repositories.insert((account.unwrap_or_else(|| own_account.to_owned()), name), stored);
    }

    pub(crate) fn get(&self, account: &str, name: &str) -> Option<&Stored> {
        self.repositories.get(&(account.to_owned(), name.to_owned()))
    }

    pub(crate) fn get_mut(&mut self, account: &str, name: &str) -> Option<&mut Stored> {
        self.repositories.get_mut(&(account.to_owned(), name.to_owned()))
    }

    /// The names in one account, with what is there.
    pub(crate) fn of_account<'a>(&'a self, account: &'a str) -> impl Iterator<Item = (&'a str, &'a Stored)> {
        self.repositories
            .iter()
            .filter(move |((owner, _), _)| owner == account)
            .map(|((_, name), it)| (name.as_str(), it))
    }
}

impl Stored {
    fn push(&mut self, image: Image) {
        for child in &image.children {
            self.push(child.clone());
        }
        let digest = image.digest();
        self.tags.extend(image.tags.iter().map(|tag| (tag.clone(), digest.clone())));
        self.images.insert(digest, Arc::new(image));
    }

    /// The image of that digest.
    pub(crate) fn image(&self, digest: &str) -> Option<&Image> {
        self.images.get(digest).map(Arc::as_ref)
    }

    /// The digest that a tag is on.
    pub(crate) fn tagged(&self, tag: &str) -> Option<&str> {
        self.tags.get(tag).map(String::as_str)
    }

    /// Puts a tag on a digest, wherever it was before.
    pub(crate) fn tag(&mut self, tag: &str, digest: &str) {
        self.tags.insert(tag.to_owned(), digest.to_owned());
    }

    pub(crate) fn digests(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    pub(crate) fn tags_of(&self, digest: &str) -> Vec<&str> {
        self.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag.as_str()).collect()
    }

    /// The configuration of an image: the layer of that digest.
    pub(crate) fn config(&self, digest: &str) -> Option<&str> {
        self.images
            .values()
            .filter_map(|image| image.config.as_deref())
            .find(|config| registry::digest(config) == digest)
    }

    /// Whether a tag, once there, stays where it is.
    ///
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>
    pub(crate) fn is_immutable(&self, tag: &str) -> bool {
        let is_excluded = self.exclusions.iter().any(|filter| matches(filter, tag));
        match self.mutability.as_str() {
            "IMMUTABLE" => true,
            "IMMUTABLE_WITH_EXCLUSION" => !is_excluded,
            "MUTABLE_WITH_EXCLUSION" => is_excluded,
            _ => false,
        }
    }
}

impl Image {
    /// What scanning says at a moment; `None` before there is a scan.
    pub(crate) fn scan_at(&self, now: Duration) -> Option<&serde_json::Value> {
        self.scans.iter().rev().find(|(from, _)| *from <= now).map(|(_, answer)| answer)
    }
}

/// Whether a filter, in which `*` stands for anything, is the tag's.
fn matches(filter: &str, tag: &str) -> bool {
    match filter.split_once('*') {
        None => filter == tag,
        Some((start, rest)) => tag.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| matches(rest, &tail[at..]))
        }),
    }
}
