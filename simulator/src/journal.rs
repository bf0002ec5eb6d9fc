//! What was asked and what was answered.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Fault;
use crate::model;

/// One call of a client.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number, counted from 0.
    pub number: usize,
    /// When it arrived.
    pub at: Duration,
    /// The service, by the name that its requests are signed with; empty for GitHub's runner.
    pub service: &'static str,
    /// The region that it was signed for; empty without a signature.
    pub region: String,
    /// The operation.
    pub operation: String,
    /// The request's body.
    pub request: Value,
    /// The HTTP status of the answer; 0 when there was none to give.
    pub status: u16,
    /// The answer's body; null when there was none. After a fault that hides the answer: what it would have been.
    pub response: Value,
    /// What went wrong on purpose.
    pub fault: Option<Fault>,
    /// Whether the request was as the model says.
    pub(crate) valid: bool,
}

/// Appends the valid requests of one world, to AWS and to GitHub, to a new file in `folder`, one JSON object a line, for other
/// judges of requests.
pub(crate) fn write(folder: &Path, calls: &[Call], accept_unknown_members: bool) -> std::io::Result<()> {
    static WORLDS: AtomicUsize = AtomicUsize::new(0);
    let world = WORLDS.fetch_add(1, Ordering::Relaxed);
    std::fs::create_dir_all(folder)?;
    let name = format!("{}-{world}.jsonl", std::process::id());
    // Process identifiers come back, so an older file of that name is continued.
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join(name))?;
    let is_judged =
        |call: &&Call| call.valid && (call.service == "github" || model::of_service(call.service).is_some());
    for call in calls.iter().filter(is_judged) {
        let line = json!({
            "service": call.service,
            "operation": call.operation,
            "request": call.request,
            "accept_unknown_members": accept_unknown_members,
        });
        writeln!(file, "{line}")?;
    }
    Ok(())
}
