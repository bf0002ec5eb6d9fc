//! The document itself.

use std::fmt;
use std::path::Path;

use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use super::place::{DOCUMENT, Place};

/// The members that only DescribeTaskDefinition's answer has: RegisterTaskDefinition refuses or ignores each of them.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>, compared with
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
pub(super) const RESPONSE_ONLY: [&str; 9] = [
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

/// A task definition as a document: keys that nobody here knows survive, and so do empty texts, lists and objects.
#[derive(Clone, PartialEq)]
pub struct TaskDefinition(pub(super) Map<String, Value>);

/// A tag of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, taken as it is.
    Json,
    /// YAML; a number or a boolean without quotes is a text where ECS wants one (the value of an environment variable, the
    /// task's `cpu`, an item of a command, a label, ...), letter by letter, so `1.10` stays `1.10`.
    Yaml,
}

impl Format {
    /// By the file's name if that says it, else by the text's first character.
    pub fn detect(path: &Path, text: &str) -> Self {
        let content = if text.trim_start_matches(BYTE_ORDER_MARK).trim_start().starts_with(['{', '[']) {
            Self::Json
        } else {
            Self::Yaml
        };
        match Self::of_extension(path) {
            Some(Self::Yaml) => Self::Yaml,
            // A file called .json that holds YAML was always good enough for the official deploy action.
            Some(Self::Json) | None => content,
        }
    }

    /// By the file's name alone.
    pub fn of_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A text that is not a task definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text breaks the rules of its format.
    #[error("is not valid {format}: line {line}, column {column}: {problem}")]
    Syntax {
        /// The format.
        format: Format,
        /// The line, from 1; 0 when it is not known.
        line: usize,
        /// The column, from 1; 0 when it is not known.
        column: usize,
        /// What the parser found.
        problem: String,
    },
    /// The document is something else than an object.
    #[error("holds {found}, not an object with `family` and `containerDefinitions`")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A document has one of the members of the wrong type, so that nothing in it can be found.
    #[error("has a `{member}` that is not {wanted}")]
    WrongType {
        /// The member.
        member: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
}

impl TaskDefinition {
    /// Reads a document. What `aws ecs describe-task-definition` prints (`{"taskDefinition": …, "tags": […]}`) is one too.
    ///
    /// # Errors
    /// When it is not one object in that format, or has a key twice.
    pub fn parse(text: &str, format: Format) -> Result<Self, DocumentError> {
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        let value = match format {
            Format::Json => json(text)?,
            Format::Yaml => yaml(text)?,
        };
        let Value::Object(mut members) = value else {
            return Err(DocumentError::NotAnObject { found: kind(&value) });
        };
        match members.remove("taskDefinition") {
            None => Self::checked(members),
            Some(inner) => Self::from_described(inner, members.remove("tags")),
        }
    }

    /// The document in an answer of DescribeTaskDefinition, and the tags beside it.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn from_described(task_definition: Value, tags: Option<Value>) -> Result<Self, DocumentError> {
        let Value::Object(mut members) = task_definition else {
            return Err(DocumentError::NotAnObject { found: kind(&task_definition) });
        };
        if let Some(tags) = tags.filter(|tags| tags.as_array().is_none_or(|tags| !tags.is_empty()) && !tags.is_null()) {
            members.insert("tags".to_owned(), tags);
        }
        Self::checked(members)
    }

    fn checked(members: Map<String, Value>) -> Result<Self, DocumentError> {
        for member in ["containerDefinitions", "tags"] {
            if members.get(member).is_some_and(|list| !list.is_array() && !list.is_null()) {
                return Err(DocumentError::WrongType { member, wanted: "a list" });
            }
        }
        Ok(Self(members))
    }

    /// The body for RegisterTaskDefinition: the document less the nine members that only answers have and less its nulls, at
    /// any depth. Everything else is as it was, known or not, empty or not.
    pub fn register_input(&self) -> Value {
        let members = self.0.iter().filter(|(key, _)| !RESPONSE_ONLY.contains(&key.as_str()));
        Value::Object(without_nulls(members))
    }

    /// The family, if the document names one.
    pub fn family(&self) -> Option<&str> {
        self.0.get("family")?.as_str()
    }

    /// A role, by the member that names it: `taskRoleArn` or `executionRoleArn`. Its ARN, or only its name.
    pub fn role(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str().filter(|role| !role.is_empty())
    }

    /// The names of the containers, in order.
    pub fn container_names(&self) -> Vec<&str> {
        self.containers().filter_map(|container| container.get("name")?.as_str()).collect()
    }

    /// The containers' names and images, in order; containers that lack one are left out.
    pub fn images(&self) -> Vec<(&str, &str)> {
        self.containers()
            .filter_map(|container| Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?)))
            .collect()
    }

    /// Whether the volume of that name gets its configuration from the service or from RunTask.
    pub fn is_configured_at_launch(&self, volume: &str) -> bool {
        let volumes = self.0.get("volumes").and_then(Value::as_array);
        volumes.into_iter().flatten().any(|it| it["name"] == volume && it["configuredAtLaunch"] == true)
    }

    /// A member of the document.
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.0.get(member)
    }

    /// The document with each container's image replaced.
    #[must_use]
    pub fn with_images(&self, replace: impl Fn(&str) -> String) -> Self {
        let mut members = self.0.clone();
        let containers = members.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if let Some(Value::String(image)) = container.get_mut("image") {
                *image = replace(image);
            }
        }
        Self(members)
    }

    /// The document with these tags besides its own; a tag of the same key is replaced.
    #[must_use]
    pub fn with_tags(&self, tags: &[Tag]) -> Self {
        let mut members = self.0.clone();
        let mut all = match members.remove("tags") {
            Some(Value::Array(all)) => all,
            _ => Vec::new(),
        };
        for tag in tags {
            let item = serde_json::json!({"key": tag.key, "value": tag.value});
            match all.iter_mut().find(|other| other.get("key").and_then(Value::as_str) == Some(tag.key.as_str())) {
                Some(other) => *other = item,
                None => all.push(item),
            }
        }
        if !all.is_empty() {
            members.insert("tags".to_owned(), Value::Array(all));
        }
        Self(members)
    }

    /// The document less the tags whose keys begin so.
    #[must_use]
    pub fn without_tags(&self, prefix: &str) -> Self {
        let mut members = self.0.clone();
        if let Some(Value::Array(tags)) = members.get_mut("tags") {
            tags.retain(|tag| !tag.get("key").and_then(Value::as_str).is_some_and(|key| key.starts_with(prefix)));
            if tags.is_empty() {
                members.remove("tags");
            }
        }
        Self(members)
    }

    /// The document's tags.
    pub fn tags(&self) -> Vec<Tag> {
        let text = |tag: &Value, member| tag.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tags = self.0.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        tags.iter().map(|tag| Tag { key: text(tag, "key"), value: text(tag, "value") }).collect()
    }

    /// How many GPUs a task needs.
    pub fn gpus(&self) -> usize {
        self.containers()
            .filter_map(|container| container.get("resourceRequirements")?.as_array())
            .flatten()
            .filter(|requirement| requirement["type"] == "GPU")
            .filter_map(|requirement| requirement["value"].as_str()?.parse::<usize>().ok())
            .sum()
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let list = self.0.get("containerDefinitions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_object)
    }
}

/// Names only: the values of environment variables are inside.
impl fmt::Debug for TaskDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskDefinition")
            .field("family", &self.family())
            .field("containers", &self.container_names())
            .finish_non_exhaustive()
    }
}

fn without_nulls<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> Map<String, Value> {
    members
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), without_nulls_inside(value)))
        .collect()
}

fn without_nulls_inside(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(without_nulls(members.iter())),
        Value::Array(items) => {
            Value::Array(items.iter().filter(|item| !item.is_null()).map(without_nulls_inside).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn json(text: &str) -> Result<Value, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // Nothing is taken for a text in JSON: what is a number there was meant as one.
    let value = Place::Any.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| DocumentError::Syntax {
        format: Format::Json,
        line: error.line(),
        column: error.column(),
        problem: first_clause(&error.to_string()),
    })
}

fn yaml(text: &str) -> Result<Value, DocumentError> {
    DOCUMENT.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| DocumentError::Syntax {
        format: Format::Yaml,
        line: error.location().map_or(0, |location| location.line()),
        column: error.location().map_or(0, |location| location.column()),
        problem: first_clause(&error.to_string()),
    })
}

/// A parser's message without the position that it ends with.
fn first_clause(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn from_yaml(text: &str) -> Value {
        TaskDefinition::parse(text, Format::Yaml).unwrap().register_input()
    }

    #[test]
    fn what_is_registered_is_the_document_less_nulls_and_what_only_answers_have() {
        let text = r#"{
            "taskDefinitionArn": "arn", "revision": 3, "status": "ACTIVE", "registeredAt": 1.5, "registeredBy": "me",
            "deregisteredAt": 2, "deleteRequestedAt": 3, "compatibilities": [], "requiresAttributes": [],
            "family": "web", "future": {"deep": [{"x": null, "status": ""}], "revision": 1},
            "containerDefinitions": [null, {"name": "web", "image": "", "command": ["", null], "dockerLabels": {}, "links": []}],
            "pidMode": null, "ratio": 1.0, "large": 18446744073709551615
        }"#;

        let body = TaskDefinition::parse(text, Format::Json).unwrap().register_input().to_string();

        let expected = r#"{"family":"web","future":{"deep":[{"status":""}],"revision":1},"containerDefinitions":[{"name":"web","image":"","command":[""],"dockerLabels":{},"links":[]}],"ratio":1.0,"large":18446744073709551615}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn yaml_without_quotes_is_a_text_where_ecs_wants_one_and_only_there() {
        let body = from_yaml(
            "family: web
cpu: 256
memory: 0512
containerDefinitions:
  - name: web
    image: app
    cpu: 10
    essential: true
    user: 1000
    stopTimeout: 30
    command: [serve, 8080, true, 0x1F, null]
    environment:
      - {name: PORT, value: 8080}
      - {name: VERSION, value: 1.10}
      - {name: DEBUG, value: yes}
      - {name: NOTHING, value: ~}
      - {name: QUOTED, value: '~'}
    dockerLabels: {release: 2.0, 8080: true}
    logConfiguration: {logDriver: awslogs, options: {max-buffer-size: 25}}
    portMappings: [{containerPort: 8080}]
tags: [{key: release, value: 7}]
",
        );

        let expected = json!({
            "family": "web",
            "cpu": "256",
            "memory": "0512",
            "containerDefinitions": [{
                "name": "web",
                "image": "app",
                "cpu": 10,
                "essential": true,
                "user": "1000",
                "stopTimeout": 30,
                "command": ["serve", "8080", "true", "0x1F"],
                "environment": [
                    {"name": "PORT", "value": "8080"},
                    {"name": "VERSION", "value": "1.10"},
                    {"name": "DEBUG", "value": "yes"},
                    {"name": "NOTHING"},
                    {"name": "QUOTED", "value": "~"},
                ],
                "dockerLabels": {"release": "2.0", "8080": "true"},
                "logConfiguration": {"logDriver": "awslogs", "options": {"max-buffer-size": "25"}},
                "portMappings": [{"containerPort": 8080}],
            }],
            "tags": [{"key": "release", "value": "7"}],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn what_the_aws_cli_prints_is_a_document_in_both_formats() {
        let json =
            r#"{"taskDefinition": {"family": "web", "revision": 7}, "tags": [{"key": "team", "value": "shop"}]}"#;
        let yaml = "taskDefinition: {family: web, cpu: 256}\ntags: []";

        let with_tags = TaskDefinition::parse(json, Format::Json).unwrap();
        let without = TaskDefinition::parse(yaml, Format::Yaml).unwrap();

        assert_eq!(with_tags.register_input(), json!({"family": "web", "tags": [{"key": "team", "value": "shop"}]}));
        assert_eq!(without.register_input(), json!({"family": "web", "cpu": "256"}));
    }

    #[test]
    fn a_document_that_means_two_things_is_refused() {
        for (text, format) in [
            (r#"{"family": "a", "family": "b"}"#, Format::Json),
            ("family: a\nfamily: b", Format::Yaml),
            ("containerDefinitions:\n  - dockerLabels: {x: 1, x: 2}", Format::Yaml),
        ] {
            let error = TaskDefinition::parse(text, format).unwrap_err();

            assert!(error.to_string().contains("occurs twice"), "{error}");
        }
        let merge = TaskDefinition::parse("one: &one {family: web}\ntwo: {<<: *one}", Format::Yaml).unwrap_err();
        assert!(merge.to_string().contains("merge keys"), "{merge}");
    }

    #[test]
    fn syntax_errors_say_where() {
        let broken = [("{\n  \"family\": oops}", Format::Json), ("family: web\ncpu: [1", Format::Yaml)];
        for (text, format) in broken {
            let error = TaskDefinition::parse(text, format).unwrap_err();

            assert!(matches!(error, DocumentError::Syntax { line: 2.., .. }), "{error}");
        }
        for text in ["[]", "7", "null", "\"web\""] {
            let error = TaskDefinition::parse(text, Format::Json).unwrap_err();
            assert!(matches!(error, DocumentError::NotAnObject { .. }), "{error}");
        }
        let error = TaskDefinition::parse(r#"{"containerDefinitions": {}}"#, Format::Json).unwrap_err();
        assert_eq!(error.to_string(), "has a `containerDefinitions` that is not a list");
    }

    #[test]
    fn the_format_is_seen_from_the_name_and_from_the_text() {
        for (name, text, format) in [
            ("web.json", "{}", Format::Json),
            ("web.json", "\u{feff}\n{}", Format::Json),
            ("web.json", "family: web", Format::Yaml),
            ("web.yml", "{family: web}", Format::Yaml),
            ("web.YAML", "family: web", Format::Yaml),
            ("web", "{}", Format::Json),
            ("web", "family: web", Format::Yaml),
        ] {
            assert_eq!(Format::detect(Path::new(name), text), format, "{name} {text}");
        }
    }

    #[test]
    fn tags_are_added_and_replaced() {
        let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
        let document =
            TaskDefinition::parse(r#"{"family": "web", "tags": [{"key": "a", "value": "1"}]}"#, Format::Json).unwrap();

        assert_eq!(document.with_tags(&[tag("b", "2"), tag("a", "3")]).tags(), [tag("a", "3"), tag("b", "2")]);
        assert_eq!(document.with_tags(&[]), document);
    }

    #[test]
    fn a_number_comes_out_as_it_went_in() {
        for number in ["1.8446744036854275e+18", "18446744073709551615", "-0.1", "512"] {
            let document = TaskDefinition::parse(&format!("{{\"future\": {number}}}"), Format::Json).unwrap();

            assert_eq!(document.register_input()["future"].to_string(), number);
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let document = TaskDefinition::parse(
            r#"{"containerDefinitions": [{"name": "web", "environment": [{"name": "A", "value": "hunter2"}]}]}"#,
            Format::Json,
        );

        assert!(!format!("{document:?}").contains("hunter2"));
    }
}
