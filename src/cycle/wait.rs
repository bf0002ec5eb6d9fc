//! The wait loop, once for every target and every direction.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Cause, Events, Failure, Kind, Look, OnPause, Output, Parting, Pause, Progress, Run, Target, Verdict, Watch,
};

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
    /// With the last look.
    Done(Progress),
    Failed(Failure),
    Superseded(String),
    /// It goes on, and nobody watches.
    Left(Parting),
}

/// After a cancellation GitHub's runner sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that. What has to be said is
/// said before the second signal: so long is a way back watched that a cancelled step began.
const LAST_LOOKS: Duration = Duration::from_secs(4);
/// And so long is everything waited for that settles a cancelled step, whatever AWS does or does not answer. It is more than
/// [`LAST_LOOKS`], because who comes to the end of these knows more than who is cut off: that the way back began.
pub(super) const ALL_ANSWERS: Duration = Duration::from_millis(4500);

/// A way back is watched at least so long, however short the user's patience with the way there.
const WAY_BACK: Duration = Duration::from_secs(10 * 60);

/// Going back begins so long before the credentials end, if nothing is decided by then: asking for it takes seconds, and
/// minutes when AWS throttles.
const BEFORE_THE_END: Duration = Duration::from_secs(3 * 60);
/// Longer than any job lives.
const CHECKS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until it is over or the run is cancelled, as long as the user wants.
    OverOrCancelled,
    /// Until it is over, as long as the user wants.
    InTime,
    /// Until it is over, come what may.
    Over,
    /// No longer than the runner lets a cancelled step live.
    Killed,
    /// Until the checks after a rollout, which have ends of their own, are over or the run is cancelled.
    CheckedOrCancelled,
    /// Until these are over.
    Checked,
}

/// Looks until the verdict is known, the time is up, or the run is cancelled.
pub(super) async fn wait<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    watch: &mut impl Watch,
    until: Until,
) -> Waited {
    let patience = match until {
        Until::OverOrCancelled | Until::InTime => run.policy.wait_for,
        Until::Over => run.policy.wait_for.max(WAY_BACK),
        Until::Killed => LAST_LOOKS,
        Until::CheckedOrCancelled | Until::Checked => CHECKS,
    };
    let now = Instant::now();
    let end = run.policy.credentials_end.filter(|_| !matches!(until, Until::Over | Until::Killed));
    let end = end.map(|end| end.checked_sub(BEFORE_THE_END).unwrap_or(now).max(now));
    let mut deadline = Deadline::new(patience, end);
    let mut pauses = Pauses::new(run.policy.on_pause, until);
    let overdue = |deadline: &Deadline| match end {
        Some(end) if end == deadline.at() => out_of_credentials(),
        _ => overdue(until, patience),
    };
    let cancellable = matches!(until, Until::OverOrCancelled | Until::CheckedOrCancelled);
    let mut pace = Pace::default();
    let (mut refusals, mut looks) = (0, 0);
    loop {
        let looked = tokio::select! {
            biased;
            () = run.cancellation.cancelled(), if cancellable => return Waited::Failed(Failure::cancelled()),
            () = sleep_until(deadline.at()), if looks > 0 => return Waited::Failed(overdue(&deadline)),
            // On the heap: what looks is many layers deep, and a thread of a test has a small stack.
            looked = watch.look().boxed_local() => looked,
        };
        looks += 1;
        let mut asked = None;
        match looked {
            Ok(look) => {
                refusals = 0;
                pace.ease();
                asked = watch.pause();
                report(run.events, &look, watch.counts());
                deadline.rest(look.rest);
                match look.verdict {
                    Verdict::Pending => {}
                    Verdict::Paused(pause) => {
                        if let Some(waited) = pauses.meet(run, writer, pause).await {
                            return waited;
                        }
                    }
                    Verdict::Left(left) => return Waited::Left(left),
                    Verdict::Done => return Waited::Done(look.progress),
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
        let left = deadline.at().saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Waited::Failed(overdue(&deadline));
        }
        tokio::select! {
            biased;
            () = run.cancellation.cancelled(), if cancellable => return Waited::Failed(Failure::cancelled()),
            () = sleep(asked.unwrap_or_else(|| pace.next()).min(left)) => {}
        }
    }
}

/// When the user's patience ends, or the credentials do. Time that has to pass does not use up patience, as far as the rollout
/// planned it.
struct Deadline {
    patience: Instant,
    end: Option<Instant>,
    looked: Instant,
    rested: Duration,
}

impl Deadline {
    fn new(patience: Duration, end: Option<Instant>) -> Self {
        let now = Instant::now();
        Self { patience: now + patience, end, looked: now, rested: Duration::ZERO }
    }

    fn at(&self) -> Instant {
        self.end.map_or(self.patience, |end| end.min(self.patience))
    }

    fn rest(&mut self, planned: Option<Duration>) {
        let now = Instant::now();
        let since = now - std::mem::replace(&mut self.looked, now);
        let rest = since.min(planned.unwrap_or_default().saturating_sub(self.rested));
        self.rested += rest;
        self.patience += rest;
    }
}

/// What is done at pauses.
struct Pauses {
    policy: OnPause,
    is_way_back: bool,
    told: Vec<String>,
    refusals: u32,
}

impl Pauses {
    /// On the way back nobody is asked: what is gone back to ran before, and a pause that nobody answers would end on what failed.
    const fn new(policy: OnPause, until: Until) -> Self {
        let is_way_back = matches!(until, Until::Over | Until::Killed);
        let policy = if is_way_back { OnPause::Continue } else { policy };
        Self { policy, is_way_back, told: Vec::new(), refusals: 0 }
    }

    /// How the wait ends, if it does.
    async fn meet<T: Target>(&mut self, run: &Run<'_, T>, writer: &T::Writer, pause: Pause) -> Option<Waited> {
        if !self.told.contains(&pause.id) {
            run.events.know(Output::PauseHook, &pause.id);
            self.told.push(pause.id.clone());
            self.refusals = 0;
            if self.policy == OnPause::Wait {
                run.events.note(format!("It waits at the pause {}. {}", pause.id, pause.otherwise));
            }
        }
        match if pause.is_answered { OnPause::Continue } else { self.policy } {
            OnPause::Wait => None,
            // Once more at every look that still shows the pause: an answer may be old, and a call may be lost.
            OnPause::Continue => match run.target.resume(writer, &pause, run.events).boxed_local().await {
                Ok(()) => None,
                Err(failure) => {
                    self.refusals += 1;
                    if self.refusals < REFUSALS {
                        return None;
                    }
                    if !self.is_way_back {
                        return Some(Waited::Failed(failure));
                    }
                    let text = "The way back waits at the pause";
                    run.events
                        .warn(format!("{text} {}, and has to be continued by hand: {}", pause.id, failure.reason));
                    self.policy = OnPause::Wait;
                    None
                }
            },
            OnPause::Rollback => Some(Waited::Failed(Failure::new(
                Cause::Hook,
                format!("The rollout waited at the pause {}, and `on-pause-hook` says to roll back there.", pause.id),
            ))),
            OnPause::Return => {
                let standing = format!("waits at the pause {}", pause.id);
                let protection = format!("{} Continue it, or roll it back, with `mode: continue`.", pause.otherwise);
                Some(Waited::Left(Parting { standing, protection }))
            }
        }
    }
}

fn report(events: &Events, look: &Look, counts: bool) {
    for said in &look.said {
        events.send(Kind::Said { at: said.at, message: said.message.clone() });
    }
    events.send(Kind::Progressed(look.progress.clone()));
    if counts && !matches!(look.verdict, Verdict::Pending | Verdict::Paused(_)) {
        events.know(Output::RunningCount, look.progress.running);
        events.know(Output::DesiredCount, look.progress.desired);
    }
}

fn overdue(until: Until, after: Duration) -> Failure {
    if until == Until::Killed {
        return Failure::cancelled();
    }
    Failure::new(
        Cause::Timeout,
        format!("Neither success nor failure was seen in time (`wait-for-minutes`: {}).", after.as_secs_f64() / 60.0),
    )
    .advise("If the rollout only needs more time, raise `wait-for-minutes`.")
}

fn out_of_credentials() -> Failure {
    Failure::new(
        Cause::Timeout,
        "Neither success nor failure was seen before the AWS credentials end, and without them nothing could be put back.",
    )
    .advise(
        "Give this action `role-to-assume`, and it renews its sessions for as long as the deployment takes; or give the \
         credentials of the environment a longer session (`role-duration-seconds`).",
    )
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
