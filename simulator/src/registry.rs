//! Repositories and images that exist when a test begins.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Describes a repository for [`Simulator::add_repository`](crate::Simulator::add_repository): of the world's own account, with
/// tags that can be moved.
#[derive(Clone, Debug)]
#[must_use]
pub struct Repository {
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    pub(crate) mutability: String,
    pub(crate) exclusions: Vec<String>,
    pub(crate) images: Vec<Image>,
}

impl Repository {
    /// An empty repository of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            account: None,
            mutability: "MUTABLE".to_owned(),
            exclusions: Vec::new(),
            images: Vec::new(),
        }
    }

    /// In another account's registry.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Whether tags can be moved: `MUTABLE`, `IMMUTABLE`, `MUTABLE_WITH_EXCLUSION` or `IMMUTABLE_WITH_EXCLUSION`, the latter two
    /// with filters (`latest`, `dev-*`).
    pub fn mutability(mut self, mutability: impl Into<String>, exclusions: &[&str]) -> Self {
        self.mutability = mutability.into();
        self.exclusions = exclusions.iter().map(|filter| (*filter).to_owned()).collect();
        self
    }

    /// With that image, and its children if it is an index.
    pub fn image(mut self, image: Image) -> Self {
        self.images.push(image);
        self
    }
}

/// An image: a manifest, its tags, and what scanning finds as time goes by.
#[derive(Clone, Debug)]
#[must_use]
pub struct Image {
    pub(crate) manifest: String,
    pub(crate) media_type: &'static str,
    pub(crate) config: Option<String>,
    pub(crate) tags: Vec<String>,
    /// What DescribeImageScanFindings answers from which moment of the world on, in that order; nothing before the first.
    pub(crate) scans: Vec<(Duration, Value)>,
    pub(crate) children: Vec<Self>,
}

impl Image {
    /// An image of one platform. `content` tells images apart: the same content is the same digest.
    pub fn new(content: &str, os: &str, architecture: &str) -> Self {
        let config =
            json!({"os": os, "architecture": architecture, "config": {"Labels": {"content": content}}}).to_string();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest(&config), "size": config.len()},
            "layers": [],
        });
        // Written as docker writes it, so that only the exact bytes have the digest.
        let manifest = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
        Self {
            manifest,
            media_type: MANIFEST,
            config: Some(config),
            tags: Vec::new(),
            scans: Vec::new(),
            children: Vec::new(),
        }
    }

    /// An image index over the children, with an attestation beside each, as buildx pushes it.
    pub fn index(children: Vec<Self>) -> Self {
        let entries: Vec<Value> = children.iter().flat_map(entries).collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        Self {
            manifest: serde_json::to_string_pretty(&manifest).unwrap_or_default(),
            media_type: INDEX,
            config: None,
            tags: Vec::new(),
            scans: Vec::new(),
            children,
        }
    }

    /// The same image as Docker's own builder pushes it, and not in OCI's kind of manifest: another digest.
    pub fn docker(mut self) -> Self {
        let manifest = self.manifest.replace(CONFIG, "application/vnd.docker.container.image.v1+json");
        self.manifest = manifest.replace(MANIFEST, DOCKER_MANIFEST);
        self.media_type = DOCKER_MANIFEST;
        self
    }

    /// With that tag too.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// From that moment of the world on, DescribeImageScanFindings answers this status and these findings: members of
    /// `imageScanFindings`.
    pub fn scan(mut self, from: Duration, status: &str, findings: Value) -> Self {
        let answer = json!({"imageScanStatus": {"status": status}, "imageScanFindings": findings});
        self.scans.push((from, answer));
        self
    }

    /// Its digest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }
}

/// An image's entry in an index, and its attestation's.
fn entries(child: &Image) -> [Value; 2] {
    let config: Value = child.config.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let platform = json!({"os": config["os"], "architecture": config["architecture"]});
    let attestation = json!({
        "mediaType": MANIFEST,
        "digest": digest(&format!("attestation of {}", child.digest())),
        "size": 566,
        "annotations": {
            "vnd.docker.reference.digest": child.digest(),
            "vnd.docker.reference.type": "attestation-manifest",
        },
        "platform": {"os": "unknown", "architecture": "unknown"},
    });
    let size = child.manifest.len();
    [json!({"mediaType": MANIFEST, "digest": child.digest(), "size": size, "platform": platform}), attestation]
}

/// The digest of a document.
pub(crate) fn digest(content: &str) -> String {
    let hash: String = Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}
