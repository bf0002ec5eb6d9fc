//! What Amazon ECR answers, as plain values.

use aws_sdk_ecr::types::{self, ImageTagMutability};

use crate::spec::FindingSeverity;

/// An image in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// `sha256:…`
    pub digest: String,
}

/// A manifest, byte for byte: its digest is the image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The document.
    pub document: String,
    /// Its media type, where Amazon ECR says it.
    pub media_type: Option<String>,
}

/// Whether a repository's tags can be moved.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutability {
    /// Whether a tag can be moved that no filter is for.
    pub usually: bool,
    /// Filters, in which `*` stands for anything, for the tags of which the opposite holds.
    pub except: Vec<String>,
}

impl Mutability {
    /// Whether that tag can be moved.
    pub fn of(&self, tag: &str) -> bool {
        self.usually != self.except.iter().any(|filter| is_like(filter, tag))
    }
}

impl From<&types::Repository> for Mutability {
    fn from(repository: &types::Repository) -> Self {
        let usually = !matches!(
            repository.image_tag_mutability(),
            Some(ImageTagMutability::Immutable | ImageTagMutability::ImmutableWithExclusion)
        );
        let filters = repository.image_tag_mutability_exclusion_filters();
        Self { usually, except: filters.iter().map(|filter| filter.filter().to_owned()).collect() }
    }
}

fn is_like(filter: &str, tag: &str) -> bool {
    match filter.split_once('*') {
        None => filter == tag,
        Some((start, rest)) => tag.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| is_like(rest, &tail[at..]))
        }),
    }
}

/// What is known of an image's scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Amazon's word: `COMPLETE`, `ACTIVE`, `IN_PROGRESS`, …
    pub status: String,
    /// Amazon's explanation of it.
    pub explanation: Option<String>,
    /// How many findings there are by Amazon's own count.
    pub counted: u64,
    /// How many it lists, with those that Amazon Inspector suppresses.
    pub listed: usize,
    /// The findings that stand, of basic scanning or of Amazon Inspector, whichever there are.
    pub findings: Vec<Finding>,
}

/// Something that a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `CVE-…`, or another name.
    pub id: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// Where it was found, with its version.
    pub package: Option<String>,
    /// Whether there is a fix, where the scanner says: basic scanning does not.
    pub has_fix: Option<bool>,
}

impl From<&types::ImageScanFinding> for Finding {
    fn from(finding: &types::ImageScanFinding) -> Self {
        let attribute = |key: &str| {
            let found = finding.attributes().iter().find(|attribute| attribute.key() == key);
            found.and_then(|attribute| attribute.value())
        };
        Self {
            id: finding.name().unwrap_or("(no name)").to_owned(),
            severity: FindingSeverity::of_word(finding.severity().map_or("", types::FindingSeverity::as_str)),
            package: package(attribute("package_name"), attribute("package_version")),
            has_fix: None,
        }
    }
}

impl Finding {
    /// A finding of Amazon Inspector; none for one that is suppressed or closed there.
    pub(super) fn enhanced(finding: &types::EnhancedImageScanFinding) -> Option<Self> {
        if finding.status().is_some_and(|status| status != "ACTIVE") {
            return None;
        }
        let details = finding.package_vulnerability_details();
        let first = details.and_then(|details| details.vulnerable_packages().first());
        let id = details.and_then(|details| details.vulnerability_id()).or_else(|| finding.title());
        Some(Self {
            id: id.unwrap_or("(no name)").to_owned(),
            severity: FindingSeverity::of_word(finding.severity().unwrap_or_default()),
            package: first.and_then(|it| package(it.name(), it.version())),
            has_fix: match finding.fix_available() {
                Some("YES" | "PARTIAL") => Some(true),
                Some("NO") => Some(false),
                _ => None,
            },
        })
    }
}

fn package(name: Option<&str>, version: Option<&str>) -> Option<String> {
    let name = name?;
    Some(version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_turn_the_rule_of_a_repository_around() {
        for (usually, except, tag, expected) in [
            (true, &[][..], "1", true),
            (false, &[], "1", false),
            (false, &["latest", "dev-*"], "latest", true),
            (false, &["latest", "dev-*"], "dev-7", true),
            (false, &["latest", "dev-*"], "1", false),
            (true, &["v*.*"], "v1.2", false),
            (true, &["v*.*"], "v1", true),
        ] {
            let except = except.iter().map(|filter| (*filter).to_owned()).collect();
            assert_eq!(Mutability { usually, except }.of(tag), expected, "{tag}");
        }
    }
}
