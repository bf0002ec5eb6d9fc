//! The driver: takes one target from beginning to end, whatever happens in between.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep};

use super::failure::Why;
use super::phase::{Begun, Failed, Planned, Registered, UpdateFailed, Watched};
use super::run::Owed;
use super::settle::{capitalized, refuse, roll_back, settle, unsettled};
use super::wait::{ALL_ANSWERS, Until};
use super::{
    Cause, Conclusion, Doing, Ending, Failure, Kind, NotUpdated, OnCancel, OnConflict, Outcome, Output, Parting,
    Policy, Progress, Run, Target,
};
use crate::text::count;

/// How long to leave somebody else's rollout alone between looks at it.
const CONFLICT_PAUSE: Duration = Duration::from_secs(5);
/// After how many looks to say that it still goes on.
const CONFLICT_HEARTBEAT: u32 = 12;

/// Runs the whole cycle and concludes it. A panic on the way is settled like any failure.
pub async fn deploy<T: Target>(run: &Run<'_, T>, writer: &T::Writer) -> Conclusion {
    run.events.send(Kind::Started { target: run.target.name(), mode: run.policy.doing });
    let stopped = match AssertUnwindSafe(advance(run, writer).boxed_local()).catch_unwind().await {
        Ok(Ok(conclusion)) => return conclude(run, conclusion),
        Ok(Err(stopped)) => stopped,
        Err(_) => Stopped { owed: run.take_owed(), why: Why::Failure(internal()) },
    };
    let in_time = settle_in_time(run, writer, stopped.owed, stopped.why).boxed_local();
    let settled = AssertUnwindSafe(in_time).catch_unwind().await;
    let conclusion = settled.unwrap_or_else(|_| lost(run));
    conclude(run, conclusion)
}

/// Takes a target from update to verify in the middle of another cycle, which made its plan. What it owes is settled here.
///
/// # Errors
/// What went wrong, and whether it was started.
pub async fn errand<T: Target, U: Target>(
    outer: &Run<'_, U>,
    target: &T,
    policy: &Policy,
    writer: &T::Writer,
    (before, draft, made): (T::Snapshot, T::Draft, T::Registered),
) -> Result<(), NotUpdated> {
    let mut run = Run::new(target, policy, outer.events, outer.cancellation.clone());
    run.errand_for = Some(outer.standing());
    let way = async {
        let updated = Registered::given(&run, before, draft, made).update(writer).await?;
        if policy.wait
            && let Watched::Over(settled) = updated.wait(writer).await?
        {
            let _verified = settled.verify(writer).await?;
        }
        Ok::<(), Stopped<T>>(())
    };
    let stopped = match AssertUnwindSafe(way).catch_unwind().await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(stopped)) => stopped,
        Err(_) => Stopped { owed: run.take_owed(), why: Why::Failure(internal()) },
    };
    let settled =
        AssertUnwindSafe(settle_in_time(&run, writer, stopped.owed, stopped.why).boxed_local()).catch_unwind().await;
    let Conclusion { outcome, cause, headline, reason, advice } = settled.unwrap_or_else(|_| lost(&run));
    let reason = [Some(headline), reason].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let failure = Failure::new(cause.unwrap_or(Cause::Internal), reason).advise_if_any(advice);
    Err(NotUpdated { failure, may_have_happened: outcome != Outcome::Refused })
}

/// Settles, and leaves what cannot be settled before the runner kills a cancelled step to the post step.
async fn settle_in_time<T: Target>(run: &Run<'_, T>, writer: &T::Writer, owed: Owed<T>, why: Why) -> Conclusion {
    let unsettled = unsettled(run, &owed);
    let time_is_up = async {
        if run.policy.on_cancel == OnCancel::Wait {
            return std::future::pending().await;
        }
        run.cancellation.cancelled().await;
        sleep(ALL_ANSWERS).await;
    };
    tokio::select! {
        biased;
        settled = settle(run, writer, owed, why) => settled,
        () = time_is_up => unsettled,
    }
}

/// Takes back the rollout that is in flight, because that is what was asked for, and concludes it.
pub async fn take_back<T: Target>(run: &Run<'_, T>, writer: &T::Writer) -> Conclusion {
    run.events.send(Kind::Started { target: run.target.name(), mode: Doing::Rollback });
    let conclusion = match AssertUnwindSafe(undo(run, writer)).catch_unwind().boxed_local().await {
        Ok(Ok(conclusion)) if conclusion.outcome == Outcome::RolledBack => {
            Conclusion { cause: None, reason: None, ..conclusion }
        }
        Ok(Ok(conclusion)) => conclusion,
        Ok(Err(Stopped { owed, why })) => refuse(run, &owed, why),
        Err(_) => lost(run),
    };
    conclude(run, conclusion)
}

async fn undo<T: Target>(run: &Run<'_, T>, writer: &T::Writer) -> Result<Conclusion, Stopped<T>> {
    let planned = Begun::new(run).capture().await?.plan()?;
    if planned.is_empty() {
        return Ok(unchanged(run, &planned));
    }
    let asked = Failure::new(Cause::Stopped, "It was to be rolled back at a pause.");
    match planned.preflight().await?.join(writer).await? {
        Owed::Rollback(debt) => Ok(roll_back(run, writer, &debt, asked, Until::Over).await),
        owed => Err(Stopped { owed, why: Why::Failure(asked) }),
    }
}

/// Stops after the checks: nothing here can write.
pub async fn plan<T: Target>(run: &Run<'_, T>) -> Conclusion {
    run.events.send(Kind::Started { target: run.target.name(), mode: Doing::Plan });
    let conclusion = match AssertUnwindSafe(preview(run)).catch_unwind().await {
        Ok(Ok(conclusion)) => conclusion,
        Ok(Err(Stopped { owed, why })) => refuse(run, &owed, why),
        Err(_) => refuse(run, &run.take_owed(), Why::Failure(internal())),
    };
    conclude(run, conclusion)
}

pub(super) fn conclude<T: Target>(run: &Run<'_, T>, conclusion: Conclusion) -> Conclusion {
    let untouched = matches!(conclusion.outcome, Outcome::Unchanged | Outcome::Planned | Outcome::Refused);
    run.events.know(Output::Changed, !untouched);
    run.events.send(Kind::Concluded(conclusion.clone()));
    conclusion
}

/// What stopped a cycle, and what is owed because of it.
struct Stopped<T: Target> {
    owed: Owed<T>,
    why: Why,
}

impl<T: Target, P: Into<Owed<T>>> From<Failed<P>> for Stopped<T> {
    fn from(failed: Failed<P>) -> Self {
        Self { owed: failed.at.into(), why: failed.why }
    }
}

impl<'a, T: Target> From<UpdateFailed<'a, T>> for Stopped<T> {
    fn from(failed: UpdateFailed<'a, T>) -> Self {
        match failed {
            UpdateFailed::NotStarted(failed) => failed.into(),
            UpdateFailed::MayHaveStarted(failed) => failed.into(),
        }
    }
}

async fn advance<T: Target>(run: &Run<'_, T>, writer: &T::Writer) -> Result<Conclusion, Stopped<T>> {
    let planned = plan_without_conflict(run).await?;
    if planned.is_empty() {
        unharmed(run, planned.seal(writer)).await;
        return Ok(unchanged(run, &planned));
    }
    let registered = planned.preflight().await?.register(writer).await?;
    let updated = registered.run_first(writer).await?.update(writer).await?;
    if !run.policy.wait {
        return Ok(in_progress(run, &updated.was(), &updated.wanted(), None));
    }
    match updated.wait(writer).await? {
        Watched::Left(updated, left) => Ok(in_progress(run, &updated.was(), &updated.wanted(), Some(left))),
        Watched::Over(settled) => {
            let verified = settled.verify(writer).await?.follow(writer).await?;
            unharmed(run, verified.seal(writer)).await;
            if !run.policy.is_rollback() {
                verified.tidy(writer).await;
            }
            Ok(done(run, &verified.wanted(), verified.progress()))
        }
    }
}

/// What comes after a success does not turn it into a failure, not even with a defect.
pub(super) async fn unharmed<T: Target>(run: &Run<'_, T>, seal: impl Future<Output = ()>) {
    if AssertUnwindSafe(seal).catch_unwind().await.is_err() {
        run.events.warn(
            "This action has a defect in what it does after a success; what runs is not affected. Please report it.",
        );
    }
}

async fn preview<T: Target>(run: &Run<'_, T>) -> Result<Conclusion, Stopped<T>> {
    let planned = Begun::new(run).capture().await?.plan()?;
    if let Some(conflict) = planned.conflict() {
        run.events.warn(format!("Another rollout is in flight: {conflict}. The plan is against what it brings."));
    }
    if planned.is_empty() {
        return Ok(unchanged(run, &planned));
    }
    let (standing, changes) = (planned.standing(), count(planned.changes(), "change", "changes"));
    let _cleared = planned.preflight().await?;
    Ok(Conclusion {
        outcome: Outcome::Planned,
        cause: None,
        headline: format!("{} {standing}; {changes} planned, none made.", capitalized(&run.target.name())),
        reason: None,
        advice: None,
    })
}

/// Captures and plans until nobody else's rollout is in the way, as far as the policy cares.
async fn plan_without_conflict<'a, T: Target>(run: &'a Run<'a, T>) -> Result<Planned<'a, T>, Stopped<T>> {
    let deadline = Instant::now() + run.policy.wait_for;
    loop {
        let planned = Begun::new(run).capture().await?.plan()?;
        let Some(conflict) = planned.conflict() else { return Ok(planned) };
        match run.policy.on_conflict {
            // Nothing differs from where the rollout in flight is going: there is nothing to supersede it with.
            OnConflict::Supersede if T::SUPERSEDES && !planned.is_empty() => {
                run.events.warn(format!("Another rollout is in flight and will be superseded, as asked: {conflict}."));
                return Ok(planned);
            }
            OnConflict::Fail => return Err(planned.refuse(in_the_way(run, &conflict)).into()),
            OnConflict::Wait | OnConflict::Supersede => {
                run.events.note(format!("Another rollout is in flight; waiting for its end: {conflict}."))
            }
        }
        for look in 1_u32.. {
            tokio::select! {
                biased;
                () = run.cancellation.cancelled() => return Err(planned.refuse(Failure::cancelled()).into()),
                () = sleep(CONFLICT_PAUSE) => {}
            }
            if look.is_multiple_of(CONFLICT_HEARTBEAT) {
                run.events.note(format!("Still waiting for the end of {conflict}."));
            }
            match planned.conflict_is_over().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(failure) if failure.cause == Cause::Unavailable => {}
                Err(failure) => return Err(planned.refuse(failure).into()),
            }
            if Instant::now() >= deadline {
                return Err(planned.refuse(in_the_way(run, &conflict)).into());
            }
        }
    }
}

fn in_the_way<T: Target>(run: &Run<'_, T>, conflict: &str) -> Failure {
    let advice = if T::SUPERSEDES {
        "Wait for its end, or set `on-conflict: supersede` to deploy over it."
    } else {
        "Wait for its end, and run the job again."
    };
    Failure::new(Cause::Conflict, format!("Another rollout of {} is in flight: {conflict}.", run.target.name()))
        .advise(advice)
}

fn internal() -> Failure {
    Failure::new(Cause::Internal, "This action has a defect and stopped in the middle of its work.")
        .advise("Please report it, with the log of this run.")
}

/// A defect in the way back itself.
pub(super) fn lost<T: Target>(run: &Run<'_, T>) -> Conclusion {
    let failure = internal();
    Conclusion {
        outcome: Outcome::RollbackFailed,
        cause: Some(failure.cause),
        headline: format!("What {} runs now is not known: look at it now.", run.target.name()),
        reason: Some(failure.reason),
        advice: failure.advice,
    }
}

fn unchanged<T: Target>(run: &Run<'_, T>, planned: &Planned<'_, T>) -> Conclusion {
    let wanted = planned.wanted();
    let conclusion = Conclusion {
        outcome: Outcome::Unchanged,
        cause: None,
        headline: format!("{} already runs {wanted}; nothing was changed.", capitalized(&run.target.name())),
        reason: None,
        advice: None,
    };
    run.target.tell(Ending::Unchanged, &wanted, conclusion)
}

/// `left` is where it was left; `None` when it was not waited for at all.
pub(super) fn in_progress<T: Target>(run: &Run<'_, T>, was: &str, wanted: &str, left: Option<Parting>) -> Conclusion {
    let target = capitalized(&run.target.name());
    let moving = if was == wanted {
        format!("{target} is being changed")
    } else {
        format!("{target} is moving from {was} to {wanted}")
    };
    let standing = left.as_ref().map(|left| format!(" and {}", left.standing)).unwrap_or_default();
    let headline = format!("{moving}{standing}; as asked, the end was not waited for and is not known.");
    let reason = left.map(|left| left.protection);
    let conclusion = Conclusion { outcome: Outcome::InProgress, cause: None, headline, reason, advice: None };
    run.target.tell(Ending::InProgress, wanted, conclusion)
}

pub(super) fn done<T: Target>(run: &Run<'_, T>, wanted: &str, progress: &Progress) -> Conclusion {
    let target = capitalized(&run.target.name());
    let (outcome, asked) = if run.policy.is_rollback() {
        (Outcome::RolledBack, ", rolled back as asked")
    } else {
        (Outcome::Deployed, "")
    };
    let headline = if progress.desired == 0 {
        format!("{target} is set to {wanted}{asked}; its desired count is 0, so nothing runs.")
    } else {
        format!("{target} runs {wanted}{asked}.")
    };
    let conclusion = Conclusion { outcome, cause: None, headline, reason: None, advice: None };
    run.target.tell(Ending::Done, wanted, conclusion)
}
