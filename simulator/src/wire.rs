//! How AWS writes answers: awsJson1.1.

use serde_json::{Value, json};

/// An error that AWS answers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of the error.
    pub(crate) details: Vec<(&'static str, Value)>,
}

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), details: Vec::new() }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn with(mut self, member: &'static str, value: Value) -> Self {
        self.details.push((member, value));
        self
    }

    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn body(&self) -> Value {
        // ECS writes the code without its namespace, and the message in lower case.
        let mut body = json!({"__type": self.code, "message": self.message});
        for (member, value) in &self.details {
            body[*member] = value.clone();
        }
        body
    }
}

/// Members that are null are absent.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name.clone(), without_nulls(member)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// One page of a list of Amazon ECS, and the token of the next one.
pub(crate) fn page(
    items: Vec<Value>,
    request: &Value,
    default_size: usize,
) -> Result<(Vec<Value>, Option<String>), Refusal> {
    page_of(items, request, default_size, 100)
}

/// One page of up to `most` items, and the token of the next one. A token is the position at which the next page starts.
pub(crate) fn page_of(
    items: Vec<Value>,
    request: &Value,
    default_size: usize,
    most: usize,
) -> Result<(Vec<Value>, Option<String>), Refusal> {
    let start = match request["nextToken"].as_str() {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|start| *start <= items.len())
            .ok_or_else(|| Refusal::invalid("Invalid token."))?,
    };
    let size = match request["maxResults"].as_u64().map(usize::try_from) {
        None => default_size,
        Some(Ok(size)) if (1..=most).contains(&size) => size,
        Some(_) => return Err(Refusal::invalid(format!("maxResults must be between 1 and {most}."))),
    };
    let end = items.len().min(start + size);
    let next = (end < items.len()).then(|| end.to_string());
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_until_the_end() {
        let items: Vec<Value> = (0..5).map(Value::from).collect();
        let (first, token) = page(items.clone(), &json!({"maxResults": 3}), 100).unwrap();
        assert_eq!((first, token.as_deref()), (items[..3].to_vec(), Some("3")));
        let (second, token) = page(items.clone(), &json!({"maxResults": 3, "nextToken": "3"}), 100).unwrap();
        assert_eq!((second, token), (items[3..].to_vec(), None));
        assert!(page(items, &json!({"nextToken": "elsewhere"}), 100).is_err());
    }

    #[test]
    fn nulls_are_absent_and_everything_else_stays() {
        assert_eq!(
            without_nulls(&json!({"a": null, "b": "", "c": [], "d": {"e": null, "f": {}}})),
            json!({"b": "", "c": [], "d": {"f": {}}})
        );
    }
}
