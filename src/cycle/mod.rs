//! The phases of a deployment, the wait loop, rollback, events and outcome. Knows no cloud.
//!
//! - `target`: what a [`Target`] has to be able to do; `plan`: the changes as a value; `failure`: why something did not happen.
//! - `run`: what surrounds one cycle, with the ledger of what is owed; `phase`: the phases as types, which only the one before
//!   makes; `wait`: the loop between looks; `verify`: what is checked at the end.
//! - `drive`: takes a target through them, by [`deploy`] and [`plan`]; `settle`: pays what is owed when that fails; `finish`: the
//!   same in the post step.
//! - `event`: what happens on the way, with `diagnosis`, `finding` and `table` in it; `outcome`: how it ended, a [`Conclusion`].

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
