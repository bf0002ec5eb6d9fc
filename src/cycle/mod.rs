//! The phases of a deployment, the wait loop, rollback, events and outcome. Knows no cloud.
//!
//! [`deploy`] and [`plan`] drive a [`Target`] through the phases; what happens on the way is sent as [`Event`]s; the end is
//! a [`Conclusion`].

mod diagnosis;
mod doing;
mod drive;
mod event;
mod failure;
mod finding;
mod finish;
mod outcome;
mod phase;
mod plan;
mod run;
mod settle;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod verify;
mod wait;

pub use diagnosis::{Diagnosis, Hint, LogTail, Said, StoppedContainer, StoppedTasks};
pub use doing::Doing;
pub use drive::{deploy, errand, plan, take_back};
pub use event::{Event, Events, Kind, Output, Phase, Progress, Shift, Sink};
pub use failure::Failure;
pub use finding::Finding;
pub use finish::{Ended, finish};
pub use outcome::{Cause, Conclusion, Outcome, exit_code};
pub use plan::{Change, Plan, Shown};
pub use run::{Cancellation, Debt, Handover, OnCancel, OnConflict, OnPause, Policy, Run};
pub use table::Table;
pub use target::{Ending, Look, NotUpdated, Parting, Pause, Restore, Target, Verdict, Watch};
