//! What two documents differ in. Pure.

use serde_json::Value;

use crate::cycle::{Change, Shown};

/// The changes from one document to another, member by member, in the order of the second. Values of environment variables
/// are nobody's business.
pub(in crate::targets) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", before, after, false, &mut changes);
    changes
}

/// Whether one document has everything that another asks for. AWS may have filled in what was left out.
pub(in crate::targets) fn holds(there: &Value, asked: &Value) -> bool {
    match (there, asked) {
        (Value::Object(there), Value::Object(asked)) => {
            asked.iter().all(|(member, value)| there.get(member).is_some_and(|there| holds(there, value)))
        }
        (Value::Array(there), Value::Array(asked)) => {
            there.len() == asked.len() && there.iter().zip(asked).all(|(there, asked)| holds(there, asked))
        }
        // A weight comes back as another kind of number.
        (Value::Number(there), Value::Number(asked)) => there.as_f64() == asked.as_f64(),
        (there, asked) => there == asked,
    }
}

fn compare(path: &str, before: &Value, after: &Value, hidden: bool, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(left), Value::Object(right)) => {
            for (member, value) in right {
                let nothing = Value::Null;
                let (path, hidden) = (join(path, member), hidden || path.ends_with("Environment"));
                compare(&path, left.get(member).unwrap_or(&nothing), value, hidden, changes);
            }
            for (member, value) in left.iter().filter(|(member, _)| !right.contains_key(*member)) {
                compare(&join(path, member), value, &Value::Null, hidden || path.ends_with("Environment"), changes);
            }
        }
        // What comes or goes is shown by its parts, so that it can be hidden in part.
        (Value::Null, Value::Object(_)) => {
            compare(path, &Value::Object(serde_json::Map::new()), after, hidden, changes)
        }
        (Value::Object(_), Value::Null) => {
            compare(path, before, &Value::Object(serde_json::Map::new()), hidden, changes)
        }
        (Value::Array(_) | Value::Null, Value::Array(_)) | (Value::Array(_), Value::Null) => {
            let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
            let (left, right) = (items(before), items(after));
            for index in 0..left.len().max(right.len()) {
                let at = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                let (left, right) = (at(&left), at(&right));
                let known = if right.is_null() { &left } else { &right };
                compare(&format!("{path}[{}]", name(known, index)), &left, &right, hidden, changes);
            }
        }
        _ => changes.push(Change {
            subject: path.to_owned(),
            before: shown(before, hidden),
            after: shown(after, hidden),
        }),
    }
}

/// Variants are known by their names.
fn name(item: &Value, index: usize) -> String {
    item["VariantName"].as_str().map_or_else(|| index.to_string(), str::to_owned)
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

fn shown(value: &Value, hidden: bool) -> Shown {
    match value {
        Value::Null => Shown::Absent,
        _ if hidden => Shown::Hidden,
        Value::String(text) => Shown::Value(text.clone()),
        other => Shown::Value(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named_by_their_paths_and_values_of_variables_are_hidden() {
        let variant = |image: &str, environment: Value, count: u32| {
            let container = json!({"Image": image, "Environment": environment});
            json!({"ProductionVariants": [
                {"VariantName": "AllTraffic", "InitialInstanceCount": count, "Model": {"PrimaryContainer": container}},
            ]})
        };
        let before = variant("bikes@sha256:1", json!({"LEVEL": "info", "KEY": "hunter1", "OLD": "hunter0"}), 1);
        let after = variant("bikes@sha256:2", json!({"LEVEL": "info", "KEY": "hunter2", "NEW": "hunter3"}), 2);

        let changes = changes(&before, &after);

        let lines: Vec<String> =
            changes.iter().map(|it| format!("{}: {} -> {}", it.subject, it.before, it.after)).collect();
        let inside = "ProductionVariants[AllTraffic]";
        assert_eq!(
            lines,
            [
                format!("{inside}.InitialInstanceCount: 1 -> 2"),
                format!("{inside}.Model.PrimaryContainer.Image: bikes@sha256:1 -> bikes@sha256:2"),
                format!("{inside}.Model.PrimaryContainer.Environment.KEY: (hidden) -> (hidden)"),
                format!("{inside}.Model.PrimaryContainer.Environment.NEW: (none) -> (hidden)"),
                format!("{inside}.Model.PrimaryContainer.Environment.OLD: (hidden) -> (none)"),
            ]
        );
        assert!(!lines.concat().contains("hunter"));
    }

    #[test]
    fn what_aws_fills_in_is_no_difference() {
        let asked = json!({"Image": "a", "Variants": [{"Weight": 1}]});
        assert!(holds(&json!({"Image": "a", "Mode": "SingleModel", "Variants": [{"Weight": 1.0, "Size": 5}]}), &asked));
        for there in [
            json!({"Image": "b", "Variants": [{"Weight": 1}]}),
            json!({"Image": "a", "Variants": []}),
            json!({"Image": "a"}),
        ] {
            assert!(!holds(&there, &asked), "{there}");
        }
    }

    #[test]
    fn the_order_of_members_is_no_difference() {
        assert_eq!(changes(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})), []);
    }

    #[test]
    fn a_new_document_is_shown_by_its_parts() {
        let new = json!({"Model": {"Environment": {"KEY": "hunter2"}}});
        assert_eq!(changes(&Value::Null, &new)[0].after, Shown::Hidden);
        let listed = json!({"ProductionVariants": [{"VariantName": "A", "Model": new["Model"]}]});
        for (before, after) in
            [(&Value::Null, &listed), (&listed, &Value::Null), (&json!({"ProductionVariants": []}), &listed)]
        {
            let shown = format!("{:?}", changes(before, after));
            assert!(shown.contains("Environment.KEY") && !shown.contains("hunter"), "{shown}");
        }
    }
}
