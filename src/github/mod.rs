//! What GitHub keeps of a deployment. Behind an interface of our own, because octocrab's models are closed where GitHub's answers
//! are open, and because nothing may be posted twice.
//!
//! `client` is the way there and `write` what sends nothing twice; `deployment`, `commit_status` and `comment` are what is written,
//! `changes` and `history` what is read.
//!
//! Nothing here decides anything about a deployment: see [`crate::report::github`] for who calls it, and when.

mod changes;
mod client;
mod comment;
mod commit_status;
mod deployment;
mod error;
mod history;
mod write;

pub use changes::{Change, Changes};
pub use client::Client;
pub use commit_status::CommitState;
pub use deployment::{DeploymentState, NewDeployment, NewStatus};
pub use error::GitHubError;
pub use history::{Deployed, MAX_DEPLOYMENTS, Past};

/// A description longer than this is refused, of a deployment's status and of a commit's alike.
///
/// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
pub const MAX_DESCRIPTION: usize = 140;

/// A comment longer than this is refused: "body is too long (maximum is 65536 characters)".
pub const MAX_COMMENT: usize = 65_536;
