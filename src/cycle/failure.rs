//! Why a cycle does not reach its goal.

use std::error::Error;

use super::Cause;

/// Something that keeps a cycle from its goal, in words for the user.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// The stable code.
    pub cause: Cause,
    /// What went wrong, in one sentence.
    pub reason: String,
    /// What the user can do.
    pub advice: Option<String>,
    /// What was done to others before, as a clause: then it is not so that nothing was changed.
    pub done: Option<String>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without an underlying error.
    pub fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), advice: None, done: None, source: None }
    }

    /// What every step says that ends because its workflow run was cancelled.
    pub fn cancelled() -> Self {
        Self::new(Cause::Cancelled, "The workflow run was cancelled.")
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Adds what was done to others before.
    #[must_use]
    pub fn after(mut self, done: impl Into<String>) -> Self {
        self.done = Some(done.into());
        self
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        self.advise_if_any(Some(advice))
    }

    /// Adds what the user can do, where that is known.
    #[must_use]
    pub fn advise_if_any(mut self, advice: Option<impl Into<String>>) -> Self {
        self.advice = advice.map(Into::into).or(self.advice);
        self
    }
}

/// Why a transition between two phases did not happen.
pub(super) enum Why {
    Failure(Failure),
    Superseded(String),
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
