//! The outputs of the step.

use crate::cycle::{Diagnosis, Event, Kind, LogTail, Output, Said, Sink, StoppedContainer, StoppedTasks};
use crate::runner::{CommandFile, Console};
use crate::text::shorten;

/// GitHub keeps 1 MB of outputs for a job and counts two bytes for each UTF-16 code unit. A quarter for one value leaves
/// room for the others.
const MAX_UNITS: usize = 128 * 1024;

/// How many entries a list of the diagnosis keeps; the events, of which there are most, the last ones.
const MAX_ENTRIES: usize = 20;

/// Longer texts of the diagnosis are shortened: a script compares codes, and a person has the summary.
const MAX_TEXT: usize = 1000;

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

    fn diagnose(&mut self, diagnosis: &Diagnosis) {
        match serde_json::to_string(&digest(diagnosis)) {
            Ok(json) => self.set(Output::Diagnosis, &json),
            Err(error) => self.warn(&format!("The output `diagnosis` is left empty: {error}.")),
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
            Kind::Diagnosed(diagnosis) => self.diagnose(diagnosis),
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

/// As much of a diagnosis as a later step has a use for.
fn digest(diagnosis: &Diagnosis) -> Diagnosis {
    let Diagnosis { hints, statements, stopped, logs, events } = diagnosis;
    let told = |text: &Option<String>| text.as_ref().map(|text| shorten(text, MAX_TEXT));
    let container = |container: &StoppedContainer| StoppedContainer {
        name: shorten(&container.name, MAX_TEXT),
        exit_code: container.exit_code,
        reason: told(&container.reason),
        health: told(&container.health),
    };
    let tasks = |tasks: &StoppedTasks| StoppedTasks {
        count: tasks.count,
        stop_code: told(&tasks.stop_code),
        reason: told(&tasks.reason),
        containers: tasks.containers.iter().take(MAX_ENTRIES).map(container).collect(),
    };
    let log = |log: &LogTail| LogTail {
        lines: log.lines.iter().map(|line| shorten(line, MAX_TEXT)).collect(),
        note: told(&log.note),
        ..log.clone()
    };
    let last = &events[events.len().saturating_sub(MAX_ENTRIES)..];
    Diagnosis {
        hints: hints.clone(),
        statements: statements.iter().take(MAX_ENTRIES).map(|statement| shorten(statement, MAX_TEXT)).collect(),
        stopped: stopped.iter().take(MAX_ENTRIES).map(tasks).collect(),
        logs: logs.iter().take(MAX_ENTRIES).map(log).collect(),
        events: last.iter().map(|said| Said { at: said.at, message: shorten(&said.message, MAX_TEXT) }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cycle::{Cause, Hint, Outcome};
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
    fn the_diagnosis_is_json_that_is_cut_where_it_is_long() {
        let long = "é".repeat(MAX_TEXT * 2);
        let container =
            StoppedContainer { name: "web".into(), exit_code: Some(1), reason: Some(long.clone()), health: None };
        let tasks = StoppedTasks {
            count: 3,
            stop_code: Some("EssentialContainerExited".into()),
            reason: Some(long.clone()),
            containers: vec![container; 50],
        };
        let said = |second| Said { at: jiff::Timestamp::from_second(second).unwrap(), message: long.clone() };
        let mut story = Story::begin();
        story.then(
            1,
            Kind::Diagnosed(Diagnosis {
                hints: vec![Hint { code: "exited-with-error", hint: "Look at its log.".into(), tasks: 3 }],
                statements: vec![long.clone(); 50],
                stopped: vec![tasks; 2],
                logs: vec![LogTail { lines: vec![long.clone()], ..LogTail::default() }; 50],
                events: (0..50).map(said).collect(),
            }),
        );
        let (name, value) = outputs_after_each(&story)[1][0].clone();
        let json: serde_json::Value = serde_json::from_str(&value).unwrap();
        assert_eq!(name, "diagnosis");
        assert_eq!(json["hints"][0]["code"], "exited-with-error");
        assert_eq!(json["stopped"][0]["containers"][0]["exit_code"], 1);
        assert_eq!(json["events"][0]["at"], "1970-01-01T00:00:30Z", "the last ones are kept");
        assert_eq!(json["statements"].as_array().unwrap().len(), MAX_ENTRIES);
        assert_eq!(json["logs"].as_array().unwrap().len(), MAX_ENTRIES);
        assert!(json["logs"][0]["lines"][0].as_str().unwrap().ends_with("é…"));
        assert!(json["stopped"][0]["reason"].as_str().unwrap().ends_with("é…"));
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
