//! Whatever goes wrong, at whichever call: the endpoint serves the old configuration or the new one, the action says which, and
//! a re-run reaches what the first run wanted.
//!
//! As in `failure_at_every_call.rs`, each course is run once for every call and every fault, in a world with a seed and with
//! paused time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;

use serde_json::{Value, json};
use simulator::{Endpoint, Image, ModelOutcome, Repository, Scenario, Simulator};
use support::faults::{at_call, faults, killed_at, refuse};
use support::{Report, Step, seconds};

const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";

/// A configuration that an earlier run made, and that nothing needs.
const SUPERFLUOUS: &str = "bikes-1-0123456789ab";

/// A world, and what is deployed to it.
struct Course {
    name: &'static str,
    /// Whether the endpoint is there already.
    exists: bool,
    /// How an undisturbed run ends.
    outcome: &'static str,
    inputs: &'static [(&'static str, &'static str)],
}

impl Course {
    /// The same course every time, up to the call that is disturbed: pauses are jittered.
    fn world(&self) -> Simulator {
        fastrand::seed(0);
        let images = ["1", "2", "bad"].map(|tag| Image::new(tag, "linux", "amd64").tag(tag));
        let broken = ModelOutcome::Fails { after: seconds(6), reason: "It did not start.".to_owned() };
        let scenario = Scenario { endpoint_start: seconds(6), stage: seconds(1), ..Scenario::default() };
        let simulator = Simulator::new(scenario.model(images[2].digest(), broken));
        simulator.add_repository(images.into_iter().fold(Repository::new("bikes"), Repository::image));
        let data = "s3://models/bikes.tar.gz";
        simulator.add_endpoint(Endpoint::new("staging", &format!("{REPOSITORY}:2"), "s3://models/other.tar.gz"));
        if self.exists {
            let previous = vec![json!({"Key": "ecs-deploy-action:previous", "Value": "staging"})];
            simulator
                .add_endpoint(Endpoint::new("bikes", &format!("{REPOSITORY}:1"), data).tags(previous).scaled_to(3));
            simulator.add_scaling("bikes");
        }
        let tag = |key: &str, value: &str| json!({"Key": format!("ecs-deploy-action:{key}"), "Value": value});
        let old = Endpoint::new(SUPERFLUOUS, &format!("{REPOSITORY}:1"), data);
        simulator.add_endpoint_config(old.tags(vec![tag("run", "1/1"), tag("endpoint", "bikes")]));
        simulator
    }

    /// The step, at the given attempt of the workflow run.
    fn step(&self, attempt: u32) -> Step {
        let step = Step::bare().input("endpoint-name", "bikes").variable("GITHUB_RUN_ATTEMPT", &attempt.to_string());
        self.inputs.iter().fold(step, |step, (name, value)| step.input(name, value))
    }

    /// What an undisturbed run ends with.
    fn goal(&self) -> Option<String> {
        let expected = match self.outcome {
            "deployed" => "2",
            _ if !self.exists => return None,
            _ if self.inputs.contains(&("mode", "rollback")) => "2",
            _ => "1",
        };
        Some(format!("{REPOSITORY}@{}", Image::new(expected, "linux", "amd64").digest()))
    }
}

/// The configuration and the image that are served, once everything has come to rest; nothing when there is no endpoint.
async fn serves(case: &str, simulator: &Simulator) -> Option<(String, String)> {
    simulator.settle().await;
    let endpoint = simulator.describe_endpoint("bikes");
    if endpoint.is_null() {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(endpoint["EndpointStatus"], "InService", "{case}: {endpoint:#}");
    let variant = &endpoint["ProductionVariants"][0];
    Some((text(&endpoint["EndpointConfigName"]), text(&variant["DeployedImages"][0]["ResolvedImage"])))
}

/// Runs a course with every fault at every call, and with a kill before and after every call's effect; gives the number of
/// cases.
async fn survive(course: &Course) -> usize {
    let undisturbed = course.world();
    let before = serves(course.name, &undisturbed).await;
    let report = course.step(1).run(&undisturbed).await;
    assert_eq!(report.output("outcome"), course.outcome, "{}: {report:#?}", course.name);
    let calls = undisturbed.journal();
    assert!(calls.iter().any(|call| call.operation.ends_with("ateEndpoint")), "{}: nothing was deployed", course.name);
    assert_eq!(serves(course.name, &undisturbed).await.map(|(_, image)| image), course.goal(), "{}", course.name);
    let tidies = course.inputs.iter().any(|(input, _)| *input == "keep-endpoint-configs");
    assert_eq!(superfluous(&undisturbed), (!tidies, !tidies), "{}", course.name);

    let mut cases = 0;
    for call in &calls {
        for fault in faults().into_iter().chain([refuse("ValidationException")]) {
            let case = format!("{}, call {} ({}), {fault:?}", course.name, call.number, call.operation);
            let simulator = course.world();
            simulator.inject(at_call(call.number, fault));
            let report = course.step(1).run(&simulator).await;
            says_what_is_so(&case, &simulator, &report, before.as_ref()).await;
            is_scaled(&case, course, &simulator);
            assert_ne!(superfluous(&simulator), (false, true), "{case}: a model that nobody will find again");
            converges(&case, course, &simulator).await;
            cases += 1;
        }
        for (after_effect, with_post_step) in [(false, false), (true, false), (false, true), (true, true)] {
            let case = format!(
                "{}, killed at call {} ({}), after its effect: {after_effect}, post step: {with_post_step}",
                course.name, call.number, call.operation
            );
            let simulator = course.world();
            let step = course.step(1);
            killed_at(&case, call.number, after_effect, &simulator, &step).await;
            if with_post_step {
                let report = step.post(&simulator, "cancelled").await;
                is_scaled(&case, course, &simulator);
                let is_rollback = course.inputs.contains(&("mode", "rollback"));
                // Whoever was going back is not brought forward again.
                if !is_rollback {
                    assert_eq!(serves(&case, &simulator).await, before, "{case}: {report:#?}");
                }
            }
            converges(&case, course, &simulator).await;
            cases += 1;
        }
    }
    #[expect(clippy::explicit_write, reason = "the test harness would swallow what a passing test prints")]
    writeln!(std::io::stderr(), "{}: {cases} cases over {} calls", course.name, calls.len()).unwrap();
    cases
}

/// Whether the configuration is there that nothing needs, and whether its model is.
fn superfluous(simulator: &Simulator) -> (bool, bool) {
    let is_there = |operation: &str, member: &str| {
        !simulator.look_at("sagemaker", operation, &json!({member: SUPERFLUOUS})).is_null()
    };
    (is_there("DescribeEndpointConfig", "EndpointConfigName"), is_there("DescribeModel", "ModelName"))
}

/// No autoscaling was lost: the target, its policy and its scheduled action.
fn is_scaled(case: &str, course: &Course, simulator: &Simulator) {
    let request = json!({"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/bikes/variant/AllTraffic"});
    for (operation, member) in [
        ("DescribeScalableTargets", "ScalableTargets"),
        ("DescribeScalingPolicies", "ScalingPolicies"),
        ("DescribeScheduledActions", "ScheduledActions"),
    ] {
        let there = simulator.look_at("application-autoscaling", operation, &request);
        let count = there[member].as_array().map_or(0, Vec::len);
        assert_eq!(count, usize::from(course.exists), "{case}: {there}");
    }
}

/// The endpoint is on one configuration, and it is the one that the report names.
async fn says_what_is_so(case: &str, simulator: &Simulator, report: &Report, before: Option<&(String, String)>) {
    let now = serves(case, simulator).await;
    let is_asked_rollback = report.output("outcome") == "rolled-back" && report.exit_code == 0;
    match report.output("outcome") {
        "deployed" => {
            assert_eq!(now.map(|(config, _)| config).as_deref(), Some(report.output("endpoint-config-name")), "{case}");
        }
        "rolled-back" if is_asked_rollback => {
            assert_eq!(now.map(|(config, _)| config).as_deref(), Some("staging"), "{case}: {report:#?}");
        }
        "refused" | "rolled-back" => assert_eq!(now.as_ref(), before, "{case}: {report:#?}"),
        outcome => panic!("{case}: ended {outcome}: {report:#?}"),
    }
}

/// The workflow's next attempt ends as an undisturbed first one would have.
async fn converges(case: &str, course: &Course, simulator: &Simulator) {
    let report = course.step(2).run(simulator).await;
    let is_rollback = course.inputs.contains(&("mode", "rollback"));
    let outcomes = [course.outcome, "unchanged"];
    // A rollback to "previous" that has happened already knows of nothing before that.
    let is_there = is_rollback && report.output("cause") == "not-found";
    assert!(outcomes.contains(&report.output("outcome")) || is_there, "{case}, run again: {report:#?}");
    is_scaled(case, course, simulator);
    assert_eq!(serves(case, simulator).await.map(|(_, image)| image), course.goal(), "{case}, run again: {report:#?}");
}

macro_rules! courses {
    ($($name:ident: $exists:literal, $outcome:literal, $inputs:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let course =
                Course { name: stringify!($name), exists: $exists, outcome: $outcome, inputs: $inputs };
            assert!(survive(&course).await > 50);
        }
    )*};
}

const NEW: [(&str, &str); 4] = [
    ("model-data", "s3://models/bikes.tar.gz"),
    ("model-role-arn", "arn:aws:iam::123456789012:role/model"),
    ("instance-type", "ml.m5.large"),
    ("on-first-failure", "delete"),
];
const GOOD: (&str, &str) = ("model-image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes:2");
const BAD: (&str, &str) = ("model-image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes:bad");

courses! {
    update: true, "deployed", &[GOOD];
    create: false, "deployed", &[GOOD, NEW[0], NEW[1], NEW[2], NEW[3]];
    promote: true, "deployed", &[("mode", "promote"), ("from-endpoint", "staging")];
    rollback: true, "rolled-back", &[("mode", "rollback")];
    other_instances: true, "deployed", &[GOOD, ("instance-type", "ml.m5.xlarge")];
    other_instances_that_fail: true, "rolled-back", &[BAD, ("instance-type", "ml.m5.xlarge")];
    tidying: true, "deployed", &[GOOD, ("keep-endpoint-configs", "1")];
    update_that_fails: true, "rolled-back", &[BAD];
    create_that_fails: false, "rolled-back", &[BAD, NEW[0], NEW[1], NEW[2], NEW[3]];
    canary:
        true, "deployed", &[GOOD, ("deployment-strategy", "canary"), ("canary-bake-time-minutes", "0")];
}
