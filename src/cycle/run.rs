//! What surrounds one cycle: what the user decided, the ledger of what is owed, and the cancellation.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Doing, Events, Kind, Target};

/// What is said of a task before an update that did not come.
pub(super) const ENDED_WELL: &str = "the task before the update ended well";

/// What the user decided about the course of a cycle.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether to wait for the end of the rollout.
    pub wait: bool,
    /// How long to wait, for the rollout and again for a rollback.
    pub wait_for: Duration,
    /// When the credentials end, if that is known and they cannot be renewed: going back has to begin before.
    pub credentials_end: Option<Instant>,
    /// Whether to put back what ran before when the rollout fails.
    pub rollback_on_failure: bool,
    /// What to do when somebody else's rollout is in flight.
    pub on_conflict: OnConflict,
    /// What to do when the workflow run is cancelled.
    pub on_cancel: OnCancel,
    /// What to do when the rollout waits for somebody to say whether to go on.
    pub on_pause: OnPause,
    /// What the run is for.
    pub doing: Doing,
}

impl Policy {
    /// Whether going back is what was asked for, so that a success is called `rolled-back`.
    pub fn is_rollback(&self) -> bool {
        self.doing == Doing::Rollback
    }
}

/// What to do when somebody else's rollout is in flight: the input `on-conflict`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Wait until it is over, then look again.
    #[default]
    Wait,
    /// Change nothing.
    Fail,
    /// Deploy all the same.
    Supersede,
}

/// What to do when the workflow run is cancelled while the rollout is in flight: the input `on-cancel`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// Start going back, say so and leave; the post step waits for the end.
    #[default]
    Rollback,
    /// See the rollout through, as if nothing had happened. GitHub's runner kills the step ten seconds after the
    /// cancellation; the post step then goes on waiting.
    Wait,
    /// Leave everything as it is.
    Leave,
}

/// What to do when the rollout waits for somebody to say whether to go on: the input `on-pause-hook`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnPause {
    /// Wait for that somebody.
    #[default]
    Wait,
    /// Say yes.
    Continue,
    /// Say no.
    Rollback,
    /// Leave, and let a later job say it.
    Return,
}

/// Tells a cycle that the workflow run was cancelled.
#[derive(Debug, Clone)]
pub struct Cancellation(watch::Receiver<bool>);

impl Cancellation {
    /// The sender says `true` once, when the signal comes.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is cancelled, and never otherwise.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending().await
        }
    }
}

/// What is owed to the world if nothing more happens. Written *before* each call that changes something, outside the
/// future that makes it, so that a panic or a dropped future can still be settled.
pub(super) enum Owed<T: Target> {
    /// Nothing was changed.
    Nothing { before: Option<T::Snapshot> },
    /// Something was made that nobody uses.
    Deregistration {
        before: T::Snapshot,
        registered: T::Registered,
        /// What ran before the update, in words.
        ran: Option<&'static str>,
    },
    /// The rollout was, or may have been, started.
    Rollback(Debt<T::Registered, T::Rollout>),
}

/// A rollout that was, or may have been, started, with all that is needed to take it back. As `Debt<_, Target::Memo>` it is
/// what the step leaves to its post step, see [`Handover`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Debt<M, R> {
    /// Whether going back was what was asked for.
    pub is_rollback: bool,
    /// What ran before, in words.
    pub was: String,
    /// What was asked for, in words.
    pub wanted: String,
    /// What was made for it.
    pub registered: M,
    /// The rollout.
    pub rollout: R,
    /// For an errand: how the target stands that it is run for, and that was not changed yet.
    #[serde(default)]
    pub errand_for: Option<String>,
}

/// What the step leaves to its post step, as JSON: which target it was for, and what is owed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handover<D> {
    target: Cow<'static, str>,
    /// What is owed.
    pub debt: D,
}

impl Handover<Debt<IgnoredAny, IgnoredAny>> {
    /// The [`Target::KIND`] of what was written down.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn target(written: &str) -> Result<String, serde_json::Error> {
        Ok(serde_json::from_str::<Self>(written)?.target.into_owned())
    }

    /// As much of the debt as is the same for every target.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn outline(written: &str) -> Result<Debt<IgnoredAny, IgnoredAny>, serde_json::Error> {
        Ok(serde_json::from_str::<Self>(written)?.debt)
    }
}

/// The surroundings of one cycle.
pub struct Run<'a, T: Target> {
    pub(super) target: &'a T,
    pub(super) policy: &'a Policy,
    pub(super) events: &'a Events,
    pub(super) cancellation: Cancellation,
    /// For an errand: how the target stands that it is run for.
    pub(super) errand_for: Option<String>,
    ledger: RefCell<Owed<T>>,
}

impl<'a, T: Target> Run<'a, T> {
    /// What the user decided.
    pub const fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Where this cycle sends its events.
    pub const fn events(&self) -> &'a Events {
        self.events
    }

    /// A cycle that has not begun.
    pub fn new(target: &'a T, policy: &'a Policy, events: &'a Events, cancellation: Cancellation) -> Self {
        let ledger = RefCell::new(Owed::Nothing { before: None });
        Self { target, policy, events, cancellation, errand_for: None, ledger }
    }

    /// How the target stands that was not changed yet, in words.
    pub(super) fn standing(&self) -> String {
        let name = self.target.name();
        match &*self.ledger.borrow() {
            Owed::Nothing { before: Some(before) } | Owed::Deregistration { before, .. } => {
                format!("{name} {}", self.target.standing(before))
            }
            Owed::Nothing { before: None } | Owed::Rollback(_) => format!("{name} was not updated"),
        }
    }

    pub(super) fn owe(&self, owed: Owed<T>) {
        if let Owed::Rollback(Debt { is_rollback, was, wanted, registered, rollout, errand_for }) = &owed {
            let (was, wanted, registered) = (was.clone(), wanted.clone(), registered.clone());
            let (rollout, errand_for) = (self.target.memo(rollout), errand_for.clone());
            let debt = Debt { is_rollback: *is_rollback, was, wanted, registered, rollout, errand_for };
            // Made of texts and numbers, which JSON has a form for.
            if let Ok(handover) = serde_json::to_string(&Handover { target: T::KIND.into(), debt }) {
                self.events.send(Kind::Owed(handover));
            }
        }
        self.ledger.replace(owed);
    }

    pub(super) fn take_owed(&self) -> Owed<T> {
        self.ledger.replace(Owed::Nothing { before: None })
    }
}
