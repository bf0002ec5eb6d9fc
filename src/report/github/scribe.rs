//! Writes down what it hears, in that order, and waits for GitHub as long as it takes.

use std::error::Error as _;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join3};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{BEGUN, Begun, Desk, ENDED, Heard};
use crate::cycle::{Conclusion, Doing, Outcome};
use crate::github::{Changes, CommitState, DeploymentState, GitHubError, NewDeployment, NewStatus};
use crate::report::Complaint;
use crate::report::record::Record;
use crate::report::summary::{commits, environment_line, page};
use crate::report::words::spoken;
use crate::spec::Comment;

/// One step's scribe.
pub(super) struct Scribe {
    desk: Desk,
    begun: Option<Begun>,
    changes: Option<Changes>,
    complaint: Rc<Complaint>,
}

impl Scribe {
    pub(super) fn new(desk: Desk, begun: Option<Begun>, complaint: Rc<Complaint>) -> Self {
        Self { desk, begun, changes: None, complaint }
    }

    /// Writes until the end is written, or until nothing more can be heard.
    pub(super) async fn write(mut self, mut heard: UnboundedReceiver<Heard>) {
        while let Some(next) = heard.recv().await {
            match next {
                Heard::Replaces { before, after } => self.list_commits(&before, &after).await,
                Heard::Begins { target, mode, facts } => self.begin(target, mode, facts).await,
                Heard::GoesBack(to) => {
                    self.set_status(DeploymentState::InProgress, &format!("Going back to {to}.")).await;
                }
                Heard::Ended(record) => return self.end(&record).await,
            }
        }
    }

    async fn list_commits(&mut self, before: &str, after: &str) {
        match self.desk.client.changes(before, after).await {
            Ok(changes) => self.changes = Some(changes),
            // A branch that was forced, another repository's commit: what goes out is what it is, listed or not.
            Err(error) if !error.is_passing() => {
                self.desk.console.debug(&format!("The commits are not listed: {error}."))
            }
            Err(error) => self.complain(&error),
        }
    }

    async fn begin(&mut self, target: String, mode: Option<Doing>, mut facts: Value) {
        if let Some(changes) = &self.changes {
            facts["commits"] = changes.commits.iter().map(|change| Value::from(change.commit.as_str())).collect();
        }
        // Written before the requests, so that the post step of a step that is killed looks for what they made.
        self.leave(Begun { target: target.clone(), id: None });
        let doing = match mode {
            Some(Doing::Rollback) => "Going back",
            Some(Doing::RunTask) => "Running",
            Some(Doing::RegisterModel) => "Registering",
            _ => "Deploying",
        };
        let doing = format!("{doing}: {target}.");
        if self.desk.announcements.commit_status {
            self.mark(&target, CommitState::Pending, &doing).await;
        }
        let Some(new) = self.new_deployment(&target, facts) else { return };
        match self.desk.client.deployment(&new).await {
            Ok(id) => {
                self.leave(Begun { target, id: Some(id) });
                self.set_status(DeploymentState::InProgress, &doing).await;
            }
            Err(error) => self.complain(&error),
        }
    }

    /// All at the same time: they have seconds.
    async fn end(&self, record: &Record) {
        let Some(conclusion) = &record.conclusion else { return };
        if let (Some(changes), Some(summary)) = (&self.changes, &self.desk.summary)
            && let Err(error) = summary.append(&format!("\n{}", commits(changes)))
        {
            self.complaint.make(&format!("The commits are missing in the summary: {error}."));
        }
        let comments = match self.desk.announcements.comment {
            Comment::Never => false,
            Comment::Plan => record.mode == Some(Doing::Plan),
            Comment::Always => true,
        };
        let comment = async {
            if comments {
                self.comment(record).await;
            }
        };
        let mark = async {
            // What was refused has begun nothing, and is no less a failure of this commit.
            if self.begun.is_none() && self.desk.announcements.commit_status && record.mode != Some(Doing::Plan) {
                let target = record.target.as_deref().unwrap_or("deployment");
                self.mark(target, mark_of(conclusion), &description(conclusion, Some(record.elapsed))).await;
            }
        };
        join3(self.close(conclusion, Some(record.elapsed)), mark, comment).await;
    }

    /// Writes the end of what was begun. `after` is how long it took.
    pub(super) async fn close(&self, conclusion: &Conclusion, after: Option<Duration>) {
        let Some(begun) = &self.begun else { return };
        let description = description(conclusion, after);
        let mark = async {
            let marks = self.desk.announcements.commit_status;
            !marks || self.mark(&begun.target, mark_of(conclusion), &description).await
        };
        let (is_marked, has_ended) = join(mark, self.end_deployment(begun, conclusion, &description)).await;
        if is_marked
            && has_ended
            && let Some(state) = &self.desk.state
        {
            self.note(state.set(ENDED, "true"));
        }
    }

    /// Answers whether there is nothing left to do about it.
    async fn end_deployment(&self, begun: &Begun, conclusion: &Conclusion, description: &str) -> bool {
        let Some(new) = self.new_deployment(&begun.target, Value::Null) else { return true };
        let found = match begun.id {
            Some(id) => Ok(Some(id)),
            None => self.desk.client.find_deployment(&new).await,
        };
        match found {
            Ok(Some(id)) => self.add_status(id, state_of(conclusion), description).await,
            Ok(None) => true,
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    async fn comment(&self, record: &Record) {
        let announcements = &self.desk.announcements;
        let target = record.target.as_deref().unwrap_or("deployment");
        let key = match &announcements.environment {
            Some(environment) => format!("{environment}, {target}"),
            None => target.to_owned(),
        };
        let run = &self.desk.run;
        let changes = self.changes.as_ref().map(|changes| format!("\n{}", commits(changes))).unwrap_or_default();
        let heading = announcements.environment.as_deref().map(environment_line).unwrap_or_default();
        let markdown = format!("{heading}{}{changes}", page(record, run.url.as_deref()));
        let pull_request = match run.pull_request {
            Some(number) => Ok(Some(number)),
            None => self.desk.client.pull_request_of(&run.commit).await,
        };
        let written = match pull_request {
            Ok(Some(number)) => self.desk.client.comment(number, &key, &markdown).await,
            // A commit without a pull request has nobody to tell.
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            self.complain(&error);
        }
    }

    /// Answers whether it is written.
    async fn mark(&self, target: &str, state: CommitState, description: &str) -> bool {
        let context = match &self.desk.announcements.environment {
            Some(environment) => format!("deploy/{environment}: {target}"),
            None => format!("deploy: {target}"),
        };
        let (client, run) = (&self.desk.client, &self.desk.run);
        let written = client.set_commit_status(&run.head, &context, state, description, run.url.as_deref()).await;
        written.inspect_err(|error| self.complain(error)).is_ok()
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

    async fn set_status(&self, state: DeploymentState, description: &str) {
        if let Some(id) = self.begun.as_ref().and_then(|begun| begun.id) {
            self.add_status(id, state, description).await;
        }
    }

    /// Answers whether it is written.
    async fn add_status(&self, id: u64, state: DeploymentState, description: &str) -> bool {
        let environment = self.desk.announcements.deployment.as_ref();
        let status = NewStatus {
            state,
            description: description.to_owned(),
            log_url: self.desk.run.url.clone(),
            environment_url: environment.and_then(|environment| environment.url.clone()),
        };
        let written = self.desk.client.set_deployment_status(id, &status).await;
        written.inspect_err(|error| self.complain(error)).is_ok()
    }

    fn leave(&mut self, begun: Begun) {
        // Made of a text and a number, which JSON has a form for.
        if let (Some(state), Ok(text)) = (&self.desk.state, serde_json::to_string(&begun)) {
            self.note(state.set(BEGUN, &text));
        }
        self.begun = Some(begun);
    }

    fn note<E: std::fmt::Display>(&self, written: Result<(), E>) {
        if let Err(error) = written {
            self.complaint.make(&format!("The post step will not know what GitHub was told: {error}."));
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

/// What is not over has no colour: whoever did not want to wait is told that nobody looked.
fn mark_of(conclusion: &Conclusion) -> CommitState {
    match (state_of(conclusion), conclusion.outcome) {
        (DeploymentState::Success, _) => CommitState::Success,
        (DeploymentState::Failure, _) => CommitState::Failure,
        (DeploymentState::Inactive, Outcome::InProgress) => CommitState::Pending,
        (DeploymentState::Error | DeploymentState::Inactive | DeploymentState::InProgress, _) => CommitState::Error,
    }
}
