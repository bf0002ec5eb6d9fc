//! A version of a model in the model registry of Amazon SageMaker: it is judged by its metrics, registered, watched until it is
//! complete, and then approved where that was asked for.
//!
//! It is a target like any other, because what can go wrong is the same: a run that is killed between two calls, an answer that
//! never came, a version that SageMaker fails after it took the request. Only that nothing runs by it, so there is nothing to go
//! back to: a version that was not approved cannot be deployed, and stays for the record. A version is therefore registered as
//! `PendingManualApproval` first, and its approval is what follows when everything else is known to be right.

mod capture;
mod judge;
mod plan;
mod preflight;
mod provenance;
mod register;
mod restore;
mod rollout;
mod tell;
mod update;
mod verify;

use std::cell::OnceCell;

use serde_json::Value;

use crate::aws::Objects;
use crate::aws::sage_maker::{Made, Reader, Writer};
use crate::cycle::{Conclusion, Diagnosis, Ending, Events, Failure, NotUpdated, Output, Plan, Restore, Target};
use crate::ecr::Images;
use crate::spec::{Registration, Tag};
use crate::text::last_part;

pub use capture::Snapshot;
pub use plan::Draft;
pub use provenance::Provenance;
pub use register::Registered;
pub use rollout::{Memo, Rollout};

/// A model package group, what was asked for it, and a client that can only read.
#[derive(Debug)]
pub struct ModelPackage {
    reader: Reader,
    objects: Objects,
    request: Request,
    images: Images,
    /// The version's number, once it is known.
    version: OnceCell<String>,
    /// What is decided about it, once it is complete: `Approved` or `Rejected`; nothing where that is left to a person.
    decision: OnceCell<String>,
    /// The version, when nothing is left to do about it.
    finished: OnceCell<Made>,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The version.
    pub registration: Registration,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The tags of a group that is made: versions have none.
    pub tags: Vec<Tag>,
    /// The region of the registry.
    pub region: String,
    /// How often a refused call that writes is made again.
    pub max_retries: u32,
}

impl ModelPackage {
    /// A target that talks to AWS through `reader`, and reads metrics through `objects`.
    pub const fn new(reader: Reader, objects: Objects, request: Request, images: Images) -> Self {
        Self {
            reader,
            objects,
            request,
            images,
            version: OnceCell::new(),
            decision: OnceCell::new(),
            finished: OnceCell::new(),
        }
    }

    fn learn(&self, rollout: &Rollout) {
        if let Some(arn) = rollout.arn.as_deref() {
            self.version.set(last_part(arn).to_owned()).unwrap_or_default();
        }
        if let Some((status, _)) = &rollout.decision {
            self.decision.set(status.clone()).unwrap_or_default();
        }
    }
}

impl Target for ModelPackage {
    const KIND: &'static str = "model-package";

    type Writer = Writer;
    type Snapshot = Snapshot;
    type Draft = Draft;
    type Registered = Registered;
    type Rollout = Rollout;
    type Memo = Memo;
    type Restoration = Rollout;

    fn name(&self) -> String {
        format!("model package group {}", self.request.registration.group)
    }

    async fn capture(&self, events: &Events) -> Result<Snapshot, Failure> {
        capture::capture(&self.reader, &self.objects, &self.request, &self.images, events).await
    }

    fn plan(&self, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
        let (plan, draft) = plan::plan(&self.request, before)?;
        if let (true, Some(found)) = (plan.is_empty(), &draft.found) {
            self.version.set(last_part(&found.arn).to_owned()).unwrap_or_default();
            self.finished.set(found.clone()).unwrap_or_default();
        }
        Ok((plan, draft))
    }

    /// Versions do not get into each other's way.
    fn conflict(&self, _before: &Snapshot, _draft: &Draft) -> Option<String> {
        None
    }

    async fn conflict_is_over(&self, _before: &Snapshot) -> Result<bool, Failure> {
        Ok(true)
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        preflight::preflight(&self.request, &self.images, before, draft, events).await
    }

    async fn register(
        &self,
        writer: &Writer,
        _before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        register::register(writer, draft, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writer, registered: &Registered, events: &Events) -> Result<(), Failure> {
        register::deregister(writer, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, _before: &Snapshot, draft: &Draft, _registered: &Registered) -> Rollout {
        let rollout = Rollout::new(self.reader.clone(), &self.request, draft);
        self.learn(&rollout);
        rollout
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        rollout.memo()
    }

    fn recall(&self, memo: Memo) -> Rollout {
        let rollout = Rollout::recall(self.reader.clone(), memo);
        self.learn(&rollout);
        rollout
    }

    async fn update(&self, writer: &Writer, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        let rollout = update::update(writer, rollout, self.request.max_retries, events).await?;
        self.learn(&rollout);
        Ok(rollout)
    }

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        // In the post step the version may have been found only while it was watched.
        self.learn(rollout);
        verify::verify(rollout, events).await
    }

    fn followed(&self, rollout: &Rollout) -> Option<Rollout> {
        rollout.decision.is_some().then(|| rollout.clone())
    }

    async fn follow(&self, writer: &Writer, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        verify::decide(writer, rollout, self.request.max_retries, events).await
    }

    async fn seal(&self, _writer: &Writer, events: &Events) {
        if let Some(Made { arn, document }) = self.finished.get() {
            events.know(Output::ModelPackageArn, arn);
            events.know(Output::ModelPackageVersion, last_part(arn));
            let approval = document.get("ModelApprovalStatus").and_then(Value::as_str);
            events.know(Output::ModelApprovalStatus, approval.unwrap_or(plan::PENDING));
        }
    }

    async fn diagnose(&self, rollout: &Rollout) -> Diagnosis {
        let statements = rollout.last.as_ref().map(judge::reasons).unwrap_or_default();
        Diagnosis { statements, ..Diagnosis::default() }
    }

    async fn restore(
        &self,
        _writer: &Writer,
        rollout: &Rollout,
        _events: &Events,
    ) -> Result<Restore<Rollout>, Failure> {
        let (restore, rollout) = restore::restore(rollout).await?;
        self.learn(&rollout);
        Ok(restore)
    }

    async fn going_back(&self, _rollout: &Rollout, _events: &Events) -> Option<Rollout> {
        None
    }

    fn tell(&self, ending: Ending, _wanted: &str, conclusion: Conclusion) -> Conclusion {
        let text = |cell: &OnceCell<String>| cell.get().cloned();
        tell::tell(&self.request.registration.group, text(&self.version), text(&self.decision), ending, conclusion)
    }

    fn standing(&self, before: &Snapshot) -> String {
        match (before.has_group, before.versions) {
            (false, _) => "does not exist".to_owned(),
            (true, 1) => "has 1 version".to_owned(),
            (true, versions) => format!("has {versions} versions"),
        }
    }

    fn was(&self, _before: &Snapshot) -> String {
        String::new()
    }

    fn wanted(&self, draft: &Draft, _registered: Option<&Registered>) -> String {
        match (self.version.get(), &draft.found) {
            (Some(number), _) => format!("version {number}"),
            (None, Some(found)) => format!("version {}", last_part(&found.arn)),
            (None, None) => "a new version".to_owned(),
        }
    }
}
