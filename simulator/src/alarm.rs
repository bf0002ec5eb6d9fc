//! A CloudWatch alarm that exists when a test begins.

use std::time::Duration;

use serde::Deserialize;

use crate::scenario::seconds;

/// Describes an alarm for [`Scenario::alarm`](crate::Scenario::alarm). One that a service's deployment configuration names
/// exists by itself, in OK, unless the scenario describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Alarm {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) state: AlarmState,
    #[serde(default)]
    pub(crate) kind: AlarmKind,
    #[serde(default)]
    pub(crate) watches: Option<Watched>,
}

impl Alarm {
    /// A metric alarm of that name, in OK.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), state: AlarmState::Ok, kind: AlarmKind::Metric, watches: None }
    }

    /// The state that it is in when the world starts.
    pub fn state(self, state: AlarmState) -> Self {
        Self { state, ..self }
    }

    /// What it looks at.
    pub fn kind(self, kind: AlarmKind) -> Self {
        Self { kind, ..self }
    }

    /// Goes into ALARM when a task whose image contains `image` has run for so long, and back into OK when none runs any more.
    pub fn watching(self, image: impl Into<String>, after: Duration) -> Self {
        Self { watches: Some(Watched { image: image.into(), after }), ..self }
    }
}

/// The tasks that set an alarm off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watched {
    /// A part of their image's name.
    pub(crate) image: String,
    /// How long one of them has to run.
    #[serde(deserialize_with = "seconds")]
    pub(crate) after: Duration,
}

/// `StateValue` of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "AWS's own names, which its API reference explains")]
pub enum AlarmState {
    #[default]
    Ok,
    Alarm,
    InsufficientData,
}

impl AlarmState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// What an alarm looks at, which decides the list that it is answered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "AWS's own names, which its API reference explains")]
pub enum AlarmKind {
    #[default]
    Metric,
    Composite,
    Log,
}
