//! A service of Amazon ECS with the deployment controller CODE_DEPLOY: AWS CodeDeploy brings a second task set, shifts the
//! traffic to it and removes the first.
//!
//! What concerns the revision of the task definition is in [`ecs`](super::ecs).

mod capture;
mod diagnose;
mod history;
mod judge;
mod observe;
mod plan;
mod preflight;
mod restoration;
mod rollback;
mod rollout;
mod update;
mod verify;

use std::cell::OnceCell;

use crate::aws::{codedeploy, ecr, ecs, logs};
use crate::cycle::{Diagnosis, Events, Failure, NotUpdated, Plan, Restore, Run, Target, Watch};
use crate::ecr::Images;
use crate::spec::CodeDeploy;
use crate::targets::ecs::{FirstLook, Registered, Request, check_images, deregister, register};
use crate::text::last_part;
use crate::verification::{Checks, SeenAlarms};

use self::rollout::Pin;
use super::ecs_task::{self, EcsTask};

pub use capture::Snapshot;
pub use plan::Draft;
pub use restoration::Restoration;
pub use rollout::{Memo, Rollout};

/// A service, what was asked for it, and clients that can only read.
#[derive(Debug)]
pub struct CodeDeployService {
    clients: Readers,
    checks: Checks,
    request: Request,
    images: Images,
    asked: CodeDeploy,
    /// What runs between register and update.
    first: Option<EcsTask>,
    first_look: FirstLook,
    /// Where `mode: rollback` goes, once it is known.
    destination: OnceCell<String>,
}

/// The clients that can only read.
#[derive(Debug, Clone)]
pub struct Readers {
    /// Of Amazon ECS.
    pub ecs: ecs::Reader,
    /// Of AWS CodeDeploy.
    pub codedeploy: codedeploy::Reader,
    /// Of Amazon CloudWatch Logs.
    pub logs: logs::Reader,
}

/// The clients that can write.
#[derive(Debug)]
pub struct Writers {
    /// Of Amazon ECS.
    pub ecs: ecs::Writer,
    /// Of AWS CodeDeploy.
    pub codedeploy: codedeploy::Writer,
    /// Of the registries of its images.
    pub images: ecr::WritableRegistries,
}

impl CodeDeployService {
    /// A target that talks to AWS through `clients`, and is checked by `checks` after its rollout. `first` runs before it.
    pub const fn new(
        clients: Readers,
        checks: Checks,
        request: Request,
        images: Images,
        asked: CodeDeploy,
        first: Option<EcsTask>,
        first_look: FirstLook,
    ) -> Self {
        Self { clients, checks, request, images, asked, first, first_look, destination: OnceCell::new() }
    }
}

impl Target for CodeDeployService {
    const KIND: &'static str = "codedeploy-service";

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
        if draft.joins() { None } else { before.conflict() }
    }

    async fn conflict_is_over(&self, before: &Snapshot) -> Result<bool, Failure> {
        let group = self.clients.codedeploy.group(&before.application, &before.group).await?;
        Ok(group.last.is_none_or(|(_, status)| status.is_over()))
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        preflight::preflight(&self.asked, &self.checks, self.first.as_ref(), before, draft, events)?;
        Box::pin(check_images(&self.images, &before.running, &draft.revision, events)).await
    }

    async fn register(
        &self,
        writer: &Writers,
        before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        let replaces = &before.service.task_definition;
        register(&self.clients.ecs, &writer.ecs, replaces, &draft.revision, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writers, registered: &Registered, events: &Events) -> Result<(), Failure> {
        deregister(&writer.ecs, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, before: &Snapshot, draft: &Draft, registered: &Registered) -> Rollout {
        Rollout::new(self.clients.clone(), &self.asked, before, draft, registered, self.request.wait_until)
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        Pin { promotions: self.images.promotions(), ..rollout.pin.clone() }
    }

    fn recall(&self, memo: Memo) -> Rollout {
        self.images.owe(memo.promotions.clone());
        Rollout::recall(self.clients.clone(), memo, self.request.wait_until)
    }

    async fn update(&self, writer: &Writers, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        let Request { max_retries, wait_for, .. } = self.request;
        update::update(&writer.codedeploy, rollout, (max_retries, wait_for), events).await
    }

    fn checks(&self, rollout: &Rollout, events: &Events) -> Option<impl Watch> {
        self.checks.of(rollout.checked(), &SeenAlarms::recalled(rollout.pin.alarms.clone()), events)
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

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        verify::verify(rollout, events).await
    }

    async fn seal(&self, writer: &Writers, events: &Events) {
        self.images.promote(&writer.images, events).await;
    }

    async fn diagnose(&self, rollout: &Rollout) -> Diagnosis {
        diagnose::diagnose(rollout).await
    }

    async fn restore(
        &self,
        writer: &Writers,
        rollout: &Rollout,
        events: &Events,
    ) -> Result<Restore<Restoration>, Failure> {
        rollback::restore(&writer.codedeploy, rollout, self.request.max_retries, events).await
    }

    async fn going_back(&self, rollout: &Rollout, _: &Events) -> Option<Restoration> {
        rollback::going_back(rollout).await
    }

    fn standing(&self, before: &Snapshot) -> String {
        match before.conflict() {
            Some(rollout) => format!("is in the middle of a rollout ({rollout})"),
            None => format!("is on {}", last_part(&before.service.task_definition)),
        }
    }

    fn was(&self, before: &Snapshot) -> String {
        last_part(before.restore_to()).to_owned()
    }

    fn wanted(&self, draft: &Draft, registered: Option<&Registered>) -> String {
        registered.map_or_else(|| draft.revision.name(), |registered| last_part(registered.arn()).to_owned())
    }
}
