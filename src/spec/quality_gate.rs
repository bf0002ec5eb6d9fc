//! What is asked of a model's metrics.

use serde_json::{Map, Value};

use super::InputError;
use super::comparison::{Comparison, Step, at, comparison, path};

/// One line of the input `quality-gates`: a metric, and what it has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityGate {
    /// The metric's place: `binary_classification_metrics.accuracy.value`.
    path: Vec<Step>,
    comparison: Comparison,
    threshold: f64,
    /// The metric, and all of it, as they were written.
    metric: String,
    written: String,
}

/// What a gate says of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The gate, as it was written.
    pub gate: String,
    /// What is there: text from outside.
    pub there: String,
    /// Whether that is as it has to be.
    pub passes: bool,
}

impl QualityGate {
    /// Judges metrics. Only a number passes, and only one that is finite: what is missing, `NaN`, or a number in quotation marks
    /// does not.
    pub fn judge(&self, metrics: &Value) -> Judgement {
        let found = self.found(metrics);
        let number =
            found.filter(|value| value.is_number()).and_then(Value::as_f64).filter(|number| number.is_finite());
        let passes = number.is_some_and(|number| self.comparison.holds(&number.into(), &self.threshold.into()));
        let there = match found {
            None => self.missing(metrics),
            Some(value @ Value::Number(_)) => value.to_string(),
            Some(Value::String(text)) if WORDS.contains(&text.as_str()) => format!("{text}, which is no number"),
            Some(Value::String(text)) => format!("the text \"{text}\", which is no number"),
            Some(Value::Null) => "null, which is no number".to_owned(),
            Some(Value::Bool(value)) => format!("{value}, which is no number"),
            Some(Value::Array(_)) => "a list, which is no number".to_owned(),
            Some(Value::Object(_)) => "an object, which is no number: name one of its members".to_owned(),
        };
        Judgement { gate: self.written.clone(), there, passes }
    }

    fn missing(&self, metrics: &Value) -> String {
        let is_meant = |(place, _): &(String, &Value)| place.split('.').any(|step| step == self.metric);
        match numbers(metrics).into_iter().find(is_meant) {
            Some((place, _)) => format!("missing; there is `{place}`"),
            None => "missing".to_owned(),
        }
    }

    /// What the metric is called where the metrics are names and values: its members and items with dots between them.
    pub fn key(&self) -> String {
        let step = |step: &Step| match step {
            Step::Member(name) => name.clone(),
            Step::Item(position) => position.to_string(),
        };
        self.path.iter().map(step).collect::<Vec<_>>().join(".")
    }

    /// The number that it judges, if it is one.
    pub fn number<'a>(&self, metrics: &'a Value) -> Option<&'a Value> {
        self.found(metrics).filter(|value| value.is_number())
    }

    /// By its name, which may have dots in it, by its place, or by the key that it is registered under.
    fn found<'a>(&self, metrics: &'a Value) -> Option<&'a Value> {
        metrics.get(&self.metric).or_else(|| at(metrics, &self.path)).or_else(|| metrics.get(self.key()))
    }
}

/// The numbers of a document by their places, those in lists left out.
pub fn numbers(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect("", document, &mut found);
    found
}

fn collect<'a>(place: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Number(_) => found.push((place.to_owned(), value)),
        Value::Object(members) => {
            for (name, value) in members {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                collect(&place, value, found);
            }
        }
        _ => {}
    }
}

/// Numbers that JSON has no form for, as Python writes them all the same.
///
/// <https://docs.python.org/3/library/json.html#infinite-and-nan-number-values>
const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// Reads metrics: a JSON object, in which the words that Python writes for numbers that are none are texts.
pub(crate) fn metrics(text: &str) -> Result<Value, serde_json::Error> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str::<Map<String, Value>>(&quoted(text)).map(Value::Object)
}

/// The same text with [`WORDS`] in quotation marks, wherever they are not in a string already.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let (mut in_string, mut rest) = (false, text);
    while let Some(next) = rest.chars().next() {
        let word = WORDS.into_iter().find(|word| !in_string && rest.starts_with(word));
        let taken = match (word, next) {
            (Some(word), _) => {
                quoted.push_str(&format!("\"{word}\""));
                rest = &rest[word.len()..];
                continue;
            }
            (None, '\\') if in_string => next.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8),
            (None, '"') => {
                in_string = !in_string;
                1
            }
            (None, next) => next.len_utf8(),
        };
        quoted.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    quoted
}

/// Reads the input `quality-gates`, one gate a line.
pub(super) fn quality_gates(text: &str) -> Result<Vec<QualityGate>, InputError> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(gate).collect()
}

fn gate(line: &str) -> Result<QualityGate, InputError> {
    let remedy = "write a metric, a comparison and a number, one gate a line, such as `accuracy >= 0.80`";
    let wrong = || InputError::new("quality-gates", format!("`{line}` is not a gate"), remedy);
    let (metric, comparison, threshold) = comparison(line).ok_or_else(wrong)?;
    let path = path(metric).filter(|path| !path.is_empty()).ok_or_else(wrong)?;
    let threshold = threshold.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong)?;
    Ok(QualityGate { path, comparison, threshold, metric: metric.to_owned(), written: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(metrics: &str, line: &str) -> (bool, String) {
        let Judgement { passes, there, .. } = gate(line).unwrap().judge(&super::metrics(metrics).unwrap());
        (passes, there)
    }

    #[test]
    fn only_a_finite_number_that_is_as_it_has_to_be_passes() {
        const PIPELINE: &str = r#"{"binary_classification_metrics": {"accuracy": {"value": 0.91}}}"#;
        for (metrics, line, passes, there) in [
            (r#"{"accuracy": 0.8}"#, "accuracy >= 0.80", true, "0.8"),
            (r#"{"accuracy": 0.79}"#, "accuracy >= 0.80", false, "0.79"),
            (r#"{"accuracy": 0.8}"#, "accuracy > 0.8", false, "0.8"),
            (r#"{"rmse": 3}"#, "rmse < 3.5", true, "3"),
            (r#"{"rmse": 4}"#, "rmse <= 3.5", false, "4"),
            (r#"{"errors": 0}"#, "errors == 0", true, "0"),
            (PIPELINE, "binary_classification_metrics.accuracy.value > 0.85", true, "0.91"),
            (PIPELINE, "$.binary_classification_metrics.accuracy.value > 0.95", false, "0.91"),
            (r#"{"folds": [{"f1": 0.7}]}"#, "folds[0].f1 >= 0.7", true, "0.7"),
            (r#"{"validation.f1": 0.7}"#, "validation.f1 >= 0.7", true, "0.7"),
            (r#"{"validation:f1": 0.7}"#, "validation:f1 >= 0.7", true, "0.7"),
            (r#"{"accuracy": NaN}"#, "accuracy >= 0.8", false, "NaN, which is no number"),
            (r#"{"accuracy": NaN}"#, "accuracy != 0", false, "NaN, which is no number"),
            (r#"{"rmse": -Infinity}"#, "rmse < 3", false, "-Infinity, which is no number"),
            (r#"{"accuracy": Infinity}"#, "accuracy > 0.8", false, "Infinity, which is no number"),
            (r#"{"accuracy": "0.91"}"#, "accuracy >= 0.8", false, "the text \"0.91\", which is no number"),
            (r#"{"accuracy": true}"#, "accuracy >= 0.8", false, "true, which is no number"),
            (r#"{"accuracy": null}"#, "accuracy >= 0.8", false, "null, which is no number"),
            (r#"{"accuracy": [0.91]}"#, "accuracy >= 0.8", false, "a list, which is no number"),
            (PIPELINE, "f1 >= 0.7", false, "missing"),
            (PIPELINE, "accuracy >= 0.7", false, "missing; there is `binary_classification_metrics.accuracy.value`"),
            (
                PIPELINE,
                "binary_classification_metrics.accuracy >= 0.7",
                false,
                "an object, which is no number: name one of its members",
            ),
        ] {
            assert_eq!(judged(metrics, line), (passes, there.to_owned()), "{metrics} {line}");
        }
    }

    #[test]
    fn words_in_strings_are_left_alone() {
        for (text, expected) in [
            (r#"{"NaN": "NaN \" NaN \\", "a": NaN}"#, r#"{"NaN": "NaN \" NaN \\", "a": "NaN"}"#),
            (r#"{"é": [-Infinity, 1e3]}"#, r#"{"é": ["-Infinity", 1e3]}"#),
            ("\"", "\""),
            ("\"\\", "\"\\"),
        ] {
            assert_eq!(quoted(text), expected);
        }
        for text in ["", "[1]", "0.9", "{", "accuracy,0.9"] {
            assert!(metrics(text).is_err(), "{text}");
        }
        assert!(metrics("\u{feff}{}").is_ok());
    }

    #[test]
    fn each_line_is_one_gate() {
        let gates = quality_gates("accuracy >= 0.80\n\n  f1>=0.7\n").unwrap();
        let written: Vec<&str> = gates.iter().map(|gate| gate.written.as_str()).collect();
        assert_eq!(written, ["accuracy >= 0.80", "f1>=0.7"]);
        for line in ["accuracy", "accuracy >=", ">= 0.8", "accuracy >= high", "accuracy >= NaN", "a..b > 1", "a > 80%"]
        {
            let error = quality_gates(line).unwrap_err().to_string();
            assert!(error.contains("quality-gates") && error.contains(line), "{error}");
        }
    }

    #[test]
    fn a_gate_that_passed_passes_again_by_the_name_that_its_metric_was_registered_under() {
        for (metrics, line) in [
            (r#"{"folds": [{"f1": 0.7}]}"#, "folds[0].f1 >= 0.7"),
            (r#"{"a": {"b": 0.7}}"#, "$.a.b >= 0.7"),
            (r#"{"a": [{"b": [0, 0.7]}]}"#, "$.a[0].b[1] >= 0.7"),
        ] {
            let gate = gate(line).unwrap();
            let metrics = super::metrics(metrics).unwrap();
            let registered =
                Value::Object([(gate.key(), gate.number(&metrics).unwrap().clone())].into_iter().collect());
            assert_eq!(gate.judge(&registered), gate.judge(&metrics), "{line}");
            assert_eq!(gate.number(&registered), gate.number(&metrics), "{line}");
            assert!(gate.judge(&registered).passes, "{line}");
        }
    }

    #[test]
    fn a_metric_has_a_name_for_lists_of_names_and_values() {
        let metrics = super::metrics(r#"{"a": {"b": [{"c": 0.5}]}, "d": 1, "e": "x"}"#).unwrap();
        let gate = gate("a.b[0].c > 0").unwrap();
        assert_eq!((gate.key().as_str(), gate.number(&metrics)), ("a.b.0.c", Some(&serde_json::json!(0.5))));
        let places: Vec<String> = numbers(&metrics).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, ["d"]);
    }
}
