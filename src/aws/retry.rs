//! Sending a call that changes something again, where that cannot change it twice.

use std::time::Duration;

use aws_sdk_ecs::config::retry::{RetryPartition, TokenBucket};
use tokio::time::sleep;

use super::CallError;
use crate::cycle::{Events, Kind};

/// Where the pauses start and where they end, before jitter.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);
/// How often a refusal is not believed, where [`Again::Whatever`] says so.
const REFUSALS: u32 = 3;
/// A way back is worth more patience than a deployment: at least so many retries.
const FEWEST_ON_THE_WAY_BACK: u32 = 8;

/// How often a call is made again without which production stays broken, where the user allows so many retries otherwise.
pub fn retries_on_the_way_back(max_retries: u32) -> u32 {
    max_retries.max(FEWEST_ON_THE_WAY_BACK)
}

/// For clients that only read. The SDK's quota of retries is shared by everything in the process and refills with successes only:
/// a long wait on a busy account would use it up. What bounds their retries is what the user says.
pub(super) fn without_quota(name: &'static str) -> RetryPartition {
    RetryPartition::custom(name).token_bucket(TokenBucket::unlimited()).build()
}

/// Counts the retries of one call and makes its pauses: doubling, with full jitter, so that many jobs that were throttled
/// together do not come back together.
pub struct Attempts<'a> {
    left: u32,
    made: u32,
    events: &'a Events,
}

impl<'a> Attempts<'a> {
    /// As many retries as the user allows.
    pub const fn new(max_retries: u32, events: &'a Events) -> Self {
        Self { left: max_retries, made: 0, events }
    }

    /// Pauses before the next attempt, or hands the error back when there is none left.
    ///
    /// # Errors
    /// The given error.
    pub async fn pause_after(&mut self, error: CallError) -> Result<(), CallError> {
        if self.left == 0 {
            return Err(error);
        }
        self.left -= 1;
        let after = SHORTEST.saturating_mul(1 << self.made.min(6)).min(LONGEST).mul_f64(0.5 + fastrand::f64() / 2.0);
        self.made += 1;
        self.events.send(Kind::Retried { operation: error.operation.to_string(), why: error.explanation, after });
        sleep(after).await;
        Ok(())
    }
}

/// After which errors a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Errors that pass by themselves. For calls that can be made twice without harm.
    WhenPassing,
    /// Any error, though one that does not pass by itself only a few times: for a call without which production stays
    /// broken, and whose like succeeded before.
    Whatever,
}

/// Makes an idempotent call until it succeeds, as often as the attempts allow.
///
/// # Errors
/// The last error, or at once one that a retry cannot mend.
pub async fn send<V>(
    again: Again,
    mut attempts: Attempts<'_>,
    mut call: impl AsyncFnMut() -> Result<V, CallError>,
) -> Result<V, CallError> {
    let mut refusals = match again {
        Again::WhenPassing => 0,
        Again::Whatever => REFUSALS,
    };
    loop {
        match call().await {
            Err(error) if error.is_passing() => attempts.pause_after(error).await?,
            Err(error) if refusals > 0 => {
                refusals -= 1;
                attempts.pause_after(error).await?;
            }
            answer => return answer,
        }
    }
}
