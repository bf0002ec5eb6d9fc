//! What GitHub keeps of a deployment. Behind an interface of our own, because octocrab's models are closed where GitHub's answers
//! are open, and because nothing may be posted twice.
//!
//! Nothing here decides anything about a deployment: see [`crate::report::github`] for who calls it, and when.

mod client;
mod deployment;
mod error;
mod write;

pub use client::Client;
pub use deployment::{DeploymentState, NewDeployment, NewStatus};
pub use error::GitHubError;

/// A description longer than this is refused.
///
/// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
pub const MAX_DESCRIPTION: usize = 140;
