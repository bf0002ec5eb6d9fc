//! The mark beside a commit.
//!
//! <https://docs.github.com/en/rest/commits/statuses>

use serde_json::json;

use super::write::{self, Before};
use super::{Client, GitHubError, MAX_DESCRIPTION};
use crate::text::{one_line, shorten};

/// How a commit fares, in GitHub's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// It is being deployed.
    Pending,
    /// It runs.
    Success,
    /// It does not run.
    Failure,
    /// What runs is not known.
    Error,
}

impl CommitState {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

impl Client {
    /// Sets the status of a commit in a context.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn set_commit_status(
        &self,
        commit: &str,
        context: &str,
        state: CommitState,
        description: &str,
        target_url: Option<&str>,
    ) -> Result<(), GitHubError> {
        let mut body = json!({
            "state": state.as_str(),
            "context": context,
            "description": shorten(&one_line(description), MAX_DESCRIPTION),
        });
        if let Some(url) = target_url {
            body["target_url"] = json!(url);
        }
        let look = async || {
            let statuses =
                self.get("read a commit's statuses", &format!("commits/{commit}/statuses?per_page=100")).await?;
            let latest = statuses.as_array().into_iter().flatten().find(|status| status["context"] == body["context"]);
            let is_there = latest.is_some_and(|latest| {
                ["state", "description", "target_url"].iter().all(|member| latest[*member] == body[*member])
            });
            Ok(is_there.then_some(()))
        };
        let write = async || self.post("set a commit's status", &format!("statuses/{commit}"), &body).await.map(|_| ());
        write::once(Before::Nothing, look, write).await
    }
}
