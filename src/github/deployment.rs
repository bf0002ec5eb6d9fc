//! GitHub's Deployments: which commit went to which environment, and how it went.
//!
//! <https://docs.github.com/en/rest/deployments>

use serde_json::{Value, json};

use super::write::{self, Before};
use super::{Client, GitHubError, MAX_DESCRIPTION};
use crate::text::{one_line, shorten};

/// GitHub gives no more at once. That many deployments of one commit to one environment are not made in one run.
const PAGE: &str = "100";

/// So many of a commit's newest deployments are looked at whether GitHub made them for this run's job.
const CANDIDATES: usize = 3;

/// How a deployment is, in GitHub's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentState {
    /// The rollout is under way.
    InProgress,
    /// The new version runs.
    Success,
    /// The new version does not run, or not alone.
    Failure,
    /// What runs is not known.
    Error,
    /// Another version runs.
    Inactive,
}

impl DeploymentState {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Inactive => "inactive",
        }
    }
}

/// What a deployment is about.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// The commit.
    pub commit: String,
    /// The environment's name.
    pub environment: String,
    /// The run and its attempt, as `4711/1`: it makes one deployment, however often it is asked to.
    pub run: String,
    /// What is deployed to, in words.
    pub target: String,
    /// What later readers want to know; `run` and `target` are added.
    pub payload: Value,
}

/// What became of a deployment.
#[derive(Debug, Clone)]
pub struct NewStatus {
    /// The state.
    pub state: DeploymentState,
    /// In a sentence; cut where GitHub would refuse it.
    pub description: String,
    /// The page of the run.
    pub log_url: Option<String>,
    /// Where the environment can be visited.
    pub environment_url: Option<String>,
}

impl Client {
    /// The deployment of this run to this target and environment: made unless it is there. That of a job with `environment:`,
    /// which GitHub makes by itself, is taken as it is.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn deployment(&self, new: &NewDeployment) -> Result<u64, GitHubError> {
        let look = async || self.find_deployment(new).await;
        write::once(Before::Perhaps, look, async || self.create_deployment(new).await).await
    }

    /// The deployment of this run to this target and environment, if there is one.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn find_deployment(&self, new: &NewDeployment) -> Result<Option<u64>, GitHubError> {
        const WHAT: &str = "list the deployments";
        let query = form_urlencoded(&[("sha", &new.commit), ("environment", &new.environment), ("per_page", PAGE)]);
        let listed = self.get(WHAT, &format!("deployments?{query}")).await?;
        let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_ours = |each: &&Value| {
            let payload = payload(each);
            payload["run"] == json!(new.run) && payload["target"] == json!(new.target)
        };
        if let Some(ours) = listed.iter().find(is_ours) {
            return Ok(ours["id"].as_u64());
        }
        // GitHub's own for a job with `environment:` says nowhere which run it is of, but the addresses in its statuses do.
        let page = format!("/actions/runs/{}/", new.run.split('/').next().unwrap_or_default());
        for candidate in listed.iter().filter(|each| is_empty(&payload(each))).take(CANDIDATES) {
            let Some(id) = candidate["id"].as_u64() else { continue };
            let statuses = self.get(WHAT, &format!("deployments/{id}/statuses?per_page=5")).await?;
            let is_of_this_run = |status: &Value| {
                ["log_url", "target_url"]
                    .iter()
                    .any(|member| status[*member].as_str().is_some_and(|url| url.contains(&page)))
            };
            if statuses.as_array().into_iter().flatten().any(is_of_this_run) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn create_deployment(&self, new: &NewDeployment) -> Result<u64, GitHubError> {
        const WHAT: &str = "create a deployment";
        let mut payload = new.payload.clone();
        payload["run"] = json!(new.run);
        payload["target"] = json!(new.target);
        let body = json!({
            "ref": new.commit,
            "environment": new.environment,
            "description": shorten(&one_line(&new.target), MAX_DESCRIPTION),
            // The commit is what it is: nothing is merged into it.
            "auto_merge": false,
            // Among the checks that GitHub would wait for is this job.
            "required_contexts": [],
            "payload": payload,
        });
        let made = self.post(WHAT, "deployments", &body).await?;
        made["id"].as_u64().ok_or(GitHubError::Incomplete { what: WHAT, member: "id" })
    }

    /// Adds a status to a deployment.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn set_deployment_status(&self, deployment: u64, new: &NewStatus) -> Result<(), GitHubError> {
        let path = format!("deployments/{deployment}/statuses");
        let mut body = json!({
            "state": new.state.as_str(),
            "description": shorten(&one_line(&new.description), MAX_DESCRIPTION),
        });
        for (member, url) in [("log_url", &new.log_url), ("environment_url", &new.environment_url)] {
            if let Some(url) = url {
                body[member] = json!(url);
            }
        }
        let look = async || {
            let latest = self.get("read a deployment's status", &format!("{path}?per_page=1")).await?;
            let latest = &latest[0];
            let is_there = latest["state"] == body["state"] && latest["description"] == body["description"];
            Ok(is_there.then_some(()))
        };
        let write = async || self.post("set a deployment's status", &path, &body).await.map(|_| ());
        write::once(Before::Nothing, look, write).await
    }
}

/// The payload, which GitHub gives back as it was sent: as an object, or as text that holds one.
pub(super) fn payload(deployment: &Value) -> Value {
    match &deployment["payload"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    }
}

fn is_empty(payload: &Value) -> bool {
    payload.as_object().is_none_or(serde_json::Map::is_empty)
}

/// A query of these parameters.
pub(super) fn form_urlencoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
