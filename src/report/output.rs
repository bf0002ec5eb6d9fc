//! The outputs of the step.

use crate::cycle::{Event, Kind, Output, Sink};
use crate::runner::{CommandFile, Console};

/// GitHub keeps 1 MB of outputs for a job and counts two bytes for each UTF-16 code unit. A quarter for one value leaves
/// room for the others.
const MAX_UNITS: usize = 128 * 1024;

/// Reads events, writes each output the moment it is known: a step that is killed has said what it knew.
pub struct Outputs {
    /// `None` outside GitHub Actions.
    file: Option<CommandFile>,
    console: Console,
    warned: bool,
}

impl Outputs {
    /// Writes to that file; complains there.
    pub fn new(file: Option<CommandFile>, console: Console) -> Self {
        Self { file, console, warned: false }
    }

    fn set(&mut self, output: Output, value: &str) {
        let Some(file) = &self.file else { return };
        let name = output.as_str();
        if value.encode_utf16().count() > MAX_UNITS {
            // Half a JSON document or half an ARN is worse than none.
            return self.warn(&format!("The output `{name}` is left empty: it is longer than GitHub keeps."));
        }
        if let Err(error) = file.set(name, value) {
            let why = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            self.warn(&format!("Outputs are missing for later steps: {error}{why}."));
        }
    }

    fn warn(&mut self, text: &str) {
        if !self.warned {
            self.warned = true;
            self.console.warn("Outputs", text);
        }
    }
}

impl Sink for Outputs {
    fn receive(&mut self, event: &Event) {
        match &event.kind {
            Kind::Known { output, value } => self.set(*output, value),
            Kind::Concluded(conclusion) => {
                self.set(Output::Outcome, conclusion.outcome.as_str());
                // Set to nothing when there is none, so that it is there to be compared.
                self.set(Output::Cause, conclusion.cause.map_or("", |cause| cause.as_str()));
                self.set(Output::Message, &conclusion.headline);
                self.set(Output::DurationSeconds, &event.elapsed.as_secs().to_string());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cycle::{Cause, Outcome};
    use crate::report::testing::{Story, conclusion};
    use crate::runner::file_command::tests::read_by_the_runner;
    use crate::runner::testing::Screen;

    /// What is in the file after each event.
    fn outputs_after_each(story: &Story) -> Vec<Vec<(String, String)>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut outputs = Outputs::new(Some(CommandFile::new(file.path())), Screen::default().console());
        let after = |event| {
            outputs.receive(event);
            read_by_the_runner(&fs::read_to_string(file.path()).unwrap())
        };
        story.events().iter().map(after).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_is_known_is_written_at_once() {
        let mut story = Story::begin();
        story.then(1, Kind::Known { output: Output::ServiceArn, value: "arn:a".into() });
        story.then(2, Kind::Known { output: Output::Changed, value: "true".into() });
        let known = [pair("service-arn", "arn:a"), pair("changed", "true")];
        assert_eq!(outputs_after_each(&story), [vec![], known[..1].to_vec(), known.to_vec()]);
    }

    #[test]
    fn the_end_is_four_outputs() {
        let mut story = Story::begin();
        story.then(61, Kind::Concluded(conclusion(Outcome::Failed, Some(Cause::Timeout), "a\nb=c")));
        assert_eq!(
            outputs_after_each(&story)[1],
            [
                pair("outcome", "failed"),
                pair("cause", "timeout"),
                pair("message", "a\nb=c"),
                pair("duration-seconds", "61"),
            ]
        );
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_whole() {
        let mut story = Story::begin();
        story.then(1, Kind::Known { output: Output::Plan, value: "x".repeat(MAX_UNITS + 1) });
        story.then(2, Kind::Known { output: Output::Changed, value: "true".into() });
        assert_eq!(outputs_after_each(&story)[2], [pair("changed", "true")]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_one_warning() {
        let screen = Screen::default();
        let mut outputs = Outputs::new(Some(CommandFile::new("/nowhere/output")), screen.console());
        let mut story = Story::begin();
        story.then(1, Kind::Known { output: Output::Changed, value: "true".into() });
        story.then(2, Kind::Concluded(conclusion(Outcome::Deployed, None, "done")));
        story.events().iter().for_each(|event| outputs.receive(event));
        assert_eq!(screen.text().matches("::warning ").count(), 1);
        assert!(screen.text().contains("/nowhere/output: No such file"), "{}", screen.text());
    }

    #[test]
    fn without_a_file_nothing_happens() {
        let screen = Screen::default();
        let mut story = Story::begin();
        story.then(2, Kind::Concluded(conclusion(Outcome::Deployed, None, "done")));
        let mut outputs = Outputs::new(None, screen.console());
        story.events().iter().for_each(|event| outputs.receive(event));
        assert_eq!(screen.text(), "");
    }
}
