//! The names and the values of inputs.

use super::document::Node;
use super::workflow::{Step, Workflow};
use super::{File, Finding};
use crate::runner::Inputs;
use crate::spec::nearest;

/// What `with:` means for every action that runs in a container.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepswithargs>
const OF_CONTAINERS: [&str; 2] = ["args", "entrypoint"];

/// Everything that a deployment would refuse, or ignore, in the inputs of each step.
pub(super) fn check(workflow: &Workflow<'_>) -> Vec<Finding> {
    workflow
        .steps()
        .flat_map(|(_, step)| names(workflow.file, step).into_iter().chain(values(workflow.file, step)))
        .collect()
}

fn names(file: File<'_>, step: &Step<'_>) -> Vec<Finding> {
    let unknown = |(key, value): &(Node, Node)| {
        let name = key.raw()?;
        let is_known = |known: &&&str| known.eq_ignore_ascii_case(name);
        if OF_CONTAINERS.iter().any(|known| is_known(&known)) {
            return None;
        }
        if !Inputs::names().iter().any(|known| is_known(&known)) {
            return Some(file.error(key.line, format!("there is no input `{name}`, so it is ignored"), meant(name)));
        }
        let problem = format!("input `{name}`: it is not a text");
        value.text().is_none().then(|| file.error(key.line, problem, "write one value; several lines after `|`"))
    };
    step.with.iter().filter_map(unknown).collect()
}

fn meant(name: &str) -> String {
    match nearest(&name.to_ascii_lowercase(), Inputs::names().iter().copied()).first() {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "leave it out; the README has all inputs".to_owned(),
    }
}

fn values(file: File<'_>, step: &Step<'_>) -> Vec<Finding> {
    let finding = |error: crate::spec::InputError| {
        let problem = format!("input `{}`: {}", error.input, error.problem);
        file.error(step.line_of(error.input), problem, error.remedy)
    };
    step.given.errors().into_iter().map(finding).collect()
}
