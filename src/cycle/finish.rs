//! What is left to do after the step: the post step, which is another process and knows only what was written down.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use super::drive::{conclude, done, lost};
use super::settle::{leave_or_roll_back, roll_back};
use super::wait::{Until, Waited, cancelled, wait};
use super::{Cause, Conclusion, Debt, Failure, Kind, OnCancel, Outcome, Run, Target};

/// How the step ended, as far as the post step can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was killed before it could conclude anything.
    Killed,
    /// With this outcome and cause.
    Concluded(Outcome, Option<Cause>),
}

impl Ended {
    /// Whether the post step has anything to do. Nothing of AWS is asked to know that.
    pub fn owes(self, job_has_failed: bool, on_cancel: OnCancel) -> bool {
        owed(self, job_has_failed, on_cancel).is_some()
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
    let owed = owed(ended, job_has_failed, run.policy.on_cancel)?;
    run.events.send(Kind::Started { target: run.target.name(), mode: "post" });
    let Debt { was, wanted, registered, rollout } = debt;
    let debt = Debt { was, wanted, registered, rollout: run.target.recall(rollout) };
    let settled = AssertUnwindSafe(settle(run, writer, debt, owed)).catch_unwind().await;
    Some(conclude(run, settled.unwrap_or_else(|_| lost(run))))
}

/// What the post step has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    TakeBack(Cause),
    WaitForTheEnd,
}

fn owed(ended: Ended, job_has_failed: bool, on_cancel: OnCancel) -> Option<Duty> {
    match ended {
        Ended::Killed => match on_cancel {
            OnCancel::Rollback => Some(Duty::TakeBack(Cause::Cancelled)),
            OnCancel::Wait => Some(Duty::WaitForTheEnd),
            OnCancel::Leave => None,
        },
        Ended::Concluded(Outcome::Failed, Some(Cause::Cancelled)) if on_cancel == OnCancel::Rollback => {
            Some(Duty::TakeBack(Cause::Cancelled))
        }
        Ended::Concluded(Outcome::Deployed | Outcome::InProgress, _) if job_has_failed => {
            Some(Duty::TakeBack(Cause::JobFailed))
        }
        Ended::Concluded(..) => None,
    }
}

async fn settle<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    mut debt: Debt<T::Registered, T::Rollout>,
    duty: Duty,
) -> Conclusion {
    let failure = match duty {
        Duty::TakeBack(Cause::JobFailed) => {
            let failure = Failure::new(Cause::JobFailed, "A later step of the job failed.");
            return roll_back(run, writer, &debt, failure, Until::Over).await;
        }
        Duty::TakeBack(_) => return roll_back(run, writer, &debt, cancelled(), Until::Over).await,
        Duty::WaitForTheEnd => match wait(run, &mut debt.rollout, Until::InTime).await {
            Waited::Done(progress) => match run.target.verify(&debt.rollout, run.events).await {
                Ok(()) => return done(run, &debt.wanted, &progress),
                Err(failure) => failure,
            },
            Waited::Failed(failure) => failure,
            Waited::Superseded(by) => Failure::new(Cause::Conflict, format!("A newer deployment took over: {by}.")),
        },
    };
    leave_or_roll_back(run, writer, &debt, failure).await
}
