//! How SageMaker is to carry an update out: `DeploymentConfig`. Pure.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html>

use std::time::Duration;

use serde_json::{Value, json};

use super::Request;
use crate::cycle::{Cause, Failure};
use crate::spec::{DeploymentSettings, Percent, Strategy};
use crate::text::sentences;

/// The longest that SageMaker waits between steps, and before it stops the old instances.
const WAIT_MOST: u64 = 3600;
/// The bounds of an update's whole time.
const TIME_LEAST: u64 = 600;
const TIME_MOST: u64 = 28_800;
/// The same for an update of which nothing was said.
pub(super) const LONGEST: Duration = Duration::from_secs(TIME_MOST);
/// What starting instances, pulling images and loading models may take besides the waits.
const START: u64 = 3600;
/// AWS's own examples shift so much first, or in each step, and wait so long after it.
const PERCENT: u64 = 10;
const WAIT: u64 = 300;
const BATCH_PERCENT: u64 = 50;

/// What UpdateEndpoint is told; `None` when nothing was said of it.
///
/// # Errors
/// What SageMaker would not take.
pub(super) fn deployment(request: &Request, last: Option<&Value>, start: Duration) -> Result<Option<Value>, Failure> {
    let settings = &request.deployment;
    let asked = DeploymentSettings { alarms: None, ..settings.clone() };
    let batch = request.endpoint.rolling_batch_percent;
    if asked.is_empty() && batch.is_none() && request.alarms.is_empty() {
        return Ok(None);
    }
    let mut deployment = match (asked.is_empty() && batch.is_none(), last) {
        (true, Some(last)) => last.clone(),
        _ => policy(settings, batch, last, start)?,
    };
    if !request.alarms.is_empty() {
        let alarms: Value = request.alarms.iter().map(|name| json!({"AlarmName": name})).collect();
        deployment["AutoRollbackConfiguration"] = json!({"Alarms": alarms});
    } else if let Some(alarms) = last.and_then(|last| last.get("AutoRollbackConfiguration")) {
        deployment["AutoRollbackConfiguration"] = alarms.clone();
    }
    Ok(Some(deployment))
}

fn policy(
    settings: &DeploymentSettings,
    batch: Option<u32>,
    last: Option<&Value>,
    start: Duration,
) -> Result<Value, Failure> {
    let strategy = settings.strategy.clone().unwrap_or_else(|| strategy(last));
    let mut complaints: Vec<String> = settings
        .out_of_place(&strategy)
        .into_iter()
        // Here it is the time between two batches.
        .filter(|error| !(error.input == "bake-time-minutes" && strategy == Strategy::Rolling))
        .map(|error| error.to_string())
        .collect();
    if batch.is_some() && strategy != Strategy::Rolling {
        complaints.push("`rolling-batch-percent` is for `deployment-strategy: rolling`".to_owned());
    }
    let seconds = |minutes: Option<u32>, usual: u64| minutes.map_or(usual, |minutes| u64::from(minutes) * 60);
    let bake = seconds(settings.bake_time_minutes, 0);
    let (wait, steps) = match strategy {
        Strategy::Canary => (seconds(settings.canary_bake_time_minutes, WAIT), 1),
        Strategy::Linear => {
            let percent = percent("linear-step-percent", settings.linear_step_percent, 10..=50, &mut complaints);
            (seconds(settings.linear_step_bake_time_minutes, WAIT), 100_u64.div_ceil(percent))
        }
        Strategy::Rolling => (bake, 100_u64.div_ceil(batch.map_or(BATCH_PERCENT, u64::from))),
        Strategy::BlueGreen | Strategy::Other(_) => (0, 0),
    };
    for (what, wait) in [("between two steps", wait), ("after the last", bake)] {
        if wait > WAIT_MOST {
            complaints.push(format!("SageMaker waits 60 minutes {what} at most, and {} were asked for", wait / 60));
        }
    }
    // Only a rolling update starts instances more than once.
    let starts = start.as_secs() * if strategy == Strategy::Rolling { steps } else { 1 };
    let waits = wait * steps + if strategy == Strategy::Rolling { 0 } else { bake };
    if waits + TIME_LEAST > TIME_MOST {
        let minutes = waits / 60;
        complaints.push(format!(
            "SageMaker ends an update after 8 hours, and {minutes} minutes of waiting leave no time for it"
        ));
    }
    let routing = match strategy {
        Strategy::Rolling => {
            complain(complaints)?;
            let size = json!({"Type": "CAPACITY_PERCENT", "Value": batch.map_or(BATCH_PERCENT, u64::from)});
            return Ok(json!({"RollingUpdatePolicy": {
                "MaximumBatchSize": size,
                "WaitIntervalInSeconds": wait,
                "MaximumExecutionTimeoutInSeconds": time(waits, starts),
            }}));
        }
        Strategy::Canary => {
            let percent = percent("canary-percent", settings.canary_percent, 1..=50, &mut complaints);
            let size = json!({"Type": "CAPACITY_PERCENT", "Value": percent});
            json!({"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": wait})
        }
        Strategy::Linear => {
            let percent = percent("linear-step-percent", settings.linear_step_percent, 10..=50, &mut complaints);
            let size = json!({"Type": "CAPACITY_PERCENT", "Value": percent});
            json!({"Type": "LINEAR", "LinearStepSize": size, "WaitIntervalInSeconds": wait})
        }
        Strategy::BlueGreen | Strategy::Other(_) => json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
    };
    complain(complaints)?;
    Ok(json!({"BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": bake,
        "MaximumExecutionTimeoutInSeconds": time(waits, starts),
    }}))
}

fn complain(mut complaints: Vec<String>) -> Result<(), Failure> {
    complaints.dedup();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Cause::InvalidInput, sentences(complaints)))
}

/// As long as all that may take, and SageMaker lets it.
fn time(waits: u64, starts: u64) -> u64 {
    (waits + START.max(starts)).clamp(TIME_LEAST, TIME_MOST)
}

/// Whole percents, which is all that SageMaker takes.
fn percent(
    input: &str,
    asked: Option<Percent>,
    range: std::ops::RangeInclusive<u64>,
    complaints: &mut Vec<String>,
) -> u64 {
    let Some(asked) = asked.map(Percent::as_f64) else { return PERCENT };
    let whole = range.clone().find(|whole| asked == *whole as f64);
    whole.unwrap_or_else(|| {
        let (least, most) = (range.start(), range.end());
        complaints.push(format!("`{input}` is {asked}, and SageMaker takes whole numbers from {least} to {most}"));
        PERCENT
    })
}

/// The strategy of the last update.
fn strategy(last: Option<&Value>) -> Strategy {
    let Some(last) = last else { return Strategy::BlueGreen };
    if last["RollingUpdatePolicy"].is_object() {
        return Strategy::Rolling;
    }
    match last["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"].as_str() {
        Some("CANARY") => Strategy::Canary,
        Some("LINEAR") => Strategy::Linear,
        _ => Strategy::BlueGreen,
    }
}

/// The alarms that a configuration names.
pub(super) fn alarms(deployment: &Value) -> Vec<String> {
    let alarms = deployment["AutoRollbackConfiguration"]["Alarms"].as_array();
    alarms.into_iter().flatten().filter_map(|alarm| alarm["AlarmName"].as_str().map(str::to_owned)).collect()
}

/// How long one start of instances may take: the longest of what the variants of a configuration allow the download of the model
/// and the start of the container.
pub(super) fn starts(config: &Value) -> Duration {
    let seconds = |variant: &Value, member: &str| variant[member].as_u64().unwrap_or_default();
    let of = |variant: &Value| {
        seconds(variant, "ModelDataDownloadTimeoutInSeconds")
            + seconds(variant, "ContainerStartupHealthCheckTimeoutInSeconds")
    };
    let variants = config["ProductionVariants"].as_array();
    Duration::from_secs(variants.into_iter().flatten().map(of).max().unwrap_or_default())
}

/// After how long SageMaker ends an update.
pub(super) fn most(deployment: &Value) -> Option<Duration> {
    let most = |policy: &str| deployment[policy]["MaximumExecutionTimeoutInSeconds"].as_u64();
    most("RollingUpdatePolicy").or_else(|| most("BlueGreenUpdatePolicy")).map(Duration::from_secs)
}

/// What an update takes at most when each start of instances takes that long.
pub(super) fn needed(deployment: &Value, start: Duration) -> Duration {
    let size = deployment["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"].as_u64();
    let batches = size.map_or(1, |size| 100_u64.div_ceil(size.max(1)));
    waits(deployment) + start * u32::try_from(batches).unwrap_or(u32::MAX)
}

/// How long an update waits, all in all, because it was told to.
pub(super) fn waits(deployment: &Value) -> Duration {
    let seconds = |value: &Value| value.as_u64().unwrap_or_default();
    let rolling = &deployment["RollingUpdatePolicy"];
    let policy = &deployment["BlueGreenUpdatePolicy"];
    let routing = &policy["TrafficRoutingConfiguration"];
    let size = |value: &Value| value["Value"].as_u64().unwrap_or(PERCENT).max(1);
    let between = match routing["Type"].as_str() {
        Some("LINEAR") => {
            seconds(&routing["WaitIntervalInSeconds"]) * 100_u64.div_ceil(size(&routing["LinearStepSize"]))
        }
        // Also after the rest has followed.
        Some("CANARY") => seconds(&routing["WaitIntervalInSeconds"]) * 2,
        _ => seconds(&routing["WaitIntervalInSeconds"]),
    };
    let batches = 100_u64.div_ceil(size(&rolling["MaximumBatchSize"]));
    let rolling = seconds(&rolling["WaitIntervalInSeconds"]) * batches;
    Duration::from_secs(between + rolling + seconds(&policy["TerminationWaitInSeconds"]))
}
