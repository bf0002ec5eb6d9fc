//! What is validated beside the workflows: `mode: validate`.

use super::{InputError, Overrides, field};
use crate::runner::Inputs;

/// The files that were named, and what is changed in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validation {
    /// Task definitions beside those that workflows name, relative to the workspace.
    pub task_definitions: Vec<String>,
    /// What a deployment would change in them.
    pub overrides: Overrides,
}

impl Validation {
    /// Reads the inputs; `None` when something else is asked for. Neither a service nor a region nor a role is needed.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn from_inputs(inputs: &Inputs) -> Result<Option<Self>, Vec<InputError>> {
        if !inputs.mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("validate")) {
            return Ok(None);
        }
        let task_definitions = inputs.task_definition.as_deref().map(field::list).unwrap_or_default();
        let (overrides, errors) = Overrides::from_inputs(inputs);
        if errors.is_empty() { Ok(Some(Self { task_definitions, overrides })) } else { Err(errors) }
    }
}
