//! What an image can run on, read from its manifest.

use std::fmt;

use serde::Deserialize;

/// An operating system and a processor architecture, in the words of images: `linux/amd64`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Platform {
    /// `linux` or `windows`.
    pub os: String,
    /// `amd64` or `arm64`.
    pub architecture: String,
}

impl Platform {
    /// A platform of these words.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned() }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// What a manifest is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An index: an image for each platform. Attestations, which run nowhere, are left out.
    Index(Vec<Child>),
    /// One image, whose configuration, a layer of this digest, says its platform.
    Image {
        /// The configuration's digest.
        config: String,
    },
    /// Something else: a manifest of an older or newer kind.
    Unknown,
}

/// An image in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its digest.
    pub digest: String,
    /// What it is for; `None` when the index does not say.
    pub platform: Option<Platform>,
}

/// Reads a manifest: of Docker's or OCI's kind, an index of either, or whatever else a registry keeps.
///
/// <https://github.com/opencontainers/image-spec/blob/main/image-index.md>
pub fn content(manifest: &str) -> Content {
    let Ok(manifest) = serde_json::from_str::<Manifest>(manifest) else { return Content::Unknown };
    match (manifest.manifests, manifest.config) {
        (Some(entries), _) => Content::Index(entries.into_iter().filter(Entry::runs).map(Child::from).collect()),
        (None, Some(config)) => Content::Image { config: config.digest },
        (None, None) => Content::Unknown,
    }
}

/// Whether an index has an image for that platform; `None` when it does not say for all of them.
pub fn fits(children: &[Child], wanted: &Platform) -> Option<bool> {
    if children.iter().any(|child| child.platform.as_ref() == Some(wanted)) {
        return Some(true);
    }
    children.iter().all(|child| child.platform.is_some()).then_some(false)
}

/// The platforms in words: `linux/amd64, linux/arm64`.
pub fn platforms(children: &[Child]) -> String {
    let names = children.iter().filter_map(|child| child.platform.as_ref()).map(ToString::to_string);
    names.collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct Manifest {
    manifests: Option<Vec<Entry>>,
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, serde_json::Value>,
}

impl Entry {
    /// buildx writes what it knows of a build beside the images, for the platform `unknown/unknown`.
    ///
    /// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
    fn runs(&self) -> bool {
        let is_unknown = self.platform.as_ref().is_some_and(|platform| platform.os == "unknown");
        !is_unknown && !self.annotations.contains_key("vnd.docker.reference.type")
    }
}

impl From<Entry> for Child {
    fn from(entry: Entry) -> Self {
        Self { digest: entry.digest, platform: entry.platform }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_index_is_its_images_without_their_attestations() {
        let index = json!({
            "schemaVersion": 2,
            "manifests": [
                {"digest": "sha256:a", "platform": {"os": "linux", "architecture": "amd64", "variant": "v2"}},
                {"digest": "sha256:b", "platform": {"os": "linux", "architecture": "arm64"}},
                {"digest": "sha256:c", "platform": {"os": "unknown", "architecture": "unknown"}},
                {
                    "digest": "sha256:d",
                    "platform": {"os": "linux", "architecture": "amd64"},
                    "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
                },
            ],
        });

        let Content::Index(children) = content(&index.to_string()) else { panic!("it is an index") };

        assert_eq!(platforms(&children), "linux/amd64, linux/arm64");
        assert_eq!(children[1].digest, "sha256:b");
        for (architecture, expected) in [("amd64", Some(true)), ("arm64", Some(true)), ("riscv64", Some(false))] {
            assert_eq!(fits(&children, &Platform::new("linux", architecture)), expected);
        }
    }

    #[test]
    fn an_index_that_does_not_say_everything_excludes_nothing() {
        let children = [Child { digest: "sha256:a".into(), platform: None }];
        assert_eq!(fits(&children, &Platform::new("linux", "amd64")), None);
    }

    #[test]
    fn an_image_has_a_configuration_and_anything_else_is_unknown() {
        let image = json!({"config": {"digest": "sha256:c", "size": 1}, "layers": []});
        assert_eq!(content(&image.to_string()), Content::Image { config: "sha256:c".into() });
        for other in ["", "{}", "[]", "{\"manifests\": 1}", "{\"config\": {}}"] {
            assert_eq!(content(other), Content::Unknown, "{other}");
        }
    }
}
