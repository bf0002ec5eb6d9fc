//! Which run of which workflow this is.

use std::fs;

use serde_json::Value;

use super::{Environment, run_url};

/// The run, as GitHub tells it to its steps.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunContext {
    /// `owner/name`.
    pub repository: String,
    /// The API's address.
    pub api_url: String,
    /// The commit that the workflow runs on: of a pull request, the merge that GitHub tries.
    pub commit: String,
    /// The commit that people see: of a pull request, its head.
    pub head: String,
    /// The pull request that the workflow runs for.
    pub pull_request: Option<u64>,
    /// The run's number.
    pub id: String,
    /// Its attempt.
    pub attempt: String,
    /// Its page.
    pub url: Option<String>,
}

impl RunContext {
    /// Reads the environment and the event's file; `None` outside of a run.
    pub fn read(environment: &Environment) -> Option<Self> {
        let get = |name: &str| environment.get(name).map(str::to_owned);
        // An event that cannot be read is one of no pull request.
        let event = get("GITHUB_EVENT_PATH")
            .and_then(|path| fs::read_to_string(path).ok())
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
            .unwrap_or_default();
        let commit = get("GITHUB_SHA")?;
        let pull_request = &event["pull_request"];
        Some(Self {
            repository: get("GITHUB_REPOSITORY")?,
            api_url: get("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
            head: pull_request["head"]["sha"].as_str().map_or_else(|| commit.clone(), str::to_owned),
            pull_request: pull_request["number"].as_u64(),
            commit,
            id: get("GITHUB_RUN_ID")?,
            attempt: get("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned()),
            url: run_url(environment),
        })
    }

    /// `4711/1`: this attempt of this run.
    pub fn key(&self) -> String {
        format!("{}/{}", self.id, self.attempt)
    }
}
