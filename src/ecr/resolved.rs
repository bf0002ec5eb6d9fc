//! An image whose tag was looked up.

use crate::spec::{EcrRegistry, ImageReference};

/// An image in Amazon ECR of which the digest is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The image as the user wrote it.
    pub written: String,
    /// That, taken apart.
    pub reference: ImageReference,
    /// The registry in it.
    pub registry: EcrRegistry,
    /// What it is: `sha256:…`.
    pub digest: String,
}

impl Resolved {
    /// What is deployed: `registry/repository@sha256:…`, or what the user wrote when that has a digest.
    pub fn pinned(&self) -> String {
        if self.reference.digest.is_some() {
            return self.written.clone();
        }
        self.reference.pinned(&self.digest).to_string()
    }

    /// What people read: the tag and the digest.
    pub fn shown(&self) -> String {
        if self.reference.digest.is_some() { self.written.clone() } else { format!("{}@{}", self.written, self.digest) }
    }
}
