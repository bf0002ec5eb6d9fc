//! Tells any other web hook: the whole report as JSON, or the user's own JSON with values filled in.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::record::Record;
use crate::cycle::{Conclusion, Output, exit_code};
use crate::spec::Webhook;
use crate::text::readable;

/// What is sent.
pub(super) fn body(
    webhook: &Webhook,
    record: &Record,
    conclusion: &Conclusion,
    environment: Option<&str>,
    run_url: Option<&str>,
) -> String {
    let mut values = values(record, conclusion, run_url);
    values.insert("environment".to_owned(), json!(environment));
    match &webhook.template {
        Some(template) => filled(&template.0, &values).to_string(),
        None => Value::Object(values).to_string(),
    }
}

/// Everything that a template may name: the outputs of the action, and a few words more.
fn values(record: &Record, conclusion: &Conclusion, run_url: Option<&str>) -> Map<String, Value> {
    let outputs = record.outputs.iter().filter(|(output, _)| !matches!(output, Output::Plan | Output::Diagnosis));
    let mut values: Map<String, Value> =
        outputs.map(|(output, value)| (output.as_str().to_owned(), json!(value))).collect();
    for (name, value) in [
        ("target", json!(record.target)),
        ("mode", json!(record.mode)),
        ("outcome", json!(conclusion.outcome)),
        ("cause", json!(conclusion.cause)),
        ("message", json!(conclusion.headline)),
        ("reason", json!(conclusion.reason)),
        ("advice", json!(conclusion.advice)),
        ("hint", json!(record.diagnosis.hints.first().map(|hint| &hint.hint))),
        ("succeeded", json!(conclusion.exit_code() == exit_code::DONE)),
        ("duration-seconds", json!(record.elapsed.as_secs())),
        ("run-url", json!(run_url)),
    ] {
        values.insert(name.to_owned(), value);
    }
    values
}

/// The same JSON with `{{ name }}` inside of its strings replaced. A value goes into a string and stays inside of it, whatever
/// is in it; a name that nothing has is left as it stands, where whoever looks at the message sees it.
fn filled(template: &Value, values: &Map<String, Value>) -> Value {
    match template {
        Value::String(text) => Value::String(fill(text, values)),
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), filled(member, values))).collect())
        }
        other => other.clone(),
    }
}

fn fill(text: &str, values: &Map<String, Value>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        filled.push_str(before);
        match values.get(name.trim()) {
            Some(Value::String(value)) => filled.push_str(&readable(value)),
            Some(Value::Null) => {}
            Some(value) => filled.push_str(&value.to_string()),
            None => filled.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = after;
    }
    filled + rest
}

/// `sha256=…` of the body under the key, in the form in which GitHub signs its own web hooks, so that receivers know it.
///
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
pub(super) fn signature(key: &[u8], body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    hmac.update(body);
    let digest = hmac.finalize().into_bytes();
    digest.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_inside_of_its_string() {
        let template =
            json!({"summary": "{{ outcome }}: {{message}}", "n": 1, "list": ["{{ succeeded }}", "{{ nobody }}", "{{"]});
        let values = Map::from_iter([
            ("outcome".to_owned(), json!("rolled-back")),
            ("message".to_owned(), json!("\"}, \"evil\": \"{{ outcome }}")),
            ("succeeded".to_owned(), json!(false)),
        ]);

        assert_eq!(
            filled(&template, &values),
            json!({"summary": "rolled-back: \"}, \"evil\": \"{{ outcome }}", "n": 1, "list": ["false", "{{ nobody }}", "{{"]})
        );
    }

    #[test]
    fn the_signature_is_github_s() {
        // The example of GitHub's documentation.
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(signature(b"It's a Secret to Everybody", b"Hello, World!"), expected);
    }
}
