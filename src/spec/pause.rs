//! Where a deployment is left, and what is said at its pauses.

use super::field;
use super::{InputError, Mode, OnPause, Stage};
use crate::runner::Inputs;

/// How far a deployment is waited for: the input `wait-until`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitUntil {
    /// To its end.
    #[default]
    Deployed,
    /// Until the new tasks have all of the traffic, where AWS CodeDeploy shifts it.
    TrafficShifted,
    /// To a stage, where Amazon ECS shifts it.
    Stage(Stage),
}

impl WaitUntil {
    /// The stage, if it is one.
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Stage(stage) => Some(stage),
            Self::Deployed | Self::TrafficShifted => None,
        }
    }

    /// Where the deployment is left, when that is before its end: `at BAKE_TIME`.
    pub(super) fn left(self) -> Option<String> {
        match self {
            Self::Deployed => None,
            Self::TrafficShifted => Some("when its traffic has shifted".to_owned()),
            Self::Stage(stage) => Some(format!("at {}", stage.as_str())),
        }
    }
}

/// `deployed`, `traffic-shifted`, or a stage in AWS's words, in whatever case, with hyphens or not.
pub(super) fn wait_until(text: &str) -> Result<WaitUntil, InputError> {
    match text.to_ascii_lowercase().as_str() {
        "deployed" => return Ok(WaitUntil::Deployed),
        "traffic-shifted" => return Ok(WaitUntil::TrafficShifted),
        _ => {}
    }
    text.parse().map(WaitUntil::Stage).map_err(|_unknown| {
        let words: Vec<String> = Stage::ALL.iter().map(|stage| format!("`{}`", word(*stage))).collect();
        let remedy =
            format!("write `deployed`; `traffic-shifted` where AWS CodeDeploy deploys; or one of {}", words.join(", "));
        InputError::new("wait-until", format!("`{text}` is no stage of a deployment"), remedy)
    })
}

fn word(stage: Stage) -> String {
    stage.as_str().to_lowercase().replace('_', "-")
}

pub(super) fn on_pause(text: &str) -> Result<OnPause, InputError> {
    let choices = [
        ("wait", OnPause::Wait),
        ("continue", OnPause::Continue),
        ("rollback", OnPause::Rollback),
        ("return", OnPause::Return),
    ];
    field::choice("on-pause-hook", text, &choices)
}

/// What `mode: continue` says.
pub(super) fn answer(inputs: &Inputs, is_asked: bool) -> Result<Mode, InputError> {
    let given = [("pause-hook", &inputs.pause_hook), ("pause-hook-action", &inputs.pause_hook_action)];
    if let Some((input, _)) = given.into_iter().find(|(_, value)| !is_asked && value.is_some()) {
        return Err(InputError::new(
            input,
            "it answers the pause of a deployment in flight, and `mode` is not `continue`",
            "set `mode: continue`, or leave it out; pauses of this deployment are answered by `on-pause-hook`",
        ));
    }
    let action = inputs.pause_hook_action.as_deref();
    let rollback =
        action.map(|text| field::choice("pause-hook-action", text, &[("continue", false), ("rollback", true)]));
    Ok(Mode::Continue { hook: inputs.pause_hook.clone(), rollback: rollback.transpose()?.unwrap_or(false) })
}
