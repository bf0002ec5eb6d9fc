//! How something is written to GitHub at most once.

use std::time::Duration;

use tokio::time::sleep;

use super::GitHubError;

/// How long is waited before each further attempt.
pub(super) const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// Whether a first attempt may have been made by somebody who is not here any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It may: an earlier step, or the same step before it was killed.
    Perhaps,
    /// It cannot have been.
    Nothing,
}

/// Writes something that is not there yet. `look` finds what an attempt before made although it seemed to fail: without it, a
/// gateway that gives up too early makes twins.
pub(super) async fn once<T>(
    before: Before,
    look: impl AsyncFn() -> Result<Option<T>, GitHubError>,
    write: impl AsyncFn() -> Result<T, GitHubError>,
) -> Result<T, GitHubError> {
    let mut pauses = PAUSES.iter();
    let mut has_to_look = before == Before::Perhaps;
    loop {
        let found = if has_to_look { look().await } else { Ok(None) };
        has_to_look = true;
        let failed = match found {
            Ok(Some(found)) => return Ok(found),
            // What cannot be seen may be there.
            Err(error) => error,
            Ok(None) => match write().await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            },
        };
        match pauses.next() {
            Some(pause) if failed.is_passing() => sleep(*pause).await,
            _ => return Err(failed),
        }
    }
}
