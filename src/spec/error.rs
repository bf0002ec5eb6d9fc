//! What is wrong with an input.

/// One input that cannot be used: what is wrong with it, and what would be right. The texts hold no value that could be a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("input `{input}`: {problem}; {remedy}")]
pub struct InputError {
    /// The input's name in `action.yml`.
    pub input: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl InputError {
    pub(super) fn new(input: &'static str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { input, problem: problem.into(), remedy: remedy.into() }
    }
}
