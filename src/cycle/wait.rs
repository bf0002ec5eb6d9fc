//! The wait loop, once for every target and every direction.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Cause, Events, Failure, Kind, Look, Output, Run, Target, Verdict, Watch};

/// The first looks come fast, because what fails at once fails in these seconds.
const EARLY: Duration = Duration::from_secs(2);
const EARLY_LOOKS: u32 = 3;
/// Later looks are between these two apart: together with the call itself, a verdict comes within 5 s of the fact.
const LATER: std::ops::Range<f64> = 4.0..4.9;
/// The longest pause, after AWS asked for patience again and again.
const LONGEST: Duration = Duration::from_secs(30);
/// One refused look may be a permission that has not spread yet; so many in a row are an answer.
const REFUSALS: u32 = 3;

/// How a wait ended.
pub(super) enum Waited {
    Done,
    Failed(Failure),
    Superseded(String),
}

/// Looks until the verdict is known, the time is up, or the run is cancelled.
pub(super) async fn wait<T: Target>(run: &Run<'_, T>, watch: &mut impl Watch, cancellable: bool) -> Waited {
    let deadline = Instant::now() + run.policy.wait_for;
    let mut pace = Pace::default();
    let mut refusals = 0;
    loop {
        let looked = tokio::select! {
            biased;
            () = run.cancellation.cancelled(), if cancellable => return Waited::Failed(cancelled()),
            looked = watch.look() => looked,
        };
        match looked {
            Ok(look) => {
                refusals = 0;
                pace.ease();
                report(run.events, &look);
                match look.verdict {
                    Verdict::Pending => {}
                    Verdict::Done => return end(run.events, &look, Waited::Done),
                    Verdict::Failed(failure) => return Waited::Failed(failure),
                    Verdict::Superseded(by) => return Waited::Superseded(by),
                }
            }
            Err(failure) if failure.cause == Cause::Unavailable => {
                pace.strain();
                run.events.send(Kind::Retried {
                    operation: "look at the rollout".to_owned(),
                    why: failure.reason,
                    after: pace.pause(),
                });
            }
            Err(failure) => {
                refusals += 1;
                if refusals == REFUSALS {
                    return Waited::Failed(failure);
                }
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Waited::Failed(timed_out(run.policy.wait_for));
        }
        tokio::select! {
            biased;
            () = run.cancellation.cancelled(), if cancellable => return Waited::Failed(cancelled()),
            () = sleep(pace.next().min(left)) => {}
        }
    }
}

fn report(events: &Events, look: &Look) {
    for said in &look.said {
        events.send(Kind::Said { at: said.at, message: said.message.clone() });
    }
    events.send(Kind::Progressed(look.progress.clone()));
}

fn end(events: &Events, look: &Look, waited: Waited) -> Waited {
    events.know(Output::RunningCount, look.progress.running);
    events.know(Output::DesiredCount, look.progress.desired);
    waited
}

pub(super) fn cancelled() -> Failure {
    Failure::new(Cause::Cancelled, "The workflow run was cancelled.")
}

fn timed_out(after: Duration) -> Failure {
    Failure::new(
        Cause::Timeout,
        format!("Neither success nor failure was seen in time (`wait-for-minutes`: {}).", after.as_secs_f64() / 60.0),
    )
    .advise("If the rollout only needs more time, raise `wait-for-minutes`.")
}

/// When the next look comes.
#[derive(Debug, Default)]
struct Pace {
    looks: u32,
    strained: u32,
}

impl Pace {
    fn ease(&mut self) {
        self.strained = 0;
    }

    fn strain(&mut self) {
        self.strained += 1;
    }

    fn next(&mut self) -> Duration {
        self.looks += 1;
        self.pause()
    }

    /// Doubles with every look in a row that AWS did not answer.
    fn pause(&self) -> Duration {
        let base = if self.looks <= EARLY_LOOKS {
            EARLY
        } else {
            Duration::from_secs_f64(LATER.start + fastrand::f64() * (LATER.end - LATER.start))
        };
        base.saturating_mul(1_u32 << self.strained.min(4)).min(LONGEST)
    }
}
