//! Two documents, and changes to the first: `== json` or `== yaml`, twice, and `== <an input>` for the changes.
//!
//! Nothing is lost on the way, a change that was made is there, what equals itself has no difference, and no value of a
//! variable or a secret is in what is shown.
#![no_main]

use std::path::Path;

use ecs_deploy_action::cycle::Shown;
use ecs_deploy_action::spec::{Edit, Format, Spec, TaskDefinition, check, difference, render};
use ecs_deploy_action_fuzz::{SECRET, inputs, pieces};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ONLY_IN_ANSWERS: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];
const CHANGES: [&str; 12] = [
    "container-name",
    "image",
    "images",
    "environment-variables",
    "secrets",
    "docker-labels",
    "log-configuration-log-driver",
    "log-configuration-options",
    "command",
    "cpu",
    "memory",
    "env-files",
];

fuzz_target!(|data: &[u8]| {
    if data.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
        return;
    }
    let pieces = pieces(data);
    let documents: Vec<TaskDefinition> = pieces
        .iter()
        .filter_map(|(name, text)| match name.as_str() {
            "json" => parsed(text, Format::Json),
            "yaml" => parsed(text, Format::Yaml),
            _ => None,
        })
        .collect();
    for document in &documents {
        says_the_same_again(document);
        assert!(difference(document, document).is_empty());
        // A complaint is made or it is not; the same document gives the same ones.
        assert_eq!(check(document), check(document));
    }
    if let [one, two, ..] = &documents[..] {
        let (there, back) = (difference(one, two), difference(two, one));
        assert_eq!(there.is_empty(), back.is_empty());
        assert_eq!(there.is_empty(), there.diff.is_empty());
    }
    if let Some(document) = documents.first() {
        changed(document, &pieces);
    }
});

fn parsed(text: &str, format: Format) -> Option<TaskDefinition> {
    let parsed = TaskDefinition::parse(text, format);
    if format == Format::Json
        && let Ok(document) = &parsed
    {
        // A document that is read is JSON for others too.
        let other = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}'));
        assert!(other.is_ok_and(|other| other.is_object()), "{document:?}");
    }
    parsed.ok()
}

/// What would be registered is a document that would be registered as it is.
fn says_the_same_again(document: &TaskDefinition) {
    let body = document.register_input();
    let members = body.as_object().expect("the body is an object");
    assert!(ONLY_IN_ANSWERS.iter().all(|member| !members.contains_key(*member)));
    assert!(!has_null(&body));
    if members.contains_key("taskDefinition") {
        // It would be taken for the answer of a DescribeTaskDefinition.
        return;
    }
    let again = TaskDefinition::parse(&body.to_string(), Format::Json).expect("the body is a document");
    assert_eq!(again.register_input(), body);
    assert!(difference(document, &again).is_empty(), "{}", difference(document, &again).diff);
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn changed(document: &TaskDefinition, pieces: &[(String, String)]) {
    let changes = pieces.iter().filter(|(name, _)| CHANGES.contains(&name.as_str()));
    let mut values: Vec<(String, String)> = vec![("service".to_owned(), "web".to_owned())];
    values.extend(changes.cloned());
    for (name, value) in &mut values {
        if ["environment-variables", "secrets"].contains(&name.as_str()) {
            *value = value.replace('=', &format!("={SECRET}"));
        }
    }
    let (inputs, _) = inputs(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let Ok(spec) = Spec::from_inputs(&inputs, Path::new("/nonexistent")) else { return };
    let edits = spec.overrides.environment.iter().chain(&spec.overrides.secrets);
    if edits.clone().any(|edit| edit.name().contains(SECRET)) {
        return;
    }
    let Ok(rendered) = render(document, &spec.overrides) else { return };
    if spec.overrides.is_empty() {
        assert!(rendered == *document);
    }
    let again = render(&rendered, &spec.overrides).expect("what was changed can be changed again");
    assert!(difference(&rendered, &again).is_empty(), "{}", difference(&rendered, &again).diff);
    for (container, image) in &spec.overrides.images {
        assert!(rendered.images().contains(&(container, image)));
    }
    let body = rendered.register_input().to_string();
    for edit in edits {
        if let Edit::Set { value, .. } = edit {
            let value = Value::String(value.clone()).to_string();
            assert!(body.contains(&value), "{edit:?} is not in the document");
        }
    }

    let plan = difference(document, &rendered);
    assert!(!plan.diff.contains(SECRET), "{}", plan.diff);
    for change in &plan.changes {
        for shown in [&change.before, &change.after] {
            assert!(!matches!(shown, Shown::Value(value) if value.contains(SECRET)), "{change:?}");
        }
        assert!(!change.subject.contains(SECRET), "{change:?}");
    }
}
