//! CloudWatch alarms: how they were before, and which of them went off since.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Standing;
use crate::aws::cloudwatch::{Alarm, AlarmState, Reader};
use crate::cycle::{Cause, Events, Failure};
use crate::spec::{AlarmPreflight, Verification};
use crate::text::count;

/// From one look to the next. DescribeAlarms has one quota for the account, which Amazon ECS's own looks share.
const PAUSE: Duration = Duration::from_secs(15);
/// How much longer is tried when CloudWatch does not answer at the end.
const GRACE: Duration = Duration::from_secs(5 * 60);
/// How often to say that it still goes on.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The alarms before anything was changed.
#[derive(Debug, Clone, Default)]
pub struct SeenAlarms {
    known: BTreeMap<String, Alarm>,
    /// Why nothing is known.
    trouble: Option<String>,
}

impl SeenAlarms {
    /// What a run on paper has left of them.
    pub const fn recalled(known: BTreeMap<String, Alarm>) -> Self {
        Self { known, trouble: None }
    }

    /// By name.
    pub const fn known(&self) -> &BTreeMap<String, Alarm> {
        &self.known
    }

    /// Whether they could be looked at.
    pub const fn are_known(&self) -> bool {
        self.trouble.is_none()
    }

    /// As they were at that moment: those that are in ALARM only since are not known.
    #[must_use]
    pub fn before(&self, moment: Option<Timestamp>) -> Self {
        let mut then = self.clone();
        let went_there_since = |alarm: &Alarm| moment.is_some() && alarm.since >= moment;
        then.known.retain(|_, alarm| alarm.state != AlarmState::Alarm || !went_there_since(alarm));
        then
    }

    pub(super) async fn look(reader: &Reader, wanted: &Verification, of_the_deployment: &[String]) -> Self {
        let mut names = wanted.alarms.clone();
        if wanted.alarm_preflight != AlarmPreflight::Ignore {
            names.extend_from_slice(of_the_deployment);
        }
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Self::default();
        }
        match reader.alarms(&names).await {
            Ok(known) => Self { known, trouble: None },
            Err(error) => Self { known: BTreeMap::new(), trouble: Some(error.to_string()) },
        }
    }
}

/// What the alarms say before anything is changed, as sentences without their full stop.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What speaks against deploying.
    pub errors: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Alarms that are to be watched here have to be known, whatever the policy: without knowing how they were before, nobody could
/// tell whether they went off since.
pub(super) fn judge(wanted: &Verification, seen: &SeenAlarms, of_the_deployment: &[String], if_red: &str) -> Findings {
    let mut findings = Findings::default();
    let of_the_deployment: &[String] =
        if wanted.alarm_preflight == AlarmPreflight::Ignore { &[] } else { of_the_deployment };
    if let Some(trouble) = &seen.trouble {
        if !wanted.alarms.is_empty() {
            findings.errors.push(format!("the alarms of `rollback-alarms` cannot be watched ({trouble})"));
        } else {
            let text = format!("whether the deployment's alarms are in ALARM already is not known ({trouble})");
            if_so(wanted.alarm_preflight, &mut findings, text);
        }
        return findings;
    }
    for (input, names) in [("rollback-alarms", wanted.alarms.as_slice()), ("the deployment", of_the_deployment)] {
        for name in names.iter().filter(|name| !seen.known.contains_key(*name)) {
            findings.errors.push(format!("there is no alarm `{name}`, which {input} names"));
        }
    }
    let is_red = |name: &&String| seen.known.get(*name).is_some_and(|alarm| alarm.state == AlarmState::Alarm);
    let red: Vec<&str> = of_the_deployment.iter().filter(is_red).map(String::as_str).collect();
    if !red.is_empty() {
        let text = format!("{}, {if_red}", in_alarm(&red));
        if_so(wanted.alarm_preflight, &mut findings, text);
    }
    let red: Vec<&str> = wanted.alarms.iter().filter(is_red).map(String::as_str).collect();
    if !red.is_empty() {
        let text = format!("{}, and `rollback-alarms` counts only what goes off anew", in_alarm(&red));
        if_so(wanted.alarm_preflight, &mut findings, text);
    }
    findings
}

/// That they are, for the beginning of a sentence.
pub fn in_alarm(names: &[&str]) -> String {
    let (alarms, are) = if names.len() == 1 { ("alarm", "is") } else { ("alarms", "are") };
    format!("the {alarms} {} {are} in ALARM already", names.join(", "))
}

fn if_so(policy: AlarmPreflight, findings: &mut Findings, text: String) {
    match policy {
        AlarmPreflight::Fail => findings.errors.push(text),
        AlarmPreflight::Warn => findings.warnings.push(text),
        AlarmPreflight::Ignore => {}
    }
}

/// The alarms that are in ALARM and were not before. Only times of AWS are compared, and those only with each other: an alarm
/// that was in ALARM before counts when it says that it went there at another time.
fn gone_off<'a>(before: &BTreeMap<String, Alarm>, now: &'a BTreeMap<String, Alarm>) -> Vec<&'a Alarm> {
    now.values()
        .filter(|alarm| alarm.state == AlarmState::Alarm)
        .filter(|alarm| {
            before.get(&alarm.name).is_none_or(|then| then.state != AlarmState::Alarm || then.since != alarm.since)
        })
        .collect()
}

/// Alarms while they are watched.
#[derive(Debug)]
pub(super) struct AlarmWatch {
    names: Vec<String>,
    reader: Reader,
    before: BTreeMap<String, Alarm>,
    end: Instant,
    due: Instant,
    /// When to say that it still goes on.
    heartbeat: Instant,
}

impl AlarmWatch {
    pub(super) fn begin(wanted: &Verification, reader: Reader, before: BTreeMap<String, Alarm>) -> Self {
        let now = Instant::now();
        let names = wanted.alarms.clone();
        Self { names, reader, before, end: now + wanted.watch_alarms, due: now, heartbeat: now }
    }

    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Looks once; the last look comes when the time is over.
    pub(super) async fn look(&mut self, events: &Events) -> Result<Standing, Failure> {
        let now = Instant::now();
        if now >= self.heartbeat && now < self.end {
            let left = count((self.end - now).as_secs().div_ceil(60), "minute", "minutes");
            events.note(format!("Watching the alarms {} for {left} more.", self.names.join(", ")));
            self.heartbeat = now + HEARTBEAT;
        }
        self.due = if now + PAUSE > self.end && now < self.end { self.end } else { now + PAUSE };
        let alarms = match self.reader.alarms(&self.names).await {
            Ok(alarms) => alarms,
            Err(error) if now >= self.end + GRACE => return Ok(Standing::Failed(error.into())),
            Err(error) => return Err(error.into()),
        };
        let gone_off = gone_off(&self.before, &alarms);
        if !gone_off.is_empty() {
            return Ok(Standing::Failed(failure(&gone_off)));
        }
        Ok(if now >= self.end { Standing::Passed } else { Standing::Pending })
    }
}

fn failure(gone_off: &[&Alarm]) -> Failure {
    let said: Vec<String> = gone_off
        .iter()
        .map(|alarm| match &alarm.reason {
            Some(reason) => format!("{} ({reason})", alarm.name),
            None => alarm.name.clone(),
        })
        .collect();
    Failure::new(Cause::Alarm, format!("In ALARM since the deployment began: {}.", said.join(", ")))
        .advise("Look at the alarm's graph since the deployment began.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(name: &str, state: AlarmState, since: i64) -> (String, Alarm) {
        let since = jiff::Timestamp::from_second(since).ok();
        (name.to_owned(), Alarm { name: name.to_owned(), state, reason: None, since })
    }

    #[test]
    fn only_an_alarm_that_went_off_since_counts() {
        use AlarmState::{Alarm as Red, Ok as Green, Other};
        let grey = || Other("INSUFFICIENT_DATA".to_owned());
        for (name, before, now, counts) in [
            ("stays green", Some((Green, 0)), (Green, 0), false),
            ("goes red", Some((Green, 0)), (Red, 5), true),
            ("goes red from grey", Some((grey(), 0)), (Red, 5), true),
            ("goes grey", Some((Green, 0)), (grey(), 5), false),
            ("was red before", Some((Red, 0)), (Red, 0), false),
            ("was red, was green, is red", Some((Red, 0)), (Red, 5), true),
            ("was red, is green", Some((Red, 0)), (Green, 5), false),
            ("was not there", None, (Red, 5), true),
        ] {
            let before: BTreeMap<_, _> = before.into_iter().map(|(state, since)| alarm("a", state, since)).collect();
            let now = BTreeMap::from([alarm("a", now.0, now.1)]);
            assert_eq!(gone_off(&before, &now).len(), usize::from(counts), "{name}");
        }
    }

    #[test]
    fn the_policy_decides_about_red_alarms_and_not_about_missing_ones() {
        use AlarmPreflight::{Fail, Ignore, Warn};
        let green = || SeenAlarms::recalled([alarm("a", AlarmState::Ok, 0), alarm("b", AlarmState::Ok, 0)].into());
        let red = || SeenAlarms::recalled([alarm("a", AlarmState::Alarm, 0), alarm("b", AlarmState::Alarm, 0)].into());
        let denied = || SeenAlarms { trouble: Some("denied".to_owned()), ..SeenAlarms::default() };
        // What is seen, what is watched here, what ECS watches; errors and warnings by policy.
        type Case = (&'static str, fn() -> SeenAlarms, bool, bool, [(AlarmPreflight, usize, usize); 3]);
        let cases: [Case; 9] = [
            ("green", green, true, true, [(Fail, 0, 0), (Warn, 0, 0), (Ignore, 0, 0)]),
            ("nothing named", SeenAlarms::default, false, false, [(Fail, 0, 0), (Warn, 0, 0), (Ignore, 0, 0)]),
            ("red, of the deployment", red, false, true, [(Fail, 1, 0), (Warn, 0, 1), (Ignore, 0, 0)]),
            ("red, of ours", red, true, false, [(Fail, 1, 0), (Warn, 0, 1), (Ignore, 0, 0)]),
            ("red, both", red, true, true, [(Fail, 2, 0), (Warn, 0, 2), (Ignore, 0, 0)]),
            (
                "missing, of the deployment",
                SeenAlarms::default,
                false,
                true,
                [(Fail, 1, 0), (Warn, 1, 0), (Ignore, 0, 0)],
            ),
            ("missing, of ours", SeenAlarms::default, true, false, [(Fail, 1, 0), (Warn, 1, 0), (Ignore, 1, 0)]),
            ("denied, of the deployment", denied, false, true, [(Fail, 1, 0), (Warn, 0, 1), (Ignore, 0, 0)]),
            ("denied, of ours", denied, true, true, [(Fail, 1, 0), (Warn, 1, 0), (Ignore, 1, 0)]),
        ];
        for (name, seen, is_ours, is_of_the_deployment, expected) in cases {
            for (alarm_preflight, errors, warnings) in expected {
                let alarms = if is_ours { vec!["a".to_owned()] } else { Vec::new() };
                let of_the_deployment = if is_of_the_deployment { vec!["b".to_owned()] } else { Vec::new() };
                let wanted = Verification { alarms, alarm_preflight, ..Verification::default() };
                let found = judge(&wanted, &seen(), &of_the_deployment, "so nobody watches");
                assert_eq!(
                    (found.errors.len(), found.warnings.len()),
                    (errors, warnings),
                    "{name}, {alarm_preflight:?}: {found:?}"
                );
            }
        }
    }
}
