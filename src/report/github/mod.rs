//! Tells GitHub: the Deployments of the environment, the commit's status, the pull request's comment; and asks it which commits
//! go out.
//!
//! The reader hands what it hears to a scribe, which writes beside the cycle: however slow GitHub is, the deployment does not
//! wait, and whatever GitHub refuses, the deployment does not care.

mod scribe;

use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use self::scribe::Scribe;
use super::record::Record;
use super::{Complaint, Outbox};
use crate::cycle::{Conclusion, Doing, Event, Kind, Output, Sink};
use crate::github::Client;
use crate::runner::{CommandFile, Console, RunContext, SummaryFile};
use crate::spec::Announcements;

/// GitHub answers in tenths of a second. What it does not say in this time it need not say: nothing here decides anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// The name of the state that holds what the step has begun on GitHub, as JSON: see [`Begun`].
pub const BEGUN: &str = "github-begun";
/// The name of the state that says that its end is written.
pub const ENDED: &str = "github-ended";

/// Reads events, has them written down.
pub struct GitHub {
    record: Record,
    scribe: UnboundedSender<Heard>,
    has_begun: bool,
}

/// What a scribe hears.
enum Heard {
    /// What runs comes from this commit, what is asked for from that one.
    Replaces { before: String, after: String },
    /// Something is going to be changed, at this target. Facts are for those who read the history.
    Begins { target: String, mode: Option<Doing>, facts: Value },
    /// What ran before is being put back.
    GoesBack(String),
    /// The end.
    Ended(Box<Record>),
}

/// Everything that a scribe needs.
pub struct Desk {
    /// GitHub.
    pub client: Client,
    /// What the user wants written.
    pub announcements: Announcements,
    /// The run.
    pub run: RunContext,
    /// Where the post step looks.
    pub state: Option<CommandFile>,
    /// Where the commits are listed.
    pub summary: Option<SummaryFile>,
    /// Where complaints go.
    pub console: Console,
}

/// What the step has begun on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What is deployed to.
    pub target: String,
    /// The id of its Deployment; `None` while nobody has heard whether it was made, or when none is kept.
    pub id: Option<u64>,
}

impl GitHub {
    /// Writes through `outbox`. `begun` is what the step has begun, for its post step.
    pub fn new(desk: Desk, begun: Option<Begun>, outbox: &Outbox) -> Self {
        let (sender, heard) = unbounded_channel();
        let has_begun = begun.is_some();
        let complaint = Complaint::new(desk.console.clone(), "GitHub");
        let scribe = Scribe::new(desk, begun, Rc::clone(&complaint));
        outbox.send(scribe.write(heard), complaint);
        Self { record: Record::default(), scribe: sender, has_begun }
    }

    fn tell(&self, heard: Heard) {
        // A scribe that is gone has said why.
        self.scribe.send(heard).ok();
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let output = |output| self.record.outputs.get(&output);
        self.tell(Heard::Begins {
            target: self.record.target.clone().unwrap_or_default(),
            mode: self.record.mode,
            facts: json!({
                "mode": self.record.mode,
                "task_definition": output(Output::TaskDefinitionArn),
                "previous_task_definition": output(Output::PreviousTaskDefinitionArn),
                "endpoint_config": output(Output::EndpointConfigName),
                "previous_endpoint_config": output(Output::PreviousEndpointConfigName),
                "image_digest": output(Output::ImageDigest),
                "previous_commit": output(Output::PreviousCommit),
            }),
        });
    }
}

impl Sink for GitHub {
    fn receive(&mut self, event: &Event) {
        self.record.take(event);
        match &event.kind {
            Kind::Planned(plan) if !plan.is_empty() => {
                let commit = |output| self.record.outputs.get(&output).filter(|commit| is_commit(commit)).cloned();
                if let (Some(before), Some(after)) = (commit(Output::PreviousCommit), commit(Output::Commit))
                    && before != after
                {
                    self.tell(Heard::Replaces { before, after });
                }
            }
            Kind::Owed(_) => self.begin(),
            Kind::RollbackStarted { to, .. } => self.tell(Heard::GoesBack(to.clone())),
            Kind::Concluded(_) => self.tell(Heard::Ended(Box::new(self.record.clone()))),
            _ => {}
        }
    }
}

/// Whether a tag's value is a commit's hash: whoever may tag could write anything there.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|character| character.is_ascii_hexdigit())
}

/// Writes the end of what the step has left open.
pub(super) async fn end(desk: Desk, begun: Begun, conclusion: &Conclusion) {
    let complaint = Complaint::new(desk.console.clone(), "GitHub");
    Scribe::new(desk, Some(begun), complaint).close(conclusion, None).await;
}
