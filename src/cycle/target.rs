//! What the cycle asks of a target.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Conclusion, Diagnosis, Events, Failure, Plan, Progress, Run, Said};

/// One kind of thing that can be deployed to. A target talks to its cloud and decides what its answers mean; the order of
/// things, waiting and settling are the cycle's.
///
/// A target holds a client that can only read. The client that can write is [`Target::Writer`], handed in by the driver to
/// the steps that change something, so that `mode: plan`, which never makes one, cannot.
#[expect(
    async_fn_in_trait,
    reason = "dispatched once, statically, on a current-thread runtime: no future has to be Send"
)]
pub trait Target {
    /// What the state for the post step calls this kind of target.
    const KIND: &'static str;
    /// Whether a new rollout takes the place of somebody else's that is in flight.
    const SUPERSEDES: bool = true;
    /// The client that can write.
    type Writer;
    /// What was running before, with everything that is needed to go back.
    type Snapshot: Clone;
    /// What plan decided to do.
    type Draft: Clone;
    /// What register made.
    type Registered: Clone + Serialize + DeserializeOwned;
    /// The change while the cloud carries it out.
    type Rollout: Watch + Clone;
    /// A rollout on paper, for the post step, which is another process.
    type Memo: Serialize + DeserializeOwned;
    /// The way back while the cloud carries it out.
    type Restoration: Watch;

    /// What a person calls it: `service web in cluster production`.
    fn name(&self) -> String;

    /// Looks at what is running. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be known for sure. Only "not found" means absent.
    async fn capture(&self, events: &Events) -> Result<Self::Snapshot, Failure>;

    /// Computes what changes. Pure.
    ///
    /// # Errors
    /// When what was asked for makes no sense for what is there.
    fn plan(&self, before: &Self::Snapshot) -> Result<(Plan, Self::Draft), Failure>;

    /// Who else's rollout is in flight, if any.
    fn conflict(&self, before: &Self::Snapshot, draft: &Self::Draft) -> Option<String>;

    /// Whether the rollout that [`Target::conflict`] named is over.
    ///
    /// # Errors
    /// When the cloud does not say.
    async fn conflict_is_over(&self, before: &Self::Snapshot) -> Result<bool, Failure>;

    /// Checks that the plan can work, before anything is changed: all complaints at once.
    ///
    /// # Errors
    /// The complaints that exclude success.
    async fn preflight(&self, before: &Self::Snapshot, draft: &Self::Draft, events: &Events) -> Result<(), Failure>;

    /// Makes what is new, without using it yet.
    ///
    /// # Errors
    /// When nothing was made that would have to be removed.
    async fn register(
        &self,
        writer: &Self::Writer,
        before: &Self::Snapshot,
        draft: &Self::Draft,
        events: &Events,
    ) -> Result<Self::Registered, Failure>;

    /// Removes what [`Target::register`] made. Idempotent.
    ///
    /// # Errors
    /// When it may still be there.
    async fn deregister(
        &self,
        writer: &Self::Writer,
        registered: &Self::Registered,
        events: &Events,
    ) -> Result<(), Failure>;

    /// The rollout that [`Target::update`] is about to start, before it has an identity.
    fn rollout(&self, before: &Self::Snapshot, draft: &Self::Draft, registered: &Self::Registered) -> Self::Rollout;

    /// The rollout on paper.
    fn memo(&self, rollout: &Self::Rollout) -> Self::Memo;

    /// The rollout that is on paper.
    fn recall(&self, memo: Self::Memo) -> Self::Rollout;

    /// Starts the rollout and pins its identity. Idempotent: what is already on its way is joined.
    ///
    /// # Errors
    /// Says whether the rollout can have been started all the same.
    async fn update(
        &self,
        writer: &Self::Writer,
        rollout: Self::Rollout,
        events: &Events,
    ) -> Result<Self::Rollout, NotUpdated>;

    /// What is watched once the rollout is over and before it is called a success; `None` when there is nothing. It ends by
    /// itself, without regard to the user's patience with the rollout.
    fn checks(&self, _rollout: &Self::Rollout, _events: &Events) -> Option<impl Watch> {
        None::<Self::Rollout>
    }

    /// Lets the rollout go on from a pause. Idempotent: a pause that is over is left alone. A target without pauses has none to
    /// end.
    ///
    /// # Errors
    /// When it still waits there.
    async fn resume(&self, _writer: &Self::Writer, _pause: &Pause, _events: &Events) -> Result<(), Failure> {
        Ok(())
    }

    /// Makes sure, by identity, that what runs is what was asked for.
    ///
    /// # Errors
    /// What is running instead.
    async fn verify(&self, rollout: &Self::Rollout, events: &Events) -> Result<(), Failure>;

    /// The rollout as it is once what follows it begins to move; `None` when nothing follows it. It is put on paper before
    /// [`Target::follow`] changes anything.
    fn followed(&self, _rollout: &Self::Rollout) -> Option<Self::Rollout> {
        None
    }

    /// Moves along what goes with a rollout that succeeded. Idempotent. [`Target::restore`] moves it back.
    ///
    /// # Errors
    /// When something was left behind.
    async fn follow(&self, _writer: &Self::Writer, _rollout: &Self::Rollout, _events: &Events) -> Result<(), Failure> {
        Ok(())
    }

    /// Puts back what goes along with the rollout and is away for its time, when somebody else's newer rollout took over.
    /// Idempotent. What goes wrong here is a warning.
    async fn give_way(&self, _writer: &Self::Writer, _rollout: &Self::Rollout, _events: &Events) {}

    /// Removes what the rollout made superfluous. Whatever goes wrong here is no more than a warning.
    async fn tidy(&self, _writer: &Self::Writer, _rollout: &Self::Rollout, _events: &Events) {}

    /// Does what is left to do once what was asked for is known to run, such as putting a tag on its image. Nothing that runs
    /// changes by it, so what goes wrong is a warning. Idempotent.
    async fn seal(&self, _writer: &Self::Writer, _events: &Events) {}

    /// Collects the evidence of a failure. Whatever cannot be had is left out.
    async fn diagnose(&self, rollout: &Self::Rollout) -> Diagnosis;

    /// Starts going back to what ran before the rollout, or joins the cloud that is already doing so. Idempotent.
    ///
    /// # Errors
    /// When going back could not be started.
    async fn restore(
        &self,
        writer: &Self::Writer,
        rollout: &Self::Rollout,
        events: &Events,
    ) -> Result<Restore<Self::Restoration>, Failure>;

    /// The way back that the cloud took by itself, if it did.
    async fn going_back(&self, rollout: &Self::Rollout, events: &Events) -> Option<Self::Restoration>;

    /// What stays as the rollout changed it where the cloud goes back by itself and nothing else is put back, by the cloud's names.
    fn kept_changes(&self, _rollout: &Self::Rollout) -> Vec<String> {
        Vec::new()
    }

    /// Does what has to be done, and to end well, between register and update: a migration, for example. Whether anything was.
    ///
    /// # Errors
    /// What did not end well, and whether it was begun: then the update does not happen.
    async fn run_first(
        &self,
        _run: &Run<'_, Self>,
        _writer: &Self::Writer,
        _before: &Self::Snapshot,
        _draft: &Self::Draft,
        _registered: &Self::Registered,
    ) -> Result<bool, NotUpdated>
    where
        Self: Sized,
    {
        Ok(false)
    }

    /// Tells an end in the target's own words, where those for something that keeps running do not fit.
    fn tell(&self, _ending: Ending, _wanted: &str, conclusion: Conclusion) -> Conclusion {
        conclusion
    }

    /// Where things stand before anything is changed, to follow the target's name: `is on web:41`.
    fn standing(&self, before: &Self::Snapshot) -> String;

    /// What ran before, as a person would say it: `web:41`. Empty when going back means no more than to stop.
    fn was(&self, before: &Self::Snapshot) -> String;

    /// What was asked for, as a person would say it: `web:42`.
    fn wanted(&self, draft: &Self::Draft, registered: Option<&Self::Registered>) -> String;
}

/// The ends that a cycle has a conclusion for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// What was asked for is there.
    Done,
    /// It is on its way, and is not waited for.
    InProgress,
    /// What was asked for was there already.
    Unchanged,
    /// Nothing was changed.
    Refused,
    /// It was taken back.
    TakenBack,
    /// It is being taken back, and the end is not waited for.
    GoingBack,
    /// Taking it back failed.
    NotTakenBack,
    /// It is left as it is.
    AsItIs,
    /// It ended by itself, and not well: there is nothing to take back.
    Over,
}

/// Why a rollout was not started.
#[derive(Debug)]
pub struct NotUpdated {
    /// What went wrong.
    pub failure: Failure,
    /// Whether it can have taken effect all the same: then going back is owed.
    pub may_have_happened: bool,
}

/// What going back means at this moment.
#[derive(Debug)]
pub enum Restore<R> {
    /// It is under way.
    Started(R),
    /// Nothing had changed.
    NothingToDo,
    /// It ended by itself, and there is nothing to take back.
    Over,
    /// Somebody else's newer rollout took over, and is not ours to undo.
    Superseded(String),
    /// There is nothing to go back to, or going back is not ours to decide, for this reason.
    Impossible(String),
    /// What was deployed to exists no more.
    Gone,
}

/// Something that the cloud carries out and that can be looked at.
#[expect(
    async_fn_in_trait,
    reason = "dispatched once, statically, on a current-thread runtime: no future has to be Send"
)]
pub trait Watch {
    /// Looks once.
    ///
    /// # Errors
    /// When the cloud does not answer; [`super::Cause::Unavailable`] for what is worth another look.
    async fn look(&mut self) -> Result<Look, Failure>;

    /// Whether there are tasks or instances to count.
    fn counts(&self) -> bool {
        true
    }

    /// How long to leave it alone after a look that was answered, where it matters.
    fn pause(&self) -> Option<Duration> {
        None
    }
}

/// One look.
#[derive(Debug)]
pub struct Look {
    /// What it means.
    pub verdict: Verdict,
    /// How far things are.
    pub progress: Progress,
    /// What the target said since the last look.
    pub said: Vec<Said>,
    /// When nothing happens at the moment because time has to pass: how much that is in the whole rollout, at most. It is not
    /// the user's patience that it uses up.
    pub rest: Option<Duration>,
}

/// What one observation of a rollout means.
#[derive(Debug)]
pub enum Verdict {
    /// Not over.
    Pending,
    /// Everything that was asked for is there.
    Done,
    /// It did not, or will not, succeed.
    Failed(Failure),
    /// Somebody else's newer rollout, named here, took over.
    Superseded(String),
    /// Not over, and it waits for somebody to say whether to go on.
    Paused(Pause),
    /// Not over, and as far as the user wanted to see it.
    Left(Parting),
}

/// A point at which the cloud waits for somebody to say whether to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The identity of the rollout that waits.
    pub rollout: String,
    /// The identity of the pause.
    pub id: String,
    /// What happens when nobody says anything, in a sentence.
    pub otherwise: String,
    /// Whether it was said already, by this cycle, to go on.
    pub is_answered: bool,
}

/// A rollout that goes on without anybody watching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// Where it is: `has reached BAKE_TIME`.
    pub standing: String,
    /// Who looks after it now, in a sentence.
    pub protection: String,
}
