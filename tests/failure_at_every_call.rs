//! Whatever goes wrong, at whichever call: the service ends on the old version or on the new one, the action says which, and a
//! re-run reaches what the first run wanted.
//!
//! Each test takes one course of events, runs it once undisturbed to count its calls, and then once for every call and every
//! fault. Deterministic: time is paused and the world has a seed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use simulator::{
    Alarm, Behaviour, DeploymentGroup, HookOutcome, Image, Page, PageAnswer, Repository, Scenario, Service,
    ServiceDeployments, Simulator,
};
use support::faults::{at_call, faults, killed_at};
use support::{Report, Step, running, scheduled, seconds, set_to, web, writes};

/// A world, and what is deployed to it.
struct Course {
    name: &'static str,
    image: &'static str,
    service: fn() -> Service,
    scenario: fn() -> Scenario,
    inputs: &'static [(&'static str, &'static str)],
}

impl Course {
    /// The same course every time, up to the call that is disturbed: pauses are jittered.
    fn world(&self) -> Simulator {
        fastrand::seed(0);
        let simulator = Simulator::new((self.scenario)());
        simulator.add_service((self.service)());
        simulator.add_repository(Repository::new("shop/web").image(in_registry()));
        // Of use only to the services that AWS CodeDeploy deploys.
        simulator.add_deployment_group(DeploymentGroup::of("web"));
        simulator
    }

    /// The step, at the given attempt of the workflow run.
    fn step(&self, attempt: u32) -> Step {
        let step = Step::bare().input("service", "web").variable("GITHUB_RUN_ATTEMPT", &attempt.to_string());
        let step = if self.image.is_empty() { step } else { step.input("image", self.image) };
        self.inputs.iter().fold(with_appspec(step), |step, (name, value)| step.input(name, value))
    }

    /// The tag that the image gets once it runs, if it gets one.
    fn promotes_to(&self) -> Option<&'static str> {
        self.inputs.iter().find(|(name, _)| *name == "promote-tags").map(|(_, tag)| *tag)
    }

    fn runs_task(&self) -> bool {
        self.inputs.contains(&("run-task", "true"))
    }

    const fn works(&self) -> bool {
        !matches!(self.image.as_bytes(), [b'b', ..])
    }
}

/// Runs a course with every fault at every call, and with a kill before and after every call's effect; gives the number of
/// cases.
async fn survive(course: &Course) -> usize {
    let undisturbed = course.world();
    let report = course.step(1).run(&undisturbed).await;
    let expected = if course.works() { "deployed" } else { "rolled-back" };
    assert_eq!(report.output("outcome"), expected, "{}: {report:#?}", course.name);
    let calls = undisturbed.journal();
    assert!(!writes(&undisturbed).is_empty(), "{}: nothing was deployed", course.name);

    let mut cases = 0;
    for call in &calls {
        for fault in faults() {
            let case = format!("{}, call {} ({}), {fault:?}", course.name, call.number, call.operation);
            let simulator = course.world();
            simulator.inject(at_call(call.number, fault));
            let report = course.step(1).run(&simulator).await;
            says_what_is_so(&case, course, &simulator, &report).await;
            if report.output("outcome") != "deployed" {
                assert_eq!(tagged(course, &simulator), None, "{case}: what does not run was tagged");
            }
            converges(&case, course, &simulator).await;
            cases += 1;
        }
        for after_effect in [false, true] {
            let case = format!(
                "{}, killed at call {} ({}), after its effect: {after_effect}",
                course.name, call.number, call.operation
            );
            let simulator = course.world();
            let step = course.step(1);
            killed_at(&case, call.number, after_effect, &simulator, &step).await;
            converges(&case, course, &simulator).await;
            cases += 1;

            let case = format!("{case}, then the post step");
            let simulator = course.world();
            let step = course.step(1);
            killed_at(&case, call.number, after_effect, &simulator, &step).await;
            is_taken_back(&case, course, step, &simulator).await;
            cases += 1;
        }
    }
    #[expect(clippy::explicit_write, reason = "the test harness would swallow what a passing test prints")]
    writeln!(std::io::stderr(), "{}: {cases} cases over {} calls", course.name, calls.len()).unwrap();
    cases
}

/// The world is on one version, and it is the one that the report names.
async fn says_what_is_so(case: &str, course: &Course, simulator: &Simulator, report: &Report) {
    let exit_code = match report.output("outcome") {
        "deployed" => 0,
        "refused" => 1,
        "rolled-back" => 2,
        // The task before the service has ended, and cannot be taken back with the service.
        "failed" if course.runs_task() => 3,
        outcome => panic!("{case}: ended {outcome}: {report:#?}"),
    };
    simulator.settle().await;
    let running = running(simulator);
    assert_eq!(running.len(), 1, "{case}: runs {running:?}\n{report:#?}");
    let version = running.keys().next().unwrap().as_str();
    assert_eq!(version, set_to(simulator), "{case}");
    assert!(scheduled(simulator).iter().all(|it| it == version), "{case}: {version} runs, and the schedules differ");
    let is_old = version == "web:1";
    if exit_code > 0 {
        assert!(is_old, "{case}: {version} runs: {report:#?}");
    } else {
        assert!(report.output("task-definition-arn").ends_with(version), "{case}: {version} runs: {report:#?}");
    }
    assert_eq!(report.exit_code, exit_code, "{case}");
    assert_eq!(report.errors().len(), usize::from(exit_code > 0), "{case}: {report:#?}");
}

/// The post step of a step that was killed leaves the service as it was before, and says so when it had to do something.
async fn is_taken_back(case: &str, course: &Course, step: Step, simulator: &Simulator) {
    let report = step.post(simulator, "cancelled").await;
    let said: &[&str] = match report.output("outcome") {
        // Nothing was owed.
        "" => &[],
        "refused" => &["Nothing was changed", "No task was started"],
        "rolled-back" => &["web:1 again", "on web:1 as before"],
        // The same revision before and after: there is nothing to go back to.
        "failed" if course.image.is_empty() => &["left between web:1 and web:1"],
        // The task before the service: it, and not the service, was on its way.
        "failed" if course.runs_task() => &["was cancelled and was stopped", "was cancelled; it has stopped"],
        outcome => {
            let calls: Vec<String> =
                simulator.journal().into_iter().map(|call| format!("{} {}\n", call.operation, call.request)).collect();
            panic!("{case}: ended {outcome}: {report:#?}\n{}", calls.concat())
        }
    };
    assert_eq!(said.is_empty(), report.summary.is_empty(), "{case}: {report:#?}");
    assert!(said.is_empty() || said.iter().any(|said| report.summary.contains(said)), "{case}: {report:#?}");
    simulator.settle().await;
    let running = running(simulator);
    assert!(running.len() == 1 && running.contains_key("web:1"), "{case}: runs {running:?}\n{report:#?}");
    assert_eq!(set_to(simulator), "web:1", "{case}: {report:#?}");
}

/// The image of the courses that deploy one from Amazon ECR.
fn in_registry() -> Image {
    let findings = serde_json::json!({"findings": [{"name": "CVE-2026-1", "severity": "LOW"}]});
    Image::index(vec![Image::new("2", "linux", "amd64").scan(Duration::ZERO, "COMPLETE", findings)]).tag("2")
}

/// The digest that the course's tag is on.
fn tagged(course: &Course, simulator: &Simulator) -> Option<String> {
    simulator.tagged("shop/web", course.promotes_to()?)
}

/// The workflow's next attempt ends as an undisturbed first one would have.
async fn converges(case: &str, course: &Course, simulator: &Simulator) {
    let report = course.step(2).run(simulator).await;
    let outcomes: &[&str] = if course.works() { &["deployed", "unchanged"] } else { &["rolled-back"] };
    assert!(outcomes.contains(&report.output("outcome")), "{case}, run again: {report:#?}");
    simulator.settle().await;
    let running = running(simulator);
    assert_eq!(running.len(), 1, "{case}, run again: runs {running:?}");
    let version = running.keys().next().unwrap().as_str();
    assert_eq!(version, set_to(simulator), "{case}, run again");
    assert!(scheduled(simulator).iter().all(|it| it == version), "{case}, run again: the schedules differ");
    if !course.works() {
        assert_eq!(version, "web:1", "{case}, run again");
    } else if !course.image.is_empty() {
        assert_ne!(version, "web:1", "{case}, run again");
    }
    let promoted = course.promotes_to().map(|_| in_registry().digest());
    assert_eq!(tagged(course, simulator), promoted, "{case}, run again");
}

macro_rules! courses {
    ($($name:ident: $image:literal, $service:expr, $scenario:expr, $inputs:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let course =
                Course { name: stringify!($name), image: $image, service: $service, scenario: $scenario, inputs: $inputs };
            assert!(survive(&course).await > 50);
        }
    )*};
}

/// A world in which everything that happens happens within seconds: every look at it is another case.
fn brisk() -> Scenario {
    Scenario {
        start: seconds(3),
        unchecked: seconds(6),
        stop: seconds(1),
        retry: seconds(3),
        stage: seconds(1),
        ..Scenario::default()
    }
    .image("good", Behaviour::Healthy { start: seconds(3), healthy: seconds(2) })
}

fn by_codedeploy() -> Service {
    web().controller("CODE_DEPLOY")
}

fn crashing() -> Scenario {
    brisk().image("bad", Behaviour::Crash { after: seconds(1), container: None, exit_code: 1, reason: None })
}

fn with_rules(scenario: Scenario) -> Scenario {
    scenario.rule("nightly", "web:1").rule("hourly", "web:1")
}

/// A world in which a task of the image alone ends well.
fn migrating(scenario: Scenario) -> Scenario {
    scenario.one_off("", Behaviour::Ends { after: seconds(3), exit_codes: [("app".to_owned(), 0)].into() })
}

fn without(service_deployments: ServiceDeployments) -> Scenario {
    Scenario { service_deployments, ..crashing() }
}

/// A world in which the bad image runs, and only what comes after the rollout shows that it is bad.
fn checked() -> Scenario {
    let good = PageAnswer::status(200);
    let page = Page::new("https://web.example/health").answer(PageAnswer::status(500).while_runs("bad")).answer(good);
    brisk().page(page).alarm(Alarm::new("errors").watching("bad", seconds(8)))
}

const ASKED: &[(&str, &str)] = &[
    ("health-check-url", "https://web.example/health"),
    ("health-check-minutes", "0.25"),
    ("health-check-successes", "2"),
];
const WATCHED: &[(&str, &str)] = &[("rollback-alarms", "errors"), ("verify-minutes", "0.5")];

courses! {
    healthy: "good:2", web, brisk, &[];
    healthy_with_settings: "good:2", web, brisk, &[("desired-count", "3"), ("enable-execute-command", "true")];
    gated_and_promoted:
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web:2", web, brisk,
        &[("scan-gate", "fail"), ("promote-tags", "stable")];
    healthy_without_the_permission_for_service_deployments: "good:2", web, || without(ServiceDeployments::Denied), &[];
    healthy_without_service_deployments: "good:2", web, || without(ServiceDeployments::Unsupported), &[];
    forced: "", web, brisk, &[("force-new-deployment", "true")];
    healthy_with_rules: "good:2", web, || with_rules(brisk()), &[("scheduled-rules", "hourly, nightly")];
    crash_loop_with_rules: "bad", web, || with_rules(crashing()), &[("scheduled-rules", "hourly, nightly")];
    tidying: "good:2", web, brisk, &[("keep-revisions", "1")];
    crash_loop: "bad", web, crashing, &[];
    crash_loop_with_settings: "bad", web, crashing, &[("desired-count", "3")];
    crash_loop_without_the_permission_for_service_deployments: "bad", web, || without(ServiceDeployments::Denied), &[];
    crash_loop_without_service_deployments: "bad", web, || without(ServiceDeployments::Unsupported), &[];
    circuit_breaker: "bad", || web().circuit_breaker(true, true), crashing, &[];
    circuit_breaker_without_rollback: "bad", || web().circuit_breaker(true, false), crashing, &[];
    circuit_breaker_without_service_deployments:
        "bad", || web().circuit_breaker(true, true), || without(ServiceDeployments::Unsupported), &[];
    codedeploy: "good:2", by_codedeploy, brisk, &[];
    codedeploy_crash_loop: "bad", by_codedeploy, crashing, &[];
    codedeploy_address_fails: "bad", by_codedeploy, checked, ASKED;
    codedeploy_alarm_goes_off: "bad", by_codedeploy, checked, WATCHED;
    image_missing:
        "bad", web, || brisk().image("bad", Behaviour::ImageMissing { after: seconds(1) }), &[];
    address_answers: "good:2", web, checked, ASKED;
    address_fails: "bad", web, checked, ASKED;
    alarm_stays_calm: "good:2", web, checked, WATCHED;
    alarm_goes_off: "bad", web, checked, WATCHED;
    time_out: "bad", web, || brisk().image("bad", Behaviour::Stuck), &[("wait-for-minutes", "0.5")];
    blue_green: "good:2", || shifting("BLUE_GREEN"), brisk, &[];
    crash_loop_of_a_linear_deployment: "bad", || shifting("LINEAR"), crashing, &[];
    crash_loop_that_changes_the_strategy:
        "bad", web, crashing, &[("deployment-strategy", "blue-green"), ("bake-time-minutes", "0")];
    canary_that_is_continued_at_a_pause:
        "good:2", || hooked("CANARY", "PAUSE", "PRE_SCALE_UP"), brisk, &[("on-pause-hook", "continue")];
    migration_before_the_service: "good:2", web, || migrating(brisk()), &[("run-task", "true")];
    migration_before_a_crash_loop: "bad", web, || migrating(crashing()), &[("run-task", "true")];
    canary_with_a_failing_hook:
        "bad", || hooked("CANARY", "AWS_LAMBDA", "POST_SCALE_UP"),
        || brisk().image("bad", HEALTHY).lifecycle_hook("smoke", HookOutcome::Fails { after: seconds(2) }), &[];
}

const HEALTHY: Behaviour = Behaviour::Healthy { start: seconds(3), healthy: seconds(2) };

/// The service, with a strategy that shifts traffic without a rest.
fn shifting(strategy: &str) -> Service {
    let service = web()
        .deployment_configuration("strategy", json!(strategy))
        .deployment_configuration("bakeTimeInMinutes", json!(0));
    match strategy {
        "CANARY" => service.deployment_configuration("canaryConfiguration", json!({"canaryBakeTimeInMinutes": 0})),
        "LINEAR" => {
            let linear = json!({"stepPercent": 50.0, "stepBakeTimeInMinutes": 0});
            service.deployment_configuration("linearConfiguration", linear)
        }
        _ => service,
    }
}

fn hooked(strategy: &str, kind: &str, stage: &str) -> Service {
    let mut hook = json!({"targetType": kind, "lifecycleStages": [stage]});
    if kind == "AWS_LAMBDA" {
        hook["hookTargetArn"] = json!("arn:aws:lambda:us-east-1:123456789012:function:smoke");
        hook["roleArn"] = json!("arn:aws:iam::123456789012:role/hooks");
    }
    shifting(strategy).deployment_configuration("lifecycleHooks", json!([hook]))
}

/// A step on a service that an earlier job left in a certain state.
struct Second {
    name: &'static str,
    world: fn() -> LocalBoxFuture<'static, Simulator>,
    /// At the given attempt of the workflow run.
    step: fn(u32) -> Step,
    expected: &'static str,
    /// What runs when it ended as expected, and when it could not, and was taken back.
    version: &'static str,
    otherwise: &'static str,
}

/// Where a deployment waits at a pause.
fn paused() -> LocalBoxFuture<'static, Simulator> {
    async {
        fastrand::seed(0);
        let simulator = Simulator::new(brisk());
        simulator.add_service(hooked("CANARY", "PAUSE", "POST_SCALE_UP"));
        let left = Step::deploying("good:2").input("on-pause-hook", "return").run(&simulator).await;
        left.ended("in-progress", "");
        simulator
    }
    .boxed_local()
}

fn answering(action: &str) -> Step {
    let step = Step::bare().input("service", "web").variable("GITHUB_RUN_ID", "4712");
    step.input("mode", "continue").input("pause-hook-action", action)
}

/// Where `web:3` runs, after `web:2`.
fn third(service: fn() -> Service) -> LocalBoxFuture<'static, Simulator> {
    async move {
        fastrand::seed(0);
        let simulator = Simulator::new(brisk());
        simulator.add_service(service());
        simulator.add_deployment_group(DeploymentGroup::of("web"));
        for image in ["good:2", "good:3"] {
            with_appspec(Step::deploying(image)).run(&simulator).await.ended("deployed", "");
        }
        simulator
    }
    .boxed_local()
}

fn going_back(attempt: u32) -> Step {
    let step = Step::bare().input("service", "web").input("mode", "rollback").input("wait-for-minutes", "20");
    with_appspec(step).variable("GITHUB_RUN_ID", "4712").variable("GITHUB_RUN_ATTEMPT", &attempt.to_string())
}

fn with_appspec(step: Step) -> Step {
    step.file("appspec.yaml", "Resources: [{Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: x}}}]")
}

/// Runs the step with every fault and a kill at every call.
async fn survive_second(Second { name, world, step, expected, version, otherwise }: Second) {
    let undisturbed = world().await;
    let before = undisturbed.journal().len();
    step(1).run(&undisturbed).await.ended(expected, "");
    let calls = undisturbed.journal().split_off(before);

    let mut cases = 0;
    for call in &calls {
        for fault in faults() {
            let case = format!("{name}, call {} ({}), {fault:?}", call.number, call.operation);
            let simulator = world().await;
            simulator.inject(at_call(call.number, fault));
            let report = step(1).run(&simulator).await;
            match report.output("outcome") {
                "deployed" => is_on(&case, &simulator, "web:2", &report).await,
                "rolled-back" if report.exit_code == 0 => is_on(&case, &simulator, version, &report).await,
                "rolled-back" => is_on(&case, &simulator, otherwise, &report).await,
                "refused" => {
                    assert_eq!(report.exit_code, 1, "{case}: {report:#?}");
                    let again = step(2).run(&simulator).await;
                    assert_eq!(again.output("outcome"), expected, "{case}, run again: {again:#?}");
                    is_on(&case, &simulator, version, &again).await;
                }
                outcome => panic!("{case}: ended {outcome}: {report:#?}"),
            }
            cases += 1;
        }
        for after_effect in [false, true] {
            let case = format!("{name}, killed at call {} ({}), {after_effect}", call.number, call.operation);
            for has_post_step in [false, true] {
                let simulator = world().await;
                let killed = step(1);
                killed_at(&case, call.number, after_effect, &simulator, &killed).await;
                if has_post_step {
                    let report = killed.post(&simulator, "cancelled").await;
                    is_on_one(&case, &simulator, &report).await;
                } else {
                    let again = step(2).run(&simulator).await;
                    let outcome = again.output("outcome");
                    assert!([expected, "unchanged"].contains(&outcome), "{case}, run again: {again:#?}");
                    is_on(&case, &simulator, version, &again).await;
                }
                cases += 1;
            }
        }
    }
    #[expect(clippy::explicit_write, reason = "the test harness would swallow what a passing test prints")]
    writeln!(std::io::stderr(), "{name}: {cases} cases over {} calls", calls.len()).unwrap();
}

/// Only that version runs, and the service is set to it.
async fn is_on(case: &str, simulator: &Simulator, version: &str, report: &Report) {
    is_on_one(case, simulator, report).await;
    assert_eq!(set_to(simulator), version, "{case}: {report:#?}");
}

async fn is_on_one(case: &str, simulator: &Simulator, report: &Report) {
    simulator.settle().await;
    let running = running(simulator);
    assert_eq!(running.into_keys().collect::<Vec<_>>(), [set_to(simulator)], "{case}: {report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_continued() {
    survive_second(Second {
        name: "mode: continue",
        world: paused,
        step: |_| answering("continue"),
        expected: "deployed",
        version: "web:2",
        otherwise: "web:1",
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_rolled_back() {
    survive_second(Second {
        name: "mode: continue, rollback",
        world: paused,
        step: |_| answering("rollback"),
        expected: "rolled-back",
        version: "web:1",
        otherwise: "web:1",
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback() {
    survive_second(Second {
        name: "mode: rollback",
        world: || third(web),
        step: going_back,
        expected: "rolled-back",
        version: "web:2",
        otherwise: "web:3",
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_codedeploy() {
    survive_second(Second {
        name: "mode: rollback, by AWS CodeDeploy",
        world: || third(by_codedeploy),
        step: going_back,
        expected: "rolled-back",
        version: "web:2",
        otherwise: "web:3",
    })
    .await;
}
