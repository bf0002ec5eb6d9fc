//! The time by which requests are signed and credentials expire.

use std::time::SystemTime;

use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;
use tokio::time::Instant;

/// The time by which requests are signed and credentials expire: the wall clock at the start of the program, moved on by
/// tokio's clock.
///
/// So there is one clock for all that waits and all that expires. Someone who sets the machine's clock meanwhile neither ends a
/// session nor keeps an ended one, and a test that pauses tokio's clock lets an hour's session expire in no time.
#[derive(Debug, Clone, Copy)]
pub(in crate::aws) struct TokioClock {
    started: SystemTime,
    at: Instant,
}

impl TokioClock {
    pub(in crate::aws) fn starting(now: Timestamp) -> Self {
        Self { started: now.into(), at: Instant::now() }
    }
}

impl TimeSource for TokioClock {
    fn now(&self) -> SystemTime {
        self.started + self.at.elapsed()
    }
}
