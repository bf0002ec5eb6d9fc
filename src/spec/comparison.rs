//! Places of a JSON document, and comparisons of what is there.

use serde_json::Value;

/// A step into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Member(String),
    /// An item of a list.
    Item(usize),
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The words, the longest first, so that none is taken for the beginning of another.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("!=", Self::NotEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    /// Whether the comparison holds. Only numbers have an order, and no comparison with a number that is none holds.
    pub fn holds(self, there: &Value, wanted: &Value) -> bool {
        match (there.as_f64(), wanted.as_f64()) {
            (Some(there), Some(wanted)) => match self {
                Self::Equal => there == wanted,
                Self::NotEqual => there != wanted,
                Self::Less => there < wanted,
                Self::LessOrEqual => there <= wanted,
                Self::Greater => there > wanted,
                Self::GreaterOrEqual => there >= wanted,
            },
            _ => match self {
                Self::Equal => there == wanted,
                Self::NotEqual => there != wanted,
                Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => false,
            },
        }
    }
}

/// What is at a place of a document, if there is something.
pub fn at<'a>(document: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Item(position) => value.get(position),
    })
}

/// Reads `a.b[0].c`, also with `$.` in front.
pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let text = text.strip_prefix('$').unwrap_or(text);
    let text = text.strip_prefix('.').unwrap_or(text);
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, items) = part.split_once('[').map_or((part, ""), |(name, _)| (name, &part[name.len()..]));
        if name.is_empty() && (items.is_empty() || !steps.is_empty()) {
            return None;
        }
        if !name.is_empty() {
            steps.push(Step::Member(name.to_owned()));
        }
        for item in items.split_terminator(']') {
            steps.push(Step::Item(item.strip_prefix('[')?.parse().ok()?));
        }
        if !items.is_empty() && !items.ends_with(']') {
            return None;
        }
    }
    Some(steps)
}

/// Splits `left OPERATOR right` at the first operator.
pub(super) fn comparison(text: &str) -> Option<(&str, Comparison, &str)> {
    let position = text.find(['<', '>', '=', '!'])?;
    let (left, rest) = text.split_at(position);
    let (word, comparison) = Comparison::WORDS.into_iter().find(|(word, _)| rest.starts_with(word))?;
    Some((left.trim(), comparison, rest[word.len()..].trim()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_of_a_document_is_found() {
        let document = json!({"predictions": [{"score": 0.7}, {"score": 0.2}], "a": [[1, 2]], "label": "cat"});
        for (text, expected) in [
            ("predictions[0].score", Some(json!(0.7))),
            ("$.predictions[1].score", Some(json!(0.2))),
            ("a[0][1]", Some(json!(2))),
            ("label", Some(json!("cat"))),
            ("predictions[2].score", None),
            ("none", None),
        ] {
            assert_eq!(at(&document, &path(text).unwrap()), expected.as_ref(), "{text}");
        }
        assert_eq!(at(&json!([1, 2]), &path("[1]").unwrap()), Some(&json!(2)));
        for text in ["a..b", "a[", "a[x]", "a[0", "", "a.[0]"] {
            assert_eq!(path(text), None, "{text}");
        }
    }
}
