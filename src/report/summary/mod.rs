//! The step's summary: one page that tells what was asked for, what runs now, and why.

mod gantt;
mod markdown;
mod page;

pub(super) use self::page::{commits, environment_line, page};

use std::error::Error as _;

use super::record::Record;
use crate::cycle::{Event, Kind, Sink};
use crate::runner::{Console, SummaryFile};

/// Reads events, writes the page when the cycle has ended. When it never ends, because the program does first, the page is
/// written on the way out and says so.
pub struct Summary {
    /// `None` outside GitHub Actions.
    file: Option<SummaryFile>,
    console: Console,
    run_url: Option<String>,
    record: Record,
    is_owed: bool,
}

impl Summary {
    /// Writes to that file; complains there. `run_url` is the page of the workflow run.
    pub fn new(file: Option<SummaryFile>, console: Console, run_url: Option<String>) -> Self {
        Self { file, console, run_url, record: Record::default(), is_owed: false }
    }

    fn write(&mut self) {
        self.is_owed = false;
        let record = std::mem::take(&mut self.record);
        let Some(file) = &self.file else { return };
        if let Err(error) = file.append(&page(&record, self.run_url.as_deref())) {
            let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            self.console.warn("Summary", &format!("There is no summary: {error}{why}."));
        }
    }
}

impl Sink for Summary {
    fn receive(&mut self, event: &Event) {
        self.is_owed = true;
        self.record.take(event);
        if matches!(event.kind, Kind::Concluded(_)) {
            self.write();
        }
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        if self.is_owed {
            self.write();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cycle::Outcome;
    use crate::report::testing::{Story, conclusion};
    use crate::runner::testing::Screen;

    fn summary_of(story: &Story) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut summary = Summary::new(Some(SummaryFile::new(file.path())), Screen::default().console(), None);
        story.events().iter().for_each(|event| summary.receive(event));
        drop(summary);
        fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn the_page_is_written_once() {
        let mut story = Story::begin();
        story.then(3, Kind::Concluded(conclusion(Outcome::Deployed, None, "web:42 is running.")));
        assert_eq!(summary_of(&story).matches("## ✅ web:42 is running.").count(), 1);
    }

    #[test]
    fn a_cycle_that_never_ended_leaves_a_page_that_says_so() {
        let mut story = Story::begin();
        story.then(3, Kind::PhaseStarted(crate::cycle::Phase::Wait));
        let page = summary_of(&story);
        assert!(page.starts_with("## ⚠️ The run ended before the deployment did"), "{page}");
        assert!(page.contains("Wait"), "{page}");
    }

    #[test]
    fn nothing_happened_nothing_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        drop(Summary::new(Some(SummaryFile::new(file.path())), Screen::default().console(), None));
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_one_warning() {
        let screen = Screen::default();
        let mut story = Story::begin();
        story.then(3, Kind::Concluded(conclusion(Outcome::Deployed, None, "done")));
        let mut summary = Summary::new(Some(SummaryFile::new("/nowhere/summary")), screen.console(), None);
        story.events().iter().for_each(|event| summary.receive(event));
        drop(summary);
        assert_eq!(screen.text().lines().count(), 1);
        assert!(screen.text().starts_with("::warning title=Summary::"), "{}", screen.text());
    }
}
