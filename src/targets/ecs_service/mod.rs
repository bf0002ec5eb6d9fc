//! A service of Amazon ECS with the ECS deployment controller.
//!
//! Besides the verbs of the cycle, a file each: `pin` holds a rollout's identity, and `rollout` and `restoration`
//! are the two things that the cycle watches.

mod capture;
mod diagnose;
mod history;
mod judge;
mod known_causes;
mod observe;
mod pin;
mod plan;
mod preflight;
mod register;
mod restoration;
mod rollback;
mod rollout;
mod update;
mod verify;

use std::cell::OnceCell;
use std::fmt;

use crate::aws::ecs::{Reader, Writer};
use crate::cycle::{Diagnosis, Events, Failure, NotUpdated, Output, Plan, Restore, Target, Watch};
use crate::spec::{Mode, Overrides, Settings, Source, Tag};
use crate::verification::Checks;

pub use capture::Snapshot;
pub use plan::{Draft, RUN_TAG};
pub use register::Registered;
pub use restoration::Restoration;
pub use rollout::{Memo, Rollout};

/// A service, what was asked for it, and a client that can only read.
#[derive(Debug)]
pub struct EcsService {
    reader: Reader,
    checks: Checks,
    request: Request,
    /// Where `mode: rollback` goes, once it is known.
    destination: OnceCell<String>,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name or ARN.
    pub service: String,
    /// Deploy, plan or go back.
    pub mode: Mode,
    /// The task definition to start from.
    pub source: Source,
    /// What to change in it.
    pub overrides: Overrides,
    /// What to change in the service.
    pub settings: Settings,
    /// The tags of a new revision.
    pub tags: Vec<Tag>,
    /// How often a refused call that writes is made again.
    pub max_retries: u32,
}

impl EcsService {
    /// A target that talks to AWS through `reader`, and is checked by `checks` after its rollout.
    pub const fn new(reader: Reader, checks: Checks, request: Request) -> Self {
        Self { reader, checks, request, destination: OnceCell::new() }
    }
}

impl Target for EcsService {
    const KIND: &'static str = "ecs-service";

    type Writer = Writer;
    type Snapshot = Snapshot;
    type Draft = Draft;
    type Registered = Registered;
    type Rollout = Rollout;
    type Memo = Memo;
    type Restoration = Restoration;

    fn name(&self) -> String {
        format!("service {} in cluster {}", short(&self.request.service), short(&self.request.cluster))
    }

    async fn capture(&self, events: &Events) -> Result<Snapshot, Failure> {
        capture::capture(&self.reader, &self.checks, &self.request, &self.destination, events).await
    }

    fn plan(&self, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
        plan::plan(&self.request, before)
    }

    fn conflict(&self, before: &Snapshot, draft: &Draft) -> Option<String> {
        if draft.joins() { None } else { before.in_flight() }
    }

    async fn conflict_is_over(&self, before: &Snapshot) -> Result<bool, Failure> {
        capture::is_at_rest(&self.reader, before).await
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        preflight::preflight(&self.checks, before, draft, events)
    }

    async fn register(
        &self,
        writer: &Writer,
        before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        register::register(&self.reader, writer, before, draft, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writer, registered: &Registered, events: &Events) -> Result<(), Failure> {
        register::deregister(writer, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, before: &Snapshot, draft: &Draft, registered: &Registered) -> Rollout {
        Rollout::new(self.reader.clone(), before, draft, registered)
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        rollout.memo()
    }

    fn recall(&self, memo: Memo) -> Rollout {
        Rollout::recall(self.reader.clone(), memo)
    }

    async fn update(&self, writer: &Writer, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        update::update(writer, rollout, self.request.max_retries, events).await
    }

    fn checks(&self, rollout: &Rollout, events: &Events) -> Option<impl Watch> {
        self.checks.of(rollout.clone(), &rollout.alarms, events)
    }

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        verify::verify(rollout, events).await
    }

    async fn diagnose(&self, rollout: &Rollout) -> Diagnosis {
        diagnose::diagnose(rollout).await
    }

    async fn restore(
        &self,
        writer: &Writer,
        rollout: &Rollout,
        events: &Events,
    ) -> Result<Restore<Restoration>, Failure> {
        rollback::restore(writer, rollout, self.request.max_retries, events).await
    }

    async fn going_back(&self, rollout: &Rollout, events: &Events) -> Option<Restoration> {
        rollback::going_back(rollout, events).await
    }

    fn standing(&self, before: &Snapshot) -> String {
        match before.in_flight() {
            Some(rollout) => format!("is in the middle of a rollout ({rollout})"),
            None => format!("is on {}", short(&before.service.task_definition)),
        }
    }

    fn was(&self, before: &Snapshot) -> String {
        short(before.restore_to()).to_owned()
    }

    fn wanted(&self, draft: &Draft, registered: Option<&Registered>) -> String {
        match registered {
            Some(registered) => short(registered.arn()).to_owned(),
            None => draft.name(),
        }
    }
}

/// The last part of an ARN, which is what people call the thing; anything else as it is.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Tells the outputs which revision the service is on, or is about to be.
fn announce_revision(arn: &str, events: &Events) {
    events.know(Output::TaskDefinitionArn, arn);
    if let Some((family, revision)) = short(arn).rsplit_once(':') {
        events.know(Output::TaskDefinitionFamily, family);
        events.know(Output::TaskDefinitionRevision, revision);
    }
}

/// Joins complaints into one sentence after another.
fn sentences(complaints: impl IntoIterator<Item = impl fmt::Display>) -> String {
    complaints.into_iter().map(|complaint| format!("{complaint}.")).collect::<Vec<_>>().join(" ")
}
