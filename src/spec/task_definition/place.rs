//! Where a task definition holds texts, so that YAML's numbers and booleans can be read as what they look like.

use std::fmt;

use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What stands at one place of a document.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Whatever is written there.
    Any,
    /// A text: `8080`, `1.10` and `true` without quotes are texts too, letter by letter.
    Text,
    /// A list of this.
    List(&'static Self),
    /// An object with any keys and these values.
    Map(&'static Self),
    /// An object of which these members are known.
    Object(&'static [(&'static str, &'static Self)]),
}

const TEXT: &Place = &Place::Text;
const TEXTS: &Place = &Place::List(TEXT);
const TEXT_MAP: &Place = &Place::Map(TEXT);
const NAMED_VALUES: &Place = &Place::List(&Place::Object(&[("name", TEXT), ("value", TEXT)]));
const SECRETS: &Place = &Place::List(&Place::Object(&[("name", TEXT), ("valueFrom", TEXT)]));

/// A task definition: the members of type String, wherever people write numbers or booleans into them.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
pub(super) static DOCUMENT: Place = Place::Object(&[
    ("taskDefinition", &DOCUMENT),
    ("family", TEXT),
    ("taskRoleArn", TEXT),
    ("executionRoleArn", TEXT),
    ("cpu", TEXT),
    ("memory", TEXT),
    ("containerDefinitions", &Place::List(CONTAINER)),
    ("volumes", &Place::List(VOLUME)),
    ("tags", &Place::List(&Place::Object(&[("key", TEXT), ("value", TEXT)]))),
    ("proxyConfiguration", &Place::Object(&[("containerName", TEXT), ("properties", NAMED_VALUES)])),
    ("placementConstraints", &Place::List(&Place::Object(&[("expression", TEXT)]))),
    ("inferenceAccelerators", &Place::List(&Place::Object(&[("deviceName", TEXT), ("deviceType", TEXT)]))),
]);

const CONTAINER: &Place = &Place::Object(&[
    ("name", TEXT),
    ("image", TEXT),
    ("command", TEXTS),
    ("entryPoint", TEXTS),
    ("environment", NAMED_VALUES),
    ("environmentFiles", &Place::List(&Place::Object(&[("value", TEXT)]))),
    ("secrets", SECRETS),
    ("dockerLabels", TEXT_MAP),
    ("logConfiguration", &Place::Object(&[("options", TEXT_MAP), ("secretOptions", SECRETS)])),
    ("firelensConfiguration", &Place::Object(&[("options", TEXT_MAP)])),
    ("healthCheck", &Place::Object(&[("command", TEXTS)])),
    ("portMappings", &Place::List(&Place::Object(&[("name", TEXT), ("containerPortRange", TEXT)]))),
    ("mountPoints", &Place::List(&Place::Object(&[("sourceVolume", TEXT), ("containerPath", TEXT)]))),
    ("volumesFrom", &Place::List(&Place::Object(&[("sourceContainer", TEXT)]))),
    ("dependsOn", &Place::List(&Place::Object(&[("containerName", TEXT)]))),
    ("systemControls", &Place::List(&Place::Object(&[("namespace", TEXT), ("value", TEXT)]))),
    ("resourceRequirements", &Place::List(&Place::Object(&[("value", TEXT)]))),
    ("extraHosts", &Place::List(&Place::Object(&[("hostname", TEXT), ("ipAddress", TEXT)]))),
    ("links", TEXTS),
    ("dnsServers", TEXTS),
    ("dnsSearchDomains", TEXTS),
    ("dockerSecurityOptions", TEXTS),
    ("credentialSpecs", TEXTS),
    ("hostname", TEXT),
    ("user", TEXT),
    ("workingDirectory", TEXT),
]);

const VOLUME: &Place = &Place::Object(&[
    ("name", TEXT),
    ("host", &Place::Object(&[("sourcePath", TEXT)])),
    ("dockerVolumeConfiguration", &Place::Object(&[("driver", TEXT), ("driverOpts", TEXT_MAP), ("labels", TEXT_MAP)])),
    ("efsVolumeConfiguration", &Place::Object(&[("fileSystemId", TEXT), ("rootDirectory", TEXT)])),
]);

impl Place {
    fn member(self, key: &str) -> Self {
        match self {
            Self::Object(members) => {
                members.iter().find(|(name, _)| *name == key).map_or(Self::Any, |(_, place)| **place)
            }
            Self::Map(place) => *place,
            Self::Any | Self::Text | Self::List(_) => Self::Any,
        }
    }

    fn item(self) -> Self {
        match self {
            Self::List(place) => *place,
            Self::Any | Self::Text | Self::Map(_) | Self::Object(_) => Self::Any,
        }
    }
}

impl Place {
    /// Calls back with the path of everything that is not a text where one has to be.
    pub(super) fn find_other_types(self, value: &Value, subject: &str, found: &mut impl FnMut(String)) {
        match (self, value) {
            (Self::Text, Value::String(_) | Value::Null) => {}
            (Self::Text, _) => found(subject.to_owned()),
            (Self::List(place), Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    let key =
                        item.get("name").and_then(Value::as_str).map_or_else(|| number.to_string(), str::to_owned);
                    place.find_other_types(item, &format!("{subject}[{key}]"), found);
                }
            }
            (Self::Object(_) | Self::Map(_), Value::Object(members)) => {
                for (key, value) in members {
                    let subject = if subject.is_empty() { key.clone() } else { format!("{subject}.{key}") };
                    self.member(key).find_other_types(value, &subject, found);
                }
            }
            (Self::Any | Self::List(_) | Self::Object(_) | Self::Map(_), _) => {}
        }
    }
}

/// Reads a value with what is known of its place. Unlike `serde_json::Value` it does not take the last of two equal keys: that
/// would deploy one of two meanings.
impl<'de> DeserializeSeed<'de> for Place {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            // The parser hands a plain scalar over as it is written, where a text is asked for.
            Self::Text => Ok(Option::<String>::deserialize(deserializer)?.map_or(Value::Null, Value::String)),
            Self::Any | Self::List(_) | Self::Map(_) | Self::Object(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that JSON cannot hold"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.item())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if key == "<<" {
                return Err(A::Error::custom("YAML merge keys (`<<`) are not supported"));
            }
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` occurs twice")));
            }
            let value = members.next_value_seed(self.member(&key))?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
