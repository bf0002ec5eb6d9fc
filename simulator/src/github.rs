//! What a test puts into the repository on GitHub.

/// A commit of the repository's one branch.
#[derive(Clone, Debug)]
#[must_use]
pub struct Commit {
    pub(crate) sha: String,
    pub(crate) message: String,
    pub(crate) author: String,
    pub(crate) date: String,
}

impl Commit {
    /// A commit with that hash, message, and author's login.
    pub fn new(sha: impl Into<String>, message: impl Into<String>, author: impl Into<String>) -> Self {
        let date = "2026-01-05T09:00:00Z".to_owned();
        Self { sha: sha.into(), message: message.into(), author: author.into(), date }
    }

    /// The same commit, made at that moment (RFC 3339).
    pub fn at(self, date: impl Into<String>) -> Self {
        Self { date: date.into(), ..self }
    }
}
