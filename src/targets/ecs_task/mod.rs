//! A one-off task of Amazon ECS: it is started, watched to its end, and judged by its exit codes.
//!
//! There is nothing to go back to: what is owed is that the task does not outlive the step unwatched, so taking back is
//! StopTask.

mod capture;
mod identity;
mod judge;
mod outputs;
mod plan;
mod restore;
mod rollout;
mod tell;
mod update;

use crate::aws::ecs::Reader;
use crate::aws::{ecr, ecs, logs};
use crate::cycle::{
    Conclusion, Diagnosis, Doing, Ending, Events, Failure, NotUpdated, Plan, Policy, Restore, Run, Target, errand,
};
use crate::ecr::Images;
use crate::spec::{OneOff, Overrides, Settings, Source, Tag, TaskDefinition};
use crate::targets::ecs::{Registered, check_images, check_revision, check_volume, complain, deregister, register};
use crate::text::last_part;

pub use capture::Snapshot;
pub use identity::Identity;
pub use plan::Draft;
pub use restore::Restoration;
pub use rollout::{Memo, Rollout};

/// A task, what was asked for it, and clients that can only read.
#[derive(Debug)]
pub struct EcsTask {
    reader: Reader,
    logs: logs::Reader,
    request: Request,
    images: Images,
}

/// The clients that can write.
#[derive(Debug, Clone)]
pub struct Writers {
    /// Of Amazon ECS.
    pub ecs: ecs::Writer,
    /// Of the registries of its images.
    pub images: ecr::WritableRegistries,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service from which the task takes what is not named.
    pub service: Option<String>,
    /// The task definition to start from.
    pub source: Source,
    /// What to change in it.
    pub overrides: Overrides,
    /// Settings that RunTask has as well.
    pub settings: Settings,
    /// The tags of a new revision.
    pub tags: Vec<Tag>,
    /// What RunTask is asked for.
    pub one_off: OneOff,
    /// What the task's tokens are made of.
    pub identity: Identity,
    /// How often a refused call that writes is made again.
    pub max_retries: u32,
}

impl EcsTask {
    /// A target that talks to AWS through `reader` and reads logs through `logs`.
    pub const fn new(reader: Reader, logs: logs::Reader, request: Request, images: Images) -> Self {
        Self { reader, logs, request, images }
    }

    /// What ECS would refuse about the volume that was asked for, with this task definition.
    pub(in crate::targets) fn check_volume(&self, document: &TaskDefinition) -> Option<String> {
        check_volume(document, self.request.one_off.volume.as_ref()?, "run-task-managed-ebs-volume-name")
    }

    /// Runs the task of a revision that is registered, between two phases of a service's cycle.
    ///
    /// # Errors
    /// How it did not end well, and whether it was started.
    pub(in crate::targets) async fn run_before<U: Target>(
        &self,
        outer: &Run<'_, U>,
        writer: &Writers,
        service: &ecs::Service,
        registered: &Registered,
    ) -> Result<(), NotUpdated> {
        let document = self.reader.describe_task_definition(registered.arn()).await;
        let document = document.map_err(|error| NotUpdated { failure: error.into(), may_have_happened: false })?;
        let before = Snapshot::beside(service.clone(), registered.arn().to_owned(), document);
        let planned = plan::plan(&self.request, &before);
        let (_, draft) = planned.map_err(|failure| NotUpdated { failure, may_have_happened: false })?;
        let policy = Policy { wait: self.request.one_off.wait, doing: Doing::RunTask, ..outer.policy().clone() };
        outer.events().note(format!("Running a task of {} before the update.", last_part(registered.arn())));
        Box::pin(errand(outer, self, &policy, writer, (before, draft, registered.lent()))).await
    }
}

impl Target for EcsTask {
    const KIND: &'static str = "ecs-task";

    type Writer = Writers;
    type Snapshot = Snapshot;
    type Draft = Draft;
    type Registered = Registered;
    type Rollout = Rollout;
    type Memo = Memo;
    type Restoration = Restoration;

    fn name(&self) -> String {
        format!("a one-off task in cluster {}", last_part(&self.request.cluster))
    }

    async fn capture(&self, events: &Events) -> Result<Snapshot, Failure> {
        capture::capture(&self.reader, &self.request, &self.images, events).await
    }

    fn plan(&self, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
        plan::plan(&self.request, before)
    }

    /// Tasks do not get into each other's way.
    fn conflict(&self, _before: &Snapshot, _draft: &Draft) -> Option<String> {
        None
    }

    async fn conflict_is_over(&self, _before: &Snapshot) -> Result<bool, Failure> {
        Ok(true)
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        let document = draft.revision.document().unwrap_or(before.base.document());
        let mut errors = check_revision(&draft.revision, events);
        errors.extend(self.check_volume(document));
        complain(errors, Vec::new())?;
        // There is no way back, to older images or others.
        Box::pin(check_images(&self.images, document, &draft.revision, events)).await
    }

    async fn register(
        &self,
        writer: &Writers,
        _before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        register(&self.reader, &writer.ecs, "", &draft.revision, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writers, registered: &Registered, events: &Events) -> Result<(), Failure> {
        deregister(&writer.ecs, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, _before: &Snapshot, draft: &Draft, registered: &Registered) -> Rollout {
        Rollout::new(self.reader.clone(), self.logs.clone(), &self.request, draft, registered.arn())
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        Memo { promotions: self.images.promotions(), ..rollout.memo.clone() }
    }

    fn recall(&self, memo: Memo) -> Rollout {
        self.images.owe(memo.promotions.clone());
        Rollout::recall(self.reader.clone(), self.logs.clone(), memo)
    }

    async fn update(&self, writer: &Writers, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        update::update(&writer.ecs, rollout, self.request.max_retries, events).await
    }

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        outputs::announce(rollout, events).await;
        Ok(())
    }

    async fn seal(&self, writer: &Writers, events: &Events) {
        self.images.promote(&writer.images, events).await;
    }

    async fn diagnose(&self, rollout: &Rollout) -> Diagnosis {
        outputs::diagnose(rollout).await
    }

    async fn restore(
        &self,
        writer: &Writers,
        rollout: &Rollout,
        events: &Events,
    ) -> Result<Restore<Restoration>, Failure> {
        restore::restore(&writer.ecs, rollout, self.request.max_retries, events).await
    }

    async fn going_back(&self, rollout: &Rollout, events: &Events) -> Option<Restoration> {
        outputs::announce(rollout, events).await;
        None
    }

    fn standing(&self, _before: &Snapshot) -> String {
        "was not started".to_owned()
    }

    fn was(&self, _before: &Snapshot) -> String {
        String::new()
    }

    fn wanted(&self, draft: &Draft, registered: Option<&Registered>) -> String {
        match registered {
            Some(registered) => last_part(registered.arn()).to_owned(),
            None => draft.revision.name(),
        }
    }

    fn tell(&self, ending: Ending, wanted: &str, conclusion: Conclusion) -> Conclusion {
        tell::tell(last_part(&self.request.cluster), ending, wanted, conclusion)
    }
}
