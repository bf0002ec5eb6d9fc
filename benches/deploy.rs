//! What a deployment costs, and how soon its verdict comes: `cargo bench`.
//!
//! Start-up, wall time and memory are of the real process, over the loopback door. The delay between a fact and the verdict
//! is in simulated time: how the world behaves is given, so the figure is of the waiting alone. Beside it stand the waiting
//! policies of other tools, computed for the same facts, as if those tools recognised them.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints, measures real time, and has nobody to hand an error to"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use simulator::{Behaviour, Happening, Scenario, Simulator};
use support::{Step, seconds, web};

const RUNS: usize = 15;

fn main() {
    // Cargo also builds and runs benchmarks for `cargo test --benches`, where nobody wants to wait for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    process();
    verdicts();
}

/// Start-up, wall time, memory and calls of the real process, against a world in which nothing takes time.
fn process() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut first_calls, mut walls, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    let mut operations = BTreeMap::new();
    for _ in 0..RUNS {
        let simulator = Simulator::new(Scenario::instant());
        simulator.add_service(web());
        let server = runtime.block_on(simulator.serve()).unwrap();
        let step = Step::deploying("good:2").variable("AWS_ENDPOINT_URL", &server.url());
        let world_is_older_by = simulator.elapsed();
        let started = Instant::now();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_ecs-deploy-action"))
            .env_clear()
            .envs(step.environment())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        let exit = loop {
            peak = high_water_mark(&status).unwrap_or(0).max(peak);
            if let Some(exit) = child.try_wait().unwrap() {
                break exit;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        walls.push(started.elapsed().as_secs_f64() * 1000.0);
        assert!(exit.success(), "{exit}");
        let journal = simulator.journal();
        first_calls.push((journal[0].at - world_is_older_by).as_secs_f64() * 1000.0);
        peaks.push(peak as f64 / 1024.0);
        operations.clear();
        for call in journal {
            *operations.entry(call.operation).or_insert(0) += 1;
        }
    }
    println!("The process, {RUNS} runs against an instantly stable world      min   median      max   aim");
    row("start to first AWS call, ms", first_calls, "< 20");
    row("whole deployment, ms", walls, "");
    row("peak resident memory, MiB", peaks, "< 25");
    let calls: usize = operations.values().sum();
    let list: Vec<String> = operations.iter().map(|(operation, count)| format!("{count} {operation}")).collect();
    println!("AWS calls: {calls} ({})\n", list.join(", "));
}

/// `VmHWM` of a process, in KiB.
fn high_water_mark(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// A rollout of which both the fact and the verdict are known, in seconds after UpdateService.
struct Verdict {
    fact: f64,
    verdict: f64,
    calls_a_second: f64,
}

/// The delay between the world's change and the action's verdict, over rollouts of many lengths.
fn verdicts() {
    let healthy = |start| Behaviour::Healthy { start, healthy: seconds(10) };
    let crash = |after| Behaviour::Crash { after, container: None, exit_code: 1, reason: None };
    let lengths = || (0..40).map(|step| Duration::from_millis(1_000 + 3_700 * step));
    let failures = || (0..20).map(|step| Duration::from_millis(500 + 1_300 * step));

    let success: Vec<Verdict> = lengths().map(|start| measure(healthy(start), false, succeeded)).collect();
    let own: Vec<Verdict> = failures().map(|after| measure(crash(after), false, failed_enough)).collect();
    let breaker: Vec<Verdict> = failures().map(|after| measure(crash(after), true, given_up)).collect();

    println!("Delay from fact to verdict, s (simulated time)                 min   median      max   aim");
    for (name, verdicts) in [
        ("success", &success),
        ("failure, no circuit breaker: third task failed", &own),
        ("failure, circuit breaker: ECS gave up", &breaker),
    ] {
        println!("{name}, {} rollouts of {}", verdicts.len(), range(verdicts));
        row("  this action", verdicts.iter().map(|it| it.verdict - it.fact).collect(), "< 5");
        for (policy, first, longest) in [
            ("  a look every 15 s", 15.0, 15.0),
            ("  15 s, doubling to 120 s", 15.0, 120.0),
            ("  15 s, doubling to 600 s", 15.0, 600.0),
            ("  a look every second", 1.0, 1.0),
        ] {
            row(policy, verdicts.iter().map(|it| next_look(it.fact, first, longest) - it.fact).collect(), "");
        }
        row("  calls a second of this action", verdicts.iter().map(|it| it.calls_a_second).collect(), "< 0.4");
    }
}

fn range(verdicts: &[Verdict]) -> String {
    let facts = || verdicts.iter().map(|it| it.fact);
    format!("{:.0} to {:.0} s", facts().fold(f64::MAX, f64::min), facts().fold(0.0, f64::max))
}

/// When a tool that looks first after `first` seconds, and then twice as late each time up to `longest`, sees a fact.
fn next_look(fact: f64, first: f64, longest: f64) -> f64 {
    let (mut at, mut pause) = (0.0, first);
    while at < fact {
        at += pause;
        pause = (pause * 2.0).min(longest);
    }
    at
}

/// Deploys to a world with that behaviour; `course` finds fact and verdict in what happened.
fn measure(
    behaviour: Behaviour,
    circuit_breaker: bool,
    course: impl Fn(&Simulator) -> (Duration, Duration),
) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let simulator = Simulator::new(Scenario::default().image("new", behaviour));
        simulator.add_service(web().circuit_breaker(circuit_breaker, circuit_breaker));
        Step::deploying("new:2").run(&simulator).await;
        let update = simulator.calls("UpdateService")[0].at;
        let (fact, verdict) = course(&simulator);
        let calls = simulator.journal().iter().filter(|call| call.at > update && call.at <= verdict).count();
        Verdict {
            fact: (fact - update).as_secs_f64(),
            verdict: (verdict - update).as_secs_f64(),
            calls_a_second: calls as f64 / (verdict - update).as_secs_f64(),
        }
    })
}

/// The service deployment became SUCCESSFUL, and the action ended.
fn succeeded(simulator: &Simulator) -> (Duration, Duration) {
    (service_deployment_became(simulator, "SUCCESSFUL"), simulator.elapsed())
}

/// The third task failed, and the action began to put the old revision back.
fn failed_enough(simulator: &Simulator) -> (Duration, Duration) {
    let update = simulator.calls("UpdateService")[0].at;
    let stopped = simulator
        .facts()
        .into_iter()
        .filter(|fact| fact.at > update && matches!(&fact.what, Happening::TaskStopped { failed: true, .. }));
    let fact = stopped.map(|fact| fact.at).nth(2).unwrap();
    (fact, simulator.calls("StopServiceDeployment")[0].at)
}

/// ECS began to roll back, and an answer told the action so.
fn given_up(simulator: &Simulator) -> (Duration, Duration) {
    let told = simulator.calls("DescribeServiceDeployments").into_iter().find(|call| {
        let status = call.response["serviceDeployments"][0]["status"].as_str();
        status.is_some_and(|status| status.starts_with("ROLLBACK"))
    });
    (service_deployment_became(simulator, "ROLLBACK_IN_PROGRESS"), told.unwrap().at)
}

fn service_deployment_became(simulator: &Simulator, wanted: &str) -> Duration {
    let update = simulator.calls("UpdateService")[0].at;
    let fact = simulator.facts().into_iter().find(|fact| {
        fact.at > update && matches!(&fact.what, Happening::ServiceDeployment { status, .. } if status == wanted)
    });
    fact.unwrap().at
}

fn row(name: &str, mut figures: Vec<f64>, aim: &str) {
    figures.sort_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    println!("{name:<58} {least:>8.2} {median:>8.2} {most:>8.2}   {aim}");
}
