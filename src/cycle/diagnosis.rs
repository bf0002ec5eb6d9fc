//! Why a rollout failed: what AWS says, grouped so that a person sees the cause first.

use jiff::Timestamp;
use serde::Serialize;

/// The evidence. Every text in it is text from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What can be done about it, for each cause that is known: the most frequent first.
    pub hints: Vec<Hint>,
    /// What AWS itself says of the rollout: a status reason, a rollback reason.
    pub statements: Vec<String>,
    /// Tasks that stopped, those with the same story counted together, most frequent first.
    pub stopped: Vec<StoppedTasks>,
    /// The last lines of containers that failed.
    pub logs: Vec<LogTail>,
    /// The target's own events since the start, oldest first.
    pub events: Vec<Said>,
}

impl Diagnosis {
    /// Whether nothing was found.
    pub const fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.stopped.is_empty() && self.logs.is_empty() && self.events.is_empty()
    }
}

/// What can be done about a cause that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// The cause, as a stable code; `docs/troubleshooting.md` explains each.
    pub code: &'static str,
    /// One or two sentences. What stands between backticks is code.
    pub hint: String,
    /// How many of the tasks that stopped it explains; none when it is known only from what AWS says.
    pub tasks: usize,
}

/// Tasks that stopped for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoppedTasks {
    /// How many.
    pub count: usize,
    /// AWS's stop code, such as `EssentialContainerExited`.
    pub stop_code: Option<String>,
    /// AWS's stopped reason.
    pub reason: Option<String>,
    /// What each container did.
    pub containers: Vec<StoppedContainer>,
}

/// One container of a task that stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoppedContainer {
    /// Its name in the task definition.
    pub name: String,
    /// Its exit code; absent when it never ran.
    pub exit_code: Option<i32>,
    /// AWS's reason, such as `OutOfMemoryError: …`.
    pub reason: Option<String>,
    /// Its last health status, when it has a health check: `UNHEALTHY`.
    pub health: Option<String>,
}

/// The end of a container's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogTail {
    /// The container's name; where an endpoint has them, the name of its variant.
    pub container: String,
    /// The log group, where it is known.
    pub group: Option<String>,
    /// The log stream.
    pub stream: Option<String>,
    /// The last lines, oldest first.
    pub lines: Vec<String>,
    /// Why there are none.
    pub note: Option<String>,
}

impl LogTail {
    /// What it is, and where it lies.
    pub fn title(&self) -> String {
        match (&self.group, &self.stream) {
            (Some(group), Some(stream)) => {
                format!("Last lines of container {} (log group {group}, stream {stream})", self.container)
            }
            _ => format!("Log of container {}", self.container),
        }
    }
}

/// One message of the target's event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// When, by AWS's clock.
    pub at: Timestamp,
    /// The message.
    pub message: String,
}
