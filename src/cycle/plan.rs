//! What will change, as a value.

use std::fmt;

use serde::Serialize;

/// The changes that a cycle would make. Empty when what was asked for is already there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Plan {
    /// One entry a change, in the order in which a reader wants them.
    pub changes: Vec<Change>,
    /// The same as a unified diff of the documents, with hidden values left out; empty when no document changes.
    pub diff: String,
}

impl Plan {
    /// Whether nothing changes.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What changes, in AWS's names: `containerDefinitions[web].image`, `desiredCount`.
    pub subject: String,
    /// Before.
    pub before: Shown,
    /// After.
    pub after: Shown,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// There is none.
    Absent,
    /// This.
    Value(String),
    /// There is one, and it is nobody's business: values of environment variables and secrets.
    Hidden,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("(none)"),
            Self::Value(value) => f.write_str(value),
            Self::Hidden => f.write_str("(hidden)"),
        }
    }
}
