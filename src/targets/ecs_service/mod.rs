//! A service of Amazon ECS with the ECS deployment controller.
//!
//! In the order of a cycle:
//!
//! - `capture`, `plan`, `preflight`: what runs, what changes, and whether it can. The settings that change are merged into those
//!   that are there in `configuration` and `network`; `gpu` asks whether the cluster has room.
//! - `update` starts a `rollout`, whose identity is a `pin`; `resume` lets one go on from a pause, and `rules` takes EventBridge's
//!   rules along.
//! - `observe` is one look at it, `judge` what that means, `stages` where a deployment stands that shifts traffic.
//! - `verify` makes sure that it is what was asked for, `tidy` removes what nobody needs any more, `diagnose` says why it failed.
//! - `rollback` goes back, and `restoration` is the way back while ECS carries it out.

mod capture;
mod configuration;
mod diagnose;
mod gpu;
mod judge;
mod network;
mod observe;
mod pin;
mod plan;
mod preflight;
mod restoration;
mod resume;
mod rollback;
mod rollout;
mod rules;
mod stages;
mod tidy;
mod update;
mod verify;

use std::cell::OnceCell;

use crate::aws::{ecr, ecs, events, logs};
use crate::cycle::{Diagnosis, Events, Failure, NotUpdated, Pause, Plan, Restore, Run, Target, Watch};
use crate::ecr::Images;
use crate::targets::ecs::{FirstLook, Registered, Request, deregister, register};
use crate::targets::ecs_task::{self, EcsTask};
use crate::text::last_part;
use crate::verification::Checks;

pub use capture::Snapshot;
pub use plan::Draft;
pub use restoration::Restoration;
pub use rollout::{Memo, Rollout};

/// A service, what was asked for it, and a client that can only read.
#[derive(Debug)]
pub struct EcsService {
    readers: Readers,
    checks: Checks,
    request: Request,
    /// What runs between register and update.
    first: Option<EcsTask>,
    images: Images,
    first_look: FirstLook,
    /// Where `mode: rollback` goes, once it is known.
    destination: OnceCell<String>,
}

/// The clients that only read.
#[derive(Debug, Clone)]
pub struct Readers {
    /// Of Amazon ECS.
    pub ecs: ecs::Reader,
    /// Of Amazon EventBridge.
    pub events: events::Reader,
    /// Amazon CloudWatch Logs.
    pub logs: logs::Reader,
}

/// The clients that write.
#[derive(Debug, Clone)]
pub struct Writers {
    /// Of Amazon ECS.
    pub ecs: ecs::Writer,
    /// Of Amazon EventBridge.
    pub events: events::Writer,
    /// Of the registries of its images.
    pub images: ecr::WritableRegistries,
}

impl EcsService {
    /// A target that talks to AWS through `readers`, and is checked by `checks` after its rollout. `first` runs before it.
    pub const fn new(
        readers: Readers,
        checks: Checks,
        request: Request,
        images: Images,
        first: Option<EcsTask>,
        first_look: FirstLook,
    ) -> Self {
        Self { readers, checks, request, images, first, first_look, destination: OnceCell::new() }
    }
}

impl Target for EcsService {
    const KIND: &'static str = "ecs-service";

    type Writer = Writers;
    type Snapshot = Snapshot;
    type Draft = Draft;
    type Registered = Registered;
    type Rollout = Rollout;
    type Memo = Memo;
    type Restoration = Restoration;

    fn name(&self) -> String {
        format!("service {} in cluster {}", last_part(&self.request.service), last_part(&self.request.cluster))
    }

    async fn capture(&self, events: &Events) -> Result<Snapshot, Failure> {
        Box::pin(capture::capture(self, events)).await
    }

    fn plan(&self, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
        plan::plan(&self.request, before)
    }

    fn conflict(&self, before: &Snapshot, draft: &Draft) -> Option<String> {
        if draft.joins() { None } else { before.in_flight() }
    }

    async fn conflict_is_over(&self, before: &Snapshot) -> Result<bool, Failure> {
        capture::is_at_rest(&self.readers.ecs, before).await
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        gpu::warn(&self.readers.ecs, before, draft, events).await;
        Box::pin(preflight::preflight(&self.checks, &self.images, self.first.as_ref(), before, draft, events)).await
    }

    async fn register(
        &self,
        writer: &Writers,
        before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        let replaces = &before.service.task_definition;
        register(&self.readers.ecs, &writer.ecs, replaces, &draft.revision, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writers, registered: &Registered, events: &Events) -> Result<(), Failure> {
        deregister(&writer.ecs, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, before: &Snapshot, draft: &Draft, registered: &Registered) -> Rollout {
        Rollout::new(self.readers.ecs.clone(), before, draft, registered, self.request.wait_until.stage())
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        rollout.memo(self.images.promotions())
    }

    fn recall(&self, memo: Memo) -> Rollout {
        self.images.owe(memo.promotions.clone());
        Rollout::recall(self.readers.ecs.clone(), memo, self.request.wait_until.stage())
    }

    async fn update(&self, writer: &Writers, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        update::update(&writer.ecs, rollout, self.request.max_retries, events).await
    }

    fn checks(&self, rollout: &Rollout, events: &Events) -> Option<impl Watch> {
        self.checks.of(rollout.clone(), &rollout.alarms, events)
    }

    async fn run_first(
        &self,
        run: &Run<'_, Self>,
        writer: &Writers,
        before: &Snapshot,
        _draft: &Draft,
        registered: &Registered,
    ) -> Result<bool, NotUpdated> {
        let Some(first) = &self.first else { return Ok(false) };
        let writers = ecs_task::Writers { ecs: writer.ecs.clone(), images: writer.images.clone() };
        first.run_before(run, &writers, &before.service, registered).await.map(|()| true)
    }

    async fn resume(&self, writer: &Writers, pause: &Pause, events: &Events) -> Result<(), Failure> {
        resume::resume(&self.readers.ecs, &writer.ecs, pause, self.request.max_retries, events).await
    }

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        verify::verify(rollout, events).await
    }

    fn followed(&self, rollout: &Rollout) -> Option<Rollout> {
        (!rollout.moves.is_empty()).then(|| Rollout { is_followed: true, ..rollout.clone() })
    }

    async fn follow(&self, writer: &Writers, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        rules::follow(&self.readers.events, &writer.events, rollout, self.request.max_retries, events).await
    }

    async fn tidy(&self, writer: &Writers, rollout: &Rollout, events: &Events) {
        if let Some(keep) = self.request.keep_revisions {
            tidy::tidy(&self.readers.ecs, &writer.ecs, rollout, keep, self.request.max_retries, events).await;
        }
    }

    async fn seal(&self, writer: &Writers, events: &Events) {
        self.images.promote(&writer.images, events).await;
    }

    async fn diagnose(&self, rollout: &Rollout) -> Diagnosis {
        diagnose::diagnose(rollout, &self.readers.logs).await
    }

    async fn restore(
        &self,
        writer: &Writers,
        rollout: &Rollout,
        events: &Events,
    ) -> Result<Restore<Restoration>, Failure> {
        let retries = self.request.max_retries;
        let restore = rollback::restore(&writer.ecs, rollout, retries, events).await?;
        let goes_back = matches!(restore, Restore::Started(_) | Restore::NothingToDo);
        if !rollout.is_followed || !goes_back {
            return Ok(restore);
        }
        let moved = rules::put_back(&self.readers.events, &writer.events, rollout, retries, events).await?;
        Ok(match restore {
            Restore::NothingToDo if moved => Restore::Started(Restoration::of_nothing(rollout)),
            restore => restore,
        })
    }

    async fn going_back(&self, rollout: &Rollout, events: &Events) -> Option<Restoration> {
        rollback::going_back(rollout, events).await
    }

    fn kept_changes(&self, rollout: &Rollout) -> Vec<String> {
        rollback::kept_changes(rollout)
    }

    fn standing(&self, before: &Snapshot) -> String {
        match before.in_flight() {
            Some(rollout) => format!("is in the middle of a rollout ({rollout})"),
            None => format!("is on {}", last_part(&before.service.task_definition)),
        }
    }

    fn was(&self, before: &Snapshot) -> String {
        last_part(before.restore_to()).to_owned()
    }

    fn wanted(&self, draft: &Draft, registered: Option<&Registered>) -> String {
        match registered {
            Some(registered) => last_part(registered.arn()).to_owned(),
            None => draft.revision.name(),
        }
    }
}
