//! The environment's Deployments on GitHub: one for each run and target that changes something, with its true end, whatever
//! GitHub answers; and a deployment that goes its way, whatever GitHub answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::{Value, json};
use simulator::{Behaviour, Fault, GITHUB_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, seconds, set_to, world};
use tokio::time::Instant;

const COMMIT: &str = "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567";
const PAGE: &str = "https://github.com/shop/web/actions/runs/4711/attempts/1";

fn step(image: &str) -> Step {
    keeping(Step::deploying(image))
}

fn keeping(step: Step) -> Step {
    step.input("github-deployment", "true")
        .input("environment", "production")
        .input("environment-url", "https://shop.example/")
        .input("github-token", GITHUB_TOKEN)
}

fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}

fn deployments(simulator: &Simulator) -> Vec<Value> {
    simulator.github()["deployments"].as_array().unwrap().clone()
}

/// The statuses of a deployment, oldest first, as state and description.
fn statuses(simulator: &Simulator, deployment: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = simulator.github()["deployment_statuses"].as_array().unwrap().clone();
    let of_it = all.iter().filter(|status| status["deployment"] == *deployment);
    of_it.map(|status| (text(&status["state"]), text(&status["description"]))).collect()
}

/// The states of the only deployment there is.
#[track_caller]
fn states(simulator: &Simulator) -> Vec<String> {
    let deployments = deployments(simulator);
    assert_eq!(deployments.len(), 1, "{deployments:#?}");
    statuses(simulator, &deployments[0]["id"]).into_iter().map(|(state, _)| state).collect()
}

fn warnings(report: &Report) -> Vec<&str> {
    report.log.lines().filter(|line| line.starts_with("::warning title=GitHub")).collect()
}

fn at(operation: &str, times: Option<usize>, fault: Fault) -> Rule {
    Rule { when: When { operation: Some(operation.to_owned()), times, ..When::default() }, fault }
}

fn refuse(status: u16, message: &str) -> Fault {
    Fault::Refuse { status, code: String::new(), message: message.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_success_is_one_deployment_with_everything_that_readers_of_the_history_want() {
    let simulator = world(Scenario::default());

    let report = step("web:good-2").run(&simulator).await;

    report.ended("deployed", "");
    let deployments = deployments(&simulator);
    let [deployment] = deployments.as_slice() else { unreachable!("{deployments:#?}") };
    assert_eq!((&deployment["sha"], &deployment["environment"]), (&json!(COMMIT), &json!("production")));
    let expected = json!({
        "mode": "deploy",
        "run": "4711/1",
        "target": "service web in cluster default",
        "task_definition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2",
        "previous_task_definition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
        "endpoint_config": null,
        "previous_endpoint_config": null,
        "image_digest": null,
        "previous_commit": null,
    });
    assert_eq!(deployment["payload"], expected);
    let statuses = statuses(&simulator, &deployment["id"]);
    assert_eq!(statuses[0], ("in_progress".to_owned(), "Deploying: service web in cluster default.".to_owned()));
    assert_eq!((statuses.len(), statuses[1].0.as_str()), (2, "success"));
    assert!(statuses[1].1.starts_with("deployed after ") && statuses[1].1.contains("runs web:2"), "{statuses:?}");
    let last = simulator.github()["deployment_statuses"][1].clone();
    assert_eq!((&last["log_url"], &last["environment_url"]), (&json!(PAGE), &json!("https://shop.example/")));
    assert_eq!(warnings(&report), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn every_end_has_its_state_and_none_is_left_in_progress() {
    let stuck = Scenario::default().image("bad", Behaviour::Stuck);
    for (image, scenario, inputs, outcome, expected) in [
        ("web:bad", crashing(), &[][..], "rolled-back", &["in_progress", "in_progress", "failure"][..]),
        ("web:bad", crashing(), &[("rollback-on-failure", "false")], "failed", &["in_progress", "failure"]),
        ("web:good-2", stuck, &[("wait-for-service-stability", "false")], "in-progress", &["in_progress", "inactive"]),
    ] {
        let simulator = world(scenario);
        let step = inputs.iter().fold(step(image), |step, (name, value)| step.input(name, value));

        let report = step.run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert_eq!(states(&simulator), expected, "{outcome}");
        let deployment = &deployments(&simulator)[0]["id"];
        let last = statuses(&simulator, deployment).pop().unwrap().1;
        assert!(last.starts_with(outcome), "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_no_deployment() {
    let simulator = world(Scenario::default());
    step("web:good-1").run(&simulator).await.ended("unchanged", "");
    step("web:good-2").input("mode", "plan").run(&simulator).await.ended("planned", "");
    step("web:good-2").input("cluster", "nowhere").run(&simulator).await.ended("refused", "not-found");
    assert_eq!(deployments(&simulator), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_it_again_uses_what_it_has_and_the_next_attempt_makes_its_own() {
    let simulator = world(Scenario::default());
    step("web:good-2").run(&simulator).await.ended("deployed", "");
    step("web:good-3").run(&simulator).await.ended("deployed", "");
    assert_eq!(deployments(&simulator).len(), 1);

    step("web:good-4").variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await.ended("deployed", "");

    assert_eq!(deployments(&simulator).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deployment_of_a_job_with_an_environment_is_used_and_that_of_another_run_is_not() {
    let simulator = world(Scenario::default());
    let others = simulator.begin_job_with_environment("production", COMMIT, "471");
    let own = simulator.begin_job_with_environment("production", COMMIT, "4711");
    let elsewhere = simulator.begin_job_with_environment("staging", COMMIT, "4711");

    step("web:good-2").run(&simulator).await.ended("deployed", "");

    assert_eq!(deployments(&simulator).len(), 3);
    let states = |id: u64| statuses(&simulator, &json!(id)).into_iter().map(|(state, _)| state).collect::<Vec<_>>();
    assert_eq!(states(own), ["in_progress", "in_progress", "success"]);
    assert_eq!((states(others), states(elsewhere)), (vec!["in_progress".to_owned()], vec!["in_progress".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn on_a_company_s_own_server_everything_goes_there() {
    let simulator = world(Scenario::default());
    let step = step("web:good-2").variable("GITHUB_API_URL", "https://github.shop.example/api/v3");

    step.run(&simulator).await.ended("deployed", "");

    assert_eq!(states(&simulator), ["in_progress", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_costs_nothing_and_makes_no_twins() {
    let faults = [
        Fault::ServerError,
        refuse(502, "Server Error"),
        Fault::Reset,
        Fault::TimeoutBeforeEffect,
        Fault::TimeoutAfterEffect,
        Fault::CutAnswer,
        Fault::Slow(seconds(10)),
    ];
    let mut cases = 0;
    for operation in ["repos/list-deployments", "repos/create-deployment", "repos/create-deployment-status"] {
        for fault in &faults {
            let simulator = world(Scenario::default());
            simulator.inject(at(operation, Some(1), fault.clone()));

            let report = step("web:good-2").run(&simulator).await;

            report.ended("deployed", "");
            assert_eq!(states(&simulator), ["in_progress", "success"], "{operation}, {fault:?}: {report:#?}");
            assert_eq!(warnings(&report), Vec::<&str>::new(), "{operation}, {fault:?}");
            cases += 1;
        }
    }
    assert_eq!(cases, 21);
}

#[tokio::test(start_paused = true)]
async fn whatever_github_keeps_answering_is_one_warning_and_the_deployment_goes_its_way() {
    let answers = [
        (refuse(202, "Auto-merged main into the branch on deployment."), "has no id"),
        (refuse(401, "Bad credentials"), "Bad credentials"),
        (refuse(403, "Resource not accessible by integration"), "docs/github.md"),
        (refuse(403, "API rate limit exceeded for installation ID 1."), "rate limit"),
        (refuse(404, "Not Found"), "docs/github.md"),
        (refuse(409, "Conflict: Commit status checks failed for main."), "Conflict"),
        (refuse(422, "Validation Failed"), "Validation Failed"),
        (refuse(429, "You have exceeded a secondary rate limit."), "rate limit"),
        (Fault::ServerError, "500"),
        (Fault::Reset, "did not answer"),
        (Fault::TimeoutAfterEffect, "did not answer"),
        (Fault::Hang { after_effect: true }, "no answer in time"),
    ];
    let mut complaints = 0;
    for operation in [None, Some("repos/list-deployments"), Some("repos/create-deployment")] {
        for (fault, told) in &answers {
            for (image, outcome, cause) in
                [("web:good-2", "deployed", ""), ("web:bad", "rolled-back", "circuit-breaker")]
            {
                let simulator = world(crashing());
                let operations =
                    ["repos/list-deployments", "repos/create-deployment", "repos/create-deployment-status"];
                for each in operations.iter().filter(|each| operation.is_none_or(|only| only == **each)) {
                    simulator.inject(at(each, None, fault.clone()));
                }

                let report = step(image).run(&simulator).await;

                let case = format!("{operation:?}, {fault:?}, {image}: {report:#?}");
                assert_eq!(report.output("outcome"), outcome, "{case}");
                if cause.is_empty() {
                    assert_eq!(report.exit_code, 0, "{case}");
                }
                assert_eq!(set_to(&simulator), if image == "web:bad" { "web:1" } else { "web:2" }, "{case}");
                assert!(deployments(&simulator).len() <= 1, "{case}");
                // What was made although it seemed to fail is found, and all is well.
                let is_told = deployments(&simulator).first().is_some_and(|deployment| {
                    let last = statuses(&simulator, &deployment["id"]).pop();
                    last.is_some_and(|(state, _)| state != "in_progress")
                });
                assert_eq!(warnings(&report).len(), usize::from(!is_told), "{case}");
                for warning in warnings(&report) {
                    let says_why = warning.contains(told) || warning.contains("did not answer");
                    assert!(says_why && warning.contains("The deployment is not affected."), "{case}");
                }
                complaints += warnings(&report).len();
            }
        }
    }
    assert!(complaints > 60, "only {complaints}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_or_absent_github_adds_at_most_five_seconds() {
    for fault in [Fault::Slow(seconds(10)), Fault::Slow(seconds(2)), Fault::Hang { after_effect: false }, Fault::Reset]
    {
        for (image, outcome) in [("web:good-2", "deployed"), ("web:bad", "rolled-back")] {
            let simulator = world(crashing());
            for operation in ["repos/list-deployments", "repos/create-deployment", "repos/create-deployment-status"] {
                simulator.inject(at(operation, None, fault.clone()));
            }
            let began = Instant::now();

            // The pauses between two looks are drawn: the same ones for both.
            fastrand::seed(1);
            let report = step(image).run(&simulator).await;

            let took = began.elapsed();
            assert_eq!(report.output("outcome"), outcome, "{report:#?}");
            let concluded = Duration::from_secs(report.output("duration-seconds").parse().unwrap());
            assert!(took <= concluded + seconds(1) + seconds(5), "{fault:?}: {concluded:?} of {took:?}");
            // The same deployment without anybody to tell.
            let simulator = world(crashing());
            fastrand::seed(1);
            let alone = Step::deploying(image).run(&simulator).await;
            let alone = Duration::from_secs(alone.output("duration-seconds").parse().unwrap());
            assert!(concluded.abs_diff(alone) <= seconds(1), "{fault:?}: {concluded:?}, alone {alone:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_github_is_not_told_and_the_log_says_so() {
    let simulator = world(Scenario::default());

    let report = step("web:good-2").input("github-token", "").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(warnings(&report), ["::warning title=GitHub::GitHub is not told: `github-token` is empty."]);
    assert_eq!(deployments(&simulator), Vec::<Value>::new());
}

/// Runs the step until a call to that operation has taken effect, or not, and kills it there.
async fn killed_at(step: &Step, simulator: &Simulator, operation: &str, after_effect: bool) {
    simulator.inject(at(operation, Some(1), Fault::Hang { after_effect }));
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(simulator) => unreachable!("it was not killed: {report:#?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_post_step_ends_what_a_killed_step_began() {
    let mut cases = 0;
    for on_cancel in ["rollback", "wait", "leave"] {
        for operation in [
            "repos/list-deployments",
            "repos/create-deployment",
            "repos/create-deployment-status",
            "UpdateService",
            "DescribeServiceDeployments",
        ] {
            for after_effect in [false, true] {
                let simulator = world(Scenario::default());
                let step = step("web:good-2").input("on-cancel", on_cancel);
                killed_at(&step, &simulator, operation, after_effect).await;

                let report = step.post(&simulator, "cancelled").await;

                let case = format!("{on_cancel}, {operation}, {after_effect}: {report:#?}");
                assert_eq!(warnings(&report), Vec::<&str>::new(), "{case}");
                let deployments = deployments(&simulator);
                assert!(deployments.len() <= 1, "{case}");
                // Killed before GitHub was told, there is nothing to end.
                let Some(deployment) = deployments.first() else { continue };
                let statuses = statuses(&simulator, &deployment["id"]);
                assert_ne!(statuses.last().unwrap().0, "in_progress", "{case}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 15);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_step_is_ended_and_one_that_a_later_step_takes_back_too() {
    let simulator = world(Scenario::default().image("slow", Behaviour::Stuck));
    let cancelled = step("web:slow");
    let (cancel, cancellation) = Cancellation::new();
    let mut run = Box::pin(cancelled.run_until_cancelled(&simulator, cancellation));
    tokio::select! {
        biased;
        report = &mut run => unreachable!("{report:#?}"),
        () = tokio::time::sleep(seconds(20)) => cancel.send_replace(true),
    };
    run.await;
    cancelled.post(&simulator, "cancelled").await.ended("rolled-back", "cancelled");
    assert_eq!(states(&simulator).last().unwrap(), "failure", "{:#}", simulator.github());

    let simulator = world(Scenario::default());
    let taken_back = step("web:good-2").input("rollback-on-job-failure", "true");
    taken_back.run(&simulator).await.ended("deployed", "");
    taken_back.post(&simulator, "failure").await.ended("rolled-back", "job-failed");
    assert_eq!(states(&simulator), ["in_progress", "success", "in_progress", "failure"]);
}

#[tokio::test(start_paused = true)]
async fn what_github_was_too_slow_to_hear_the_post_step_says() {
    let simulator = world(Scenario::default());
    let deaf_from = |operation: &str| {
        let when = When { operation: Some(operation.to_owned()), until: Some(seconds(60 * 60)), ..When::default() };
        Rule { when, fault: Fault::Hang { after_effect: false } }
    };
    simulator.inject(deaf_from("repos/create-deployment-status"));
    let step = step("web:good-2");
    let report = step.run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(warnings(&report).len(), 1, "{report:#?}");
    assert_eq!(states(&simulator), Vec::<String>::new());
    tokio::time::sleep(seconds(60 * 60)).await;

    let report = step.post(&simulator, "success").await;

    assert_eq!((report.exit_code, report.log.as_str()), (0, "::add-mask::simulated-github-token\n"));
    assert_eq!(states(&simulator), ["success"]);
    let deployment = &deployments(&simulator)[0]["id"];
    assert!(statuses(&simulator, deployment)[0].1.starts_with("deployed: "), "{:#}", simulator.github());
}
