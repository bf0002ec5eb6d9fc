//! What a history of deployments amounts to, in the measures of DORA. Pure: no client, no clock.
//!
//! <https://dora.dev/guides/dora-metrics-four-keys/>

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cycle::Outcome;
use crate::github::Deployed;

/// The measures of an environment. What nothing is known about is `None`; durations are whole seconds, rates between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// Changes that ended, well or not. Going back on request is no change of its own.
    pub changes: usize,
    /// Those of them that failed: that were rolled back or not, and those that somebody took back later.
    pub failed: usize,
    /// Times that what ran before was put back, on request or not.
    pub rollbacks: usize,
    /// Changes that reached the environment, for each day.
    pub deployments_per_day: f64,
    /// From the commit to the end of its deployment: the median.
    pub lead_time_seconds: Option<u64>,
    /// Failed changes among all.
    pub change_failure_rate: Option<f64>,
    /// From a failure to the end of what put it right: the median.
    pub time_to_restore_seconds: Option<u64>,
    /// Rollbacks for each change.
    pub rollback_rate: Option<f64>,
}

impl Measures {
    /// Those of a history, the earliest end first, of so many days.
    pub fn of(history: &[Deployed], days: u32) -> Self {
        let mut tally = Tally::default();
        let mut targets: BTreeMap<Option<&str>, Vec<&Deployed>> = BTreeMap::new();
        for deployed in history {
            targets.entry(deployed.target.as_deref()).or_default().push(deployed);
        }
        targets.into_values().for_each(|history| tally.count(&history));
        let rate = |number: usize| (tally.changes > 0).then(|| number as f64 / tally.changes as f64);
        Self {
            changes: tally.changes,
            failed: tally.failed,
            rollbacks: tally.rollbacks,
            deployments_per_day: tally.reached as f64 / f64::from(days.max(1)),
            change_failure_rate: rate(tally.failed),
            rollback_rate: rate(tally.rollbacks),
            lead_time_seconds: median(tally.lead_times),
            time_to_restore_seconds: median(tally.restorations),
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    changes: usize,
    reached: usize,
    failed: usize,
    rollbacks: usize,
    lead_times: Vec<Duration>,
    restorations: Vec<Duration>,
}

impl Tally {
    /// Adds the history of one target.
    fn count(&mut self, history: &[&Deployed]) {
        let mut broken_since: Option<Timestamp> = None;
        // The end of the last change that went well and was not taken back.
        let mut stands_since: Option<Timestamp> = None;
        for deployed in history {
            match deployed.outcome {
                Outcome::Deployed | Outcome::Unchanged => {
                    self.changes += 1;
                    self.reached += 1;
                    self.lead_times.extend(deployed.committed_at.map(|at| between(at, deployed.ended_at)));
                    self.restorations.extend(broken_since.take().map(|since| between(since, deployed.ended_at)));
                    stands_since = Some(deployed.ended_at);
                }
                Outcome::RolledBack if deployed.was_asked_back => {
                    self.rollbacks += 1;
                    // Whoever asks to go back says that what stands is broken.
                    if let Some(since) = broken_since.take().or(stands_since) {
                        self.restorations.push(between(since, deployed.ended_at));
                    }
                    self.failed += usize::from(stands_since.take().is_some());
                }
                Outcome::RolledBack => {
                    self.changes += 1;
                    self.failed += 1;
                    self.rollbacks += 1;
                    let since = broken_since.take().unwrap_or(deployed.began_at);
                    self.restorations.push(between(since, deployed.ended_at));
                }
                Outcome::Failed | Outcome::RollbackFailed => {
                    self.changes += 1;
                    self.failed += 1;
                    broken_since.get_or_insert(deployed.ended_at);
                    stands_since = None;
                }
                Outcome::Planned | Outcome::InProgress | Outcome::Refused | Outcome::Superseded => {}
            }
        }
    }
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

fn median(mut durations: Vec<Duration>) -> Option<u64> {
    durations.sort();
    let upper = *durations.get(durations.len() / 2)?;
    let lower = durations[(durations.len() - 1) / 2];
    Some(((lower + upper) / 2).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    /// It took a minute, and its commit was made an hour before its end.
    fn ended(minute: i64, outcome: Outcome) -> Deployed {
        Deployed {
            target: Some("web".to_owned()),
            committed_at: Some(at(minute - 60)),
            began_at: at(minute - 1),
            ended_at: at(minute),
            outcome,
            was_asked_back: false,
        }
    }

    fn asked_back(minute: i64) -> Deployed {
        Deployed { was_asked_back: true, ..ended(minute, Outcome::RolledBack) }
    }

    #[test]
    fn nothing_is_known_of_nothing() {
        let nothing = Measures::of(&[], 30);
        assert_eq!((nothing.changes, nothing.deployments_per_day), (0, 0.0));
        assert_eq!((nothing.lead_time_seconds, nothing.change_failure_rate), (None, None));
        assert_eq!((nothing.time_to_restore_seconds, nothing.rollback_rate), (None, None));
    }

    #[test]
    fn each_course_counts_as_what_it_was() {
        use Outcome::{Deployed, Failed, Refused, RollbackFailed, RolledBack, Superseded};
        // Changes, failed, rollbacks, and how long what failed took to be put right.
        let cases: [(&[crate::github::Deployed], [usize; 3], Option<u64>); 7] = [
            (&[ended(1, Deployed), ended(5, Deployed)], [2, 0, 0], None),
            (&[ended(1, Deployed), ended(5, RolledBack)], [2, 1, 1], Some(60)),
            (&[ended(1, Failed), ended(11, Deployed)], [2, 1, 0], Some(600)),
            (&[ended(1, RollbackFailed), ended(3, Failed), ended(11, Deployed)], [3, 2, 0], Some(600)),
            (&[ended(1, Deployed), asked_back(21)], [1, 1, 1], Some(1200)),
            (&[ended(1, Deployed), ended(2, Failed), asked_back(5), asked_back(9)], [2, 1, 2], Some(180)),
            (&[ended(1, Superseded), ended(2, Refused)], [0, 0, 0], None),
        ];
        for (history, counts, restored) in cases {
            let measures = Measures::of(history, 30);
            assert_eq!([measures.changes, measures.failed, measures.rollbacks], counts, "{history:#?}");
            assert_eq!(measures.time_to_restore_seconds, restored, "{history:#?}");
        }
    }

    #[test]
    fn another_target_puts_nothing_right() {
        let other = Deployed { target: Some("worker".to_owned()), ..ended(2, Outcome::Deployed) };
        let measures = Measures::of(&[ended(1, Outcome::Failed), other], 30);
        assert_eq!((measures.failed, measures.time_to_restore_seconds), (1, None));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_ones() {
        let seconds = |seconds: &[u64]| median(seconds.iter().map(|it| Duration::from_secs(*it)).collect());
        assert_eq!([seconds(&[]), seconds(&[3]), seconds(&[9, 1, 2, 3])], [None, Some(3), Some(2)]);
    }
}
