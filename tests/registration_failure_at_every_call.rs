//! Whatever goes wrong, at whichever call: there is one version or none, the action says which, and a re-run reaches what the first
//! run wanted without a second one.
//!
//! As in `failure_at_every_call.rs`, each course is run once for every call and every fault, in a world with a seed and with
//! paused time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;

use serde_json::{Value, json};
use simulator::{Image, Repository, Scenario, Simulator};
use support::faults::{at_call, faults, killed_at, refuse};
use support::{Report, Step, seconds};

const REPOSITORY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bikes";

/// A world, and what is registered in it.
struct Course {
    name: &'static str,
    /// Whether the group is there already, with a version of somebody else's.
    exists: bool,
    approve: &'static str,
    /// What the version ends as.
    approval: &'static str,
}

impl Course {
    /// The same course every time, up to the call that is disturbed: pauses are jittered.
    fn world(&self) -> Simulator {
        fastrand::seed(0);
        let simulator = Simulator::new(Scenario { registration: seconds(3), ..Scenario::default() });
        simulator.add_repository(Repository::new("bikes").image(Image::new("1", "linux", "amd64").tag("1")));
        if self.exists {
            simulator.add_model_package("bikes", 1, &json!({"ModelPackageDescription": "somebody else's"}));
        }
        simulator
    }

    /// The step, at the given attempt of the workflow run.
    fn step(&self, attempt: u32) -> Step {
        Step::bare()
            .input("mode", "register-model")
            .input("model-package-group", "bikes")
            .input("model-image", &format!("{REPOSITORY}:1"))
            .input("model-data", "s3://models/bikes.tar.gz")
            .file("evaluation.json", r#"{"accuracy": 0.91}"#)
            .input("model-metrics", "evaluation.json")
            .input("quality-gates", "accuracy >= 0.8")
            .input("approve", self.approve)
            .variable("GITHUB_RUN_ATTEMPT", &attempt.to_string())
    }
}

/// The versions that are not somebody else's, each with its status and its approval, once all of them are complete.
async fn registered(simulator: &Simulator) -> Vec<(String, String)> {
    tokio::time::sleep(seconds(10)).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = simulator.model_packages("bikes").into_iter();
    packages
        .filter(|package| package["ModelPackageDescription"] != "somebody else's")
        .map(|package| (text(&package["ModelPackageStatus"]), text(&package["ModelApprovalStatus"])))
        .collect()
}

fn one(approval: &str) -> Vec<(String, String)> {
    vec![("Completed".to_owned(), approval.to_owned())]
}

/// Runs a course with every fault at every call, and with a kill before and after every call's effect; gives the number of
/// cases.
async fn survive(course: &Course) -> usize {
    let undisturbed = course.world();
    let report = course.step(1).run(&undisturbed).await;
    assert_eq!(report.output("outcome"), "deployed", "{}: {report:#?}", course.name);
    let calls = undisturbed.journal();
    assert_eq!(registered(&undisturbed).await, one(course.approval), "{}", course.name);

    let mut cases = 0;
    for call in &calls {
        for fault in faults().into_iter().chain([refuse("ValidationException"), refuse("ConflictException")]) {
            let case = format!("{}, call {} ({}), {fault:?}", course.name, call.number, call.operation);
            let simulator = course.world();
            simulator.inject(at_call(call.number, fault));
            let report = course.step(1).run(&simulator).await;
            says_what_is_so(&case, course, &simulator, &report).await;
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
                assert!(registered(&simulator).await.len() <= 1, "{case}: {report:#?}");
            }
            converges(&case, course, &simulator).await;
            cases += 1;
        }
    }
    #[expect(clippy::explicit_write, reason = "the test harness would swallow what a passing test prints")]
    writeln!(std::io::stderr(), "{}: {cases} cases over {} calls", course.name, calls.len()).unwrap();
    cases
}

/// What the report says of the version is so.
async fn says_what_is_so(case: &str, course: &Course, simulator: &Simulator, report: &Report) {
    let now = registered(simulator).await;
    match report.output("outcome") {
        "deployed" => assert_eq!(now, one(course.approval), "{case}: {report:#?}"),
        "refused" => assert_eq!(now, [], "{case}: {report:#?}"),
        "failed" if report.output("message").contains("is not known") => assert!(now.len() <= 1, "{case}"),
        // An approval that was sent may have come, whatever came back.
        "failed" => assert!(now == one("PendingManualApproval") || now == one(course.approval), "{case}: {report:#?}"),
        outcome => panic!("{case}: ended {outcome}: {report:#?}"),
    }
}

/// The workflow's next attempt ends as an undisturbed first one would have, with the same version.
async fn converges(case: &str, course: &Course, simulator: &Simulator) {
    let report = course.step(2).run(simulator).await;
    assert!(["deployed", "unchanged"].contains(&report.output("outcome")), "{case}, run again: {report:#?}");
    assert_eq!(report.output("model-approval-status"), course.approval, "{case}, run again: {report:#?}");
    assert_eq!(registered(simulator).await, one(course.approval), "{case}, run again: {report:#?}");
}

macro_rules! courses {
    ($($name:ident: $exists:literal, $approve:literal, $approval:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let course = Course { name: stringify!($name), exists: $exists, approve: $approve, approval: $approval };
            assert!(survive(&course).await > 50);
        }
    )*};
}

courses! {
    approved_by_gates: true, "if-gates-pass", "Approved";
    first_of_its_group: false, "if-gates-pass", "Approved";
    left_to_a_person: false, "manual", "PendingManualApproval";
    for_the_record: true, "never", "Rejected";
}
