//! Cycles as lists of events, for the tests of their readers.

use std::time::Duration;

use jiff::Timestamp;

use crate::cycle::{Cause, Conclusion, Doing, Event, Kind, Outcome};

/// A cycle, told.
pub(crate) struct Story(Vec<Event>);

impl Story {
    pub(crate) fn begin() -> Self {
        let mut story = Self(Vec::new());
        story.then(0, Kind::Started { target: "service web in cluster production".into(), mode: Doing::Deploy });
        story
    }

    /// What happened so many seconds after the start.
    pub(crate) fn then(&mut self, second: u64, kind: Kind) {
        let elapsed = Duration::from_secs(second);
        self.0.push(Event { at: Timestamp::from_second(1_800_000_000).unwrap() + elapsed, elapsed, kind });
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.0
    }
}

pub(crate) fn conclusion(outcome: Outcome, cause: Option<Cause>, headline: &str) -> Conclusion {
    Conclusion { outcome, cause, headline: headline.to_owned(), reason: None, advice: None }
}
