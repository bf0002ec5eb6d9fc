//! What is asked of an endpoint before its deployment counts as a success, and what its answers have to be.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use regex_lite::Regex;
use serde_json::Value;

use super::InputError;
use super::comparison::{Comparison, Step, comparison, path};
use super::field;
use super::from_inputs::Reader;
use crate::runner::Inputs;

/// How long a model may take until it is ready, unless the user says.
const WITHIN: Duration = Duration::from_secs(300);
const MINUTES_MOST: f64 = 60.0;
const CONTENT_TYPE: &str = "application/json";
/// The largest request that a real-time endpoint takes.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
const LARGEST: usize = 25 * 1024 * 1024;

/// What is asked, and what the answers have to be.
#[derive(Clone, Debug, PartialEq)]
pub struct SmokeTest {
    /// The request's body.
    pub payload: Vec<u8>,
    /// Its media type.
    pub content_type: String,
    /// What each answer has to be.
    pub expectations: Vec<Expectation>,
    /// How often it is asked.
    pub repetitions: u32,
    /// Which variant is asked; the one that SageMaker chooses, unless it was said.
    pub variant: Option<String>,
    /// How long a model may take until it is ready.
    pub within: Duration,
}

/// What an answer has to be.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// The status of the model's own answer.
    Status(u16),
    /// It comes within this time.
    Latency(Duration),
    /// It matches.
    Body(Regex),
    /// What is at that place of a JSON document compares so with that value.
    Json {
        /// Members and positions: `predictions[0].score`.
        path: Vec<Step>,
        /// How.
        comparison: Comparison,
        /// With what.
        value: Value,
        /// All of it, as it was written.
        written: String,
    },
}

impl PartialEq for Expectation {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status = {status}"),
            Self::Latency(latency) => write!(f, "latency < {} ms", latency.as_millis()),
            Self::Body(pattern) => write!(f, "body ~ {pattern}"),
            Self::Json { written, .. } => f.write_str(written),
        }
    }
}

/// Reads the inputs of this file. Files are looked for in `workspace`.
pub(super) fn smoke_test(inputs: &Inputs, workspace: &Path, waits: bool, reader: &mut Reader) -> Option<SmokeTest> {
    let details = [
        ("smoke-test-content-type", &inputs.smoke_test_content_type),
        ("smoke-test-expect", &inputs.smoke_test_expect),
        ("smoke-test-repetitions", &inputs.smoke_test_repetitions),
        ("smoke-test-variant", &inputs.smoke_test_variant),
        ("smoke-test-minutes", &inputs.smoke_test_minutes),
    ];
    let (inline, file) = (inputs.smoke_test_payload.as_deref(), inputs.smoke_test_payload_file.as_deref());
    let mut complain = |input, problem: &str, remedy: &str| reader.errors.push(InputError::new(input, problem, remedy));
    let payload = match (inline, file) {
        (None, None) => {
            for (input, _) in details.into_iter().filter(|(_, value)| value.is_some()) {
                let remedy = "say what to ask in `smoke-test-payload`, or leave this input out";
                complain(input, "there is no smoke test", remedy);
            }
            return None;
        }
        (Some(_), Some(_)) => {
            complain(
                "smoke-test-payload-file",
                "`smoke-test-payload` says what to ask, too",
                "leave one of the two out",
            );
            return None;
        }
        (Some(inline), None) => inline.as_bytes().to_vec(),
        (None, Some(file)) => reader.keep(read(file, workspace))?,
    };
    if !waits {
        let remedy = "wait, or leave this input out";
        let problem = "nobody is there to ask, because `wait-for-service-stability` is false";
        reader.errors.push(InputError::new("smoke-test-payload", problem, remedy));
    }
    if payload.len() > LARGEST {
        let problem = "it is larger than 25 MB, which is the most that an endpoint takes";
        reader.errors.push(InputError::new("smoke-test-payload-file", problem, "ask with less"));
    }
    let lines = inputs.smoke_test_expect.as_deref().unwrap_or_default().lines().map(str::trim);
    let expectations =
        lines.filter(|line| !line.is_empty()).filter_map(|line| reader.keep(expectation(line))).collect();
    let repetitions = inputs.smoke_test_repetitions.as_deref().and_then(|text| {
        let remedy = "write how often to ask, 1 to 1000";
        reader.keep(field::within("smoke-test-repetitions", text, 1..=1000, remedy))
    });
    let variant = inputs.smoke_test_variant.as_deref();
    let within = inputs
        .smoke_test_minutes
        .as_deref()
        .and_then(|text| reader.keep(field::minutes_or_none("smoke-test-minutes", text, MINUTES_MOST)));
    Some(SmokeTest {
        payload,
        content_type: inputs.smoke_test_content_type.clone().unwrap_or_else(|| CONTENT_TYPE.to_owned()),
        expectations,
        repetitions: repetitions.unwrap_or(1),
        variant: variant.and_then(|text| reader.keep(super::endpoint::name("smoke-test-variant", text))),
        within: within.unwrap_or(WITHIN),
    })
}

fn read(file: &str, workspace: &Path) -> Result<Vec<u8>, InputError> {
    std::fs::read(workspace.join(file)).map_err(|error| {
        let problem = format!("`{file}` cannot be read: {error}");
        InputError::new("smoke-test-payload-file", problem, "write the path of a file, relative to the workspace")
    })
}

/// One line of `smoke-test-expect`.
fn expectation(line: &str) -> Result<Expectation, InputError> {
    let remedy = "write `status = 200`, `latency < 500 ms`, `body ~ PATTERN`, or a place of the answer and a value, such as \
                  `predictions[0].score >= 0.5`";
    let wrong = |problem: String| InputError::new("smoke-test-expect", problem, remedy);
    if let Some(pattern) = line.strip_prefix("body").map(str::trim_start).and_then(|rest| rest.strip_prefix('~')) {
        let pattern = Regex::new(pattern.trim());
        return pattern
            .map(Expectation::Body)
            .map_err(|error| wrong(format!("`{line}` has no regular expression: {error}")));
    }
    let not_one = || wrong(format!("`{line}` is nothing that can be expected"));
    let (left, comparison, right) = comparison(line).ok_or_else(not_one)?;
    match (left, comparison) {
        ("status", Comparison::Equal) => right.parse().map(Expectation::Status).map_err(|_not_a_number| not_one()),
        ("latency", Comparison::Less | Comparison::LessOrEqual) => {
            let milliseconds = right.strip_suffix("ms").map(str::trim).unwrap_or(right).parse::<u64>();
            let latency = milliseconds.map(Duration::from_millis).map(Expectation::Latency);
            latency.map_err(|_not_a_number| not_one())
        }
        // A member of that name is written with `$.` in front.
        ("status" | "latency" | "body", _) => Err(not_one()),
        _ => {
            let path = path(left).ok_or_else(not_one)?;
            // A word without quotes is a text.
            let value = serde_json::from_str(right).unwrap_or_else(|_not_json| Value::String(right.to_owned()));
            if right.is_empty() {
                return Err(not_one());
            }
            Ok(Expectation::Json { path, comparison, value, written: line.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn comparisons_are_of_numbers_or_of_equality() {
        for (there, text, expected) in [
            (json!(0.85), "x >= 0.85", true),
            (json!(0.84), "x >= 0.85", false),
            (json!(1), "x == 1.0", true),
            (json!("cat"), "x = cat", true),
            (json!("cat"), "x == \"cat\"", true),
            (json!("cat"), "x != dog", true),
            (json!("0.9"), "x > 0.5", false),
            (json!(null), "x > 0.5", false),
            (json!(true), "x = true", true),
        ] {
            let Expectation::Json { comparison, value, .. } = expectation(text).unwrap() else { panic!("{text}") };
            assert_eq!(comparison.holds(&there, &value), expected, "{there} {text}");
        }
    }

    #[test]
    fn each_line_is_one_expectation() {
        for line in ["status = 200", "latency < 500 ms", "body ~ ^\\{.*\\}$", "label = cat", "a.b[0] >= 0.5"] {
            assert_eq!(expectation(line).unwrap().to_string(), line);
        }
        for line in ["", "hello", "status > 200", "latency < soon", "body ~ (", "a >=", ".. = 1"] {
            assert!(expectation(line).is_err(), "{line}");
        }
    }
}
