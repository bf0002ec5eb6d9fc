//! What is left to do after the step: the post step, which is another process and knows only what was written down.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use super::drive::{conclude, done, in_progress, lost, unharmed};
use super::failure::Why;
use super::run::{ENDED_WELL, Owed};
use super::settle::{capitalized, roll_back, settle};
use super::verify::verify;
use super::wait::{Until, Waited, wait};
use super::{Cause, Conclusion, Debt, Doing, Failure, Kind, OnCancel, Outcome, Run, Target};

/// How the step ended, as far as the post step can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was killed before it could conclude anything.
    Killed,
    /// With this outcome and cause.
    Concluded(Outcome, Option<Cause>),
}

impl<M, R> Debt<M, R> {
    /// Whether the post step has anything to do about it. Nothing of AWS is asked to know that.
    pub fn is_due(&self, ended: Ended, job_has_failed: bool, on_cancel: OnCancel) -> bool {
        self.duty(ended, job_has_failed, on_cancel).is_some()
    }

    fn duty(&self, ended: Ended, job_has_failed: bool, on_cancel: OnCancel) -> Option<Duty> {
        let was_interrupted = match ended {
            Ended::Killed => true,
            Ended::Concluded(Outcome::Failed | Outcome::RollbackFailed, cause) => cause == Some(Cause::Cancelled),
            Ended::Concluded(..) => false,
        };
        match (was_interrupted, on_cancel) {
            (true, OnCancel::Leave) => None,
            // Whoever was going back does not want to be brought forward again.
            (true, _) if self.is_rollback => Some(Duty::WaitForTheEnd),
            (true, OnCancel::Wait) if ended == Ended::Killed => Some(Duty::WaitForTheEnd),
            (true, _) => Some(Duty::TakeBack(Cause::Cancelled)),
            (false, _) => {
                let stands = matches!(ended, Ended::Concluded(Outcome::Deployed | Outcome::InProgress, _));
                (stands && job_has_failed && !self.is_rollback).then_some(Duty::TakeBack(Cause::JobFailed))
            }
        }
    }
}

/// Does what is owed after the step, and concludes it; `None` when nothing is.
///
/// `job_has_failed` is whether a later step failed and the user wants the deployment taken back for that.
///
/// Idempotent, as its parts are: it looks where things stand before it changes any.
pub async fn finish<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    debt: Debt<T::Registered, T::Memo>,
    ended: Ended,
    job_has_failed: bool,
) -> Option<Conclusion> {
    let duty = debt.duty(ended, job_has_failed, run.policy.on_cancel)?;
    run.events.send(Kind::Started { target: run.target.name(), mode: Doing::Post });
    let Debt { is_rollback, was, wanted, registered, rollout, errand_for } = debt;
    let debt = Debt { is_rollback, was, wanted, registered, rollout: run.target.recall(rollout), errand_for };
    let settled = AssertUnwindSafe(discharge(run, writer, debt, duty)).catch_unwind().await;
    Some(conclude(run, settled.unwrap_or_else(|_| lost(run))))
}

/// What the post step has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    TakeBack(Cause),
    WaitForTheEnd,
}

async fn discharge<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    mut debt: Debt<T::Registered, T::Rollout>,
    duty: Duty,
) -> Conclusion {
    let why = match duty {
        Duty::TakeBack(cause) => {
            let failure = match cause {
                Cause::JobFailed => Failure::new(cause, "A later step of the job failed."),
                _ => Failure::cancelled(),
            };
            return roll_back(run, writer, &debt, failure, Until::Over).await;
        }
        Duty::WaitForTheEnd => match wait(run, writer, &mut debt.rollout, Until::InTime).await {
            Waited::Done(progress) => match complete(run, writer, &mut debt).await {
                Ok(()) => {
                    unharmed(run, run.target.seal(writer, run.events).boxed_local()).await;
                    return match &debt.errand_for {
                        None => done(run, &debt.wanted, &progress),
                        Some(standing) => never_updated(standing),
                    };
                }
                Err(why) => why,
            },
            Waited::Left(left) => return in_progress(run, &debt.was, &debt.wanted, Some(left)),
            // It was never begun: the step ended in that moment.
            Waited::Failed(failure) if failure.cause == Cause::Cancelled => {
                return roll_back(run, writer, &debt, failure, Until::Over).await;
            }
            Waited::Failed(failure) => Why::Failure(failure),
            Waited::Superseded(by) => Why::Superseded(by),
        },
    };
    settle(run, writer, Owed::Rollback(debt), why).await
}

/// An errand that ended well is not what was asked for: what it was run for did not come any more.
fn never_updated(standing: &str) -> Conclusion {
    Conclusion {
        outcome: Outcome::Failed,
        cause: Some(Cause::Cancelled),
        headline: format!("{}, as before; {ENDED_WELL}.", capitalized(standing)),
        reason: Some("The step was killed before the update.".to_owned()),
        advice: Some("Run the job again: the task runs once more, and is followed by the update.".to_owned()),
    }
}

/// What comes after a rollout that succeeded.
async fn complete<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    debt: &mut Debt<T::Registered, T::Rollout>,
) -> Result<(), Why> {
    verify(run, writer, &debt.rollout, Until::Checked).await?;
    let Some(followed) = run.target.followed(&debt.rollout) else { return Ok(()) };
    debt.rollout = followed;
    Ok(run.target.follow(writer, &debt.rollout, run.events).boxed_local().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duty_follows_from_how_the_step_ended_and_what_it_was_for() {
        use OnCancel::{Leave, Rollback, Wait};
        let ended = |outcome| Ended::Concluded(outcome, None);
        let cancelled = |outcome| Ended::Concluded(outcome, Some(Cause::Cancelled));
        let back = |cause| Some(Duty::TakeBack(cause));
        for (how, job_has_failed, on_cancel, forward, backward) in [
            (ended(Outcome::Deployed), false, Rollback, None, None),
            (ended(Outcome::Deployed), true, Rollback, back(Cause::JobFailed), None),
            (ended(Outcome::InProgress), true, Leave, back(Cause::JobFailed), None),
            (ended(Outcome::RolledBack), true, Rollback, None, None),
            (ended(Outcome::Failed), true, Rollback, None, None),
            (ended(Outcome::Superseded), true, Rollback, None, None),
            (cancelled(Outcome::RolledBack), true, Rollback, None, None),
            (cancelled(Outcome::Failed), false, Rollback, back(Cause::Cancelled), Some(Duty::WaitForTheEnd)),
            (cancelled(Outcome::RollbackFailed), false, Rollback, back(Cause::Cancelled), Some(Duty::WaitForTheEnd)),
            (cancelled(Outcome::Failed), false, Leave, None, None),
            (Ended::Killed, false, Rollback, back(Cause::Cancelled), Some(Duty::WaitForTheEnd)),
            (Ended::Killed, true, Wait, Some(Duty::WaitForTheEnd), Some(Duty::WaitForTheEnd)),
            (Ended::Killed, true, Leave, None, None),
        ] {
            for (is_rollback, expected) in [(false, forward), (true, backward)] {
                let (was, wanted) = ("web:1".to_owned(), "web:2".to_owned());
                let debt = Debt { is_rollback, was, wanted, registered: (), rollout: (), errand_for: None };
                assert_eq!(
                    debt.duty(how, job_has_failed, on_cancel),
                    expected,
                    "{how:?}, {on_cancel:?}, {is_rollback}"
                );
            }
        }
    }
}
