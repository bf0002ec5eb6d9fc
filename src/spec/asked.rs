//! What a step is for.

use std::path::Path;

use super::{History, InputError, Spec, Validation};
use crate::runner::Inputs;

/// What a step is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// To deploy, or to say what deploying would do or needs.
    Deployment(Box<Spec>),
    /// To tell how an environment fared.
    History(History),
    /// To look at what the repository would deploy with.
    Validation(Box<Validation>),
}

impl Asked {
    /// Reads and checks the inputs, and the files that they name, which are looked for in `workspace`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_inputs(inputs: &Inputs, workspace: &Path) -> Result<Self, Vec<InputError>> {
        if let Some(history) = History::from_inputs(inputs).map_err(|error| vec![error])? {
            return Ok(Self::History(history));
        }
        if let Some(validation) = Validation::from_inputs(inputs)? {
            return Ok(Self::Validation(Box::new(validation)));
        }
        Spec::from_inputs(inputs, workspace).map(|spec| Self::Deployment(Box::new(spec)))
    }
}
