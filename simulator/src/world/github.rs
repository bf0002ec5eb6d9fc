//! What a repository on GitHub holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;
use crate::Commit;

/// One repository, as its API shows it. Everything in the order in which it was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct GitHub {
    pub(crate) deployments: Vec<Value>,
    pub(crate) deployment_statuses: Vec<Value>,
    pub(crate) commit_statuses: Vec<Value>,
    pub(crate) comments: Vec<Value>,
    /// The history of its one branch, oldest first.
    pub(crate) commits: Vec<Value>,
    /// The open pull request of a commit.
    pub(crate) pull_requests: BTreeMap<String, u64>,
    ids: u64,
}

impl GitHub {
    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(crate) fn add(&mut self, commit: &Commit) {
        let Commit { sha, message, author, date } = commit;
        let person = json!({"name": author, "date": date});
        self.commits.push(json!({
            "sha": sha,
            "author": {"login": author},
            "commit": {"message": message, "author": person, "committer": person},
        }));
    }

    pub(crate) fn shown(&self) -> Value {
        json!({
            "deployments": self.deployments,
            "deployment_statuses": self.deployment_statuses,
            "commit_statuses": self.commit_statuses,
            "comments": self.comments,
        })
    }
}

impl World {
    /// Now, as GitHub writes it.
    pub(crate) fn github_time(&self) -> Value {
        json!((self.scenario.epoch + self.now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// What GitHub makes by itself when a job with `environment:` begins. Its payload is empty; only the address in its status
    /// tells which run it is of.
    pub(crate) fn begin_job_with_environment(&mut self, environment: &str, sha: &str, run: &str) -> u64 {
        let now = self.github_time();
        let (deployment, status) = (self.github.next_id(), self.github.next_id());
        self.github.deployments.push(json!({
            "id": deployment, "sha": sha, "ref": "main", "task": "deploy", "payload": "", "environment": environment,
            "description": null, "created_at": now, "updated_at": now,
        }));
        let page = format!("https://github.com/shop/web/actions/runs/{run}/job/1");
        self.github.deployment_statuses.push(json!({
            "id": status, "deployment": deployment, "state": "in_progress", "description": "", "log_url": page,
            "target_url": page, "environment_url": "", "created_at": now,
        }));
        deployment
    }
}
