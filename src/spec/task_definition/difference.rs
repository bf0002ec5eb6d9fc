//! What changes between two documents.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use similar::TextDiff;

use super::TaskDefinition;
use super::normal::{is_keyed, key_of, normal_form};
use crate::cycle::{Change, Plan, Shown};

/// Lists whose values are nobody's business: variables, and where secrets come from.
const HIDDEN_LISTS: [&str; 3] = ["environment", "secrets", "secretOptions"];
/// What people write for those by mistake. ECS refuses or ignores the member, and its values are nobody's business all the same.
const HIDDEN_SLIPS: [&str; 8] =
    ["env", "envs", "environment", "environments", "environmentvariables", "secret", "secrets", "secretoptions"];
/// Objects with keys of the user's own, some of which are credentials: a log driver's token, a network drive's password.
const FREE_FORM: [&str; 4] = ["options", "driverOpts", "dockerLabels", "labels"];
/// Parts of such a key that give it away.
const CREDENTIAL_WORDS: [&str; 8] =
    ["token", "password", "passwd", "secret", "apikey", "api_key", "api-key", "credential"];
/// Lists whose items are words of a command. Most are worth showing; some are credentials.
const COMMANDS: [&str; 2] = ["command", "entryPoint"];
/// What stands for a value that is not shown.
const HIDDEN: &str = "(hidden)";
const HIDDEN_AND_CHANGED: &str = "(hidden, changed)";
/// Unchanged lines around a change in the diff.
const CONTEXT: usize = 3;

/// The changes from one document to another, in AWS's terms: order where ECS knows none, other spellings of an amount, and
/// what ECS fills in by itself are no changes. Tags are left out: they are another resource's business.
///
/// Values of environment variables, of secrets (where they come from), of log and volume options that are called like a
/// credential, and words of a command that look like one are never shown, only that they change. ARNs such as
/// `repositoryCredentials.credentialsParameter` are shown.
pub fn difference(before: &TaskDefinition, after: &TaskDefinition) -> Plan {
    let (before, after) = (normal_form(before), normal_form(after));
    let mut walk = Walk::default();
    walk.compare(&Path::default(), Some(&before), Some(&after));
    if walk.changes.is_empty() {
        return Plan::default();
    }
    let before = pretty(&redact(&Path::default(), &before, &BTreeSet::new()));
    let after = pretty(&redact(&Path::default(), &after, &walk.hidden));
    let diff = TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(CONTEXT)
        .header("running", "requested")
        .to_string();
    Plan { changes: walk.changes, diff }
}

fn pretty(value: &Value) -> String {
    // Alternate `Display` of a JSON value is its indented form.
    format!("{value:#}\n")
}

/// A place in a document: what it is called, and what decides whether its value may be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Path {
    /// `containerDefinitions[web].image`.
    text: String,
    /// The member's name; for an item that of its list.
    name: String,
    /// Whether nothing from here on is shown.
    hidden: bool,
    /// Whether the keys of the object that this is are the user's own.
    free_form: bool,
    /// Whether this is an item of a list.
    is_item: bool,
}

/// Whether the values of the member with that key are never shown.
fn is_hidden(key: &str) -> bool {
    HIDDEN_LISTS.contains(&key) || HIDDEN_SLIPS.contains(&key.to_ascii_lowercase().as_str())
}

fn speaks_of_a_credential(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    CREDENTIAL_WORDS.iter().any(|word| text.contains(word))
}

/// Whether a word of a command may be a credential: it speaks of one (`--password=…`), the option before it does, or it is an
/// address with a password.
fn bears_a_credential(command: &[Value], number: usize) -> bool {
    let word = |number: usize| command.get(number).and_then(Value::as_str).unwrap_or_default();
    let before = number.checked_sub(1).map(word).filter(|before| before.starts_with('-')).unwrap_or_default();
    let has_password = word(number).split("://").skip(1).any(|address| {
        address
            .split(['/', ' '])
            .next()
            .and_then(|host| host.split_once('@'))
            .is_some_and(|(user, _)| user.contains(':'))
    });
    has_password || speaks_of_a_credential(word(number)) || speaks_of_a_credential(before)
}

impl Path {
    fn member(&self, key: &str) -> Self {
        let text = if self.text.is_empty() { key.to_owned() } else { format!("{}.{key}", self.text) };
        let hidden = self.hidden || if self.free_form { speaks_of_a_credential(key) } else { is_hidden(key) };
        Self {
            text,
            name: key.to_owned(),
            hidden,
            free_form: !self.free_form && FREE_FORM.contains(&key),
            is_item: false,
        }
    }

    fn item(&self, key: &str) -> Self {
        Self { text: format!("{}[{key}]", self.text), is_item: true, ..self.clone() }
    }

    /// Whether this is a list that is compared item by item.
    fn is_list(&self) -> bool {
        is_keyed(&self.name) && !self.is_item
    }

    /// Whether this is an item of a list of the words of a command.
    fn is_word(&self) -> bool {
        COMMANDS.contains(&self.name.as_str()) && self.is_item
    }

    /// The item of a list whose values are hidden: its name may be shown, and it is one change.
    fn is_hidden_item(&self) -> bool {
        self.hidden && self.is_item
    }
}

/// The changes that were met on the way.
#[derive(Default)]
struct Walk {
    changes: Vec<Change>,
    /// The paths of hidden values that are not what they were.
    hidden: BTreeSet<String>,
}

impl Walk {
    fn compare(&mut self, path: &Path, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        match (before, after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) if !path.hidden => {
                for key in keys(before, after) {
                    self.compare(&path.member(key), before.get(key), after.get(key));
                }
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) if path.is_list() => {
                let (before, after) = (items(before, &path.name), items(after, &path.name));
                for (key, item) in &before {
                    self.compare(&path.item(key), Some(item), find(&after, key));
                }
                for (key, item) in after.iter().filter(|(key, _)| find(&before, key).is_none()) {
                    self.compare(&path.item(key), None, Some(item));
                }
            }
            // A list that was not there is an empty one: each of its items is a change of its own.
            (None, Some(Value::Array(_))) if path.is_list() => {
                self.compare(path, Some(&Value::Array(Vec::new())), after)
            }
            (Some(Value::Array(_)), None) if path.is_list() => {
                self.compare(path, before, Some(&Value::Array(Vec::new())))
            }
            (before, after) => {
                if let (Some(before), Some(after)) = (before, after) {
                    self.note_hidden(path, before, after);
                }
                let (before, after) = match (shown(path, before), shown(path, after)) {
                    // What differs is not shown.
                    (Shown::Value(before), Shown::Value(after)) if before == after => (Shown::Hidden, Shown::Hidden),
                    shown => shown,
                };
                self.changes.push(Change { subject: path.text.clone(), before, after });
            }
        }
    }

    /// Notes what differs in a value that is compared as a whole, and would look the same.
    fn note_hidden(&mut self, path: &Path, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        match (before, after) {
            (Value::Array(before), Value::Array(after)) if path.is_list() => {
                let after = items(after, &path.name);
                for (key, before) in items(before, &path.name) {
                    if let Some(after) = find(&after, &key) {
                        self.note_hidden(&path.item(&key), before, after);
                    }
                }
            }
            _ if path.hidden => {
                self.hidden.insert(path.text.clone());
            }
            (Value::Object(before), Value::Object(after)) => {
                for (key, before) in before {
                    if let Some(after) = after.get(key) {
                        self.note_hidden(&path.member(key), before, after);
                    }
                }
            }
            (Value::Array(before), Value::Array(after)) => {
                for (number, pair) in before.iter().zip(after).enumerate() {
                    let mut path = path.item(&number.to_string());
                    path.hidden = path.is_word() && bears_a_credential(after, number);
                    self.note_hidden(&path, pair.0, pair.1);
                }
            }
            _ => {}
        }
    }
}

fn keys<'a>(before: &'a Map<String, Value>, after: &'a Map<String, Value>) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}

/// The items by what tells them apart; where that is missing or not unique, by their number.
fn items<'a>(list: &'a [Value], name: &str) -> Vec<(String, &'a Value)> {
    let mut items: Vec<(String, &Value)> = Vec::with_capacity(list.len());
    for (number, item) in list.iter().enumerate() {
        let key = key_of(item, name).unwrap_or_else(|| number.to_string());
        let key = if find(&items, &key).is_some() { format!("{key}#{number}") } else { key };
        items.push((key, item));
    }
    items
}

fn find<'a>(items: &[(String, &'a Value)], key: &str) -> Option<&'a Value> {
    items.iter().find(|(other, _)| other == key).map(|(_, item)| *item)
}

fn shown(path: &Path, value: Option<&Value>) -> Shown {
    match value {
        None => Shown::Absent,
        Some(_) if path.hidden => Shown::Hidden,
        Some(Value::String(text)) => Shown::Value(text.clone()),
        Some(value) => Shown::Value(redact(path, value, &BTreeSet::new()).to_string()),
    }
}

/// The value with a mark for everything that is hidden, and another one for what is not as it was.
fn redact(path: &Path, value: &Value, changed: &BTreeSet<String>) -> Value {
    match value {
        Value::Array(list) if path.is_list() => Value::Array(
            items(list, &path.name).iter().map(|(key, item)| redact(&path.item(key), item, changed)).collect(),
        ),
        Value::Object(members) if path.is_hidden_item() => Value::Object(
            members
                .iter()
                .map(|(key, value)| {
                    let is_name = key == "name" && value.is_string();
                    (key.clone(), if is_name { value.clone() } else { mark(path, changed) })
                })
                .collect(),
        ),
        _ if path.hidden => mark(path, changed),
        Value::Array(list) => Value::Array(
            list.iter()
                .enumerate()
                .map(|(number, item)| {
                    let mut path = path.item(&number.to_string());
                    path.hidden = path.is_word() && bears_a_credential(list, number);
                    redact(&path, item, changed)
                })
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members.iter().map(|(key, value)| (key.clone(), redact(&path.member(key), value, changed))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn mark(path: &Path, changed: &BTreeSet<String>) -> Value {
    let mark = if changed.contains(&path.text) { HIDDEN_AND_CHANGED } else { HIDDEN };
    Value::String(mark.to_owned())
}

#[cfg(test)]
mod tests;
