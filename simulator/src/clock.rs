//! The time of the simulated world.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Counts tokio's time from the moment the world was made, so that a paused clock pauses the world.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// How far the world was moved ahead of tokio's clock by [`Clock::leap_to`].
    ahead: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), ahead: Duration::ZERO }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed() + self.ahead
    }

    /// Moves the world to `moment` without waiting; a moment that has passed changes nothing.
    pub(crate) fn leap_to(&mut self, moment: Duration) {
        self.ahead += moment.saturating_sub(self.elapsed());
    }
}

/// What the wall clock shows `elapsed` after `epoch`, as awsJson1.1 writes a timestamp: seconds since 1970, with milliseconds.
pub(crate) fn epoch_seconds(epoch: Timestamp, elapsed: Duration) -> f64 {
    let milliseconds = epoch.as_duration().as_millis() + i128::try_from(elapsed.as_millis()).unwrap_or(i128::MAX);
    // Milliseconds since 1970 fit a double exactly for the next 200 000 years.
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_the_paused_clock_and_leaps_ahead_of_it() {
        let mut clock = Clock::start();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(5));
        clock.leap_to(Duration::from_secs(60));
        clock.leap_to(Duration::from_secs(30));
        assert_eq!(clock.elapsed(), Duration::from_secs(60));
    }

    #[test]
    fn writes_milliseconds() {
        let epoch: Timestamp = "2026-01-05T12:00:00Z".parse().unwrap();
        assert_eq!(epoch_seconds(epoch, Duration::from_millis(1500)), 1_767_614_401.5);
    }
}
