//! A real-time endpoint of Amazon SageMaker.
//!
//! In the order of a cycle:
//!
//! - `capture` finds what is served, as one document (`serving`); `wanted` is that document with what was asked for in its place,
//!   and `plan` the difference. `deployment` is how SageMaker is to carry it out, `preflight` whether it would take it.
//! - `register` makes a model and a configuration, with names by `naming`.
//! - `update` starts a `rollout`, which `judge` judges. Around a change of instances `scaling` takes autoscaling away and puts it
//!   back; until then the endpoint keeps it in its `memory`.
//! - `smoke_test` and `verify` check what serves, `life_cycle` tells the model registry, `tidy` deletes what nobody needs any more,
//!   `diagnose` and `known_causes` say why it failed, and `tell` says the ends in words.
//! - `rollback` goes back, as `back` asks for it, and `restoration` is the way back while SageMaker carries it out.

mod back;
mod capture;
mod deployment;
mod diagnose;
mod judge;
pub(in crate::targets) mod known_causes;
mod life_cycle;
mod memory;
mod naming;
mod plan;
mod preflight;
mod register;
mod restoration;
mod rollback;
mod rollout;
mod scaling;
mod serving;
mod smoke_test;
mod tell;
mod tidy;
mod update;
mod verify;
mod wanted;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use self::life_cycle::LifeCycle;
use self::plan::Start;
use self::smoke_test::{Asking, Checking};
use crate::aws::scaling::Scaling;
use crate::aws::{ecr, logs, sage_maker, scaling as autoscaling};
use crate::cycle::{Conclusion, Diagnosis, Ending, Events, Failure, NotUpdated, Plan, Restore, Target, Watch};
use crate::ecr::Images;
use crate::spec::{AlarmPreflight, DeploymentSettings, Endpoint, Mode, RollbackTo, Tag};
use crate::verification::Checks;

pub use capture::Snapshot;
pub use plan::Draft;
pub use register::Registered;
use restoration::Remarks;
pub use restoration::Restoration;
use rollout::Before;
pub use rollout::{Memo, Rollout};

/// An endpoint, what was asked for it, and a client that can only read.
#[derive(Debug)]
pub struct SageMakerEndpoint {
    readers: Readers,
    checks: Checks,
    request: Request,
    images: Images,
    /// Where `mode: rollback` goes, once it is known.
    destination: OnceCell<String>,
    /// What was there before.
    before: Cell<Before>,
    /// Whether what serves was checked and found wanting.
    has_failed: Rc<Cell<bool>>,
    /// What is said in the model registry after a success.
    life_cycle: RefCell<Option<LifeCycle>>,
    /// What a person has to know of what serves again.
    remarks: Remarks,
    /// The autoscaling that is taken away for the time of the rollout.
    scaled: RefCell<Vec<Scaling>>,
}

/// The clients that only read, or ask.
#[derive(Debug, Clone)]
pub struct Readers {
    /// Of Amazon SageMaker.
    pub sage_maker: sage_maker::Reader,
    /// Of Application Auto Scaling.
    pub scaling: autoscaling::Reader,
    /// Asks endpoints.
    pub invoker: sage_maker::Invoker,
    /// Of Amazon CloudWatch Logs.
    pub logs: logs::Reader,
}

/// The clients that write.
#[derive(Debug, Clone)]
pub struct Writers {
    /// Of Amazon SageMaker.
    pub sage_maker: sage_maker::Writer,
    /// Of Application Auto Scaling.
    pub scaling: autoscaling::Writer,
    /// Of the registries of its images.
    pub images: ecr::WritableRegistries,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Deploy, plan or go back.
    pub mode: Mode,
    /// How SageMaker is to carry the update out.
    pub deployment: DeploymentSettings,
    /// The alarms with which SageMaker takes the update back, by name.
    pub alarms: Vec<String>,
    /// What to do about alarms that are red before anything is changed.
    pub alarm_preflight: AlarmPreflight,
    /// Whether the end of the rollout is waited for.
    pub waits: bool,
    /// Whether what is served is checked after the rollout.
    pub is_checked: bool,
    /// The tags of what is made.
    pub tags: Vec<Tag>,
    /// The workflow run; nothing outside GitHub Actions.
    pub run: String,
    /// Whether an earlier attempt of this workflow run may have begun what is asked for.
    pub is_later_attempt: bool,
    /// The region that is deployed to.
    pub region: String,
    /// How often a refused call that writes is made again.
    pub max_retries: u32,
}

impl SageMakerEndpoint {
    /// A target that talks to AWS through `readers`, and is checked by `checks` after its rollout.
    pub fn new(readers: Readers, checks: Checks, request: Request, images: Images) -> Self {
        let (destination, before, has_failed) = (OnceCell::new(), Cell::default(), Rc::default());
        let (life_cycle, remarks, scaled) = (RefCell::default(), Rc::default(), RefCell::default());
        Self { readers, checks, request, images, destination, before, has_failed, life_cycle, remarks, scaled }
    }

    /// The smoke test that was asked for.
    fn asking(&self) -> Option<Asking> {
        let endpoint = &self.request.endpoint;
        let test = endpoint.smoke_test.clone()?;
        Some(Asking::new(test, self.readers.invoker.clone(), endpoint.name.clone()))
    }
}

impl Target for SageMakerEndpoint {
    const KIND: &'static str = "sagemaker-endpoint";
    /// UpdateEndpoint is refused until the update in flight is over.
    const SUPERSEDES: bool = false;

    type Writer = Writers;
    type Snapshot = Snapshot;
    type Draft = Draft;
    type Registered = Registered;
    type Rollout = Rollout;
    type Memo = Memo;
    type Restoration = Restoration;

    fn name(&self) -> String {
        format!("endpoint {}", self.request.endpoint.name)
    }

    async fn capture(&self, events: &Events) -> Result<Snapshot, Failure> {
        capture::capture(&self.readers, &self.checks, &self.request, &self.images, &self.destination, events).await
    }

    fn plan(&self, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
        let (plan, draft) = plan::plan(&self.request, before)?;
        let Request { endpoint, run, .. } = &self.request;
        let stage = endpoint.life_cycle_stage.as_deref();
        self.life_cycle.replace(stage.map(|stage| LifeCycle::of(stage, &draft.picture, &endpoint.name, run)));
        Ok((plan, draft))
    }

    fn conflict(&self, before: &Snapshot, draft: &Draft) -> Option<String> {
        before.in_flight().filter(|_| draft.start != plan::Start::Join)
    }

    async fn conflict_is_over(&self, _before: &Snapshot) -> Result<bool, Failure> {
        capture::is_at_rest(&self.readers.sage_maker, &self.request.endpoint.name).await
    }

    async fn preflight(&self, before: &Snapshot, draft: &Draft, events: &Events) -> Result<(), Failure> {
        preflight::preflight(&self.request, &self.checks, &self.images, before, draft, events).await
    }

    async fn register(
        &self,
        writer: &Writers,
        _before: &Snapshot,
        draft: &Draft,
        events: &Events,
    ) -> Result<Registered, Failure> {
        register::register(&self.readers.sage_maker, &writer.sage_maker, draft, self.request.max_retries, events).await
    }

    async fn deregister(&self, writer: &Writers, registered: &Registered, events: &Events) -> Result<(), Failure> {
        register::deregister(&writer.sage_maker, registered, self.request.max_retries, events).await
    }

    fn rollout(&self, before: &Snapshot, draft: &Draft, registered: &Registered) -> Rollout {
        let rollout = Rollout::new(self.readers.sage_maker.clone(), &self.request, before, draft, registered);
        self.before.set(rollout.before());
        self.scaled.replace(rollout.scaled.clone());
        rollout
    }

    fn memo(&self, rollout: &Rollout) -> Memo {
        rollout.memo(self.images.promotions(), self.life_cycle.borrow().clone())
    }

    fn recall(&self, memo: Memo) -> Rollout {
        self.images.owe(memo.promotions.clone());
        self.life_cycle.replace(memo.life_cycle.clone());
        let rollout = Rollout::recall(self.readers.sage_maker.clone(), memo);
        self.before.set(rollout.before());
        self.scaled.replace(rollout.scaled.clone());
        rollout
    }

    async fn update(&self, writer: &Writers, rollout: Rollout, events: &Events) -> Result<Rollout, NotUpdated> {
        let Request { mode, run, max_retries, .. } = &self.request;
        let goes_to_previous = matches!(mode, Mode::Rollback { to: RollbackTo::Previous });
        if goes_to_previous && rollout.start == Start::Update {
            memory::remember_way_back(writer, &rollout.arn, run, &rollout.pin.config, *max_retries, events).await;
        }
        update::update(writer, rollout, *max_retries, events).await
    }

    fn checks(&self, rollout: &Rollout, events: &Events) -> Option<impl Watch> {
        let checked = self.checks.of(rollout.clone(), &rollout.alarms, events);
        Checking::new(rollout.clone(), self.asking(), checked, Rc::clone(&self.has_failed), events)
    }

    async fn verify(&self, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        verify::verify(rollout, events).await.inspect_err(|_| self.has_failed.set(true))
    }

    fn followed(&self, rollout: &Rollout) -> Option<Rollout> {
        (!rollout.scaled.is_empty()).then(|| rollout.clone())
    }

    /// Autoscaling comes back once the new instances have proved themselves.
    async fn follow(&self, writer: &Writers, rollout: &Rollout, events: &Events) -> Result<(), Failure> {
        scaling::put_back(writer, rollout, &rollout.scaled_on, self.request.max_retries, events).await
    }

    async fn give_way(&self, writer: &Writers, rollout: &Rollout, events: &Events) {
        scaling::give_way(writer, rollout, self.request.max_retries, events).await;
    }

    async fn tidy(&self, writer: &Writers, rollout: &Rollout, events: &Events) {
        if let Some(keep) = self.request.endpoint.keep_configs {
            let keep = usize::try_from(keep).unwrap_or(usize::MAX);
            tidy::tidy(writer, rollout, keep, self.request.max_retries, events).await;
        }
    }

    async fn seal(&self, writer: &Writers, events: &Events) {
        self.images.promote(&writer.images, events).await;
        let life_cycle = self.life_cycle.borrow().clone();
        if let Some(life_cycle) = life_cycle {
            life_cycle.say(&writer.sage_maker, self.request.max_retries, events).await;
        }
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
        let scope = rollback::Scope {
            on_first_failure: self.request.endpoint.on_first_failure,
            is_judged: self.has_failed.get(),
        };
        let restore = rollback::restore(writer, rollout, scope, self.request.max_retries, events).await?;
        Ok(match restore {
            Restore::Started(way) => Restore::Started(way.asking(self.asking(), Rc::clone(&self.remarks))),
            restore => restore,
        })
    }

    async fn going_back(&self, rollout: &Rollout, _events: &Events) -> Option<Restoration> {
        Some(rollback::going_back(rollout).await?.asking(self.asking(), Rc::clone(&self.remarks)))
    }

    fn tell(&self, ending: Ending, wanted: &str, conclusion: Conclusion) -> Conclusion {
        let told = tell::tell(&self.request.endpoint.name, self.before.get(), ending, wanted, conclusion);
        let mut remarks = self.remarks.borrow().clone();
        if matches!(ending, Ending::NotTakenBack | Ending::AsItIs) {
            remarks.extend(scaling::away(&self.scaled.borrow()));
        }
        match &remarks[..] {
            [] => told,
            remarks => {
                let advice = told.advice.iter().chain(remarks).map(String::as_str).collect::<Vec<_>>().join(" ");
                Conclusion { advice: Some(advice), ..told }
            }
        }
    }

    fn standing(&self, before: &Snapshot) -> String {
        match (&before.endpoint, before.in_flight()) {
            (None, _) => "does not exist".to_owned(),
            (Some(_), Some(change)) => format!("is in the middle of a change ({change})"),
            (Some(endpoint), None) => format!("is {} on {}", endpoint.status.as_str(), endpoint.config),
        }
    }

    fn was(&self, before: &Snapshot) -> String {
        let Some(running) = &before.running else { return String::new() };
        let is_to_be_checked = || plan::plan(&self.request, before).is_ok_and(|(_, it)| it.start == plan::Start::Check);
        if is_to_be_checked() { plan::previous(&running.tags).unwrap_or_default() } else { running.config.clone() }
    }

    fn wanted(&self, draft: &Draft, registered: Option<&Registered>) -> String {
        registered.map_or(&draft.config, |registered| &registered.config).clone()
    }
}
