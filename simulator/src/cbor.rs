//! Requests and answers as CBOR: the values of JSON, with moments marked as such.
//!
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use bytes::Bytes;
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

use crate::model::Model;

/// The `Smithy-Protocol` header of requests and answers.
pub(crate) const PROTOCOL: &str = "rpc-v2-cbor";
pub(crate) const CONTENT_TYPE: &str = "application/cbor";
/// The tag of a moment in seconds since 1970 (RFC 8949, 3.4.2).
const EPOCH_SECONDS: u64 = 1;

/// A request's body; `None` when it is not CBOR. No body is a request without parameters.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Value::Object(Map::new()));
    }
    json(ciborium::from_reader(body).ok()?)
}

fn json(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Integer(number) => Value::from(i64::try_from(number).ok()?),
        Cbor::Float(number) => Value::Number(Number::from_f64(number)?),
        Cbor::Text(text) => Value::from(text),
        Cbor::Bool(flag) => Value::from(flag),
        Cbor::Null => Value::Null,
        Cbor::Tag(EPOCH_SECONDS, moment) => json(*moment)?,
        Cbor::Array(items) => items.into_iter().map(json).collect::<Option<_>>()?,
        Cbor::Map(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| Some((name.into_text().ok()?, json(value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// An answer of that shape, or one whose shape does not matter because there are no moments in it.
pub(crate) fn write(model: &Model, shape: Option<&str>, answer: &Value) -> Bytes {
    let mut body = Vec::new();
    // A vector takes whatever is written to it.
    ciborium::into_writer(&cbor(model, shape, answer), &mut body).ok();
    Bytes::from(body)
}

fn cbor(model: &Model, shape: Option<&str>, value: &Value) -> Cbor {
    let member = |name: &str| shape.and_then(|shape| model.member(shape, name));
    let plain = match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cbor::from(whole),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor(model, member(""), item)).collect()),
        Value::Object(members) => Cbor::Map(
            members.iter().map(|(name, value)| (Cbor::from(name.as_str()), cbor(model, member(name), value))).collect(),
        ),
    };
    if shape.is_some_and(|shape| model.is_timestamp(shape)) { Cbor::Tag(EPOCH_SECONDS, Box::new(plain)) } else { plain }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::of_service;

    #[test]
    fn a_moment_is_marked_in_an_answer_and_read_as_its_number() {
        let model = of_service("monitoring").unwrap();
        let answer =
            json!({"MetricAlarms": [{"AlarmName": "errors", "StateUpdatedTimestamp": 1_760_000_000.5, "Period": 60}]});

        let body = write(model, Some("DescribeAlarmsOutput"), &answer);

        assert!(body.windows(2).any(|bytes| bytes == [0xc1, 0xfb]), "no tag 1 before a double: {body:02x?}");
        assert_eq!(read(&body), Some(answer));
        assert_eq!(read(b""), Some(json!({})));
        assert_eq!(read(b"\xff"), None);
    }
}
