//! Where a version of a model comes from.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::runner::{Environment, run_url};

/// The longest client token that SageMaker takes.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html>
const LONGEST: usize = 36;
/// The longest value of a property.
const PROPERTY: usize = 256;

/// So many digits of a content's hash tell the versions of one run apart.
const CONTENT: usize = 16;

/// A workflow run, whatever its attempt: a version that one attempt registered is the one that the next attempt wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    commit: Option<String>,
    repository: Option<String>,
    run: Option<String>,
    url: Option<String>,
    /// Whether it is written on the version, as a tag would be.
    is_told: bool,
}

impl Provenance {
    /// From the runner's variables; nothing is known outside of GitHub Actions. `is_told` is the input `deploy-tags`.
    ///
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
    pub fn new(environment: &Environment, is_told: bool) -> Self {
        let get = |name: &str| environment.get(name).map(str::to_owned);
        let url = run_url(environment).map(|url| url.split("/attempts/").next().unwrap_or_default().to_owned());
        let (commit, repository) = (get("GITHUB_SHA"), get("GITHUB_REPOSITORY"));
        Self { commit, repository, run: get("GITHUB_RUN_ID"), url, is_told }
    }

    /// What is written on a version of this run; `None` outside of a run.
    pub(super) fn description(&self) -> Option<String> {
        let (run, repository) = (self.run.as_ref()?, self.repository.as_deref().unwrap_or("?"));
        let commit = self.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        let url = self.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
        Some(format!("Registered by run {run} of {repository}{commit}{url}"))
    }

    /// The same with a hash of its content, by which a version is found again: all jobs of a matrix, and all steps of a job, are
    /// one run.
    pub(super) fn description_of(&self, content: &Value) -> Option<String> {
        let hash: String = hash(content).chars().take(CONTENT).collect();
        Some(format!("{} (content {hash})", self.description()?))
    }

    /// What is said of it in a sentence.
    pub(super) fn by(&self) -> String {
        match (&self.url, &self.run) {
            (Some(url), _) => format!(" ({url})"),
            (None, Some(run)) => format!(" (run {run})"),
            (None, None) => String::new(),
        }
    }

    /// The token of a request: a run has one for each content, and for each time that it failed. Of nothing that is known
    /// nothing follows, so that it is a random one outside of a run.
    pub(super) fn token(&self, content: &Value, failed: usize) -> String {
        let Some(run) = &self.run else { return uuid::Uuid::new_v4().to_string() };
        hash(&json!([self.repository, run, content, failed])).chars().take(LONGEST).collect()
    }

    /// `MetadataProperties`.
    ///
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetadataProperties.html>
    pub(super) fn metadata(&self) -> Vec<(&'static str, &String)> {
        let members = [("CommitId", &self.commit), ("Repository", &self.repository), ("GeneratedBy", &self.url)];
        members
            .into_iter()
            .filter_map(|(member, value)| Some((member, value.as_ref().filter(|_| self.is_told)?)))
            .collect()
    }

    /// The same as `CustomerMetadataProperties`, under the keys that tags have elsewhere.
    pub(super) fn properties(&self) -> Vec<(String, &String)> {
        let properties =
            [("commit", &self.commit), ("repository", &self.repository), ("run", &self.run), ("run-url", &self.url)];
        let told = properties.into_iter().filter_map(|(key, value)| {
            let value = value.as_ref().filter(|value| self.is_told && value.len() <= PROPERTY)?;
            Some((format!("{}:{key}", env!("CARGO_PKG_NAME")), value))
        });
        told.collect()
    }
}

fn hash(value: &Value) -> String {
    Sha256::digest(value.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(run: &str, attempt: &str) -> Provenance {
        let environment = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "shop/web"),
            ("GITHUB_SHA", "8c1d2e3"),
            ("GITHUB_RUN_ID", run),
            ("GITHUB_RUN_ATTEMPT", attempt),
        ];
        Provenance::new(&Environment::new(environment), true)
    }

    #[test]
    fn a_token_is_of_one_run_and_one_content() {
        let token = |run, attempt, content, failed| of(run, attempt).token(&content, failed);
        let one = token("4711", "1", json!({"a": 1}), 0);
        assert_eq!(one.len(), LONGEST);
        assert_eq!(one, token("4711", "2", json!({"a": 1}), 0));
        for other in [
            token("4712", "1", json!({"a": 1}), 0),
            token("4711", "1", json!({"a": 2}), 0),
            token("4711", "1", json!({"a": 1}), 1),
        ] {
            assert_ne!(one, other);
        }
        let by_hand = || Provenance::new(&Environment::new([("HOME", "/root")]), true).token(&json!({}), 0);
        assert_ne!(by_hand(), by_hand());
        assert_eq!(by_hand().len(), LONGEST);
    }

    #[test]
    fn what_is_told_is_the_same_at_every_attempt() {
        let description =
            "Registered by run 4711 of shop/web, commit 8c1d2e3: https://github.com/shop/web/actions/runs/4711";
        assert_eq!(of("4711", "1").description().as_deref(), Some(description));
        assert_eq!(of("4711", "1"), of("4711", "2"));
        let of_content = |content| of("4711", "1").description_of(&content).unwrap();
        assert_eq!(of_content(json!({"a": 1})), of_content(json!({"a": 1})));
        assert_ne!(of_content(json!({"a": 1})), of_content(json!({"a": 2})));
        assert!(of_content(json!({"a": 1})).starts_with(&format!("{description} (content ")));
        assert_eq!(Provenance::default().description_of(&json!({"a": 1})), None);
        let silent = Provenance { is_told: false, ..of("4711", "1") };
        assert!(silent.metadata().is_empty() && silent.properties().is_empty());
        assert_eq!(Provenance::default().description(), None);
    }
}
