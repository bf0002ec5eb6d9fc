//! How a deployment ended, and why it did not end as asked.

use std::fmt;

use serde::Serialize;

/// The state of the world at the end of a cycle: the output `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Exactly what was asked for is what is running.
    Deployed,
    /// What was asked for was already running; nothing was changed.
    Unchanged,
    /// `mode: plan`: the changes were computed and none was made.
    Planned,
    /// The rollout was started and, as asked, not waited for.
    InProgress,
    /// Nothing was changed, because the request or its surroundings do not allow it.
    Refused,
    /// What was running before is running again.
    RolledBack,
    /// The new version, a mix of both, or what was done before an update that did not come is still there.
    Failed,
    /// Going back was tried and did not succeed.
    RollbackFailed,
    /// Somebody else's newer deployment took over; neither it nor ours was touched further.
    Superseded,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Deployed,
        Self::Unchanged,
        Self::Planned,
        Self::InProgress,
        Self::Refused,
        Self::RolledBack,
        Self::Failed,
        Self::RollbackFailed,
        Self::Superseded,
    ];

    /// The outcome of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// The word that outputs and summaries use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::InProgress => "in-progress",
            Self::Refused => "refused",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
            Self::RollbackFailed => "rollback-failed",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the outcome is not the one that was asked for: the output `cause`, a stable code that scripts may compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The new tasks keep stopping, or never start.
    TasksFailing,
    /// A one-off task did not end well.
    TaskFailed,
    /// Amazon ECS found no place for a one-off task.
    Placement,
    /// The deployment circuit breaker of Amazon ECS failed the rollout.
    CircuitBreaker,
    /// A CloudWatch alarm of the deployment's configuration, or of `rollback-alarms`, went off.
    Alarm,
    /// The new tasks run and do not become healthy.
    HealthCheck,
    /// The address of `health-check-url` did not answer as it should.
    HealthCheckUrl,
    /// An endpoint did not come into service with what was asked for, or SageMaker took the update back by itself.
    EndpointFailed,
    /// AWS has no instances of the type that was asked for.
    Capacity,
    /// An endpoint did not answer a smoke test as it should.
    SmokeTest,
    /// A rolling update of an endpoint failed, and so did SageMaker's own rollback.
    UpdateRollbackFailed,
    /// A lifecycle hook of the deployment failed, timed out, or was answered with a rollback.
    Hook,
    /// Neither success nor failure was seen in the time that was given.
    Timeout,
    /// The workflow run was cancelled.
    Cancelled,
    /// A later step of the same job failed.
    JobFailed,
    /// Somebody stopped the deployment by hand.
    Stopped,
    /// An EventBridge rule could not be moved to the new revision with the service.
    ScheduledRule,
    /// A check before the first change failed.
    Preflight,
    /// Scanning found more in an image than is allowed, or the image was not scanned.
    ScanGate,
    /// A model's metrics are not what `quality-gates` asks for.
    QualityGates,
    /// Amazon SageMaker could not register a version of a model.
    RegistrationFailed,
    /// An input is wrong.
    InvalidInput,
    /// Something that was named does not exist.
    NotFound,
    /// AWS does not allow these credentials to make a call.
    AccessDenied,
    /// The credentials are missing, wrong or no longer valid.
    Credentials,
    /// Another deployment of the same service is, or came, in the way.
    Conflict,
    /// AWS kept refusing or failing a call after every retry.
    Unavailable,
    /// AWS refused a request that this program took for right.
    RequestRefused,
    /// A defect of this program.
    Internal,
}

impl Cause {
    /// Every cause, in the order of the documentation.
    pub const ALL: [Self; 29] = [
        Self::TasksFailing,
        Self::TaskFailed,
        Self::Placement,
        Self::CircuitBreaker,
        Self::Alarm,
        Self::HealthCheck,
        Self::HealthCheckUrl,
        Self::EndpointFailed,
        Self::Capacity,
        Self::SmokeTest,
        Self::UpdateRollbackFailed,
        Self::Hook,
        Self::Timeout,
        Self::Cancelled,
        Self::JobFailed,
        Self::Stopped,
        Self::ScheduledRule,
        Self::Preflight,
        Self::ScanGate,
        Self::QualityGates,
        Self::RegistrationFailed,
        Self::InvalidInput,
        Self::NotFound,
        Self::AccessDenied,
        Self::Credentials,
        Self::Conflict,
        Self::Unavailable,
        Self::RequestRefused,
        Self::Internal,
    ];

    /// The cause of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }

    /// The word that outputs and summaries use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TasksFailing => "tasks-failing",
            Self::TaskFailed => "task-failed",
            Self::Placement => "placement",
            Self::CircuitBreaker => "circuit-breaker",
            Self::Alarm => "alarm",
            Self::HealthCheck => "health-check",
            Self::HealthCheckUrl => "health-check-url",
            Self::EndpointFailed => "endpoint-failed",
            Self::Capacity => "capacity",
            Self::SmokeTest => "smoke-test",
            Self::UpdateRollbackFailed => "update-rollback-failed",
            Self::Hook => "hook",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::JobFailed => "job-failed",
            Self::Stopped => "stopped",
            Self::ScheduledRule => "scheduled-rule",
            Self::Preflight => "preflight",
            Self::ScanGate => "scan-gate",
            Self::QualityGates => "quality-gates",
            Self::RegistrationFailed => "registration-failed",
            Self::InvalidInput => "invalid-input",
            Self::NotFound => "not-found",
            Self::AccessDenied => "access-denied",
            Self::Credentials => "credentials",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::RequestRefused => "request-refused",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The end of a cycle, in the words that a person reads. Each text is one sentence or a few, without markup and without
/// line breaks; texts from AWS are inside, so every reader escapes them for its medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The state of the world.
    pub outcome: Outcome,
    /// Why it is not what was asked for; `None` when it is.
    pub cause: Option<Cause>,
    /// What is running now. The first line of every report.
    pub headline: String,
    /// What went wrong, in one sentence.
    pub reason: Option<String>,
    /// What the user can do next.
    pub advice: Option<String>,
}

impl Conclusion {
    pub(super) fn advise(self, advice: String) -> Self {
        Self { advice: Some(advice), ..self }
    }

    /// The process's exit code for this end: see [`exit_code`].
    pub const fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Deployed | Outcome::Unchanged | Outcome::Planned | Outcome::InProgress => exit_code::DONE,
            // A rollback that was asked for (`mode: rollback`) has no cause: it is what the user wanted.
            Outcome::RolledBack if self.cause.is_none() => exit_code::DONE,
            Outcome::Refused => exit_code::REFUSED,
            Outcome::RolledBack => exit_code::ROLLED_BACK,
            Outcome::Failed => exit_code::FAILED,
            Outcome::RollbackFailed => exit_code::ROLLBACK_FAILED,
            Outcome::Superseded => exit_code::SUPERSEDED,
        }
    }
}

/// The exit codes of the process. GitHub's runner only tells zero from the rest; scripts that run the image themselves
/// can tell them all.
pub mod exit_code {
    /// Deployed, unchanged, planned, in progress as asked, or rolled back as asked.
    pub const DONE: u8 = 0;
    /// Refused: nothing was changed.
    pub const REFUSED: u8 = 1;
    /// Rolled back: what was running before is running again.
    pub const ROLLED_BACK: u8 = 2;
    /// Failed: the new version, or a mix, is still there.
    pub const FAILED: u8 = 3;
    /// The rollback failed too.
    pub const ROLLBACK_FAILED: u8 = 4;
    /// Somebody else's deployment took over.
    pub const SUPERSEDED: u8 = 5;
}
