//! What was deployed to an environment, read back from GitHub's Deployments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::sleep;

use super::deployment::{form_urlencoded, payload};
use super::write::PAUSES;
use super::{Client, GitHubError};
use crate::cycle::Outcome;

/// The newest deployments, up to so many, are read: one call each for how it ended, and one for each commit.
pub const MAX_DEPLOYMENTS: usize = 200;

/// GitHub gives no more at once.
const PAGE: usize = 100;

/// What GitHub keeps of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The deployments that have ended, the earliest end first.
    pub deployed: Vec<Deployed>,
    /// Whether there may be older ones that were not read.
    pub is_cut_off: bool,
}

/// One deployment that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// What was deployed to, where the deployment says.
    pub target: Option<String>,
    /// When the commit was made; `None` when GitHub knows it no more.
    pub committed_at: Option<Timestamp>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// Whether it went back because somebody asked for that.
    pub was_asked_back: bool,
}

impl Client {
    /// The deployments to an environment that were created since then and have ended.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn history(&self, environment: &str, since: Timestamp) -> Result<Past, GitHubError> {
        let mut commits: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
        let mut deployed = Vec::new();
        let (deployments, is_cut_off) = self.deployments_since(environment, since).await?;
        for deployment in deployments {
            let (Some(id), Some(began_at)) = (deployment["id"].as_u64(), moment(&deployment["created_at"])) else {
                continue;
            };
            let statuses = self
                .read("read a deployment's statuses", &format!("deployments/{id}/statuses?per_page={PAGE}"))
                .await?;
            let Some((outcome, was_asked_back, ended_at)) = end(&statuses) else { continue };
            let commit = deployment["sha"].as_str().unwrap_or_default();
            let committed_at = match commits.get(commit) {
                Some(known) => *known,
                None => {
                    let committed_at = self.committed_at(commit).await?;
                    commits.insert(commit.to_owned(), committed_at);
                    committed_at
                }
            };
            let target = payload(&deployment)["target"].as_str().map(str::to_owned);
            deployed.push(Deployed { target, committed_at, began_at, ended_at, outcome, was_asked_back });
        }
        deployed.sort_by_key(|deployed| deployed.ended_at);
        Ok(Past { deployed, is_cut_off })
    }

    /// The newest deployments since then, and whether there may be more.
    async fn deployments_since(&self, environment: &str, since: Timestamp) -> Result<(Vec<Value>, bool), GitHubError> {
        let mut found = Vec::new();
        for page in 1..=MAX_DEPLOYMENTS / PAGE {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let query = form_urlencoded(&[("environment", environment), ("per_page", &size), ("page", &page)]);
            let listed = self.read("list the deployments", &format!("deployments?{query}")).await?;
            let listed = listed.as_array().cloned().unwrap_or_default();
            // The newest come first.
            let is_recent = |each: &Value| moment(&each["created_at"]).is_some_and(|at| at >= since);
            let recent: Vec<Value> = listed.into_iter().take_while(is_recent).collect();
            let is_the_end = recent.len() < PAGE;
            found.extend(recent);
            if is_the_end {
                return Ok((found, false));
            }
        }
        Ok((found, true))
    }

    async fn committed_at(&self, commit: &str) -> Result<Option<Timestamp>, GitHubError> {
        match self.read("read a commit", &format!("commits/{commit}")).await {
            Ok(answer) => Ok(moment(&answer["commit"]["committer"]["date"])),
            Err(GitHubError::Refused { status: 404 | 422, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads something, and again when that may help.
    async fn read(&self, what: &'static str, path: &str) -> Result<Value, GitHubError> {
        let mut pauses = PAUSES.iter();
        loop {
            match (self.get(what, path).await, pauses.next()) {
                (Err(error), Some(pause)) if error.is_passing() => sleep(*pause).await,
                (read, _) => return read,
            }
        }
    }
}

/// How a deployment ended, whether back on request, and when, by its statuses, of which the newest comes first.
///
/// What this action wrote begins with the outcome. Others' words are a state only, as are those that GitHub itself adds when
/// the job has ended: those count where there is nothing better. A later `inactive` says that another one followed.
fn end(statuses: &Value) -> Option<(Outcome, bool, Timestamp)> {
    let statuses = statuses.as_array()?;
    let told = statuses.iter().find_map(|status| {
        let description = status["description"].as_str()?;
        let word = description.split([' ', ':']).next()?;
        let outcome = Outcome::of_word(word)?;
        let has_cause = description[word.len()..].starts_with(" (");
        Some((outcome, outcome == Outcome::RolledBack && !has_cause, moment(&status["created_at"])?))
    });
    told.or_else(|| {
        let end =
            statuses.iter().find(|status| matches!(status["state"].as_str(), Some("success" | "failure" | "error")))?;
        let outcome = if end["state"] == "success" { Outcome::Deployed } else { Outcome::Failed };
        Some((outcome, false, moment(&end["created_at"])?))
    })
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_this_action_wrote_counts_before_what_github_adds() {
        let at = "2026-01-05T12:00:00Z";
        let status =
            |state: &str, description: &str| json!({"state": state, "description": description, "created_at": at});
        for (statuses, expected) in [
            (json!([status("success", "")]), Some((Outcome::Deployed, false))),
            (json!([status("inactive", ""), status("failure", "it broke")]), Some((Outcome::Failed, false))),
            (
                json!([status("failure", ""), status("failure", "rolled-back (alarm) after 3 s: …")]),
                Some((Outcome::RolledBack, false)),
            ),
            (json!([status("success", "rolled-back after 3 s: …")]), Some((Outcome::RolledBack, true))),
            (json!([status("in_progress", "Deploying: web.")]), None),
            (json!([]), None),
        ] {
            let end = end(&statuses).map(|(outcome, was_asked_back, _)| (outcome, was_asked_back));
            assert_eq!(end, expected, "{statuses}");
        }
    }
}
