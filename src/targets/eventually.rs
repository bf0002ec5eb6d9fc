//! Looks at what AWS called a success.

use std::time::Duration;

use tokio::time::sleep;

/// AWS is eventually consistent: an answer may be older than the one before it. So often is it asked, this far apart, before a
/// difference counts.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// Looks until a look tells, and no longer than AWS can need to agree with itself.
pub(super) async fn eventually<V>(mut look: impl AsyncFnMut() -> Option<V>) -> Option<V> {
    for looks in 0..LOOKS {
        if looks > 0 {
            sleep(PAUSE).await;
        }
        if let Some(told) = look().await {
            return Some(told);
        }
    }
    None
}
