//! Tells Slack, through an incoming web hook.
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use serde_json::{Value, json};

use super::record::Record;
use super::words::{sign, spoken};
use crate::cycle::{Conclusion, Outcome, Output};
use crate::text::{one_line, shorten};

/// The lengths that Slack takes: of a header, of a section, of one of its fields.
///
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELD: usize = 2000;

/// The message: a headline, and what is below it with a bar in the colour of the end.
pub(super) fn message(
    record: &Record,
    conclusion: &Conclusion,
    environment: Option<&str>,
    run_url: Option<&str>,
) -> Value {
    let header = shorten(&one_line(&format!("{} {}", sign(conclusion.outcome), conclusion.headline)), MAX_HEADER);
    let cause = conclusion.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let output = |output| record.outputs.get(&output).map(String::as_str).filter(|value| !value.is_empty());
    let revisions = record.revisions().collect::<Vec<_>>().join(" → ");
    let fields = [
        record.target.as_deref().map(|target| field("Target", target)),
        environment.map(|environment| field("Environment", environment)),
        Some(field("Outcome", &format!("{}{cause}", conclusion.outcome))),
        (!revisions.is_empty()).then(|| field("Revision", &revisions)),
        Some(field("Took", &spoken(record.elapsed))),
    ];
    let mut blocks = vec![json!({"type": "section", "fields": fields.into_iter().flatten().collect::<Vec<_>>()})];
    let hint = record.diagnosis.hints.first().map(|hint| hint.hint.as_str());
    for text in [conclusion.reason.as_deref(), hint, conclusion.advice.as_deref()].into_iter().flatten() {
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": escaped(text, MAX_SECTION)}}));
    }
    let links = [("Workflow run", run_url), ("AWS console", output(Output::ConsoleUrl))];
    let links: Vec<String> = links.into_iter().filter_map(|(label, url)| link(label, url?)).collect();
    if !links.is_empty() {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": links.join(" · ")}]}));
    }
    json!({
        // Shown only where blocks are not: in notifications, and to screen readers.
        "text": escaped(&header, MAX_SECTION),
        "blocks": [{"type": "header", "text": {"type": "plain_text", "text": header}}],
        "attachments": [{"color": colour(conclusion), "blocks": blocks}],
    })
}

fn field(title: &str, value: &str) -> Value {
    json!({"type": "mrkdwn", "text": format!("*{title}*\n{}", escaped(value, MAX_FIELD - title.len() - 3))})
}

/// A link; nothing when the address could be something else.
fn link(label: &str, url: &str) -> Option<String> {
    let is_plain = !url.contains(['<', '>', '|', ' ']) && url.starts_with("https://");
    is_plain.then(|| format!("<{}|{label}>", url.replace('&', "&amp;")))
}

/// The three characters that Slack gives a meaning to; text from outside makes no link and calls nobody. Not cut within one of
/// them.
///
/// <https://docs.slack.dev/messaging/formatting-message-text#escaping>
fn escaped(text: &str, limit: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in one_line(text).chars() {
        let written = match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        };
        length += written.chars().count();
        if length >= limit {
            escaped.push('…');
            break;
        }
        escaped.push_str(&written);
    }
    escaped
}

fn colour(conclusion: &Conclusion) -> &'static str {
    match conclusion.outcome {
        Outcome::Deployed => "#2da44e",
        Outcome::Unchanged | Outcome::Planned | Outcome::InProgress => "#6e7781",
        Outcome::RolledBack if conclusion.cause.is_none() => "#2da44e",
        Outcome::RolledBack | Outcome::Refused | Outcome::Superseded => "#bf8700",
        Outcome::Failed | Outcome::RollbackFailed => "#cf222e",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Cause, Kind};
    use crate::report::testing::{Story, conclusion};

    fn recorded(story: &Story) -> Record {
        let mut record = Record::default();
        story.events().iter().for_each(|event| record.take(event));
        record
    }

    #[test]
    fn text_from_outside_makes_no_link_and_calls_nobody_and_fits() {
        let hostile = format!("<!channel> & <https://evil.example|click> {}", "x".repeat(5000));
        let mut end = conclusion(Outcome::RolledBack, Some(Cause::TasksFailing), &hostile);
        end.reason = Some(hostile.clone());
        let mut story = Story::begin();
        story.then(3, Kind::Concluded(end));
        let record = recorded(&story);

        let conclusion = record.conclusion.as_ref().unwrap();
        let message = message(&record, conclusion, Some(&hostile), Some("https://github.com/shop/web/actions/runs/1"));

        let header = message["blocks"][0]["text"]["text"].as_str().unwrap();
        assert!(header.chars().count() <= MAX_HEADER, "{header}");
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        let marked_up: Vec<&str> = blocks
            .iter()
            .flat_map(|block| {
                [&block["text"], &block["elements"][0]]
                    .into_iter()
                    .chain(block["fields"].as_array().into_iter().flatten())
            })
            .filter(|text| text["type"] == "mrkdwn")
            .filter_map(|text| text["text"].as_str())
            .collect();
        assert!(marked_up.iter().all(|text| text.chars().count() <= MAX_SECTION));
        let fields = blocks[0]["fields"].as_array().unwrap();
        assert!(fields.iter().all(|field| field["text"].as_str().unwrap().chars().count() <= MAX_FIELD));
        assert!(!message["text"].as_str().unwrap().contains('<'));
        let links: Vec<&&str> = marked_up.iter().filter(|text| text.contains('<')).collect();
        assert_eq!(links, [&"<https://github.com/shop/web/actions/runs/1|Workflow run>"]);
        assert!(marked_up.iter().any(|text| text.contains("&lt;!channel&gt; &amp;")));
    }
}
