//! The name of an image, taken apart.
//!
//! <https://docs.docker.com/reference/cli/docker/image/tag/#description> has the grammar,
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html> and
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html> the names of private registries.

use std::fmt;
use std::str::FromStr;

/// The longest repository name that Amazon ECR takes, and the longest tag.
const REPOSITORY_LENGTH: usize = 256;
const TAG_LENGTH: usize = 128;

/// What the hosts of Amazon ECR's registries end with, a partition each.
const SUFFIXES: [&str; 7] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "csp.hci.ic.gov",
    "cloud.adc-e.uk",
];
/// The same, for those that can be reached over IPv6.
const DUAL_STACK_SUFFIXES: [&str; 2] = ["on.aws", "on.amazonwebservices.com.cn"];

/// The name of an image: `registry/repository:tag@digest`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// Where it is kept.
    pub registry: Registry,
    /// What it is called there: `shop/web`.
    pub repository: String,
    /// A name for a version, which can be on another one tomorrow.
    pub tag: Option<String>,
    /// `sha256:…`: this version and no other.
    pub digest: Option<String>,
}

/// Where an image is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Registry {
    /// A private registry of Amazon ECR.
    Ecr(EcrRegistry),
    /// Another one, by its host; `None` is Docker Hub.
    Other(Option<String>),
}

/// A private registry of Amazon ECR.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EcrRegistry {
    /// The host, as it was written.
    pub host: String,
    /// Whose it is, which is also its `registryId`.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Whether it was named by its FIPS endpoint.
    pub is_fips: bool,
    /// Whether it was named by its dual-stack endpoint.
    pub is_dual_stack: bool,
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// The part before the tag.
    #[error("`{0}` is no repository: small letters and digits, joined by `/`, `.`, `-` or `_`")]
    Repository(String),
    /// The part after the colon.
    #[error("`{0}` is no tag: up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`")]
    Tag(String),
    /// The part after the `@`.
    #[error("`{0}` is no digest: `sha256:` and 64 digits of 0-9a-f")]
    Digest(String),
}

impl ImageReference {
    /// The same image by a digest alone, which is the form that Amazon ECS documents: `registry/repository@digest`.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() }
    }
}

impl FromStr for ImageReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_digest(digest) => (name, Some(digest.to_owned())),
            Some((_, digest)) => return Err(InvalidReference::Digest(digest.to_owned())),
            None => (text, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
            _ => (None, name),
        };
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) if is_tag(tag) => (repository, Some(tag.to_owned())),
            Some((_, tag)) => return Err(InvalidReference::Tag(tag.to_owned())),
            None => (path, None),
        };
        if !is_repository(repository) {
            return Err(InvalidReference::Repository(repository.to_owned()));
        }
        let registry = match host {
            Some(host) => {
                EcrRegistry::of_host(host).map_or_else(|| Registry::Other(Some(host.to_owned())), Registry::Ecr)
            }
            None => Registry::Other(None),
        };
        Ok(Self { registry, repository: repository.to_owned(), tag, digest })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Registry::Ecr(EcrRegistry { host, .. }) | Registry::Other(Some(host)) => write!(f, "{host}/")?,
            Registry::Other(None) => {}
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl EcrRegistry {
    /// `<account>.dkr.ecr.<region>.<suffix>`, or `<account>.dkr-ecr.<region>.<suffix>` for dual-stack; `-fips` may follow `ecr`.
    pub(in crate::spec) fn of_host(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        let (rest, is_dual_stack) = match (rest.strip_prefix("dkr.ecr"), rest.strip_prefix("dkr-ecr")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return None,
        };
        let (rest, is_fips) = rest.strip_prefix("-fips").map_or((rest, false), |rest| (rest, true));
        let (region, suffix) = rest.strip_prefix('.')?.split_once('.')?;
        let suffixes: &[&str] = if is_dual_stack { &DUAL_STACK_SUFFIXES } else { &SUFFIXES };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_region =
            region.contains('-') && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (is_account && is_region && suffixes.contains(&suffix)).then(|| Self {
            host: host.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            is_fips,
            is_dual_stack,
        })
    }
}

/// Components of small letters and digits, joined by one `.`, one or two `_`, or any number of `-`.
fn is_repository(text: &str) -> bool {
    let is_component = |component: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let separators = component.split(plain).filter(|separator| !separator.is_empty());
        component.starts_with(plain)
            && component.ends_with(plain)
            && separators.into_iter().all(|it| matches!(it, "." | "_" | "__") || it.bytes().all(|byte| byte == b'-'))
    };
    text.len() <= REPOSITORY_LENGTH && text.split('/').all(is_component)
}

/// Whether a text can be a tag.
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=TAG_LENGTH).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<ImageReference, InvalidReference> {
        text.parse()
    }

    #[test]
    fn amazon_ecr_is_known_by_its_hosts() {
        for (host, region, is_fips, is_dual_stack) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", false, false),
            ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", true, false),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", false, false),
            ("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1", false, false),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", false, false),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1", false, true),
            ("123456789012.dkr-ecr-fips.us-west-2.on.aws", "us-west-2", true, true),
            ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1", false, true),
        ] {
            let image = parse(&format!("{host}/shop/web:1")).unwrap();
            let expected = EcrRegistry {
                host: host.to_owned(),
                account: "123456789012".to_owned(),
                region: region.to_owned(),
                is_fips,
                is_dual_stack,
            };
            assert_eq!(image.registry, Registry::Ecr(expected));
        }
    }

    #[test]
    fn everything_else_is_another_registry() {
        for (text, host, repository, tag) in [
            ("nginx", None, "nginx", None),
            ("library/nginx:1.27", None, "library/nginx", Some("1.27")),
            ("public.ecr.aws/docker/library/nginx:1", Some("public.ecr.aws"), "docker/library/nginx", Some("1")),
            ("localhost:5000/web:1", Some("localhost:5000"), "web", Some("1")),
            ("localhost/web", Some("localhost"), "web", None),
            ("ghcr.io/a/b", Some("ghcr.io"), "a/b", None),
            ("1234.dkr.ecr.eu-west-1.amazonaws.com/web", Some("1234.dkr.ecr.eu-west-1.amazonaws.com"), "web", None),
            (
                "123456789012.dkr.ecr.eu-west-1.evil.example/w",
                Some("123456789012.dkr.ecr.eu-west-1.evil.example"),
                "w",
                None,
            ),
            ("123456789012.dkr.ecr.amazonaws.com/w", Some("123456789012.dkr.ecr.amazonaws.com"), "w", None),
        ] {
            let image = parse(text).unwrap();
            assert_eq!(image.registry, Registry::Other(host.map(str::to_owned)), "{text}");
            assert_eq!((image.repository.as_str(), image.tag.as_deref()), (repository, tag), "{text}");
        }
    }

    #[test]
    fn a_tag_a_digest_both_or_neither() {
        for (text, tag, digest) in [
            ("web", None, None),
            ("web:1.0_a-B", Some("1.0_a-B"), None),
            (&*format!("web@{DIGEST}"), None, Some(DIGEST)),
            (&*format!("web:1@{DIGEST}"), Some("1"), Some(DIGEST)),
        ] {
            let image = parse(text).unwrap();
            assert_eq!((image.tag.as_deref(), image.digest.as_deref()), (tag, digest), "{text}");
            assert_eq!(image.to_string(), text);
            assert_eq!(image.pinned(DIGEST).to_string(), format!("web@{DIGEST}"));
        }
    }

    #[test]
    fn what_names_no_image_is_refused_with_the_part_that_is_wrong() {
        use InvalidReference::{Digest, Repository, Tag};
        for (text, expected) in [
            ("", Repository(String::new())),
            ("Web:1", Repository("Web".into())),
            ("shop//web", Repository("shop//web".into())),
            ("web..api", Repository("web..api".into())),
            ("web-", Repository("web-".into())),
            ("web___api", Repository("web___api".into())),
            ("ghcr.io/", Repository(String::new())),
            ("web:", Tag(String::new())),
            ("web:.1", Tag(".1".into())),
            ("web:1:2", Tag("1:2".into())),
            ("web@sha256:abc", Digest("sha256:abc".into())),
            ("web@", Digest(String::new())),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert!(parse("web--api/a_b/c__d/e.f").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_an_image_that_is_written_as_it_was_read_or_is_none(text in "\\PC{0,80}") {
            if let Ok(image) = parse(&text) {
                prop_assert_eq!(image.to_string(), text);
            }
        }

        #[test]
        fn a_reference_survives_being_written(
            host in prop::option::of(prop_oneof![
                "[0-9]{12}\\.dkr\\.ecr(-fips)?\\.[a-z]{2}-[a-z]{4,8}-[1-9]\\.amazonaws\\.com(\\.cn)?",
                "[0-9]{12}\\.dkr-ecr\\.[a-z]{2}-[a-z]{4,8}-[1-9]\\.on\\.aws",
                "[a-z]{1,8}\\.[a-z]{2,3}(:[0-9]{2,5})?",
            ]),
            // A first part with a dot would be a host.
            repository in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}",
            tag in prop::option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"),
            digest in prop::option::of("sha256:[0-9a-f]{64}"),
        ) {
            let mut text = host.map(|host| format!("{host}/")).unwrap_or_default() + &repository;
            text.extend(tag.iter().map(|tag| format!(":{tag}")));
            text.extend(digest.iter().map(|digest| format!("@{digest}")));
            let image = parse(&text).unwrap();
            prop_assert_eq!((&image.repository, &image.tag, &image.digest), (&repository, &tag, &digest));
            prop_assert_eq!(image.to_string(), text);
        }
    }
}
