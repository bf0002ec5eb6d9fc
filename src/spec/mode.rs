//! What a run is for.

use super::{InputError, endpoint, field, pause, source};
use crate::runner::Inputs;

/// What the run is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// Change what is running.
    #[default]
    Deploy,
    /// Read, and say what would change.
    Plan,
    /// Run a task to its end; change no service.
    RunTask,
    /// Make a new version of a model in the model registry; deploy nothing.
    RegisterModel,
    /// Go back to an earlier revision.
    Rollback {
        /// Which one.
        to: RollbackTo,
    },
    /// Say whether the deployment that waits at a pause goes on.
    Continue {
        /// The pause's id; without one it is the only one.
        hook: Option<String>,
        /// Whether it goes back instead.
        rollback: bool,
    },
}

/// Where `mode: rollback` goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackTo {
    /// What ran before the revision that runs now.
    Previous,
    /// This revision of the family that runs now.
    Revision(u32),
    /// This configuration of an endpoint.
    EndpointConfig(String),
    /// This task definition: an ARN, or `family:revision`.
    TaskDefinition(String),
    /// The newest revision of that family that was deployed from this commit: its hash, or how that begins, in lower case.
    Commit(String),
}

/// What the inputs `mode` and its companions say together.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) mode: Mode,
    /// Whether only the policies for it are asked for.
    pub(super) prints_policy: bool,
    /// Whether it is a deployment of what runs elsewhere.
    pub(super) promotes: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Deploy,
    Plan,
    Promote,
    Rollback,
    Continue,
    RunTask,
    RegisterModel,
    IamPolicy,
    Report,
    Validate,
}

/// What policies can be printed for.
const WORK: [(&str, Word); 7] = [
    ("deploy", Word::Deploy),
    ("plan", Word::Plan),
    ("rollback", Word::Rollback),
    ("promote", Word::Promote),
    ("continue", Word::Continue),
    ("run-task", Word::RunTask),
    ("register-model", Word::RegisterModel),
];

/// Reads them.
pub(super) fn order(inputs: &Inputs) -> Result<Order, InputError> {
    let choices =
        [&WORK[..], &[("iam-policy", Word::IamPolicy), ("report", Word::Report), ("validate", Word::Validate)]]
            .concat();
    let word = inputs.mode.as_deref().map_or(Ok(Word::Deploy), |text| field::choice("mode", text, &choices))?;
    let prints_policy = word == Word::IamPolicy;
    let word = match inputs.iam_policy_for.as_deref() {
        Some(text) if prints_policy => field::choice("iam-policy-for", text, &WORK)?,
        Some(_) => {
            return Err(InputError::new(
                "iam-policy-for",
                "it says for which mode to print the policies, and `mode` is not `iam-policy`",
                "set `mode: iam-policy`, or leave this input out",
            ));
        }
        None => word,
    };
    let pause = pause::answer(inputs, word == Word::Continue)?;
    let mode = match (word, inputs.to.as_deref()) {
        (Word::Deploy | Word::Promote | Word::IamPolicy, None) => Ok(Mode::Deploy),
        (Word::Continue, None) => Ok(pause),
        (Word::Plan, None) => Ok(Mode::Plan),
        (Word::RunTask, None) => Ok(Mode::RunTask),
        (Word::RegisterModel, None) => Ok(Mode::RegisterModel),
        // Read something else, and only that: see `Asked`.
        (Word::Report | Word::Validate, None) => Ok(Mode::Plan),
        (Word::Rollback, to) => {
            let read = if inputs.endpoint_name.is_some() { endpoint::rollback_to } else { rollback_to };
            to.map_or(Ok(RollbackTo::Previous), read).map(|to| Mode::Rollback { to })
        }
        (
            Word::Deploy
            | Word::Plan
            | Word::Promote
            | Word::Continue
            | Word::RunTask
            | Word::RegisterModel
            | Word::IamPolicy
            | Word::Report
            | Word::Validate,
            Some(_),
        ) => Err(InputError::new(
            "to",
            "it says where to roll back to, and `mode` is not `rollback`",
            "set `mode: rollback`, or use `task-definition` to deploy a given revision",
        )),
    }?;
    Ok(Order { mode, prints_policy, promotes: word == Word::Promote })
}

fn rollback_to(text: &str) -> Result<RollbackTo, InputError> {
    let remedy =
        "write `previous`, a revision number, `family:revision`, a task definition's ARN or `sha:` and a commit";
    if let Some(commit) = text.strip_prefix("sha:") {
        return commit_hash(commit)
            .map(RollbackTo::Commit)
            .ok_or_else(|| InputError::new("to", format!("`{text}` names no commit"), COMMIT));
    }
    if text.eq_ignore_ascii_case("previous") {
        return Ok(RollbackTo::Previous);
    }
    if let Ok(revision) = text.parse::<u32>() {
        return if revision > 0 {
            Ok(RollbackTo::Revision(revision))
        } else {
            Err(InputError::new("to", "revisions are counted from 1", remedy))
        };
    }
    let has_revision = source::registered("to", text)?.1;
    if has_revision {
        Ok(RollbackTo::TaskDefinition(text.to_owned()))
    } else {
        Err(InputError::new("to", format!("`{text}` names no revision"), remedy))
    }
}

const COMMIT: &str = "write `sha:` and the commit's hash, or at least the first seven of its hexadecimal digits";

/// A commit's hash (SHA-1 or SHA-256), or as many of its digits as Git shows at least.
fn commit_hash(text: &str) -> Option<String> {
    let is_hash = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}
