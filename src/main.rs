//! The process: signals, standard output, exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use ecs_deploy_action::action::{Host, Stage, run};
use ecs_deploy_action::cycle::Cancellation;
use ecs_deploy_action::runner::command::harmless;
use ecs_deploy_action::runner::{Console, Environment};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

/// One thread: the program waits for the network, and nothing in it has to be `Send`.
fn main() -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit_code = runtime.block_on(step());
    // A name that is still being looked up is not waited for: it may take longer than a cancelled step has.
    runtime.shutdown_background();
    exit_code
}

async fn step() -> io::Result<ExitCode> {
    // As process 1 of a container the program gets no default handlers: without these, a cancelled workflow run would be
    // ignored until the runner kills the container. GitHub's runner sends SIGINT, then SIGTERM.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (cancel, cancellation) = Cancellation::new();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.send_replace(true);
        // Dropping the sender would look as if no cancellation could come any more.
        std::future::pending::<()>().await
    });

    // GitHub's runner looks for commands in standard error too, and the text of a panic may hold anything.
    std::panic::set_hook(Box::new(|panic| {
        writeln!(io::stderr(), "{}", harmless(&panic.to_string())).ok();
    }));

    let host = Host {
        environment: Environment::from_process(),
        console: Console::new(io::stdout()),
        cancellation,
        now: Timestamp::now(),
        http_client: None,
        stage: stage(),
    };
    Ok(ExitCode::from(run(host).await))
}

/// By the name under which the program was called: `action.yml` names another entry point for the post step.
fn stage() -> Stage {
    let name = std::env::args_os().next().unwrap_or_default();
    if name.to_string_lossy().ends_with("-post") { Stage::Post } else { Stage::Main }
}
