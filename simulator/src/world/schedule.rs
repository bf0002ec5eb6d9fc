//! What is going to happen, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::task::Step;

/// Something that is going to happen by itself.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    /// A task goes on with its life. The service is empty for a task of none.
    Task { service: String, task: String, step: Step },
    /// The service's newest deployment leaves PENDING.
    Begin { service: String, deployment: String },
    /// A rollback that was asked for starts.
    RollBack { service: String, service_deployment: String },
    /// The service's scheduler looks again.
    Look { service: String },
    /// An alarm goes off because of tasks that run since then.
    Alarm { name: String, provoked: Duration },
    /// A deployment of AWS CodeDeploy goes on, unless it took another turn meanwhile.
    CodeDeployment { id: String, turn: u32 },
    /// An endpoint of Amazon SageMaker goes on, unless it took another turn meanwhile.
    Endpoint { name: String, turn: u32 },
    /// Somebody else does something: an index into the scenario.
    Somebody(usize),
}

/// A queue ordered by time, then by who came first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    entries: BTreeMap<(Duration, u64), Due>,
    made: u64,
}

impl Schedule {
    pub(crate) fn at(&mut self, moment: Duration, due: Due) {
        self.made += 1;
        self.entries.insert((moment, self.made), due);
    }

    /// Plans a look of the service's scheduler; one look at a moment is enough.
    pub(crate) fn look_at(&mut self, moment: Duration, service: &str) {
        let planned = |due: &Due| matches!(due, Due::Look { service: looking } if looking == service);
        if !self.entries.range((moment, 0)..=(moment, u64::MAX)).any(|(_, due)| planned(due)) {
            self.at(moment, Due::Look { service: service.to_owned() });
        }
    }

    /// When the next thing happens.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.entries.keys().next().map(|(moment, _)| *moment)
    }

    /// The next thing that happens until `moment`, that moment included.
    pub(crate) fn take_until(&mut self, moment: Duration) -> Option<(Duration, Due)> {
        let entry = self.entries.first_entry()?;
        let (at, _) = *entry.key();
        (at <= moment).then(|| (at, entry.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_time_then_order() {
        let mut schedule = Schedule::default();
        for (index, second) in [3, 1, 2, 1].into_iter().enumerate() {
            schedule.at(Duration::from_secs(second), Due::Somebody(index));
        }
        let mut order = Vec::new();
        while let Some((_, Due::Somebody(index))) = schedule.take_until(Duration::from_secs(2)) {
            order.push(index);
        }
        assert_eq!(order, [1, 3, 2]);
        assert_eq!(schedule.next(), Some(Duration::from_secs(3)));
    }
}
