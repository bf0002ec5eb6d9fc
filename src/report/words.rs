//! Words and figures that more than one report uses.

use std::time::Duration;

use crate::cycle::{Hint, Outcome};
use crate::text::{count, one_line};

/// The sign in front of a headline in the summary. One a glance tells apart, without colour too.
pub(super) const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed => "✅",
        Outcome::Unchanged => "🟰",
        Outcome::Planned => "📋",
        Outcome::InProgress => "⏳",
        Outcome::Refused => "⛔",
        Outcome::RolledBack => "⏪",
        Outcome::Failed => "❌",
        Outcome::RollbackFailed => "🚨",
        Outcome::Superseded => "⏭️",
    }
}

/// Where a hint comes from: its code, and the tasks that it explains.
pub(super) fn hinted(hint: &Hint) -> String {
    match hint.tasks {
        0 => hint.code.to_owned(),
        tasks => format!("{}, {}", hint.code, count(tasks, "task", "tasks")),
    }
}

/// A duration as one says it: `0.4 s`, `12 s`, `4 min 10 s`.
pub(super) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0..10) => format!("{:.1} s", duration.as_secs_f64()),
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// Sentences, one after the other, on one line.
pub(super) fn sentences<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    parts.into_iter().flatten().map(one_line).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (milliseconds, expected) in [
            (0, "0.0 s"),
            (420, "0.4 s"),
            (12_900, "12 s"),
            (60_000, "1 min"),
            (250_000, "4 min 10 s"),
            (3_725_000, "62 min 5 s"),
        ] {
            assert_eq!(spoken(Duration::from_millis(milliseconds)), expected);
        }
    }
}
