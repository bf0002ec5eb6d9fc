//! What happens when a cycle does not reach its goal: pay what is owed, and say what is running then.

use futures_util::FutureExt as _;

use super::failure::Why;
use super::run::{Debt, Owed};
use super::wait::{Until, Waited, wait};
use super::{Cause, Conclusion, Ending, Failure, Kind, OnCancel, Outcome, Phase, Restore, Run, Target};

/// Settles what a cycle that stopped early owes.
pub(super) async fn settle<T: Target>(run: &Run<'_, T>, writer: &T::Writer, owed: Owed<T>, why: Why) -> Conclusion {
    match (owed, why) {
        (Owed::Nothing { before }, why) => {
            refused(run, before.map(|before| run.target.standing(&before)), failure_of(why), None)
        }
        (Owed::Deregistration { before, registered, ran }, why) => {
            let leftover = run.target.deregister(writer, &registered, run.events).boxed_local().await.err();
            let standing = run.target.standing(&before);
            let mut failure = failure_of(why);
            if let (Some(done), Some(ran)) = (&mut failure.done, ran) {
                *done = format!("{done}, and {ran}");
            }
            let was_done = failure.done.is_some();
            let refused = refused(run, Some(standing.clone()), failure, leftover);
            match ran.filter(|_| !was_done) {
                None => refused,
                Some(ran) => {
                    let headline = format!("{} {standing}, as before; {ran}.", capitalized(&run.target.name()));
                    Conclusion { outcome: Outcome::Failed, headline, ..refused }
                }
            }
        }
        (Owed::Rollback(debt), why) => match why {
            Why::Superseded(by) => {
                diagnose(run, &debt.rollout).await;
                superseded(run, writer, &debt, &by).await
            }
            Why::Failure(failure) if failure.cause == Cause::Cancelled => match run.policy.on_cancel {
                OnCancel::Leave => tell(run, &debt, Ending::AsItIs, Names::new(run, &debt).left(failure)),
                // Whoever was going back does not want to be brought forward again: it goes on, and the post step watches it.
                _ if debt.is_rollback => Names::new(run, &debt).unsettled(failure),
                OnCancel::Rollback | OnCancel::Wait => roll_back(run, writer, &debt, failure, Until::Killed).await,
            },
            Why::Failure(failure) => leave_or_roll_back(run, writer, &debt, failure).await,
        },
    }
}

/// What is so when a cancelled run has to leave before that is settled.
pub(super) fn unsettled<T: Target>(run: &Run<'_, T>, owed: &Owed<T>) -> Conclusion {
    match owed {
        Owed::Rollback(debt) => match run.policy.on_cancel {
            OnCancel::Leave => Names::new(run, debt).left(Failure::cancelled()),
            OnCancel::Rollback | OnCancel::Wait => Names::new(run, debt).unsettled(Failure::cancelled()),
        },
        Owed::Nothing { .. } | Owed::Deregistration { .. } => refuse(run, owed, Failure::cancelled().into()),
    }
}

/// Says what is so when nobody is there to change it: `mode: plan` has no client that can write, and never owes anything.
pub(super) fn refuse<T: Target>(run: &Run<'_, T>, owed: &Owed<T>, why: Why) -> Conclusion {
    let before = match owed {
        Owed::Nothing { before } => before.as_ref(),
        Owed::Deregistration { before, .. } => Some(before),
        Owed::Rollback(_) => None,
    };
    refused(run, before.map(|before| run.target.standing(before)), failure_of(why), None)
}

/// What a failure owes: a rollback, unless the user wants to see to it in person.
async fn leave_or_roll_back<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    debt: &Debt<T::Registered, T::Rollout>,
    failure: Failure,
) -> Conclusion {
    if run.policy.rollback_on_failure {
        return roll_back(run, writer, debt, failure, Until::Over).await;
    }
    diagnose(run, &debt.rollout).await;
    let names = Names::new(run, debt);
    // What the cloud puts back by itself is put back, whatever was asked of this action.
    let (ending, conclusion) = match run.target.going_back(&debt.rollout, run.events).boxed_local().await {
        Some(mut restoration) => match wait(run, writer, &mut restoration, Until::Over).await {
            Waited::Done(_) => match run.target.kept_changes(&debt.rollout) {
                kept if kept.is_empty() => (Ending::TakenBack, names.rolled_back(failure)),
                kept => (Ending::AsItIs, names.partly_rolled_back(failure, &kept)),
            },
            Waited::Failed(then) => (Ending::NotTakenBack, names.rollback_failed(failure, &then)),
            Waited::Superseded(by) => return superseded(run, writer, debt, &by).await,
            Waited::Left(_) => (Ending::GoingBack, names.going_back(failure)),
        },
        None => (Ending::AsItIs, names.left(failure)),
    };
    tell(run, debt, ending, conclusion)
}

/// What is not ours to undo any more. What was only away for the time of the rollout comes back all the same.
async fn superseded<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    debt: &Debt<T::Registered, T::Rollout>,
    by: &str,
) -> Conclusion {
    run.target.give_way(writer, &debt.rollout, run.events).boxed_local().await;
    Names::new(run, debt).superseded(by)
}

fn tell<T: Target>(
    run: &Run<'_, T>,
    debt: &Debt<T::Registered, T::Rollout>,
    ending: Ending,
    conclusion: Conclusion,
) -> Conclusion {
    run.target.tell(ending, &debt.wanted, conclusion)
}

/// Takes the rollout back, and waits for the end as long as there is time.
pub(super) async fn roll_back<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    debt: &Debt<T::Registered, T::Rollout>,
    failure: Failure,
    until: Until,
) -> Conclusion {
    let names = Names::new(run, debt);
    let goes_back = !names.was.is_empty();
    if goes_back {
        run.events.send(Kind::PhaseStarted(Phase::Rollback));
        run.events.send(Kind::RollbackStarted { to: names.was.clone(), because: failure.reason.clone() });
    }
    let mut restore = run.target.restore(writer, &debt.rollout, run.events).boxed_local().await;
    // The way back is under way before evidence is collected: minutes of production against seconds of reading. Of a
    // deployment that was cancelled there is nothing to explain.
    if failure.cause != Cause::Cancelled {
        diagnose(run, &debt.rollout).await;
    }
    let mut is_first = true;
    let told = loop {
        break match restore {
            Ok(Restore::Started(mut restoration)) => match wait(run, writer, &mut restoration, until).await {
                Waited::Done(_) => Ok((Ending::TakenBack, names.rolled_back(failure))),
                // The rollout came to its own end first, and is now to be taken back as one that has ended.
                Waited::Failed(then) if then.cause == Cause::Stopped && std::mem::take(&mut is_first) => {
                    restore = run.target.restore(writer, &debt.rollout, run.events).boxed_local().await;
                    continue;
                }
                Waited::Failed(then) if then.cause == Cause::Cancelled => {
                    Ok((Ending::GoingBack, names.going_back(failure)))
                }
                Waited::Failed(then) => Ok((Ending::NotTakenBack, names.rollback_failed(failure, &then))),
                Waited::Superseded(by) => Err(superseded(run, writer, debt, &by).await),
                Waited::Left(_) => Ok((Ending::GoingBack, names.going_back(failure))),
            },
            Ok(Restore::NothingToDo) => {
                let leftover = run.target.deregister(writer, &debt.registered, run.events).boxed_local().await.err();
                let standing = (!debt.was.is_empty()).then(|| format!("is on {}", debt.was));
                Err(refused(run, standing, failure, leftover))
            }
            Ok(Restore::Over) => Ok((Ending::Over, names.left(failure))),
            Ok(Restore::Superseded(by)) => Err(superseded(run, writer, debt, &by).await),
            Ok(Restore::Impossible(why)) => Ok((Ending::AsItIs, names.left(failure.advise(why)))),
            Ok(Restore::Gone) => Err(names.gone(failure)),
            Err(then) => Ok((Ending::NotTakenBack, names.rollback_failed(failure, &then))),
        };
    };
    if goes_back {
        run.events.send(Kind::PhaseFinished(Phase::Rollback));
    }
    match told {
        Ok((ending, conclusion)) => tell(run, debt, ending, conclusion),
        Err(conclusion) => conclusion,
    }
}

async fn diagnose<T: Target>(run: &Run<'_, T>, rollout: &T::Rollout) {
    let diagnosis = run.target.diagnose(rollout).boxed_local().await;
    if !diagnosis.is_empty() {
        run.events.send(Kind::Diagnosed(diagnosis));
    }
}

fn refused<T: Target>(
    run: &Run<'_, T>,
    standing: Option<String>,
    failure: Failure,
    leftover: Option<Failure>,
) -> Conclusion {
    if let Some(leftover) = leftover {
        run.events.warn(format!("What was registered is still there and is used by nothing: {}", leftover.reason));
    }
    let target = run.target.name();
    if let Some(done) = &failure.done {
        let headline = format!("{} was not updated, but {done}.", capitalized(&target));
        return conclusion(Outcome::Failed, failure, headline);
    }
    let headline = match standing {
        Some(standing) => format!("Nothing was changed: {target} {standing}, as before."),
        None => format!("Nothing was changed on {target}."),
    };
    let conclusion = conclusion(Outcome::Refused, failure, headline);
    run.target.tell(Ending::Refused, "", conclusion)
}

fn failure_of(why: Why) -> Failure {
    match why {
        Why::Failure(failure) => failure,
        Why::Superseded(by) => Failure::new(Cause::Conflict, format!("A newer deployment took over: {by}.")),
    }
}

/// What the conclusions of a cycle that had started something are made of.
struct Names {
    is_rollback: bool,
    target: String,
    was: String,
    wanted: String,
}

impl Names {
    fn new<T: Target>(run: &Run<'_, T>, debt: &Debt<T::Registered, T::Rollout>) -> Self {
        let (is_rollback, was, wanted) = (debt.is_rollback, debt.was.clone(), debt.wanted.clone());
        Self { is_rollback, target: run.target.name(), was, wanted }
    }

    fn going_back(&self, failure: Failure) -> Conclusion {
        let Self { target, was, wanted, .. } = self;
        let headline =
            format!("{} is going back from {wanted} to {was}; the end was not waited for.", capitalized(target));
        conclusion(Outcome::Failed, failure, headline)
            .advise("The post step of this job waits for the end and says how it was.".to_owned())
    }

    fn unsettled(&self, failure: Failure) -> Conclusion {
        let Self { target, was, wanted, .. } = self;
        let headline = format!(
            "{} is between {was} and {wanted}: the run was cancelled before the end was seen.",
            capitalized(target)
        );
        let advice = if self.is_rollback {
            "The post step of this job watches the rollback to its end and says how it was."
        } else {
            "The post step of this job goes back to what ran before and says how it was."
        };
        conclusion(Outcome::Failed, failure, headline).advise(advice.to_owned())
    }

    fn rolled_back(&self, failure: Failure) -> Conclusion {
        let Self { target, was, wanted, .. } = self;
        let (target, ended) = (capitalized(target), ended(failure.cause));
        let headline = if was == wanted {
            format!("{target} is on {was} as before: the change {ended} and was taken back.")
        } else {
            format!("{target} runs {was} again: {wanted} {ended} and was rolled back.")
        };
        conclusion(Outcome::RolledBack, failure, headline)
    }

    /// `kept` is what stays as it was changed.
    fn partly_rolled_back(&self, failure: Failure, kept: &[String]) -> Conclusion {
        let Self { target, was, .. } = self;
        let (target, ended, kept) = (capitalized(target), ended(failure.cause), kept.join(", "));
        let headline =
            format!("{target} is on {was} again, with the new {kept}: the rollout {ended} and was taken back.");
        let advice = format!("As asked, nothing else was put back: look at {kept} now.");
        conclusion(Outcome::Failed, failure, headline).advise(advice)
    }

    fn rollback_failed(&self, failure: Failure, then: &Failure) -> Conclusion {
        let Self { target, was, wanted, .. } = self;
        let ended = ended(failure.cause);
        let headline = if was == wanted {
            format!("{} may not be as before: the change {ended}, and taking it back failed.", capitalized(target))
        } else {
            format!(
                "{} may run a mix of {was} and {wanted}: {wanted} {ended}, and going back failed.",
                capitalized(target)
            )
        };
        let reason = format!("{} Then the rollback failed: {}", failure.reason, then.reason);
        let advice = then.advice.clone().unwrap_or_else(|| self.by_hand());
        Conclusion { reason: Some(reason), ..conclusion(Outcome::RollbackFailed, failure, headline).advise(advice) }
    }

    fn left(&self, failure: Failure) -> Conclusion {
        let Self { target, was, wanted, .. } = self;
        let ended = ended(failure.cause);
        let headline = format!("{} is left between {was} and {wanted}: {wanted} {ended}.", capitalized(target));
        let advice =
            failure.advice.clone().unwrap_or_else(|| format!("As asked, nothing was put back. {}", self.by_hand()));
        conclusion(Outcome::Failed, failure, headline).advise(advice)
    }

    fn gone(&self, failure: Failure) -> Conclusion {
        let headline = format!("{} was deleted while {} was rolled out.", capitalized(&self.target), self.wanted);
        conclusion(Outcome::Failed, failure, headline)
    }

    /// How a person goes back.
    fn by_hand(&self) -> String {
        let number = self.was.rsplit(':').next().unwrap_or(&self.was);
        format!(
            "Look at {} now; run this action with `mode: rollback` and `to: {number}` to go back to {}.",
            self.target, self.was
        )
    }

    fn superseded(&self, by: &str) -> Conclusion {
        let Self { target, wanted, .. } = self;
        let advice = format!(
            "Nothing of theirs was touched. To keep deployments of {target} from overlapping, give their jobs a common \
             `concurrency` group."
        );
        Conclusion {
            outcome: Outcome::Superseded,
            cause: Some(Cause::Conflict),
            headline: format!(
                "{} was taken over by a newer deployment, {by}; {wanted} was not finished.",
                capitalized(target)
            ),
            reason: Some(format!("Somebody else deployed to {target} while this deployment was in flight.")),
            advice: Some(advice),
        }
    }
}

fn conclusion(outcome: Outcome, failure: Failure, headline: String) -> Conclusion {
    let Failure { cause, reason, advice, .. } = failure;
    Conclusion { outcome, cause: Some(cause), headline, reason: Some(reason), advice }
}

/// What became of a rollout, after its name. It failed only where that was seen.
const fn ended(cause: Cause) -> &'static str {
    match cause {
        Cause::Cancelled => "was cancelled",
        Cause::Timeout => "was not finished in time",
        Cause::Stopped => "was stopped",
        Cause::JobFailed => "was followed by a failing step",
        Cause::Credentials | Cause::AccessDenied | Cause::Unavailable | Cause::Internal => {
            "could not be watched to its end"
        }
        _ => "failed",
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
