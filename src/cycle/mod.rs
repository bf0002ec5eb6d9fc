//! The phases of a deployment, the wait loop, rollback, events and outcome. Knows no cloud.

mod diagnosis;
mod event;
mod outcome;
mod plan;

pub use diagnosis::{Diagnosis, Said, StoppedContainer, StoppedTasks};
pub use event::{Event, Events, Kind, Output, Phase, Progress, Sink};
pub use outcome::{Cause, Conclusion, Outcome, exit_code};
pub use plan::{Change, Plan, Shown};
