//! How Amazon ECS is to carry a deployment out: what the user named of a service's `deploymentConfiguration`.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>

use super::field;
use super::from_inputs::Reader;
use super::{InputError, Strategy};
use crate::runner::Inputs;

/// The longest bake time that ECS takes: a day.
const BAKE_MINUTES_MOST: u32 = 1440;

/// Members of `deploymentConfiguration` that are changed only when they were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentSettings {
    /// How the new tasks take the place of the old ones.
    pub strategy: Option<Strategy>,
    /// How long both revisions run after all traffic has shifted, in minutes.
    pub bake_time_minutes: Option<u32>,
    /// The share of production traffic that a canary gets.
    pub canary_percent: Option<Percent>,
    /// How long a canary has it, in minutes.
    pub canary_bake_time_minutes: Option<u32>,
    /// The share of production traffic that shifts in each step of a linear deployment.
    pub linear_step_percent: Option<Percent>,
    /// How long each step lasts, in minutes.
    pub linear_step_bake_time_minutes: Option<u32>,
    /// The lower limit of healthy tasks, as a percentage of the desired count.
    pub minimum_healthy_percent: Option<u32>,
    /// The upper limit of tasks, as a percentage of the desired count.
    pub maximum_percent: Option<u32>,
    /// The deployment circuit breaker.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// When it gives a deployment up.
    pub circuit_breaker_threshold: Option<Threshold>,
    /// The names of the CloudWatch alarms that fail a deployment.
    pub alarms: Option<Vec<String>>,
}

impl DeploymentSettings {
    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The inputs that were given and have no meaning with that strategy.
    pub fn out_of_place(&self, strategy: &Strategy) -> Vec<InputError> {
        let canary = matches!(strategy, Strategy::Canary);
        let linear = matches!(strategy, Strategy::Linear);
        [
            (
                "bake-time-minutes",
                self.bake_time_minutes.is_some() && *strategy == Strategy::Rolling,
                "no traffic shifts",
            ),
            ("canary-percent", self.canary_percent.is_some() && !canary, "there is no canary"),
            ("canary-bake-time-minutes", self.canary_bake_time_minutes.is_some() && !canary, "there is no canary"),
            ("linear-step-percent", self.linear_step_percent.is_some() && !linear, "there are no such steps"),
            (
                "linear-step-bake-time-minutes",
                self.linear_step_bake_time_minutes.is_some() && !linear,
                "there are no such steps",
            ),
        ]
        .into_iter()
        .filter(|(_, is_given, _)| *is_given)
        .map(|(input, _, why)| {
            let problem = format!("the deployment strategy is {}, in which {why}", strategy.as_str());
            InputError::new(input, problem, "leave it out, or set another `deployment-strategy`")
        })
        .collect()
    }
}

/// A percentage in tenths, which is as fine as ECS takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u16);

impl Percent {
    /// 0 to 100.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

/// What is asked of the deployment circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitBreaker {
    /// It gives failing deployments up, and ECS rolls them back.
    On,
    /// It gives failing deployments up.
    OnWithoutRollback,
    /// ECS tries for ever.
    Off,
}

/// When the circuit breaker gives a deployment up.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// After so many failed tasks.
    Count(u32),
    /// After so many failed tasks as a percentage of the desired count, but not fewer than 3 nor more than 200.
    Percent(u32),
}

/// What the inputs say.
pub(super) fn settings(inputs: &Inputs, reader: &mut Reader) -> DeploymentSettings {
    let strategy = inputs.deployment_strategy.as_deref().and_then(|text| {
        let choices = [("rolling", 0), ("blue-green", 1), ("linear", 2), ("canary", 3), ("all-at-once", 1)];
        let strategies = [Strategy::Rolling, Strategy::BlueGreen, Strategy::Linear, Strategy::Canary];
        reader.keep(field::choice("deployment-strategy", text, &choices)).map(|choice| strategies[choice].clone())
    });
    let mut minutes = |input, text: Option<&String>| {
        let remedy = "write whole minutes, 0 to 1440";
        text.and_then(|text| reader.keep(field::within(input, text, 0..=BAKE_MINUTES_MOST, remedy)))
    };
    let bake_time_minutes = minutes("bake-time-minutes", inputs.bake_time_minutes.as_ref());
    let canary_bake_time_minutes = minutes("canary-bake-time-minutes", inputs.canary_bake_time_minutes.as_ref());
    let linear_step_bake_time_minutes =
        minutes("linear-step-bake-time-minutes", inputs.linear_step_bake_time_minutes.as_ref());
    let settings = DeploymentSettings {
        strategy,
        bake_time_minutes,
        canary_bake_time_minutes,
        linear_step_bake_time_minutes,
        canary_percent: inputs.canary_percent.as_deref().and_then(|text| {
            reader.keep(tenths("canary-percent", text, 1, "write a percentage, 0.1 to 100, with one decimal at most"))
        }),
        linear_step_percent: inputs.linear_step_percent.as_deref().and_then(|text| {
            reader.keep(tenths(
                "linear-step-percent",
                text,
                30,
                "write a percentage, 3 to 100, with one decimal at most",
            ))
        }),
        minimum_healthy_percent: inputs.minimum_healthy_percent.as_deref().and_then(|text| {
            reader.keep(field::within("minimum-healthy-percent", text, 0..=100, "write a whole percentage, 0 to 100"))
        }),
        maximum_percent: inputs.maximum_percent.as_deref().and_then(|text| {
            reader.keep(field::within(
                "maximum-percent",
                text,
                100..=u32::from(u16::MAX),
                "write a whole percentage, 100 or more",
            ))
        }),
        circuit_breaker: inputs.deployment_circuit_breaker.as_deref().and_then(|text| {
            let choices = [
                ("keep", None),
                ("on", Some(CircuitBreaker::On)),
                ("on-without-rollback", Some(CircuitBreaker::OnWithoutRollback)),
                ("off", Some(CircuitBreaker::Off)),
            ];
            reader.keep(field::choice("deployment-circuit-breaker", text, &choices)).flatten()
        }),
        circuit_breaker_threshold: inputs
            .deployment_circuit_breaker_threshold
            .as_deref()
            .and_then(|text| reader.keep(threshold(text))),
        alarms: inputs.deployment_alarms.as_deref().map(field::list).filter(|names| !names.is_empty()),
    };
    // An endpoint's updates have waits of their own.
    if let Some(strategy) = settings.strategy.as_ref().filter(|_| inputs.endpoint_name.is_none()) {
        reader.errors.extend(settings.out_of_place(strategy));
    }
    if settings.circuit_breaker == Some(CircuitBreaker::Off) && settings.circuit_breaker_threshold.is_some() {
        reader.errors.push(InputError::new(
            "deployment-circuit-breaker-threshold",
            "the circuit breaker is to be off",
            "leave it out, or set `deployment-circuit-breaker: on`",
        ));
    }
    settings
}

fn tenths(input: &'static str, text: &str, least: u16, remedy: &str) -> Result<Percent, InputError> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str, digits| (1..=digits).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| part.parse::<u16>().ok();
    match (number(whole), number(tenth)) {
        (Some(whole), Some(tenth))
            if is_number(text.split('.').next().unwrap_or_default(), 3)
                && is_number(text.split_once('.').map_or("0", |(_, tenth)| tenth), 1)
                && (least..=1000).contains(&(whole * 10 + tenth)) =>
        {
            Ok(Percent(whole * 10 + tenth))
        }
        _ => Err(InputError::new(input, format!("`{text}` is not such a percentage"), remedy)),
    }
}

fn threshold(text: &str) -> Result<Threshold, InputError> {
    const INPUT: &str = "deployment-circuit-breaker-threshold";
    let remedy = "write a number of failed tasks (`5`), or a percentage of the desired count (`25%`)";
    match text.strip_suffix('%').map(str::trim_end) {
        Some(percent) => field::within(INPUT, percent, 1..=100, remedy).map(Threshold::Percent),
        None => field::within(INPUT, text, 1..=u32::from(u16::MAX), remedy).map(Threshold::Count),
    }
}
