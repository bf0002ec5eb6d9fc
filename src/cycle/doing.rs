//! What a run is for.

use serde::Serialize;

/// What a run is for: as the input `mode` says it, but `promote`, which is a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Changes what is running.
    Deploy,
    /// Says what would change.
    Plan,
    /// Goes back to what ran before.
    Rollback,
    /// Lets a rollout go on from a pause.
    Continue,
    /// Runs a task to its end.
    RunTask,
    /// Makes a new version of a model.
    RegisterModel,
    /// Finishes, after the step, what that left.
    Post,
    /// Tells how an environment fares.
    Report,
    /// Looks for mistakes in workflows.
    Validate,
    /// Prints the policies that a run needs.
    IamPolicy,
}

impl Doing {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Deploy,
        Self::Plan,
        Self::Rollback,
        Self::Continue,
        Self::RunTask,
        Self::RegisterModel,
        Self::Post,
        Self::Report,
        Self::Validate,
        Self::IamPolicy,
    ];

    /// Its name, for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Plan => "plan",
            Self::Rollback => "rollback",
            Self::Continue => "continue",
            Self::RunTask => "run-task",
            Self::RegisterModel => "register-model",
            Self::Post => "post",
            Self::Report => "report",
            Self::Validate => "validate",
            Self::IamPolicy => "iam-policy",
        }
    }
}
