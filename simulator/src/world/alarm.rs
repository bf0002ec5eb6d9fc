//! CloudWatch alarms: their states, and what sets them off.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::World;
use super::schedule::Due;
use crate::alarm::Watched;
use crate::{AlarmKind, AlarmState};

/// The alarms of the account, by name.
pub(crate) type Alarms = BTreeMap<String, Alarm>;

/// An alarm.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) kind: AlarmKind,
    pub(crate) state: AlarmState,
    /// When it went into that state.
    pub(crate) transitioned: Duration,
    watches: Option<Watched>,
    /// Since when tasks run that set it off.
    provoked: Option<Duration>,
}

impl Alarm {
    fn of(described: &crate::Alarm) -> Self {
        let crate::Alarm { kind, state, watches, .. } = described.clone();
        Self { kind, state, transitioned: Duration::ZERO, watches, provoked: None }
    }
}

impl World {
    /// The alarms that the scenario describes.
    pub(super) fn add_alarms(&mut self) {
        let scenario = std::sync::Arc::clone(&self.scenario);
        for described in &scenario.alarms {
            self.alarms.insert(described.name.clone(), Alarm::of(described));
        }
    }

    /// The alarms of a deployment configuration exist.
    pub(super) fn add_alarms_of(&mut self, configuration: &Value) {
        for name in names(configuration) {
            self.alarms.entry(name.to_owned()).or_insert_with(|| Alarm::of(&crate::Alarm::new(name)));
        }
    }

    /// The alarms of a deployment group exist.
    pub(crate) fn add_alarms_named(&mut self, names: &[String]) {
        for name in names {
            self.alarms.entry(name.clone()).or_insert_with(|| Alarm::of(&crate::Alarm::new(name)));
        }
    }

    /// An alarm goes into a state; one that does not exist is created.
    pub(crate) fn set_alarm(&mut self, name: &str, state: AlarmState) {
        let alarm = self.alarms.entry(name.to_owned()).or_insert_with(|| Alarm::of(&crate::Alarm::new(name)));
        if alarm.state == state {
            return;
        }
        alarm.state = state;
        alarm.transitioned = self.now;
        if state == AlarmState::Alarm {
            let (services, mut around) = self.split();
            for service in services {
                service.alarm(name, &mut around);
            }
            self.alarm_code_deployments(name);
            self.alarm_endpoints(name);
        }
    }

    /// Lets the alarms that watch tasks see which ones run.
    pub(super) fn look_at_tasks(&mut self) {
        let now = self.now;
        let watching = self.alarms.iter().filter_map(|(name, alarm)| Some((name, alarm.watches.as_ref()?)));
        let seen: Vec<_> =
            watching.map(|(name, watched)| (name.clone(), watched.after, self.runs_image(&watched.image))).collect();
        for (name, after, runs) in seen {
            let Some(alarm) = self.alarms.get_mut(&name) else { continue };
            match (runs, alarm.provoked) {
                (true, None) => {
                    alarm.provoked = Some(now);
                    self.schedule.at(now + after, Due::Alarm { name, provoked: now });
                }
                (false, Some(_)) => {
                    alarm.provoked = None;
                    self.set_alarm(&name, AlarmState::Ok);
                }
                _ => {}
            }
        }
    }

    /// The tasks that set an alarm off have run for long enough, if they still run.
    pub(super) fn alarm_is_due(&mut self, name: &str, provoked: Duration) {
        if self.alarms.get(name).is_some_and(|alarm| alarm.provoked == Some(provoked)) {
            self.set_alarm(name, AlarmState::Alarm);
        }
    }
}

/// The names in a deployment configuration.
fn names(configuration: &Value) -> impl Iterator<Item = &str> {
    configuration["alarms"]["alarmNames"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether ECS looks at alarms during a deployment that starts now: at none of them while one is in ALARM already (developer
/// guide, "How CloudWatch alarms detect Amazon ECS deployment failures").
pub(crate) fn are_watched(alarms: &Alarms, configuration: &Value) -> bool {
    let is_red = |name: &str| alarms.get(name).is_some_and(|alarm| alarm.state == AlarmState::Alarm);
    configuration["alarms"]["enable"] == true && !names(configuration).any(is_red)
}
