//! Writes down what it hears, in that order, and waits for GitHub as long as it takes.

use std::error::Error as _;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{BEGUN, Begun, Desk, ENDED, Heard};
use crate::cycle::{Conclusion, Outcome};
use crate::github::{DeploymentState, GitHubError, NewDeployment, NewStatus};
use crate::report::Complaint;
use crate::report::record::Record;
use crate::report::words::spoken;

/// One step's scribe.
pub(super) struct Scribe {
    desk: Desk,
    begun: Option<Begun>,
    complaint: Rc<Complaint>,
}

impl Scribe {
    pub(super) fn new(desk: Desk, begun: Option<Begun>, complaint: Rc<Complaint>) -> Self {
        Self { desk, begun, complaint }
    }

    /// Writes until the end is written, or until nothing more can be heard.
    pub(super) async fn write(mut self, mut heard: UnboundedReceiver<Heard>) {
        while let Some(next) = heard.recv().await {
            match next {
                Heard::Begins { target, mode, facts } => self.begin(target, mode, facts).await,
                Heard::GoesBack(to) => {
                    self.set_status(DeploymentState::InProgress, &format!("Going back to {to}.")).await;
                }
                Heard::Ended(record) => return self.end(&record).await,
            }
        }
    }

    async fn begin(&mut self, target: String, mode: &'static str, facts: Value) {
        if self.desk.announcements.deployment.is_none() {
            return;
        }
        let Some(new) = self.new_deployment(&target, facts) else { return };
        // Written before the request, so that the post step of a step that is killed looks for it.
        self.leave(&Begun { target: target.clone(), id: None });
        match self.desk.client.deployment(&new).await {
            Ok(id) => {
                self.leave(&Begun { target: target.clone(), id: Some(id) });
                let doing = if mode == "rollback" { "Going back" } else { "Deploying" };
                self.set_status(DeploymentState::InProgress, &format!("{doing}: {target}.")).await;
            }
            Err(error) => {
                self.complain(&error);
                // What GitHub refused it has not made.
                if !error.is_passing() {
                    self.begun = None;
                }
            }
        }
    }

    async fn end(&mut self, record: &Record) {
        let Some(conclusion) = &record.conclusion else { return };
        self.end_deployment(conclusion, Some(record.elapsed)).await;
    }

    /// Writes the end of the Deployment, if there is one. `after` is how long it took.
    pub(super) async fn end_deployment(&mut self, conclusion: &Conclusion, after: Option<Duration>) {
        let Some(begun) = &self.begun else { return };
        if begun.id.is_none() {
            let Some(new) = self.new_deployment(&begun.target, Value::Null) else { return };
            match self.desk.client.find_deployment(&new).await {
                Ok(found) => self.begun = found.map(|id| Begun { id: Some(id), ..begun.clone() }),
                Err(error) => return self.complain(&error),
            }
        }
        if self.set_status(state_of(conclusion), &description(conclusion, after)).await
            && let Some(state) = &self.desk.state
        {
            self.note(state.set(ENDED, "true"));
        }
    }

    fn new_deployment(&self, target: &str, facts: Value) -> Option<NewDeployment> {
        Some(NewDeployment {
            commit: self.desk.run.commit.clone(),
            environment: self.desk.announcements.deployment.as_ref()?.name.clone(),
            run: self.desk.run.key(),
            target: target.to_owned(),
            payload: facts,
        })
    }

    /// Answers whether it is written.
    async fn set_status(&self, state: DeploymentState, description: &str) -> bool {
        let (Some(id), Some(environment)) =
            (self.begun.as_ref().and_then(|begun| begun.id), &self.desk.announcements.deployment)
        else {
            return false;
        };
        let status = NewStatus {
            state,
            description: description.to_owned(),
            log_url: self.desk.run.url.clone(),
            environment_url: environment.url.clone(),
        };
        let written = self.desk.client.set_deployment_status(id, &status).await;
        written.inspect_err(|error| self.complain(error)).is_ok()
    }

    fn leave(&mut self, begun: &Begun) {
        self.begun = Some(begun.clone());
        // Made of a text and a number, which JSON has a form for.
        if let (Some(state), Ok(text)) = (&self.desk.state, serde_json::to_string(begun)) {
            self.note(state.set(BEGUN, &text));
        }
    }

    fn note<E: std::fmt::Display>(&self, written: Result<(), E>) {
        if let Err(error) = written {
            self.complaint.make(&format!("The post step will not know of the Deployment: {error}."));
        }
    }

    fn complain(&self, error: &GitHubError) {
        let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        let advice = error.advice().map(|advice| format!(" {advice}")).unwrap_or_default();
        self.complaint.make(&format!("{error}{why}. The deployment is not affected.{advice}"));
    }
}

/// Begins with the outcome's word, by which the history is read.
fn description(conclusion: &Conclusion, after: Option<Duration>) -> String {
    let Conclusion { outcome, cause, headline, .. } = conclusion;
    let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let after = after.map(|after| format!(" after {}", spoken(after))).unwrap_or_default();
    format!("{outcome}{cause}{after}: {headline}")
}

/// None is left in progress: whoever did not want to wait is told that nobody looked.
fn state_of(conclusion: &Conclusion) -> DeploymentState {
    match conclusion.outcome {
        Outcome::Deployed | Outcome::Unchanged => DeploymentState::Success,
        Outcome::RolledBack if conclusion.cause.is_none() => DeploymentState::Success,
        Outcome::RolledBack | Outcome::Failed | Outcome::Refused => DeploymentState::Failure,
        Outcome::RollbackFailed => DeploymentState::Error,
        Outcome::Superseded | Outcome::InProgress | Outcome::Planned => DeploymentState::Inactive,
    }
}
