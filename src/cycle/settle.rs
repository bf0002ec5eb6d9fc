//! What happens when a cycle does not reach its goal: pay what is owed, and say what is running then.

use super::phase::Why;
use super::run::Owed;
use super::wait::{Waited, wait};
use super::{Cause, Conclusion, Failure, Kind, Outcome, Phase, Restore, Run, Target};

/// Settles what a cycle that stopped early owes.
pub(super) async fn settle<T: Target>(run: &Run<'_, T>, writer: &T::Writer, owed: Owed<T>, why: Why) -> Conclusion {
    match (owed, why) {
        (Owed::Nothing { before }, why) => refused(run, before.as_ref(), failure_of(why), None),
        (Owed::Deregistration { before, registered }, why) => {
            let leftover = run.target.deregister(writer, &registered, run.events).await.err();
            refused(run, Some(&before), failure_of(why), leftover)
        }
        (Owed::Rollback { before, draft, registered, rollout }, why) => {
            let names = Names {
                target: run.target.name(),
                old: run.target.was(&before),
                new: run.target.wanted(&draft, Some(&registered)),
            };
            match why {
                Why::Superseded(by) => {
                    diagnose(run, &rollout).await;
                    names.superseded(&by)
                }
                Why::Failure(failure) => roll_back(run, writer, &before, &registered, &rollout, &names, failure).await,
            }
        }
    }
}

/// Says what is owed when nobody is there to pay it: `mode: plan` has no client that can write, and never owes anything.
pub(super) fn refuse<T: Target>(run: &Run<'_, T>, owed: &Owed<T>, why: Why) -> Conclusion {
    let before = match owed {
        Owed::Nothing { before } => before.as_ref(),
        Owed::Deregistration { before, .. } | Owed::Rollback { before, .. } => Some(before),
    };
    refused(run, before, failure_of(why), None)
}

async fn roll_back<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    before: &T::Snapshot,
    registered: &T::Registered,
    rollout: &T::Rollout,
    names: &Names,
    failure: Failure,
) -> Conclusion {
    if !run.policy.rollback_on_failure {
        diagnose(run, rollout).await;
        return names.left(failure);
    }
    run.events.send(Kind::PhaseStarted(Phase::Rollback));
    run.events.send(Kind::RollbackStarted { to: names.old.clone(), because: failure.reason.clone() });
    let restore = run.target.restore(writer, before, rollout, run.events).await;
    // The way back is under way before evidence is collected: minutes of production against seconds of reading.
    diagnose(run, rollout).await;
    let conclusion = match restore {
        Ok(Restore::Started(mut restoration)) => match wait(run, &mut restoration, false).await {
            Waited::Done => names.rolled_back(failure),
            Waited::Failed(then) => names.rollback_failed(failure, &then),
            Waited::Superseded(by) => names.superseded(&by),
        },
        Ok(Restore::NothingToDo) => {
            let leftover = run.target.deregister(writer, registered, run.events).await.err();
            refused(run, Some(before), failure, leftover)
        }
        Ok(Restore::Superseded(by)) => names.superseded(&by),
        Err(then) => names.rollback_failed(failure, &then),
    };
    run.events.send(Kind::PhaseFinished(Phase::Rollback));
    conclusion
}

async fn diagnose<T: Target>(run: &Run<'_, T>, rollout: &T::Rollout) {
    let diagnosis = run.target.diagnose(rollout).await;
    if !diagnosis.is_empty() {
        run.events.send(Kind::Diagnosed(diagnosis));
    }
}

fn refused<T: Target>(
    run: &Run<'_, T>,
    before: Option<&T::Snapshot>,
    failure: Failure,
    leftover: Option<Failure>,
) -> Conclusion {
    if let Some(leftover) = leftover {
        run.events.warn(format!("What was registered is still there and is used by nothing: {}", leftover.reason));
    }
    let target = run.target.name();
    let headline = match before {
        Some(before) => format!("Nothing was changed: {target} is on {}, as before.", run.target.was(before)),
        None => format!("Nothing was changed on {target}."),
    };
    Conclusion {
        outcome: Outcome::Refused,
        cause: Some(failure.cause),
        headline,
        reason: Some(failure.reason),
        advice: failure.advice,
    }
}

fn failure_of(why: Why) -> Failure {
    match why {
        Why::Failure(failure) => failure,
        Why::Superseded(by) => Failure::new(Cause::Conflict, format!("A newer deployment took over: {by}.")),
    }
}

/// What the conclusions of a cycle that had started something are made of.
struct Names {
    target: String,
    old: String,
    new: String,
}

impl Names {
    fn rolled_back(&self, failure: Failure) -> Conclusion {
        let Self { target, old, new } = self;
        Conclusion {
            outcome: Outcome::RolledBack,
            cause: Some(failure.cause),
            headline: format!("{} runs {old} again: {new} failed and was rolled back.", capitalized(target)),
            reason: Some(failure.reason),
            advice: failure.advice,
        }
    }

    fn rollback_failed(&self, failure: Failure, then: &Failure) -> Conclusion {
        let Self { target, old, new } = self;
        Conclusion {
            outcome: Outcome::RollbackFailed,
            cause: Some(failure.cause),
            headline: format!(
                "{} may run a mix of {old} and {new}: {new} failed, and so did going back.",
                capitalized(target)
            ),
            reason: Some(format!("{} Then the rollback failed: {}", failure.reason, then.reason)),
            advice: Some(then.advice.clone().unwrap_or_else(|| {
                format!("Look at {target} now; run this action with `mode: rollback` to go back to {old} again.")
            })),
        }
    }

    fn left(&self, failure: Failure) -> Conclusion {
        let Self { target, old, new } = self;
        Conclusion {
            outcome: Outcome::Failed,
            cause: Some(failure.cause),
            headline: format!("{} is left between {old} and {new}: {new} failed.", capitalized(target)),
            reason: Some(failure.reason),
            advice: Some(match failure.advice {
                Some(advice) => advice,
                None => format!("`rollback-on-failure` is false; run with `mode: rollback` to go back to {old}."),
            }),
        }
    }

    fn superseded(&self, by: &str) -> Conclusion {
        let Self { target, new, .. } = self;
        Conclusion {
            outcome: Outcome::Superseded,
            cause: Some(Cause::Conflict),
            headline: format!("{} was taken over by a newer deployment, {by}; {new} was not finished.", capitalized(target)),
            reason: Some("Somebody else deployed to the same service while this deployment was in flight.".to_owned()),
            advice: Some(
                "Nothing of theirs was touched. To keep deployments of one service from overlapping, give their jobs a \
                 common `concurrency` group."
                    .to_owned(),
            ),
        }
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
