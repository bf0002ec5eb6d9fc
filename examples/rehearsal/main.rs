//! A deployment rehearsed: the real cycle against a simulated AWS, on a machine with nothing but Rust.
//!
//! `cargo run --example rehearsal`, or `cargo run --example rehearsal -- crash-loop`. Simulated time runs some sixty times
//! faster than yours, and at once when the output is not a terminal. `-- list` names every rehearsal and its outcome.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demonstration on a terminal")]

mod codedeploy;
mod endpoints;
mod images;
mod one_off;
mod permissions;
mod registry;
mod rolling_update;
mod stage;
mod strategies;
mod terminal;
mod together;
mod verification;

use std::error::Error;
use std::process::ExitCode;

use ecs_deploy_action::action::{Host, Stage, run};
use ecs_deploy_action::cycle::Cancellation;
use ecs_deploy_action::runner::Console;

use crate::stage::Rehearsal;
use crate::terminal::Terminal;

/// Every rehearsal, by what is deployed.
const REHEARSALS: &[&[Rehearsal]] = &[
    rolling_update::REHEARSALS,
    one_off::REHEARSALS,
    endpoints::REHEARSALS,
    registry::REHEARSALS,
    images::REHEARSALS,
    strategies::REHEARSALS,
    codedeploy::REHEARSALS,
    permissions::REHEARSALS,
    together::REHEARSALS,
    verification::REHEARSALS,
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "healthy".to_owned());
    if name == "list" {
        for rehearsal in rehearsals() {
            println!("{} {}", rehearsal.name, rehearsal.outcome);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(rehearsal) = rehearsals().find(|rehearsal| rehearsal.name == name) else {
        eprintln!("There is no rehearsal `{name}`. There are:");
        for rehearsal in rehearsals() {
            eprintln!("  {:<16} {}", rehearsal.name, rehearsal.story);
        }
        return Ok(ExitCode::from(64));
    };
    // Simulated time stands still while the program works, and jumps whenever it waits.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(rehearse(rehearsal))
}

fn rehearsals() -> impl Iterator<Item = &'static Rehearsal> {
    REHEARSALS.iter().copied().flatten()
}

async fn rehearse(rehearsal: &Rehearsal) -> Result<ExitCode, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    introduce(rehearsal);

    let simulator = (rehearsal.world)()?;
    let (_cancel, cancellation) = Cancellation::new();
    let exit_code = run(Host {
        environment: stage::environment(folder.path(), rehearsal.inputs)?,
        console: Console::new(Terminal::new()),
        cancellation,
        now: "2026-01-05T12:00:00Z".parse()?,
        http_client: Some(simulator.http_client()),
        stage: Stage::Main,
    })
    .await;

    title("The step summary, as Markdown");
    println!("{}", std::fs::read_to_string(folder.path().join("summary"))?.trim());
    title("The outputs");
    let file = std::fs::read_to_string(folder.path().join("output"))?;
    let outputs = outputs(&file);
    for (name, value) in &outputs {
        let shown: String = value.chars().take(100).collect();
        println!("{name:<30} {shown}{}", if shown.len() < value.len() { "…" } else { "" });
    }
    println!("\nExit code {exit_code}, after {} calls to AWS.", simulator.journal().len());
    others(rehearsal);
    // The rehearsal itself is a success when it ends as its story says.
    let is_as_told = outputs.contains(&("outcome", rehearsal.outcome));
    Ok(if is_as_told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn introduce(rehearsal: &Rehearsal) {
    title(&format!("Rehearsal: {}", rehearsal.name));
    println!("{}\n", rehearsal.story);
    println!("- uses: org/ecs-deploy-action@v1\n  with:");
    for (name, value) in rehearsal.inputs {
        println!("    {name}: {value}");
    }
    title("The log, as the runner shows it");
}

fn title(text: &str) {
    println!("\n━━ {text} {}\n", "━".repeat(76_usize.saturating_sub(text.chars().count())));
}

/// The last value of each output in the file, which holds `NAME<<DELIMITER` blocks; of a value of several lines the first.
fn outputs(file: &str) -> Vec<(&str, &str)> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    let mut lines = file.lines();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        let value = block.first().copied().unwrap_or_default();
        values.retain(|(other, _)| *other != name);
        values.push((name, value));
    }
    values
}

fn others(rehearsal: &Rehearsal) {
    let others: Vec<&str> = rehearsals().map(|other| other.name).filter(|name| *name != rehearsal.name).collect();
    println!("Others: cargo run --example rehearsal -- {}", others.join(" | "));
}
