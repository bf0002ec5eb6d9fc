//! `mode: report`: how an environment fared, from what the deployments before it left on GitHub.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::{Value, json};
use simulator::{Behaviour, Commit, Fault, GITHUB_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, seconds, world};

const DAY: u64 = 24 * 60 * 60;

fn report() -> Step {
    Step::bare().input("mode", "report").input("environment", "production").input("github-token", GITHUB_TOKEN)
}

/// A deployment in a run of its own, of a commit of its own.
async fn deploy(simulator: &Simulator, run: u64, image: &str, inputs: &[(&str, &str)]) -> Report {
    let commit = format!("{run:040x}");
    simulator.add_commit(&Commit::new(commit.clone(), "Change", "octocat").at("2026-01-05T11:00:00Z"));
    let mut step = Step::bare()
        .input("service", "web")
        .input("github-deployment", "true")
        .input("environment", "production")
        .input("github-token", GITHUB_TOKEN)
        .variable("GITHUB_SHA", &commit)
        .variable("GITHUB_RUN_ID", &run.to_string());
    if !image.is_empty() {
        step = step.input("image", image);
    }
    inputs.iter().fold(step, |step, (name, value)| step.input(name, value)).run(simulator).await
}

/// Two good deployments with a bad one between them, and a third that somebody takes back after an hour.
async fn history() -> Simulator {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    deploy(&simulator, 1, "web:good-2", &[]).await.ended("deployed", "");
    tokio::time::sleep(seconds(DAY)).await;
    assert_eq!(deploy(&simulator, 2, "web:bad", &[]).await.output("outcome"), "rolled-back");
    deploy(&simulator, 3, "web:good-3", &[]).await.ended("deployed", "");
    tokio::time::sleep(seconds(DAY)).await;
    deploy(&simulator, 4, "web:good-4", &[]).await.ended("deployed", "");
    tokio::time::sleep(seconds(60 * 60)).await;
    deploy(&simulator, 5, "", &[("mode", "rollback")]).await.ended("rolled-back", "");
    simulator
}

#[tokio::test(start_paused = true)]
async fn the_measures_are_those_of_what_happened() {
    let simulator = history().await;
    let before = simulator.journal().len();

    let report = report().input("report-days", "10").run(&simulator).await;

    assert_eq!((report.exit_code, report.output("outcome")), (0, "planned"), "{report:#?}");
    assert_eq!(report.output("message"), "In 10 days there were 4 changes of production; 2 failed.");
    let measures: Value = serde_json::from_str(report.output("report")).unwrap();
    for (name, expected) in [
        ("environment", json!("production")),
        ("days", json!(10)),
        ("changes", json!(4)),
        ("failed", json!(2)),
        ("rollbacks", json!(2)),
        ("deployments_per_day", json!(0.3)),
        ("change_failure_rate", json!(0.5)),
        ("rollback_rate", json!(0.5)),
    ] {
        assert_eq!(measures[name], expected, "{name}: {measures:#}");
    }
    // The commits are of an hour before the world began, and the middle one went out a day later.
    let lead_time = measures["lead_time_seconds"].as_u64().unwrap();
    assert!((DAY + 3600..DAY + 3600 + 900).contains(&lead_time), "{measures:#}");
    // Minutes for the one that was rolled back at once, a good hour for the one that somebody took back.
    let restored = measures["time_to_restore_seconds"].as_u64().unwrap();
    assert!((1800..2400).contains(&restored), "{measures:#}");
    for row in [
        ".1 a week |",
        "| Change failure rate | 50 % (2 of 4) |",
        "| Rollback rate | 50 % (2 of 4) |",
        "| 2026-01-05 | 1 | 0 | █ |",
        "| 2026-01-06 | 1 | 1 | █░ |",
        "| 2026-01-07 | 1 | 1 | █░ |",
    ] {
        assert!(report.summary.contains(row), "{row}: {}", report.summary);
    }
    let asked = simulator.journal().split_off(before);
    assert!(asked.iter().all(|call| call.service == "github" && call.request["method"] == "GET"), "{asked:#?}");
}

#[tokio::test(start_paused = true)]
async fn only_the_days_that_were_asked_for_count_and_only_that_environment() {
    let simulator = history().await;

    let first = report().input("report-days", "1").run(&simulator).await;
    assert_eq!(first.output("message"), "In 1 days there was 1 change of production; 1 failed.");

    let report = report().input("environment", "staging").run(&simulator).await;
    assert_eq!(report.output("message"), "In 30 days nothing was deployed to staging.");
    let measures: Value = serde_json::from_str(report.output("report")).unwrap();
    assert_eq!((&measures["changes"], &measures["change_failure_rate"]), (&json!(0), &Value::Null));
    assert!(report.summary.contains("| Change failure rate | unknown |"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_is_told_however_few_of_the_deployments_have_ended() {
    for (deployments, is_cut_off) in [(199, false), (200, true)] {
        let simulator = world(Scenario::default());
        for run in 0..deployments {
            simulator.begin_job_with_environment("production", "c0ffee", &run.to_string());
        }

        let report = report().run(&simulator).await;

        assert_eq!(report.output("message"), "In 30 days nothing was deployed to production.");
        assert_eq!(report.log.contains("Only the newest 200 deployments"), is_cut_off, "{deployments}: {}", report.log);
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_made_says_why() {
    for (status, message, cause) in [
        (403, "Resource not accessible by integration", "access-denied"),
        (404, "Not Found", "access-denied"),
        (500, "Server Error", "unavailable"),
        (422, "Validation Failed", "request-refused"),
    ] {
        let simulator = world(Scenario::default());
        let fault = Fault::Refuse { status, code: String::new(), message: message.to_owned() };
        simulator.inject(Rule { when: When::default(), fault });

        let report = report().run(&simulator).await;

        report.ended("refused", cause);
        assert!(report.log.contains(message), "{status}: {}", report.log);
    }
    for (inputs, told) in [
        (&[("environment", "")][..], "environment"),
        (&[("github-token", "")][..], "github-token"),
        (&[("report-days", "0")][..], "report-days"),
        (&[("report-days", "366")][..], "report-days"),
        (&[("report-days", "x")][..], "report-days"),
        (&[("report-days", "7"), ("mode", "deploy"), ("service", "web")][..], "report-days"),
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(report(), |step, (name, value)| step.input(name, value));

        let report = step.run(&simulator).await;

        report.ended("refused", "invalid-input");
        assert!(report.errors()[0].contains(told) && simulator.journal().is_empty(), "{told}: {report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stumbles_is_asked_again_and_a_cancelled_run_leaves() {
    let simulator = history().await;
    for fault in [Fault::ServerError, Fault::Reset, Fault::CutAnswer] {
        let share = When { share: Some(0.1), from: Some(seconds(2 * DAY)), ..When::default() };
        simulator.inject(Rule { when: share, fault });
    }
    let first = report().run(&simulator).await;
    assert_eq!(first.output("message"), "In 30 days there were 4 changes of production; 2 failed.", "{first:#?}");

    simulator.inject(Rule { when: When::default(), fault: Fault::Hang { after_effect: false } });
    let (cancel, cancellation) = Cancellation::new();
    let step = report();
    let began = tokio::time::Instant::now();
    let run = step.run_until_cancelled(&simulator, cancellation);
    let (report, ()) = tokio::join!(run, async {
        tokio::time::sleep(seconds(2)).await;
        cancel.send_replace(true);
    });
    report.ended("refused", "cancelled");
    assert!(began.elapsed() < seconds(4));
}
