//! Whom a deployment is announced to beside the page of its run.

use super::field;
use super::from_inputs::Reader;
use super::{Address, InputError, Secret};
use crate::runner::Inputs;

/// What the user wants announced, and where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announcements {
    /// The token for GitHub's API.
    pub token: Option<Secret>,
    /// The environment whose Deployments are kept on GitHub.
    pub deployment: Option<Environment>,
    /// Whether the commit is marked.
    pub commit_status: bool,
    /// When the pull request is commented on.
    pub comment: Comment,
    /// The environment's name, also where no Deployment is kept: statuses and comments are told apart by it.
    pub environment: Option<String>,
}

/// When the pull request is commented on: the input `comment-on-pr`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comment {
    /// Never.
    #[default]
    Never,
    /// With `mode: plan`.
    Plan,
    /// At every end.
    Always,
}

/// An environment of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Where it can be visited.
    pub url: Option<String>,
}

impl Announcements {
    /// Whether GitHub's API is needed.
    pub fn need_github(&self) -> bool {
        self.deployment.is_some() || self.commit_status || self.comment != Comment::Never
    }
}

/// Reads the inputs, and gives what is wrong with them to the reader.
pub(super) fn announcements(inputs: &Inputs, reader: &mut Reader) -> Announcements {
    let keeps_deployment = reader.flag("github-deployment", inputs.github_deployment.as_deref()).unwrap_or(false);
    let url = inputs.environment_url.as_deref().and_then(|text| reader.keep(environment_url(text)));
    let deployment = keeps_deployment.then(|| reader.keep(environment(inputs, url))).flatten();
    let comment = inputs.comment_on_pr.as_deref().and_then(|text| {
        let choices = [("never", Comment::Never), ("plan", Comment::Plan), ("always", Comment::Always)];
        reader.keep(field::choice("comment-on-pr", text, &choices))
    });
    Announcements {
        token: inputs.github_token.as_deref().map(Secret::new),
        deployment,
        commit_status: reader.flag("commit-status", inputs.commit_status.as_deref()).unwrap_or(false),
        comment: comment.unwrap_or_default(),
        environment: inputs.environment.clone(),
    }
}

fn environment(inputs: &Inputs, url: Option<String>) -> Result<Environment, InputError> {
    match &inputs.environment {
        Some(name) => Ok(Environment { name: name.clone(), url }),
        None => {
            let problem = "a Deployment belongs to an environment, and none is named";
            Err(InputError::new("environment", problem, "name it, such as `production`"))
        }
    }
}

/// Everybody may see it.
fn environment_url(text: &str) -> Result<String, InputError> {
    match Address::parse(text) {
        Ok(address) => Ok(address.reveal().to_string()),
        Err(problem) => Err(InputError::new("environment-url", problem, "write https://HOST/PATH")),
    }
}
