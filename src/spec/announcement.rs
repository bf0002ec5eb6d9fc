//! Whom a deployment is announced to beside the page of its run.

use std::fmt;

use serde_json::Value;

use super::field;
use super::from_inputs::Reader;
use super::{Address, InputError, Secret};
use crate::cycle::{Conclusion, Outcome, exit_code};
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
    /// Where Slack takes messages.
    pub slack: Option<Address>,
    /// Another web hook.
    pub webhook: Option<Webhook>,
    /// Of which ends Slack and the web hook are told.
    pub notify_on: NotifyOn,
}

/// A web hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its address, which is a secret.
    pub url: Address,
    /// What is sent; the whole report when there is none.
    pub template: Option<Template>,
    /// The key of the signature.
    pub secret: Option<Secret>,
}

/// JSON with `{{ name }}` where values go. There may be a key in it, so `Debug` shows nothing.
#[derive(Clone, PartialEq)]
pub struct Template(pub Value);

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").finish_non_exhaustive()
    }
}

/// Of which ends is told: the input `notify-on`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotifyOn {
    /// Of every end.
    #[default]
    Always,
    /// When it is not what was asked for.
    Failure,
    /// When what ran before was put back, or could not be.
    Rollback,
    /// When it is what was asked for.
    Success,
    /// When something was changed on AWS.
    Change,
}

impl NotifyOn {
    /// Whether an end is told of.
    pub fn includes(self, end: &Conclusion) -> bool {
        let succeeded = end.exit_code() == exit_code::DONE;
        match self {
            Self::Always => true,
            Self::Failure => !succeeded,
            Self::Success => succeeded,
            Self::Rollback => matches!(end.outcome, Outcome::RolledBack | Outcome::RollbackFailed),
            Self::Change => !matches!(end.outcome, Outcome::Unchanged | Outcome::Planned | Outcome::Refused),
        }
    }
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
    let notify_on = inputs.notify_on.as_deref().and_then(|text| {
        let choices = [
            ("always", NotifyOn::Always),
            ("failure", NotifyOn::Failure),
            ("rollback", NotifyOn::Rollback),
            ("success", NotifyOn::Success),
            ("change", NotifyOn::Change),
        ];
        reader.keep(field::choice("notify-on", text, &choices))
    });
    Announcements {
        token: inputs.github_token.as_deref().map(Secret::new),
        deployment,
        commit_status: reader.flag("commit-status", inputs.commit_status.as_deref()).unwrap_or(false),
        comment: comment.unwrap_or_default(),
        environment: inputs.environment.clone(),
        slack: inputs
            .slack_webhook_url
            .as_deref()
            .and_then(|text| reader.keep(secret_address("slack-webhook-url", text))),
        webhook: reader.keep(webhook(inputs)).flatten(),
        notify_on: notify_on.unwrap_or_default(),
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

fn webhook(inputs: &Inputs) -> Result<Option<Webhook>, InputError> {
    let Some(url) = inputs.webhook_url.as_deref() else {
        // The template and the secret may stand in a workflow whose repository has no such web hook.
        return Ok(None);
    };
    let template = match inputs.webhook_template.as_deref() {
        None => None,
        // The text is not told: it may hold a routing key.
        Some(text) => Some(Template(serde_json::from_str(text).map_err(|error| {
            let problem = format!("it is not JSON (line {}, column {})", error.line(), error.column());
            let remedy = "write JSON in which `{{ outcome }}` and the like stand inside of strings";
            InputError::new("webhook-template", problem, remedy)
        })?)),
    };
    let url = secret_address("webhook-url", url)?;
    Ok(Some(Webhook { url, template, secret: inputs.webhook_secret.as_deref().map(Secret::new) }))
}

/// An address that nobody gets to see, also when it is wrong.
fn secret_address(input: &'static str, text: &str) -> Result<Address, InputError> {
    Address::parse(text).map_err(|problem| InputError::new(input, problem, "write https://HOST/PATH"))
}
