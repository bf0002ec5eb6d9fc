//! The phases as types. Only the phase before can make the next one, and a transition consumes it, so the wrong order does
//! not compile. A transition that fails gives back the phase that it failed at, and that phase says what is owed.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use super::failure::Why;
use super::run::{Debt, ENDED_WELL, Owed};
use super::verify::verify;
use super::wait::{Until, Waited, wait};
use super::{Failure, Kind, NotUpdated, OnCancel, Output, Parting, Phase, Plan, Progress, Run, Target};

/// A transition that failed, and the phase that it failed at.
pub(super) struct Failed<P> {
    pub(super) at: P,
    pub(super) why: Why,
}

impl<P> Failed<P> {
    fn new(at: P, why: impl Into<Why>) -> Self {
        Self { at, why: why.into() }
    }
}

/// Nothing is known yet.
#[must_use]
pub(super) struct Begun<'a, T: Target> {
    run: &'a Run<'a, T>,
}

/// What was running before is known.
#[must_use]
pub(super) struct Captured<'a, T: Target> {
    run: &'a Run<'a, T>,
    before: T::Snapshot,
}

/// What will change is known.
#[must_use]
pub(super) struct Planned<'a, T: Target> {
    captured: Captured<'a, T>,
    plan: Plan,
    draft: T::Draft,
}

/// The checks are passed.
#[must_use]
pub(super) struct Cleared<'a, T: Target>(Planned<'a, T>);

/// What is new exists, and nobody uses it. Failing here owes a deregistration.
#[must_use]
pub(super) struct Registered<'a, T: Target> {
    cleared: Cleared<'a, T>,
    made: T::Registered,
    /// What ran before the update, in words.
    ran: Option<&'static str>,
}

/// The rollout was, or may have been, started. Failing here owes a rollback.
#[must_use]
pub(super) struct Updated<'a, T: Target> {
    registered: Registered<'a, T>,
    rollout: T::Rollout,
}

/// The rollout is over and AWS calls it a success. Failing here owes a rollback too.
#[must_use]
pub(super) struct Settled<'a, T: Target>(Updated<'a, T>, Progress);

/// How watching a rollout ended that has not failed.
pub(super) enum Watched<'a, T: Target> {
    /// With its end.
    Over(Settled<'a, T>),
    /// Before it, as asked.
    Left(Updated<'a, T>, Parting),
}

/// What runs is what was asked for.
#[must_use]
pub(super) struct Verified<'a, T: Target>(Settled<'a, T>);

impl<'a, T: Target> Begun<'a, T> {
    pub(super) const fn new(run: &'a Run<'a, T>) -> Self {
        Self { run }
    }

    pub(super) async fn capture(self) -> Result<Captured<'a, T>, Failed<Self>> {
        let run = self.run;
        match cancellable(run, Phase::Capture, run.target.capture(run.events).boxed_local(), |failure| failure).await {
            Ok(before) => {
                run.owe(Owed::Nothing { before: Some(before.clone()) });
                Ok(Captured { run, before })
            }
            Err(failure) => Err(Failed::new(self, failure)),
        }
    }
}

impl<'a, T: Target> Captured<'a, T> {
    pub(super) fn plan(self) -> Result<Planned<'a, T>, Failed<Self>> {
        let events = self.run.events;
        events.send(Kind::PhaseStarted(Phase::Plan));
        let planned = self.run.target.plan(&self.before);
        if let Ok((plan, _)) = &planned {
            events.send(Kind::Planned(plan.clone()));
            // A plan is texts and numbers, which JSON has a form for.
            if let Ok(json) = serde_json::to_string(plan) {
                events.know(Output::Plan, json);
            }
        }
        events.send(Kind::PhaseFinished(Phase::Plan));
        match planned {
            Ok((plan, draft)) => Ok(Planned { captured: self, plan, draft }),
            Err(failure) => Err(Failed::new(self, failure)),
        }
    }
}

impl<'a, T: Target> Planned<'a, T> {
    pub(super) const fn is_empty(&self) -> bool {
        self.plan.is_empty()
    }

    pub(super) const fn changes(&self) -> usize {
        self.plan.changes.len()
    }

    pub(super) fn conflict(&self) -> Option<String> {
        self.captured.run.target.conflict(&self.captured.before, &self.draft)
    }

    pub(super) async fn conflict_is_over(&self) -> Result<bool, Failure> {
        self.captured.run.target.conflict_is_over(&self.captured.before).boxed_local().await
    }

    pub(super) async fn preflight(self) -> Result<Cleared<'a, T>, Failed<Self>> {
        let run = self.captured.run;
        let check = run.target.preflight(&self.captured.before, &self.draft, run.events).boxed_local();
        match cancellable(run, Phase::Preflight, check, |failure| failure).await {
            Ok(()) => Ok(Cleared(self)),
            Err(failure) => Err(Failed::new(self, failure)),
        }
    }

    /// What was asked for runs already.
    pub(super) async fn seal(&self, writer: &T::Writer) {
        let run = self.captured.run;
        run.target.seal(writer, run.events).boxed_local().await;
    }

    pub(super) fn was(&self) -> String {
        self.captured.run.target.was(&self.captured.before)
    }

    pub(super) fn standing(&self) -> String {
        self.captured.run.target.standing(&self.captured.before)
    }

    pub(super) fn wanted(&self) -> String {
        self.captured.run.target.wanted(&self.draft, None)
    }

    pub(super) fn refuse(self, failure: Failure) -> Failed<Self> {
        Failed::new(self, failure)
    }
}

impl<'a, T: Target> Cleared<'a, T> {
    /// The rollout in flight, to be taken back: nothing is registered and nothing is updated.
    pub(super) async fn join(self, writer: &T::Writer) -> Result<Owed<T>, Failed<Self>> {
        let registered = self.register(writer).await?;
        let Planned { captured: Captured { run, before }, draft, .. } = &registered.cleared.0;
        let rollout = run.target.rollout(before, draft, &registered.made);
        Ok(Updated { rollout, registered }.into())
    }

    pub(super) async fn register(self, writer: &T::Writer) -> Result<Registered<'a, T>, Failed<Self>> {
        let Planned { captured: Captured { run, before }, draft, .. } = &self.0;
        let run: &Run<'_, T> = run;
        let register = run.target.register(writer, before, draft, run.events).boxed_local();
        match cancellable(run, Phase::Register, register, |failure| failure).await {
            Ok(made) => {
                run.owe(Owed::Deregistration { before: before.clone(), registered: made.clone(), ran: None });
                Ok(Registered { cleared: self, made, ran: None })
            }
            Err(failure) => Err(Failed::new(self, failure)),
        }
    }
}

/// Starting the rollout failed: for sure, or perhaps not.
pub(super) enum UpdateFailed<'a, T: Target> {
    NotStarted(Failed<Registered<'a, T>>),
    MayHaveStarted(Failed<Updated<'a, T>>),
}

impl<'a, T: Target> Registered<'a, T> {
    /// Where somebody else went the way so far.
    pub(super) fn given(run: &'a Run<'a, T>, before: T::Snapshot, draft: T::Draft, made: T::Registered) -> Self {
        let planned = Planned { captured: Captured { run, before }, plan: Plan::default(), draft };
        Self { cleared: Cleared(planned), made, ran: None }
    }

    pub(super) async fn run_first(mut self, writer: &T::Writer) -> Result<Self, Failed<Self>> {
        let Planned { captured: Captured { run, before }, draft, .. } = &self.cleared.0;
        let run: &Run<'_, T> = run;
        let (ran, failure) = match run.target.run_first(run, writer, before, draft, &self.made).await {
            Ok(ran) => (ran.then_some(ENDED_WELL), None),
            Err(NotUpdated { failure, may_have_happened }) => {
                (may_have_happened.then_some("the task before the update did not end well"), Some(failure))
            }
        };
        let (before, registered) = (before.clone(), self.made.clone());
        run.owe(Owed::Deregistration { before, registered, ran });
        self.ran = ran;
        match failure {
            None => Ok(self),
            Some(failure) => Err(Failed::new(self, failure)),
        }
    }

    pub(super) async fn update(self, writer: &T::Writer) -> Result<Updated<'a, T>, UpdateFailed<'a, T>> {
        let Planned { captured: Captured { run, before }, draft, .. } = &self.cleared.0;
        let run: &Run<'_, T> = run;
        if run.cancellation.is_cancelled() {
            return Err(UpdateFailed::NotStarted(Failed::new(self, Failure::cancelled())));
        }
        let owe = |rollout: &T::Rollout| {
            run.owe(Owed::Rollback(Debt {
                is_rollback: run.policy.is_rollback(),
                was: run.target.was(before),
                wanted: run.target.wanted(draft, Some(&self.made)),
                registered: self.made.clone(),
                rollout: rollout.clone(),
                errand_for: run.errand_for.clone(),
            }));
        };
        let unpinned = run.target.rollout(before, draft, &self.made);
        owe(&unpinned);
        let update = run.target.update(writer, unpinned.clone(), run.events).boxed_local();
        let cut_short = |failure| NotUpdated { failure, may_have_happened: true };
        let updated = match run.policy.on_cancel {
            OnCancel::Wait => phase(run, Phase::Update, update).await,
            OnCancel::Rollback | OnCancel::Leave => cancellable(run, Phase::Update, update, cut_short).await,
        };
        match updated {
            Ok(rollout) => {
                owe(&rollout);
                Ok(Updated { registered: self, rollout })
            }
            Err(NotUpdated { failure, may_have_happened: true }) => {
                Err(UpdateFailed::MayHaveStarted(Failed::new(Updated { registered: self, rollout: unpinned }, failure)))
            }
            Err(NotUpdated { failure, may_have_happened: false }) => {
                Err(UpdateFailed::NotStarted(Failed::new(self, failure)))
            }
        }
    }
}

impl<'a, T: Target> Updated<'a, T> {
    pub(super) async fn wait(mut self, writer: &T::Writer) -> Result<Watched<'a, T>, Failed<Self>> {
        let run = self.run();
        let until = if run.policy.on_cancel == OnCancel::Wait { Until::InTime } else { Until::OverOrCancelled };
        match phase(run, Phase::Wait, wait(run, writer, &mut self.rollout, until)).await {
            Waited::Done(progress) => Ok(Watched::Over(Settled(self, progress))),
            Waited::Left(left) => Ok(Watched::Left(self, left)),
            Waited::Failed(failure) => Err(Failed::new(self, failure)),
            Waited::Superseded(by) => Err(Failed::new(self, Why::Superseded(by))),
        }
    }

    const fn run(&self) -> &'a Run<'a, T> {
        self.registered.cleared.0.captured.run
    }

    pub(super) fn wanted(&self) -> String {
        let Registered { cleared, made, .. } = &self.registered;
        self.run().target.wanted(&cleared.0.draft, Some(made))
    }

    pub(super) fn was(&self) -> String {
        self.registered.cleared.0.was()
    }

    fn debt(&self) -> Debt<T::Registered, T::Rollout> {
        let run = self.run();
        Debt {
            is_rollback: run.policy.is_rollback(),
            was: self.was(),
            wanted: self.wanted(),
            registered: self.registered.made.clone(),
            rollout: self.rollout.clone(),
            errand_for: run.errand_for.clone(),
        }
    }
}

impl<'a, T: Target> Settled<'a, T> {
    pub(super) async fn verify(self, writer: &T::Writer) -> Result<Verified<'a, T>, Failed<Self>> {
        let run = self.0.run();
        let until = if run.policy.on_cancel == OnCancel::Wait { Until::Checked } else { Until::CheckedOrCancelled };
        let verify = verify(run, writer, &self.0.rollout, until);
        let verified = match run.policy.on_cancel {
            OnCancel::Wait => phase(run, Phase::Verify, verify).await,
            OnCancel::Rollback | OnCancel::Leave => cancellable(run, Phase::Verify, verify, Why::Failure).await,
        };
        match verified {
            Ok(()) => Ok(Verified(self)),
            Err(why) => Err(Failed::new(self, why)),
        }
    }
}

impl<'a, T: Target> Verified<'a, T> {
    /// Moves along what goes with the rollout. The ledger knows of it first.
    pub(super) async fn follow(mut self, writer: &T::Writer) -> Result<Self, Failed<Self>> {
        let run = self.0.0.run();
        let Some(followed) = run.target.followed(&self.0.0.rollout) else { return Ok(self) };
        self.0.0.rollout = followed;
        run.owe(Owed::Rollback(self.0.0.debt()));
        let follow = run.target.follow(writer, &self.0.0.rollout, run.events).boxed_local();
        let followed = tokio::select! {
            biased;
            () = run.cancellation.cancelled(), if run.policy.on_cancel != OnCancel::Wait => Err(Failure::cancelled()),
            followed = follow => followed,
        };
        match followed {
            Ok(()) => Ok(self),
            Err(failure) => Err(Failed::new(self, failure)),
        }
    }

    /// Removes what the rollout made superfluous, until the run is cancelled: no defect and no failure in it can undo a
    /// deployment that succeeded.
    pub(super) async fn tidy(&self, writer: &T::Writer) {
        let run = self.0.0.run();
        let tidy =
            AssertUnwindSafe(run.target.tidy(writer, &self.0.0.rollout, run.events).boxed_local()).catch_unwind();
        tokio::select! {
            biased;
            () = run.cancellation.cancelled() => {}
            tidied = tidy => {
                if tidied.is_err() {
                    run.events.warn("This action has a defect and stopped in the middle of tidying up; please report it.");
                }
            }
        }
    }

    /// Does what is left to do once what was asked for is known to run.
    pub(super) async fn seal(&self, writer: &T::Writer) {
        let run = self.0.0.run();
        run.target.seal(writer, run.events).boxed_local().await;
    }

    pub(super) fn wanted(&self) -> String {
        self.0.0.wanted()
    }

    pub(super) const fn progress(&self) -> &Progress {
        &self.0.1
    }
}

/// A phase that may be cut short when the run is cancelled: whatever the call that is dropped does, the ledger knows of it.
async fn cancellable<T: Target, V, E>(
    run: &Run<'_, T>,
    phase: Phase,
    work: impl Future<Output = Result<V, E>>,
    cut_short: impl FnOnce(Failure) -> E,
) -> Result<V, E> {
    self::phase(run, phase, async {
        tokio::select! {
            biased;
            () = run.cancellation.cancelled() => Err(cut_short(Failure::cancelled())),
            done = work => done,
        }
    })
    .await
}

async fn phase<T: Target, V>(run: &Run<'_, T>, phase: Phase, work: impl Future<Output = V>) -> V {
    run.events.send(Kind::PhaseStarted(phase));
    let value = work.await;
    run.events.send(Kind::PhaseFinished(phase));
    value
}

impl<'a, T: Target> From<Begun<'a, T>> for Owed<T> {
    fn from(_: Begun<'a, T>) -> Self {
        Self::Nothing { before: None }
    }
}

impl<'a, T: Target> From<Captured<'a, T>> for Owed<T> {
    fn from(captured: Captured<'a, T>) -> Self {
        Self::Nothing { before: Some(captured.before) }
    }
}

impl<'a, T: Target> From<Planned<'a, T>> for Owed<T> {
    fn from(planned: Planned<'a, T>) -> Self {
        planned.captured.into()
    }
}

impl<'a, T: Target> From<Cleared<'a, T>> for Owed<T> {
    fn from(cleared: Cleared<'a, T>) -> Self {
        cleared.0.into()
    }
}

impl<'a, T: Target> From<Registered<'a, T>> for Owed<T> {
    fn from(registered: Registered<'a, T>) -> Self {
        let Registered { cleared, made, ran } = registered;
        Self::Deregistration { before: cleared.0.captured.before, registered: made, ran }
    }
}

impl<'a, T: Target> From<Updated<'a, T>> for Owed<T> {
    fn from(updated: Updated<'a, T>) -> Self {
        Self::Rollback(updated.debt())
    }
}

impl<'a, T: Target> From<Settled<'a, T>> for Owed<T> {
    fn from(settled: Settled<'a, T>) -> Self {
        settled.0.into()
    }
}

impl<'a, T: Target> From<Verified<'a, T>> for Owed<T> {
    fn from(verified: Verified<'a, T>) -> Self {
        verified.0.into()
    }
}
