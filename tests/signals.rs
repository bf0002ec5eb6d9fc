//! A cancelled and a killed workflow run, as GitHub's runner does it: the real binary as process 1 of its container, a signal
//! at each AWS call in turn, then the post step.
//!
//! It has left within six seconds, because the runner's second signal comes after seven and a half; after the post step the
//! service is on the old version or on the new one, and what the step said last is so.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use simulator::{Behaviour, DeploymentGroup, Fault, GITHUB_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, running, set_to, web};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What the action promises. The runner's own patience is 7.5 seconds.
const LEFT_WITHIN: Duration = Duration::from_secs(6);
/// When the runner kills what is still there.
const KILLED_AFTER: Duration = Duration::from_secs(10);
/// Cases that run at the same time, over all tests: nearly all of them wait.
static TURNS: Semaphore = Semaphore::const_new(24);

/// One deployment that is disturbed.
#[derive(Clone, Copy, Debug)]
struct Case {
    controller: &'static str,
    image: &'static str,
    on_cancel: &'static str,
    signal: &'static str,
    call: usize,
    fault: Meanwhile,
}

/// What becomes of the call at which the signal comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meanwhile {
    Answered,
    NeverAnswered { after_effect: bool },
}

/// A world in which what works works at once. A bad image never comes up, and the user's patience is short.
fn world(controller: &str) -> Simulator {
    let mut scenario = Scenario::instant();
    scenario.images.insert(0, simulator::ImageBehaviour { image: "bad".to_owned(), behaviour: Behaviour::Stuck });
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().controller(controller));
    simulator.add_deployment_group(DeploymentGroup::of("web"));
    simulator
}

fn step(image: &str, on_cancel: &str) -> Step {
    Step::deploying(image)
        .file("appspec.yaml", "Resources: [{Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: x}}}]")
        .input("on-cancel", on_cancel)
        .input("wait-for-minutes", "0.03")
        .input("github-token", GITHUB_TOKEN)
        .input("github-deployment", "true")
        .input("environment", "production")
        .input("commit-status", "true")
}

/// The binary as process 1 of a namespace of its own, as in a container: no signal has an effect but those that it handles.
fn start(step: &Step, url: &str) -> Child {
    Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(env!("CARGO_BIN_EXE_ecs-deploy-action"))
        .env_clear()
        .envs(step.environment())
        .env("AWS_ENDPOINT_URL", url)
        .env("GITHUB_API_URL", format!("{url}/api/v3"))
        .env("INPUT_SLACK-WEBHOOK-URL", format!("{url}/hook/slack"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The process id, as seen from here, of what `unshare` started.
async fn process_1(unshare: &Child) -> String {
    let pid = unshare.id().unwrap();
    loop {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        if let Some(child) = children.split_whitespace().next() {
            return child.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn send(signal: &str, process: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), process]).status().await.unwrap().success());
}

async fn post(step: Step, url: &str) -> Report {
    let step = step.afterwards("cancelled");
    let program = step.path().join("ecs-deploy-action-post");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ecs-deploy-action"), &program).unwrap();
    let ended = Command::new(program)
        .env_clear()
        .envs(step.environment())
        .env("AWS_ENDPOINT_URL", url)
        .env("GITHUB_API_URL", format!("{url}/api/v3"))
        .env("INPUT_SLACK-WEBHOOK-URL", format!("{url}/hook/slack"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    step.report(u8::try_from(ended.status.code().unwrap()).unwrap(), String::from_utf8(ended.stdout).unwrap())
}

/// How many calls an undisturbed deployment makes.
async fn calls(controller: &str, image: &str) -> usize {
    let simulator = world(controller);
    let server = simulator.serve().await.unwrap();
    // Its files have to last as long as the process.
    let step = step(image, "rollback");
    let child = start(&step, &server.url());
    assert!(child.wait_with_output().await.unwrap().status.code().is_some());
    simulator.journal().len()
}

/// Disturbs one deployment; gives how long it took to leave, or `None` when it had ended before it came to that call.
async fn disturb(case: Case) -> Option<Duration> {
    let simulator = world(case.controller);
    let server = simulator.serve().await.unwrap();
    let when = When { number: Some(case.call), ..When::default() };
    let fault = match case.fault {
        Meanwhile::Answered => Fault::Slow(Duration::from_millis(200)),
        Meanwhile::NeverAnswered { after_effect } => Fault::Hang { after_effect },
    };
    simulator.inject(Rule { when, fault });
    let step = step(case.image, case.on_cancel);
    let mut child = start(&step, &server.url());
    let process = process_1(&child).await;
    loop {
        if simulator.journal().len() > case.call {
            break;
        }
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    let signalled = Instant::now();
    send(case.signal, &process).await;
    let ended = tokio::select! {
        ended = child.wait() => ended.unwrap(),
        () = tokio::time::sleep(KILLED_AFTER) => {
            assert_eq!(case.on_cancel, "wait", "{case:?}: still there when the runner would kill it");
            send("KILL", &process).await;
            child.wait().await.unwrap()
        }
    };
    let took = signalled.elapsed();
    if case.on_cancel != "wait" {
        assert!(took < LEFT_WITHIN, "{case:?}: left after {took:?}");
    }
    let output = child.wait_with_output().await.unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(complaints.lines().all(|line| line.starts_with("unshare: ")), "{case:?}: {complaints}");
    let main = step.report(
        ended.code().map_or(255, |code| u8::try_from(code).unwrap()),
        String::from_utf8(output.stdout).unwrap(),
    );
    let post = post(step, &server.url()).await;
    simulator.settle().await;
    is_so(&case, &simulator, &main, &post);
    is_ended_on_github(&case, &simulator);
    Some(took)
}

/// Nothing on GitHub is left in progress, and no Deployment is there twice.
fn is_ended_on_github(case: &Case, simulator: &Simulator) {
    let github = simulator.github();
    let deployments = github["deployments"].as_array().unwrap();
    assert!(deployments.len() <= 1, "{case:?}: {github:#}");
    let last = github["deployment_statuses"].as_array().unwrap().last();
    assert_eq!(last.is_some(), !deployments.is_empty(), "{case:?}: {github:#}");
    assert!(last.is_none_or(|last| last["state"] != "in_progress"), "{case:?}: {github:#}");
    let mark = github["commit_statuses"].as_array().unwrap().last();
    assert!(mark.is_none_or(|mark| mark["state"] != "pending"), "{case:?}: {github:#}");
}

/// The last word of the two steps is so.
fn is_so(case: &Case, simulator: &Simulator, main: &Report, post: &Report) {
    let both =
        || format!("{case:?}: runs {:?}, set to {}\n{main:#?}\n{post:#?}", running(simulator), set_to(simulator));
    let last = if post.summary.is_empty() { main } else { post };
    let is_on = |version: &str| running(simulator) == [(version.to_owned(), 2)].into() && set_to(simulator) == version;
    match last.output("outcome") {
        "deployed" => {
            assert!(is_on("web:2"), "{}", both());
            // Killed between two of its last words, it has said it in the first.
            let is_cut_short = case.signal == "KILL" && last.summary.is_empty();
            assert!(is_cut_short || last.summary.contains("runs web:2"), "{}", both());
        }
        "rolled-back" => {
            assert!(is_on("web:1"), "{}", both());
            let is_cut_short = case.signal == "KILL" && last.summary.is_empty();
            let is_told = last.summary.contains("web:1 again") || last.summary.contains("on web:1");
            assert!(is_cut_short || is_told, "{}", both());
        }
        "refused" => {
            assert!(is_on("web:1"), "{}", both());
            assert!(last.summary.contains("Nothing was changed"), "{}", both());
        }
        // Left as it was, as asked: whatever it is, the summary promises no end.
        "failed" if case.on_cancel == "leave" => {
            assert!(last.summary.contains("left between web:1 and web:2"), "{}", both());
        }
        // Killed before it could say anything.
        "" => {
            assert!(case.signal == "KILL" || case.on_cancel == "wait", "{}", both());
            assert!(last.summary.is_empty(), "{}", both());
            assert!(
                case.on_cancel == "leave" || is_on("web:1"),
                "nothing was owed, so nothing was changed: {}",
                both()
            );
        }
        _ => panic!("{}", both()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_at_any_call_is_obeyed_in_time_and_the_last_word_is_so() {
    obeyed("ECS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_at_any_call_of_a_deployment_by_codedeploy_is_obeyed_in_time_and_the_last_word_is_so() {
    obeyed("CODE_DEPLOY").await;
}

async fn obeyed(controller: &'static str) {
    let mut cases = Vec::new();
    for image in ["good:2", "bad:2"] {
        let calls = calls(controller, image).await;
        assert!(calls > 4, "{image}: {calls} calls");
        for call in 0..calls {
            let never = |after_effect| Meanwhile::NeverAnswered { after_effect };
            for (signal, on_cancel, fault) in [
                ("INT", "rollback", Meanwhile::Answered),
                ("INT", "rollback", never(false)),
                ("INT", "rollback", never(true)),
                ("INT", "leave", Meanwhile::Answered),
                ("INT", "leave", never(true)),
                ("INT", "wait", Meanwhile::Answered),
                ("TERM", "rollback", Meanwhile::Answered),
                ("KILL", "rollback", Meanwhile::Answered),
                ("KILL", "rollback", never(true)),
                ("KILL", "wait", Meanwhile::Answered),
                ("KILL", "leave", Meanwhile::Answered),
            ] {
                cases.push(Case { controller, image, on_cancel, signal, call, fault });
            }
        }
    }

    let mut tasks = JoinSet::new();
    for case in cases {
        tasks.spawn(async move {
            let _turn = TURNS.acquire().await.unwrap();
            (case, disturb(case).await)
        });
    }
    let (mut disturbed, mut slowest) = (0, Duration::ZERO);
    while let Some(ended) = tasks.join_next().await {
        let (case, took) = ended.unwrap();
        if let Some(took) = took {
            disturbed += 1;
            if case.on_cancel != "wait" {
                slowest = slowest.max(took);
            }
        }
    }
    assert!(disturbed > 100, "only {disturbed} cases were disturbed");
    let mut screen = std::io::stderr();
    writeln!(screen, "signals, {controller}: {disturbed} cases, left after {} ms at the latest", slowest.as_millis())
        .unwrap();
}
