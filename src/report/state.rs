//! What the step leaves to its post step, in `GITHUB_STATE`.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#sending-values-to-the-pre-and-post-actions>

use crate::cycle::{Event, Kind, Sink};
use crate::runner::{CommandFile, Console};

/// The name of the state that holds a [`Handover`](crate::cycle::Handover) as JSON. The post step finds it as `STATE_owed`.
pub const OWED: &str = "owed";
/// The name of the state that holds the outcome of the step; absent when it was killed.
pub const OUTCOME: &str = "outcome";
/// The name of the state that holds the cause of the outcome; absent when there is none.
pub const CAUSE: &str = "cause";
/// The name of the state that holds the headline of the conclusion.
pub const MESSAGE: &str = "message";

/// Reads events, writes what is owed before the call that makes it so: a step that is killed has left what the post step needs.
pub struct State {
    file: Option<CommandFile>,
    console: Console,
}

impl State {
    /// Writes to that file; complains there.
    pub fn new(file: Option<CommandFile>, console: Console) -> Self {
        Self { file, console }
    }

    fn set(&self, name: &str, value: &str) {
        let Some(file) = &self.file else { return };
        if let Err(error) = file.set(name, value) {
            self.console.warn("State", &format!("The post step will not know what is owed: {error}."));
        }
    }
}

impl Sink for State {
    fn receive(&mut self, event: &Event) {
        match &event.kind {
            Kind::Owed(debt) => self.set(OWED, debt),
            Kind::Concluded(conclusion) => {
                if let Some(cause) = conclusion.cause {
                    self.set(CAUSE, cause.as_str());
                }
                self.set(MESSAGE, &conclusion.headline);
                self.set(OUTCOME, conclusion.outcome.as_str());
            }
            _ => {}
        }
    }
}
