//! Amazon CloudWatch's alarms. Nothing here changes anything.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::retry::without_quota;
use super::{CallError, CallErrorKind, Operation};

const OPERATION: Operation = Operation::DescribeAlarms;
/// The most names that one DescribeAlarms takes, and the most alarms that one answer holds.
const ALARMS_A_CALL: usize = 100;

/// An alarm, whatever it looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// The state that it is in.
    pub state: AlarmState,
    /// AWS's words for why: text from outside.
    pub reason: Option<String>,
    /// When it went into that state, by AWS's clock.
    pub since: Option<Timestamp>,
}

/// `StateValue` of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// All is not well.
    Alarm,
    /// There is nothing to judge by, or AWS says something that this program does not know.
    Other(String),
}

/// Calls to Amazon CloudWatch that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        let config =
            aws_sdk_cloudwatch::config::Builder::from(config).retry_partition(without_quota("cloudwatch")).build();
        Self { client: Client::from_conf(config) }
    }

    /// The alarms of these names, by name. AWS leaves out what does not exist, and so does the answer.
    ///
    /// [DescribeAlarms](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html) answers metric
    /// alarms only, unless it is asked for more.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn alarms(&self, names: &[String]) -> Result<BTreeMap<String, Alarm>, CallError> {
        let mut alarms = self.of_types(names, &[AlarmType::MetricAlarm, AlarmType::CompositeAlarm]).await?;
        let unknown: Vec<String> = names.iter().filter(|name| !alarms.contains_key(*name)).cloned().collect();
        if !unknown.is_empty() {
            // The youngest type, which not every partition knows: where it is refused there is no alarm of it.
            match self.of_types(&unknown, &[AlarmType::LogAlarm]).await {
                Ok(more) => alarms.extend(more),
                Err(error) if error.kind == CallErrorKind::Invalid => {}
                Err(error) => return Err(error),
            }
        }
        Ok(alarms)
    }

    async fn of_types(&self, names: &[String], types: &[AlarmType]) -> Result<BTreeMap<String, Alarm>, CallError> {
        let mut alarms = BTreeMap::new();
        for names in names.chunks(ALARMS_A_CALL) {
            let mut token = None;
            loop {
                let answer = self
                    .client
                    .describe_alarms()
                    .set_alarm_names(Some(names.to_vec()))
                    .set_alarm_types(Some(types.to_vec()))
                    .set_next_token(token)
                    .send()
                    .await
                    .map_err(|error| CallError::new(OPERATION, error))?;
                let metric = answer.metric_alarms().iter().map(|it| {
                    alarm(it.alarm_name(), it.state_value(), it.state_reason(), it.state_transitioned_timestamp())
                });
                let composite = answer.composite_alarms().iter().map(|it| {
                    alarm(it.alarm_name(), it.state_value(), it.state_reason(), it.state_transitioned_timestamp())
                });
                let log = answer.log_alarms().iter().map(|it| {
                    alarm(it.alarm_name(), it.state_value(), it.state_reason(), it.state_transitioned_timestamp())
                });
                alarms.extend(metric.chain(composite).chain(log).map(|alarm| (alarm.name.clone(), alarm)));
                token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(alarms)
    }
}

fn alarm(name: Option<&str>, state: Option<&StateValue>, reason: Option<&str>, since: Option<&DateTime>) -> Alarm {
    Alarm {
        name: name.unwrap_or_default().to_owned(),
        state: match state {
            Some(StateValue::Ok) => AlarmState::Ok,
            Some(StateValue::Alarm) => AlarmState::Alarm,
            other => AlarmState::Other(other.map_or("", StateValue::as_str).to_owned()),
        },
        reason: reason.map(str::to_owned),
        since: since.and_then(|at| Timestamp::from_millisecond(at.to_millis().ok()?).ok()),
    }
}
