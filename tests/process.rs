//! The real binary, over the loopback door: scrubbed environment in; exit code and files out; signals in between.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::Stdio;
use std::time::Duration;

use simulator::{Behaviour, Page, PageAnswer, Scenario, Simulator};
use support::{Report, Step, running, set_to, web, writes};
use tokio::process::{Child, Command};

/// A world in which nothing takes time, except for images that never come up.
fn instant_world() -> Simulator {
    let mut scenario = Scenario::instant();
    scenario.images.insert(0, simulator::ImageBehaviour { image: "stuck".to_owned(), behaviour: Behaviour::Stuck });
    let simulator = Simulator::new(scenario);
    simulator.add_service(web());
    simulator
}

fn start(step: &Step, url: &str) -> Child {
    start_as(env!("CARGO_BIN_EXE_ecs-deploy-action"), step, url)
}

fn start_as(program: impl AsRef<std::ffi::OsStr>, step: &Step, url: &str) -> Child {
    Command::new(program)
        .env_clear()
        .envs(step.environment())
        .env("AWS_ENDPOINT_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn end(step: &Step, child: Child) -> Report {
    let ended = child.wait_with_output().await.unwrap();
    let exit_code = ended.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
    step.report(exit_code, String::from_utf8(ended.stdout).unwrap())
}

/// Waits, without a clock of its own, until the action has changed the service.
async fn updated(simulator: &Simulator) {
    while simulator.calls("UpdateService").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn signal(child: &Child, signal: &str) {
    let process = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([signal, &process]).status().await.unwrap().success());
}

#[tokio::test]
async fn the_binary_deploys_and_leaves_its_outputs_and_its_summary() {
    let simulator = instant_world();
    let server = simulator.serve().await.unwrap();
    let step = Step::deploying("good:2");

    let report = end(&step, start(&step, &server.url())).await;

    report.ended("deployed", "");
    assert_eq!(report.exit_code, 0);
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());
    assert!(report.summary.contains("web:2"), "{}", report.summary);
    assert!(report.log.contains("AWS_ENDPOINT_URL"), "a replaced endpoint is announced: {}", report.log);
}

#[tokio::test]
async fn the_binary_asks_the_address_over_a_real_connection() {
    let ready = Page::new("/ready").answer(PageAnswer::status(200).body("ready"));
    let health = Page::new("/health").answer(PageAnswer::redirect("/ready"));
    let simulator = Simulator::new(Scenario::instant().page(health).page(ready));
    simulator.add_service(web());
    let server = simulator.serve().await.unwrap();
    let step = Step::deploying("good:2")
        .input("health-check-url", &format!("{}/health?token=hunter2", server.url()))
        .input("health-check-body", "^ready$")
        .input("health-check-successes", "1");

    let report = end(&step, start(&step, &server.url())).await;

    report.ended("deployed", "");
    assert_eq!(simulator.calls("GET").len(), 2);
    assert!(!format!("{report:?}").contains("hunter2"), "{report:#?}");
}

#[tokio::test]
async fn the_binary_refuses_what_it_cannot_do_with_one_error() {
    let simulator = instant_world();
    let server = simulator.serve().await.unwrap();
    let step = Step::bare().input("image", "good:2");

    let report = end(&step, start(&step, &server.url())).await;

    report.ended("refused", "invalid-input");
    assert_eq!((report.exit_code, report.errors().len()), (1, 1), "{report:#?}");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_cancelled_run_puts_the_old_revision_back() {
    for name in ["-INT", "-TERM"] {
        let simulator = instant_world();
        let server = simulator.serve().await.unwrap();
        let step = Step::deploying("stuck:2");
        let child = start(&step, &server.url());
        updated(&simulator).await;

        signal(&child, name).await;
        let report = end(&step, child).await;

        report.ended("rolled-back", "cancelled");
        assert_eq!((report.exit_code, set_to(&simulator)), (2, "web:1".to_owned()));
    }
}

#[tokio::test]
async fn a_killed_run_is_picked_up_by_the_next_attempt() {
    let simulator = instant_world();
    let server = simulator.serve().await.unwrap();
    let step = Step::deploying("stuck:2").input("wait-for-minutes", "0.05");
    let mut child = start(&step, &server.url());
    updated(&simulator).await;
    child.kill().await.unwrap();
    assert_eq!(set_to(&simulator), "web:2");

    let report = end(&step, start(&step, &server.url())).await;

    report.ended("rolled-back", "timeout");
    assert_eq!(set_to(&simulator), "web:1");
    assert_eq!(
        writes(&simulator),
        ["RegisterTaskDefinition", "UpdateService", "StopServiceDeployment"],
        "the rollout in flight is joined and not begun again"
    );
}

#[tokio::test]
async fn under_its_other_name_it_is_the_post_step_and_does_only_what_is_owed() {
    let simulator = instant_world();
    let server = simulator.serve().await.unwrap();
    let step = Step::deploying("good:2");
    let post = step.path().join("ecs-deploy-action-post");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ecs-deploy-action"), &post).unwrap();

    let report = end(&step, start_as(&post, &step, &server.url())).await;

    assert_eq!((report.exit_code, report.log.as_str()), (0, ""));
    assert!(simulator.journal().is_empty());
}
