//! Who is told of a deployment beside the page of its run.

use std::rc::Rc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::github::{self, Begun, Desk, GitHub};
use super::{Notifications, Outbox};
use crate::cycle::{Conclusion, Sink};
use crate::github::Client;
use crate::runner::{CommandFile, Console, Environment, RunContext, SummaryFile, run_url};
use crate::spec::Announcements;
use crate::web::Web;

/// What has to be known to tell them.
pub struct Audience<'a> {
    /// The environment of the step.
    pub environment: &'a Environment,
    /// Where complaints go.
    pub console: &'a Console,
    /// Replaces the network, for tests.
    pub http_client: Option<SharedHttpClient>,
    /// What the user wants told.
    pub announcements: &'a Announcements,
}

impl Audience<'_> {
    /// The readers that tell them through `outbox`. `begun` is what the step has begun on GitHub, for its post step.
    pub fn tellers(&self, begun: Option<Begun>, outbox: &Rc<Outbox>) -> Vec<Box<dyn Sink>> {
        let mut tellers: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(desk) = self.desk() {
            tellers.push(Box::new(GitHub::new(desk, begun, outbox)));
        }
        let Announcements { slack, webhook, .. } = self.announcements;
        for address in slack.iter().chain(webhook.iter().map(|webhook| &webhook.url)) {
            self.console.mask(address.reveal().as_str());
        }
        if let Some(secret) = webhook.iter().find_map(|webhook| webhook.secret.as_ref()) {
            self.console.mask(secret.reveal());
        }
        if slack.is_some() || webhook.is_some() {
            let web = Web::new(self.http_client.clone(), github::PATIENCE);
            let (announcements, console) = (self.announcements.clone(), self.console.clone());
            let notifications = Notifications::new(announcements, web, console, run_url(self.environment), outbox);
            tellers.push(Box::new(notifications));
        }
        tellers
    }

    /// Writes the end of what the step has begun on GitHub and could not end, when nothing else is left to do.
    pub async fn end_on_github(&self, begun: Begun, conclusion: &Conclusion) {
        if let Some(desk) = self.desk() {
            github::end(desk, begun, conclusion).await;
        }
    }

    fn desk(&self) -> Option<Desk> {
        if !self.announcements.need_github() {
            return None;
        }
        // Outside of a run there is no repository to tell.
        let run = RunContext::read(self.environment)?;
        let Some(token) = &self.announcements.token else {
            self.console.warn("GitHub", "GitHub is not told: `github-token` is empty.");
            return None;
        };
        self.console.mask(token.reveal());
        let web = Web::new(self.http_client.clone(), github::PATIENCE);
        let client = Client::new(&run.api_url, &run.repository, token.reveal().into(), web)
            .inspect_err(|error| self.console.warn("GitHub", &format!("GitHub is not told: {error}.")))
            .ok()?;
        let state = self.environment.get("GITHUB_STATE").map(CommandFile::new);
        let summary = self.environment.get("GITHUB_STEP_SUMMARY").map(SummaryFile::new);
        let announcements = self.announcements.clone();
        Some(Desk { client, announcements, run, state, summary, console: self.console.clone() })
    }
}
