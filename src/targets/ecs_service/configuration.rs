//! What was asked for of a service's `deploymentConfiguration`, merged into what is there. Pure: no client, no clock.
//!
//! It travels as a document, and UpdateService gets the whole of it: whether ECS resets what a request leaves out, its API
//! reference does not say.

use serde_json::{Map, Value, json};

use crate::cycle::{Cause, Change, Failure, Shown};
use crate::spec::{CircuitBreaker, DeploymentSettings, Strategy, Threshold};
use crate::text::sentences;

/// What is valid with one strategy only, and refused with any other.
const OF_ONE_STRATEGY: [(&str, Strategy); 3] = [
    ("canaryConfiguration", Strategy::Canary),
    ("linearConfiguration", Strategy::Linear),
    ("earlySuccessCriteria", Strategy::Rolling),
];

/// The strategy of a `deploymentConfiguration`.
pub(super) fn strategy(configuration: &Value) -> Strategy {
    Strategy::of_aws(configuration["strategy"].as_str())
}

/// The configuration that was asked for; `None` when it is there already.
///
/// # Errors
/// When what was asked for makes no sense with what is there.
pub(super) fn merged(asked: &DeploymentSettings, there: &Value) -> Result<Option<Value>, Failure> {
    if asked.is_empty() {
        return Ok(None);
    }
    let mut wanted = if there.is_object() { there.clone() } else { Value::Object(Map::new()) };
    let before = strategy(there);
    let strategy = asked.strategy.clone().unwrap_or_else(|| before.clone());
    let out_of_place = asked.out_of_place(&strategy);
    if !out_of_place.is_empty() {
        return Err(Failure::new(Cause::InvalidInput, sentences(out_of_place)));
    }
    if strategy != before {
        put(&mut wanted, &["strategy"], json!(strategy.as_str()));
        let members = wanted.as_object_mut().into_iter();
        members.for_each(|members| members.retain(|member, _| belongs(member, &strategy)));
    }
    let number = |value: Option<u32>| value.map(|value| json!(value));
    for (path, value) in [
        (&["bakeTimeInMinutes"][..], number(asked.bake_time_minutes)),
        (&["canaryConfiguration", "canaryPercent"], asked.canary_percent.map(|percent| json!(percent.as_f64()))),
        (&["canaryConfiguration", "canaryBakeTimeInMinutes"], number(asked.canary_bake_time_minutes)),
        (&["linearConfiguration", "stepPercent"], asked.linear_step_percent.map(|percent| json!(percent.as_f64()))),
        (&["linearConfiguration", "stepBakeTimeInMinutes"], number(asked.linear_step_bake_time_minutes)),
        (&["minimumHealthyPercent"], number(asked.minimum_healthy_percent)),
        (&["maximumPercent"], number(asked.maximum_percent)),
    ] {
        if let Some(value) = value {
            put(&mut wanted, path, value);
        }
    }
    breaker(asked, &mut wanted)?;
    if let Some(names) = &asked.alarms {
        let was_on = there["alarms"]["enable"] == true;
        put(&mut wanted, &["alarms", "alarmNames"], json!(names));
        put(&mut wanted, &["alarms", "enable"], json!(true));
        let rollback = if was_on { there["alarms"]["rollback"].clone() } else { json!(true) };
        put(&mut wanted, &["alarms", "rollback"], rollback);
    }
    sensible(asked, &strategy, &wanted)?;
    Ok((wanted != *there).then_some(wanted))
}

fn belongs(member: &str, strategy: &Strategy) -> bool {
    OF_ONE_STRATEGY.iter().all(|(other, of)| *other != member || of == strategy)
}

fn breaker(asked: &DeploymentSettings, wanted: &mut Value) -> Result<(), Failure> {
    const BREAKER: &str = "deploymentCircuitBreaker";
    if let Some(breaker) = asked.circuit_breaker {
        put(wanted, &[BREAKER, "enable"], json!(breaker != CircuitBreaker::Off));
        put(wanted, &[BREAKER, "rollback"], json!(breaker == CircuitBreaker::On));
    }
    let Some(threshold) = asked.circuit_breaker_threshold else { return Ok(()) };
    if wanted[BREAKER]["enable"] != true {
        return Err(Failure::new(
            Cause::InvalidInput,
            "`deployment-circuit-breaker-threshold` is set, and the service's deployment circuit breaker is off.",
        )
        .advise("Set `deployment-circuit-breaker: on` too."));
    }
    let (kind, value) = match threshold {
        Threshold::Count(count) => ("COUNT", count),
        Threshold::Percent(percent) => ("BOUNDED_PERCENT", percent),
    };
    put(wanted, &[BREAKER, "thresholdConfiguration", "type"], json!(kind));
    put(wanted, &[BREAKER, "thresholdConfiguration", "value"], json!(value));
    Ok(())
}

/// What ECS would refuse, or would never finish.
fn sensible(asked: &DeploymentSettings, strategy: &Strategy, wanted: &Value) -> Result<(), Failure> {
    if *strategy == Strategy::BlueGreen && wanted["bakeTimeInMinutes"].is_null() {
        return Err(Failure::new(
            Cause::InvalidInput,
            "Amazon ECS takes no blue/green deployment without a bake time, and the service has none.",
        )
        .advise("Set `bake-time-minutes`: how long the old tasks stay once all traffic has shifted; 0 will do."));
    }
    let names_limits = asked.minimum_healthy_percent.is_some() || asked.maximum_percent.is_some();
    let blocks = wanted["minimumHealthyPercent"] == 100 && wanted["maximumPercent"] == 100;
    if names_limits && blocks && *strategy == Strategy::Rolling {
        return Err(Failure::new(
            Cause::InvalidInput,
            "With 100 for both `minimum-healthy-percent` and `maximum-percent` no task could ever be replaced.",
        )
        .advise("Allow more tasks than desired, or fewer healthy ones."));
    }
    Ok(())
}

/// Sets a value unless it is there already: 5 is the same as 5.0.
fn put(at: &mut Value, path: &[&str], value: Value) {
    let mut place = at;
    for member in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*member];
    }
    if !is_same(place, &value) {
        *place = value;
    }
}

fn is_same(left: &Value, right: &Value) -> bool {
    left == right || left.as_f64().is_some() && left.as_f64() == right.as_f64()
}

/// What differs between two configurations, a change for each value.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("deploymentConfiguration".to_owned(), before, after, &mut changes);
    changes
}

fn compare(subject: String, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let empty = Map::new();
    match (before, after) {
        (Value::Object(_), Value::Object(_)) | (Value::Null, Value::Object(_)) | (Value::Object(_), Value::Null) => {
            let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
            let gone = before.keys().filter(|member| !after.contains_key(*member));
            for member in after.keys().chain(gone) {
                let value = |of: &Map<String, Value>| of.get(member).cloned().unwrap_or_default();
                compare(format!("{subject}.{member}"), &value(before), &value(after), changes);
            }
        }
        _ if is_same(before, after) => {}
        _ => changes.push(Change { subject, before: shown(before), after: shown(after) }),
    }
}

fn shown(value: &Value) -> Shown {
    match value {
        Value::Null => Shown::Absent,
        Value::String(text) => Shown::Value(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            Shown::Value(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        other => Shown::Value(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there() -> Value {
        json!({
            "strategy": "CANARY",
            "bakeTimeInMinutes": 5,
            "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3, "shade": "yellow"},
            "deploymentCircuitBreaker": {"enable": true, "rollback": false, "resetOnHealthyTask": false},
            "alarms": {"alarmNames": ["errors"], "enable": true, "rollback": false},
            "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}],
            "fromTheFuture": {"a": [null]},
        })
    }

    fn bake(minutes: u32) -> DeploymentSettings {
        DeploymentSettings { bake_time_minutes: Some(minutes), ..DeploymentSettings::default() }
    }

    fn subjects(before: &Value, after: &Value) -> Vec<String> {
        changes(before, after).iter().map(|it| format!("{}: {} -> {}", it.subject, it.before, it.after)).collect()
    }

    #[test]
    fn what_is_there_already_is_no_change() {
        assert_eq!(merged(&DeploymentSettings::default(), &there()).unwrap(), None);
        let mut there = there();
        there["canaryConfiguration"]["canaryPercent"] = json!(10);
        let inputs = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, String)> = pairs
                .iter()
                .map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), (*value).to_owned()))
                .collect();
            let environment = crate::runner::Environment::new(pairs);
            let (inputs, _) = crate::runner::Inputs::read(&environment).unwrap();
            crate::spec::Spec::from_inputs(&inputs, std::path::Path::new(".")).unwrap().settings.deployment
        };
        let asked = inputs(&[
            ("service", "web"),
            ("deployment-strategy", "canary"),
            ("canary-percent", "10.0"),
            ("bake-time-minutes", "5"),
            ("deployment-circuit-breaker", "on-without-rollback"),
            ("deployment-alarms", "errors"),
        ]);
        assert_eq!(merged(&asked, &there).unwrap(), None);
    }

    #[test]
    fn one_member_changes_and_no_other() {
        let wanted = merged(&bake(9), &there()).unwrap().unwrap();
        let mut expected = there();
        expected["bakeTimeInMinutes"] = json!(9);
        assert_eq!(wanted, expected);
        assert_eq!(subjects(&there(), &wanted), ["deploymentConfiguration.bakeTimeInMinutes: 5 -> 9"]);
    }

    #[test]
    fn another_strategy_leaves_behind_what_only_the_one_before_had() {
        let asked = DeploymentSettings { strategy: Some(Strategy::BlueGreen), ..DeploymentSettings::default() };
        let wanted = merged(&asked, &there()).unwrap().unwrap();
        let mut expected = there();
        expected["strategy"] = json!("BLUE_GREEN");
        expected.as_object_mut().unwrap().remove("canaryConfiguration");
        assert_eq!(wanted, expected);
        assert!(
            subjects(&there(), &wanted).contains(&"deploymentConfiguration.strategy: CANARY -> BLUE_GREEN".to_owned())
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_input_that_is_wrong() {
        let rolling = json!({"minimumHealthyPercent": 100, "maximumPercent": 200});
        for (asked, there, expected) in [
            (bake(5), &rolling, "bake-time-minutes"),
            (
                DeploymentSettings { strategy: Some(Strategy::BlueGreen), ..DeploymentSettings::default() },
                &rolling,
                "without a bake time",
            ),
            (
                DeploymentSettings { maximum_percent: Some(100), ..DeploymentSettings::default() },
                &rolling,
                "`maximum-percent`",
            ),
            (
                DeploymentSettings {
                    circuit_breaker_threshold: Some(Threshold::Count(4)),
                    ..DeploymentSettings::default()
                },
                &rolling,
                "deployment-circuit-breaker-threshold",
            ),
            (
                DeploymentSettings { linear_step_bake_time_minutes: Some(4), ..DeploymentSettings::default() },
                &there(),
                "linear-step-bake-time-minutes",
            ),
        ] {
            let failure = merged(&asked, there).unwrap_err();
            assert_eq!(failure.cause, Cause::InvalidInput);
            assert!(failure.reason.contains(expected), "{}", failure.reason);
        }
    }

    #[test]
    fn alarms_keep_what_was_decided_about_rolling_back_and_new_ones_roll_back() {
        let asked = DeploymentSettings { alarms: Some(vec!["latency".to_owned()]), ..DeploymentSettings::default() };
        for (there, rollback) in [(there(), false), (json!({}), true), (json!({"alarms": {"enable": false}}), true)] {
            let wanted = merged(&asked, &there).unwrap().unwrap();
            let expected = json!({"alarmNames": ["latency"], "enable": true, "rollback": rollback});
            assert_eq!(wanted["alarms"], expected);
        }
    }
}
