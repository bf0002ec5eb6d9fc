//! The published shapes of the API, and whether a document is of a shape.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::wire::Refusal;

/// The shapes of the operations that the simulator knows, by service; `models/README.md` says where they come from. A further
/// service is a further line here.
static MODELS: LazyLock<[Model; 8]> = LazyLock::new(|| {
    [
        include_str!("../models/application-autoscaling.json"),
        include_str!("../models/cloudwatch.json"),
        include_str!("../models/codedeploy.json"),
        include_str!("../models/ecr.json"),
        include_str!("../models/ecs.json"),
        include_str!("../models/events.json"),
        include_str!("../models/logs.json"),
        include_str!("../models/sagemaker.json"),
    ]
    .map(|text| {
        #[expect(clippy::expect_used, reason = "the models are a part of this crate, and a test reads them")]
        serde_json::from_str(text).expect("a file of models/ is a model")
    })
});

/// The service whose requests begin with that prefix: in the `X-Amz-Target` header, or in the path of the CBOR protocol.
pub(crate) fn of_prefix(prefix: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.target_prefix == prefix)
}

/// The service whose requests are signed with that name.
pub(crate) fn of_service(signing_name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.signing_name == signing_name)
}

/// A service's API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Model {
    target_prefix: String,
    /// The service's name in a signature.
    pub(crate) signing_name: String,
    pub(crate) operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) input: String,
    /// `None` for an operation that answers nothing.
    pub(crate) output: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    members: BTreeMap<String, String>,
    member: Option<String>,
    value: Option<String>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Double,
    Float,
    Timestamp,
    Boolean,
}

/// Where a document departs from its shape.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Departure {
    #[error("{path}: a {expected} is expected")]
    Type { path: String, expected: &'static str },
    #[error("{path}: this member is required")]
    Missing { path: String },
    #[error("{path}: there is no such member")]
    Unknown { path: String },
    #[error("{path}: \"{value}\" is none of {allowed}")]
    Value { path: String, value: String, allowed: String },
    #[error("{path}: {measure} is not between {min} and {max}")]
    Range { path: String, measure: f64, min: f64, max: f64 },
}

impl From<Departure> for Refusal {
    fn from(departure: Departure) -> Self {
        let code = match departure {
            Departure::Type { .. } | Departure::Unknown { .. } => "SerializationException",
            Departure::Missing { .. } | Departure::Value { .. } => "ClientException",
            Departure::Range { .. } => "InvalidParameterException",
        };
        Refusal::new(code, departure.to_string())
    }
}

impl Model {
    /// Checks a request, or an answer, against the shape of that name. Patterns are not checked.
    pub(crate) fn check(&self, shape: &str, document: &Value, accept_unknown_members: bool) -> Result<(), Departure> {
        Check { model: self, accept_unknown_members }.value(shape, document, "")
    }
}

impl Model {
    /// The kind of a shape's member; `None` for what the model does not know.
    pub(crate) fn member<'a>(&'a self, shape: &str, name: &str) -> Option<&'a str> {
        let shape = self.shapes.get(shape)?;
        match shape.kind {
            Kind::Structure => shape.members.get(name).map(String::as_str),
            Kind::Map => shape.value.as_deref(),
            Kind::List => shape.member.as_deref(),
            _ => None,
        }
    }

    /// Whether the shape of that name is a moment.
    pub(crate) fn is_timestamp(&self, shape: &str) -> bool {
        self.shapes.get(shape).is_some_and(|shape| shape.kind == Kind::Timestamp)
    }
}

struct Check<'a> {
    model: &'a Model,
    accept_unknown_members: bool,
}

impl Check<'_> {
    fn value(&self, shape: &str, value: &Value, path: &str) -> Result<(), Departure> {
        let shape = &self.model.shapes[shape];
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(members)) => self.structure(shape, members, path),
            (Kind::List, Value::Array(items)) => {
                shape.measure(items.len() as f64, path)?;
                let member = shape.member.as_deref().unwrap_or_default();
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, item)| self.value(member, item, &format!("{path}[{index}]")))
            }
            (Kind::Map, Value::Object(entries)) => {
                let member = shape.value.as_deref().unwrap_or_default();
                entries.iter().try_for_each(|(key, entry)| self.value(member, entry, &join(path, key)))
            }
            (Kind::String, Value::String(text)) => {
                shape.measure(text.chars().count() as f64, path)?;
                shape.allow(text, path)
            }
            (Kind::Integer | Kind::Long, Value::Number(number)) if number.is_i64() => {
                shape.measure(number.as_f64().unwrap_or_default(), path)
            }
            (Kind::Double | Kind::Float, Value::Number(number)) => {
                shape.measure(number.as_f64().unwrap_or_default(), path)
            }
            (Kind::Timestamp, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => Ok(()),
            _ => Err(Departure::Type { path: shown(path), expected: shape.kind.name() }),
        }
    }

    fn structure(&self, shape: &Shape, members: &serde_json::Map<String, Value>, path: &str) -> Result<(), Departure> {
        let given = |name: &String| members.get(name).is_some_and(|member| !member.is_null());
        if let Some(missing) = shape.required.iter().find(|name| !given(name)) {
            return Err(Departure::Missing { path: join(path, missing) });
        }
        for (name, member) in members {
            match shape.members.get(name) {
                // A null is the same as nothing, in awsJson1.1.
                Some(_) if member.is_null() => {}
                Some(shape) => self.value(shape, member, &join(path, name))?,
                None if self.accept_unknown_members => {}
                None => return Err(Departure::Unknown { path: join(path, name) }),
            }
        }
        Ok(())
    }
}

impl Shape {
    fn allow(&self, text: &str, path: &str) -> Result<(), Departure> {
        if self.values.is_empty() || self.values.iter().any(|allowed| allowed == text) {
            return Ok(());
        }
        Err(Departure::Value { path: shown(path), value: text.to_owned(), allowed: self.values.join(", ") })
    }

    fn measure(&self, measure: f64, path: &str) -> Result<(), Departure> {
        let (min, max) = (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        if (min..=max).contains(&measure) {
            return Ok(());
        }
        Err(Departure::Range { path: shown(path), measure, min, max })
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::List => "list",
            Self::Map => "map",
            Self::String => "string",
            Self::Integer | Self::Long => "whole number",
            Self::Double | Self::Float => "number",
            Self::Timestamp => "timestamp",
            Self::Boolean => "boolean",
        }
    }
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

fn shown(path: &str) -> String {
    if path.is_empty() { "the request".to_owned() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ecs() -> &'static Model {
        of_service("ecs").unwrap()
    }

    fn complaint(operation: &str, request: &Value) -> Option<String> {
        let input = &ecs().operations[operation].input;
        ecs().check(input, request, false).err().map(|departure| departure.to_string())
    }

    #[test]
    fn names_the_path_of_what_is_wrong() {
        for (operation, request, expected) in [
            ("DescribeServices", json!({}), "services: this member is required"),
            ("DescribeServices", json!({"services": null}), "services: this member is required"),
            ("DescribeServices", json!({"services": "web"}), "services: a list is expected"),
            (
                "DescribeServices",
                json!({"services": ["web"], "include": ["ALL"]}),
                "include[0]: \"ALL\" is none of TAGS",
            ),
            ("UpdateService", json!({"service": "web", "colour": "red"}), "colour: there is no such member"),
            (
                "UpdateService",
                json!({"service": "web", "desiredCount": 1.5}),
                "desiredCount: a whole number is expected",
            ),
            (
                "UpdateService",
                json!({"service": "web", "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1001}]}),
                "capacityProviderStrategy[0].weight: 1001 is not between 0 and 1000",
            ),
            (
                "RegisterTaskDefinition",
                json!({"family": "web", "containerDefinitions": [{"name": "a", "secrets": [{"name": "B"}]}]}),
                "containerDefinitions[0].secrets[0].valueFrom: this member is required",
            ),
        ] {
            assert_eq!(complaint(operation, &request).as_deref(), Some(expected));
        }
    }

    #[test]
    fn accepts_what_is_well_formed() {
        let request = json!({
            "family": "web",
            "cpu": null,
            "containerDefinitions": [{"name": "a", "image": "", "environment": [], "dockerLabels": {"any key": "any value"}}],
        });
        assert_eq!(complaint("RegisterTaskDefinition", &request), None);
    }

    #[test]
    fn an_api_of_tomorrow_accepts_unknown_members_but_not_unknown_values() {
        let input = &ecs().operations["UpdateService"].input;
        assert_eq!(ecs().check(input, &json!({"service": "web", "colour": "red"}), true), Ok(()));
        assert!(ecs().check(input, &json!({"service": "web", "propagateTags": "ALL"}), true).is_err());
    }

    #[test]
    fn every_shape_that_is_referred_to_is_there() {
        for model in MODELS.iter() {
            for shape in model.shapes.values() {
                for name in shape.members.values().chain(&shape.member).chain(&shape.value) {
                    assert!(model.shapes.contains_key(name), "{name}");
                }
            }
        }
    }
}
