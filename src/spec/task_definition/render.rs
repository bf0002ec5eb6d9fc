//! A document with changes made to it.

use super::TaskDefinition;
use crate::spec::Overrides;

/// A change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No container has that name.
    #[error("there is no container `{name}`; there are {}", .there.join(", "))]
    UnknownContainer {
        /// The name.
        name: String,
        /// The names there are.
        there: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
}

/// The document with the changes made.
///
/// # Errors
/// Everything that cannot be changed as asked.
pub fn render(document: &TaskDefinition, _overrides: &Overrides) -> Result<TaskDefinition, Vec<RenderError>> {
    Ok(document.clone())
}
