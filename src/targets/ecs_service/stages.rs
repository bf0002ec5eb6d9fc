//! Where a deployment stands that shifts traffic, and how long it rests there on purpose. Pure: no client, no clock.

use std::time::Duration;

use serde_json::Value;

use super::configuration::strategy;
use crate::aws::ecs::{CircuitBreaker, Service, ServiceDeployment, ServiceDeploymentStatus as Status};
use crate::cycle::{Parting, Pause, Shift};
use crate::spec::{Stage, Strategy};

/// What the API reference gives as defaults, in minutes and percent.
const CANARY_BAKE: u64 = 10;
const LINEAR_BAKE: u64 = 6;
const LINEAR_STEP: f64 = 10.0;
/// All traffic, in tenths of a percent.
const ALL: u32 = 1000;

/// Whether the service's deployments go through stages, so that only the service deployment tells where they are.
pub(super) fn has_stages(service: &Service) -> bool {
    strategy(&service.settings.deployment_configuration) != Strategy::Rolling
}

/// Where the rollout is; `None` when it has no stages.
pub(super) fn shift(deployment: &ServiceDeployment, rest: Option<Duration>) -> Option<Shift> {
    Some(Shift { stage: deployment.stage.clone()?, traffic: deployment.traffic, rest })
}

/// How long the stage that it is in lasts by plan, when that is time in which nothing happens.
pub(super) fn rest(configuration: &Value, deployment: &ServiceDeployment) -> Option<Duration> {
    if deployment.status != Status::InProgress {
        return None;
    }
    match deployment.stage.as_deref()?.parse::<Stage>().ok()? {
        Stage::BakeTime => Some(bake(configuration)),
        Stage::ProductionTrafficShift if deployment.traffic.is_some_and(|traffic| 0 < traffic && traffic < ALL) => {
            Some(step(configuration).0)
        }
        _ => None,
    }
}

/// How long a whole rollout rests by plan.
pub(super) fn rests(configuration: &Value) -> Duration {
    let (step, times) = step(configuration);
    bake(configuration) + step * times
}

fn bake(configuration: &Value) -> Duration {
    minutes(configuration["bakeTimeInMinutes"].as_u64().unwrap_or(0))
}

/// How long a step rests, and how many do: after the last one there is only the bake time.
fn step(configuration: &Value) -> (Duration, u32) {
    match strategy(configuration) {
        Strategy::Canary => {
            let bake = configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"].as_u64();
            (minutes(bake.unwrap_or(CANARY_BAKE)), 1)
        }
        Strategy::Linear => {
            let linear = &configuration["linearConfiguration"];
            let percent = linear["stepPercent"].as_f64().unwrap_or(LINEAR_STEP).max(1.0);
            let times = (100.0 / percent).ceil() as u32 - 1;
            (minutes(linear["stepBakeTimeInMinutes"].as_u64().unwrap_or(LINEAR_BAKE)), times)
        }
        Strategy::Rolling | Strategy::BlueGreen | Strategy::Other(_) => (Duration::ZERO, 0),
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The pause at which a deployment waits.
pub(super) fn pause(deployment: &ServiceDeployment) -> Option<Pause> {
    if deployment.status != Status::InProgress {
        return None;
    }
    let hook = deployment.hooks.iter().find(|hook| hook.awaits_action())?;
    let action = match hook.timeout_action.as_deref() {
        Some("CONTINUE") => "continues",
        _ => "rolls back",
    };
    let when = hook.expires_at.map_or_else(|| "When its time is up,".to_owned(), |at| format!("At {at:.0}"));
    let stage = deployment.stage.as_deref().unwrap_or("an unknown stage");
    let otherwise = format!("The stage is {stage}. {when} Amazon ECS {action} by itself.");
    Some(Pause { rollout: deployment.arn.clone(), id: hook.id.clone(), otherwise, is_answered: false })
}

/// Where a deployment is left that has come to the stage that was to be waited for.
pub(super) fn left(until: Option<Stage>, service: &Service, deployment: &ServiceDeployment) -> Option<Parting> {
    let stage = deployment.stage.as_deref()?.parse::<Stage>().ok()?;
    let has_come = deployment.status == Status::InProgress && stage >= until?;
    has_come.then(|| Parting { standing: format!("has reached {}", stage.as_str()), protection: protection(service) })
}

/// What goes back by itself when nobody watches.
fn protection(service: &Service) -> String {
    let mut watchers = Vec::new();
    if let CircuitBreaker { enabled: true, rollback: true } = service.circuit_breaker {
        watchers.push("its circuit breaker gives the deployment up".to_owned());
    }
    let alarms = &service.settings.deployment_configuration["alarms"];
    if alarms["enable"] == true && alarms["rollback"] == true {
        let names: Vec<&str> =
            alarms["alarmNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        watchers.push(format!("the alarm {} fires", names.join(" or ")));
    }
    if service.settings.deployment_configuration["lifecycleHooks"].as_array().is_some_and(|hooks| !hooks.is_empty()) {
        watchers.push("a lifecycle hook fails".to_owned());
    }
    if watchers.is_empty() {
        return "From here on nobody watches: the service has neither a circuit breaker nor alarms that roll back."
            .to_owned();
    }
    format!("From here on only Amazon ECS watches, and rolls back when {}.", watchers.join(", or when "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(stage: &str, traffic: u32) -> ServiceDeployment {
        ServiceDeployment {
            status: Status::InProgress,
            stage: Some(stage.to_owned()),
            traffic: Some(traffic),
            ..ServiceDeployment::default()
        }
    }

    #[test]
    fn only_stages_in_which_time_has_to_pass_are_rests() {
        let canary =
            json!({"strategy": "CANARY", "bakeTimeInMinutes": 7, "canaryConfiguration": {"canaryPercent": 5.0}});
        let linear =
            json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 2}});
        for (configuration, deployment, expected) in [
            (&canary, at("BAKE_TIME", 1000), Some(7)),
            (&canary, at("PRODUCTION_TRAFFIC_SHIFT", 50), Some(10)),
            (&canary, at("PRODUCTION_TRAFFIC_SHIFT", 0), None),
            (&canary, at("PRODUCTION_TRAFFIC_SHIFT", 1000), None),
            (&canary, at("SCALE_UP", 0), None),
            (&canary, at("A_STAGE_FROM_THE_FUTURE", 50), None),
            (&linear, at("PRODUCTION_TRAFFIC_SHIFT", 400), Some(2)),
            (&canary, ServiceDeployment { status: Status::RollbackInProgress, ..at("BAKE_TIME", 0) }, None),
        ] {
            assert_eq!(rest(configuration, &deployment), expected.map(minutes), "{deployment:?}");
        }
        for (configuration, expected) in [
            (canary, 17),
            (linear, 4),
            (json!({"strategy": "LINEAR", "bakeTimeInMinutes": 1, "linearConfiguration": {"stepPercent": 50.0}}), 7),
            (json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 3}), 3),
            (json!({"strategy": "ROLLING"}), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(rests(&configuration), minutes(expected), "{configuration}");
        }
    }

    #[test]
    fn a_stage_counts_as_reached_when_it_or_a_later_one_is_seen() {
        let service = Service::default();
        for (stage, expected) in [
            ("POST_SCALE_UP", false),
            ("POST_TEST_TRAFFIC_SHIFT", true),
            ("BAKE_TIME", true),
            ("A_STAGE_FROM_THE_FUTURE", false),
        ] {
            let left = left(Some(Stage::PostTestTrafficShift), &service, &at(stage, 0));
            assert_eq!(left.is_some(), expected, "{stage}");
        }
        let back = ServiceDeployment { status: Status::RollbackInProgress, ..at("BAKE_TIME", 0) };
        assert_eq!(left(Some(Stage::BakeTime), &service, &back), None);
        assert_eq!(left(None, &service, &at("BAKE_TIME", 0)), None);
    }
}
