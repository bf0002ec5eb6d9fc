//! Tells Slack and any other web hook of the end.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};

use super::record::Record;
use super::{Complaint, Outbox, slack, webhook};
use crate::cycle::{Event, Kind, Sink};
use crate::runner::Console;
use crate::spec::{Address, Announcements};
use crate::web::{Web, without_user};

/// The header with the signature of a web hook's body.
pub const SIGNATURE: &str = "x-signature-256";

/// Reads events, tells of the end.
pub struct Notifications {
    announcements: Announcements,
    web: Web,
    console: Console,
    /// The page of the run.
    run_url: Option<String>,
    outbox: Rc<Outbox>,
    record: Record,
}

impl Notifications {
    /// Sends through `outbox`.
    pub fn new(
        announcements: Announcements,
        web: Web,
        console: Console,
        run_url: Option<String>,
        outbox: &Rc<Outbox>,
    ) -> Self {
        Self { announcements, web, console, run_url, outbox: Rc::clone(outbox), record: Record::default() }
    }

    fn send(&self, whom: &'static str, address: &Address, body: String, signature: Option<String>) {
        let complaint = Complaint::new(self.console.clone(), whom);
        let letter = deliver(self.web.clone(), address.clone(), body, signature, Rc::clone(&complaint));
        self.outbox.send(letter, complaint);
    }
}

impl Sink for Notifications {
    fn receive(&mut self, event: &Event) {
        self.record.take(event);
        let Kind::Concluded(conclusion) = &event.kind else { return };
        let Announcements { slack, webhook, notify_on, environment, .. } = &self.announcements;
        if !notify_on.includes(conclusion) {
            return;
        }
        let (environment, run_url) = (environment.as_deref(), self.run_url.as_deref());
        if let Some(address) = slack {
            let message = slack::message(&self.record, conclusion, environment, run_url);
            self.send("Slack", address, message.to_string(), None);
        }
        if let Some(webhook) = webhook {
            let body = webhook::body(webhook, &self.record, conclusion, environment, run_url);
            let signature =
                webhook.secret.as_ref().map(|key| webhook::signature(key.reveal().as_bytes(), body.as_bytes()));
            self.send("Web hook", &webhook.url, body, signature);
        }
    }
}

/// Posts JSON, once: a message that may have arrived is not sent again. Nothing that is said about it names the address.
async fn deliver(web: Web, address: Address, body: String, signature: Option<String>, complaint: Rc<Complaint>) {
    let (url, user) = without_user(address.reveal());
    let mut request = http::Request::post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if let Some(user) = user {
        request = request.header(AUTHORIZATION, user);
    }
    if let Some(signature) = signature {
        request = request.header(SIGNATURE, signature);
    }
    let problem = match request.body(Bytes::from(body)) {
        Ok(request) => match web.send(request).await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => format!("it answered {}", answer.status().as_u16()),
            Err(_address_inside) => "it does not answer".to_owned(),
        },
        Err(_address_inside) => "no request can be sent to its address".to_owned(),
    };
    complaint.make(&format!("The message was not delivered: {problem}. The deployment is not affected."));
}
