//! A service's events: the sentences that the ECS console shows.

use std::time::Duration;

use serde_json::{Value, json};

use super::Surroundings;

/// A service shows this many of its events (developer guide, "Viewing Amazon ECS service event messages").
const SHOWN: usize = 100;

/// Events, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
struct Event {
    id: String,
    at: Duration,
    message: String,
}

impl Events {
    pub(crate) fn add(&mut self, service: &str, message: &str, around: &mut Surroundings<'_>) {
        self.events.push(Event {
            id: around.identity.uuid(),
            at: around.now,
            message: format!("(service {service}) {message}"),
        });
        if self.events.len() > SHOWN {
            self.events.remove(0);
        }
    }

    /// Newest first.
    pub(crate) fn document(&self, around: &Surroundings<'_>) -> Value {
        self.events
            .iter()
            .rev()
            .map(|event| json!({"id": event.id, "createdAt": around.timestamp(event.at), "message": event.message}))
            .collect()
    }
}

/// `(task a) (task b)`, as events list tasks.
pub(crate) fn listed<'a>(tasks: impl IntoIterator<Item = &'a str>) -> String {
    tasks.into_iter().map(|task| format!("(task {task})")).collect::<Vec<_>>().join(" ")
}
