//! The readers of events: what a person or a later step gets to know of a cycle. One file a reader.
//!
//! A reader decides nothing. What it cannot write it complains about once, in the log, and the deployment goes on.
//!
//! - While it happens: [`log`], [`output`], [`state`] for the post step, and [`github`] with its Deployment and its commit status.
//! - At the end, from one `record`: [`annotation`], `summary`, and [`notification`] through `slack` and `webhook`.
//! - `audience` is who is told, `outbox` what is still to be sent when everything else is over.

pub mod annotation;
mod audience;
pub mod exit_code;
pub mod github;
pub mod log;
pub mod notification;
mod outbox;
pub mod output;
mod record;
mod slack;
pub mod state;
pub mod summary;
#[cfg(test)]
pub(crate) mod testing;
mod webhook;
mod words;

pub use annotation::Annotations;
pub use audience::Audience;
pub use github::GitHub;
pub use log::Log;
pub use notification::Notifications;
pub use outbox::{Complaint, Outbox};
pub use output::Outputs;
pub use state::State;
pub use summary::Summary;

use crate::cycle::Sink;
use crate::runner::{CommandFile, Console, Environment, SummaryFile, run_url, troubleshooting_url};

/// Every reader that a run has on a runner. One whose file the runner did not name has nothing to write to, and writes
/// nothing: scripts run the image, too.
pub fn sinks(environment: &Environment, console: &Console) -> Vec<Box<dyn Sink>> {
    let outputs = environment.get("GITHUB_OUTPUT").map(CommandFile::new);
    let state = environment.get("GITHUB_STATE").map(CommandFile::new);
    let summary = environment.get("GITHUB_STEP_SUMMARY").map(SummaryFile::new);
    vec![
        // First what the post step needs, before the call that makes it needed; then what later steps need, then what people
        // read: whatever ends the process between two readers, the facts are out.
        Box::new(State::new(state, console.clone())),
        Box::new(Outputs::new(outputs, console.clone())),
        Box::new(Log::new(console.clone())),
        Box::new(Annotations::new(console.clone(), troubleshooting_url(environment))),
        Box::new(Summary::new(summary, console.clone(), run_url(environment))),
    ]
}
