//! A deployment rehearsed: the real cycle against a simulated Amazon ECS, on a machine with nothing but Rust.
//!
//! `cargo run --example rehearsal`, or `cargo run --example rehearsal -- crash-loop`. Simulated time runs some sixty times
//! faster than yours, and at once when the output is not a terminal.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demonstration on a terminal")]

use std::error::Error;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ecs_deploy_action::action::{Host, Stage, run};
use ecs_deploy_action::cycle::Cancellation;
use ecs_deploy_action::runner::{Console, Environment};
use ecs_deploy_action::spec::{Format, TaskDefinition};
use simulator::{
    ACCESS_KEY_ID, Action, Behaviour, Fault, Moment, Rule, SECRET_ACCESS_KEY, Scenario, Service, Simulator, When,
};
use tokio::time::Instant;

/// What can be rehearsed.
struct Rehearsal {
    name: &'static str,
    story: &'static str,
    /// What the new image does.
    image: fn() -> Behaviour,
    /// Whether the service has a circuit breaker that rolls back.
    circuit_breaker: bool,
    exit_code: u8,
}

const REHEARSALS: [Rehearsal; 13] = [
    Rehearsal {
        name: "healthy",
        story: "A new image that works.",
        image: || HEALTHY,
        circuit_breaker: false,
        exit_code: 0,
    },
    Rehearsal {
        name: "crash-loop",
        story: "A new image that exits with code 1 as soon as it runs. The service has no circuit breaker, so Amazon ECS \
                would try for ever; the action gives up at the same threshold and puts the old revision back.",
        image: || CRASH,
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "circuit-breaker",
        story: "The same image, with Amazon ECS's own circuit breaker: ECS rolls back by itself, the service is stable \
                again, and the action still says that the deployment failed.",
        image: || CRASH,
        circuit_breaker: true,
        exit_code: 2,
    },
    Rehearsal {
        name: "image-missing",
        story: "An image that nobody pushed.",
        image: || Behaviour::ImageMissing { after: Duration::from_secs(4) },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "wrong-platform",
        story: "An image that was built for x86 only, for tasks that run on ARM.",
        image: || {
            fails_to_start(
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain \
                 descriptor matching platform 'linux/arm64'",
            )
        },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "secret-missing",
        story: "A task definition that names a secret which does not exist.",
        image: || {
            fails_to_start(
                "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: The task can't \
                 retrieve the secret with ARN 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/database-url-a1b2c3' from \
                 AWS Secrets Manager. Check whether the secret exists in the specified Region",
            )
        },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "role-denied",
        story: "An execution role that Amazon ECS may not assume.",
        image: || {
            fails_to_start(
                "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-execution' that was provided for this \
                 task. Please verify that the role being passed has the proper trust relationship and permissions and that your \
                 IAM user has permissions to pass this role.",
            )
        },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "out-of-memory",
        story: "A new image that needs more memory than its task has: the kernel kills it a while after it runs.",
        image: || Behaviour::Crash {
            after: Duration::from_secs(12),
            container: None,
            exit_code: 137,
            reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
        },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "health-check",
        story: "A new image that runs and never becomes healthy.",
        image: || Behaviour::Unhealthy { after: Duration::from_secs(30) },
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "no-capacity",
        story: "A cluster without a machine for one more task.",
        image: || Behaviour::NoCapacity,
        circuit_breaker: false,
        exit_code: 2,
    },
    Rehearsal {
        name: "superseded",
        story: "A colleague deploys to the same service while this deployment is in flight.",
        image: || HEALTHY,
        circuit_breaker: false,
        exit_code: 5,
    },
    Rehearsal {
        name: "throttled",
        story: "AWS answers \"Rate exceeded\" to every second call. It takes longer, and ends the same.",
        image: || HEALTHY,
        circuit_breaker: false,
        exit_code: 0,
    },
    Rehearsal {
        name: "unchanged",
        story: "The image that runs already: nothing is registered, and nothing is updated.",
        image: || HEALTHY,
        circuit_breaker: false,
        exit_code: 0,
    },
];

const HEALTHY: Behaviour = Behaviour::Healthy { start: Duration::from_secs(15), healthy: Duration::from_secs(20) };
const CRASH: Behaviour =
    Behaviour::Crash { after: Duration::from_secs(3), container: None, exit_code: 1, reason: None };

/// A task that stops before it runs; the reason is in Amazon ECS's own words.
fn fails_to_start(reason: &str) -> Behaviour {
    Behaviour::FailsToStart { after: Duration::from_secs(4), reason: reason.to_owned() }
}

const TASK_DEFINITION: &str = "examples/task-definition.json";
const OLD_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-04";
const NEW_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-05";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| REHEARSALS[0].name.to_owned());
    let Some(rehearsal) = REHEARSALS.iter().find(|rehearsal| rehearsal.name == name) else {
        eprintln!("There is no rehearsal `{name}`. There are:");
        for rehearsal in &REHEARSALS {
            eprintln!("  {:<16} {}", rehearsal.name, rehearsal.story);
        }
        return Ok(ExitCode::from(64));
    };
    // Simulated time stands still while the program works, and jumps whenever it waits.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(rehearse(rehearsal))
}

async fn rehearse(rehearsal: &Rehearsal) -> Result<ExitCode, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let image = if rehearsal.name == "unchanged" { OLD_IMAGE } else { NEW_IMAGE };
    introduce(rehearsal, image);

    let simulator = world(rehearsal)?;
    let (_cancel, cancellation) = Cancellation::new();
    let exit_code = run(Host {
        environment: environment(folder.path(), image)?,
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
    print_outputs(&std::fs::read_to_string(folder.path().join("output"))?);
    println!("\nExit code {exit_code}, after {} calls to AWS.", simulator.journal().len());
    others(rehearsal);
    // The rehearsal itself is a success when it ends as its story says.
    Ok(if exit_code == rehearsal.exit_code { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A service `web` in steady state, and what is going to happen to it.
fn world(rehearsal: &Rehearsal) -> Result<Simulator, Box<dyn Error>> {
    let region = "eu-west-1".to_owned();
    let mut scenario = Scenario { region, account: "111122223333".to_owned(), ..Scenario::default() };
    scenario = scenario.image(NEW_IMAGE, (rehearsal.image)());
    if rehearsal.name == "superseded" {
        let colleague = Action::UpdateService {
            cluster: "production".to_owned(),
            service: "web".to_owned(),
            image: Some("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:hotfix".to_owned()),
            task_definition: None,
        };
        scenario = scenario.other(Moment::AfterUpdate { number: 1, delay: Duration::from_secs(20) }, colleague);
    }
    let simulator = Simulator::new(scenario);
    let document = TaskDefinition::parse(&std::fs::read_to_string(path(TASK_DEFINITION))?, Format::Json)?;
    let mut running = document.register_input();
    running["containerDefinitions"][0]["image"] = OLD_IMAGE.into();
    simulator.add_service(
        Service::new("web")
            .cluster("production")
            .desired_count(3)
            .task_definition(running)
            .circuit_breaker(rehearsal.circuit_breaker, rehearsal.circuit_breaker),
    );
    if rehearsal.name == "throttled" {
        let when = When { share: Some(0.5), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Throttle });
    }
    Ok(simulator)
}

fn inputs(image: &str) -> [(&'static str, &str); 5] {
    [
        ("task-definition", TASK_DEFINITION),
        ("container-name", "web"),
        ("image", image),
        ("cluster", "production"),
        ("service", "web"),
    ]
}

/// The environment that the runner makes for a step.
fn environment(folder: &Path, image: &str) -> Result<Environment, Box<dyn Error>> {
    let mut variables = Vec::new();
    for (name, value) in inputs(image) {
        variables.push((format!("INPUT_{}", name.to_uppercase()), value.to_owned()));
    }
    for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_STATE", "state")] {
        std::fs::write(folder.join(file), "")?;
        variables.push((name.to_owned(), folder.join(file).display().to_string()));
    }
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "shop/web"),
        ("GITHUB_SHA", "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "1"),
    ] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    variables.push(("GITHUB_WORKSPACE".to_owned(), path("").display().to_string()));
    Ok(Environment::new(variables))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn introduce(rehearsal: &Rehearsal, image: &str) {
    title(&format!("Rehearsal: {}", rehearsal.name));
    println!("{}\n", rehearsal.story);
    println!("- uses: org/ecs-deploy-action@v1\n  with:");
    for (name, value) in inputs(image) {
        println!("    {name}: {value}");
    }
    title("The log, as the runner shows it");
}

fn title(text: &str) {
    println!("\n━━ {text} {}\n", "━".repeat(76_usize.saturating_sub(text.chars().count())));
}

/// Prints `NAME<<DELIMITER` blocks as a table; of a value of several lines or of great length, its beginning.
fn print_outputs(file: &str) {
    let mut values: Vec<(&str, &str)> = Vec::new();
    let mut lines = file.lines();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        let value = block.first().copied().unwrap_or_default();
        values.retain(|(other, _)| *other != name);
        values.push((name, value));
    }
    for (name, value) in values {
        let shown: String = value.chars().take(100).collect();
        println!("{name:<30} {shown}{}", if shown.len() < value.len() { "…" } else { "" });
    }
}

fn others(rehearsal: &Rehearsal) {
    let others: Vec<&str> = REHEARSALS.iter().map(|other| other.name).filter(|name| *name != rehearsal.name).collect();
    println!("Others: cargo run --example rehearsal -- {}", others.join(" | "));
}

/// Shows workflow commands as the runner does, and lets simulated time pass visibly.
struct Terminal {
    line: String,
    shown: Instant,
    is_watched: bool,
}

impl Terminal {
    fn new() -> Self {
        Self { line: String::new(), shown: Instant::now(), is_watched: io::stdout().is_terminal() }
    }

    fn show(&mut self, line: &str) {
        self.let_time_pass();
        if line.starts_with("::debug") || line.starts_with("::endgroup") {
            return;
        }
        if let Some(group) = line.strip_prefix("::group::") {
            println!("▼ {group}");
            return;
        }
        for (command, word) in [("::error", "Error"), ("::warning", "Warning"), ("::notice", "Notice")] {
            if let Some((_, message)) = line.strip_prefix(command).and_then(|rest| rest.split_once("::")) {
                let message = message.replace("%0D", "").replace("%0A", "\n       ").replace("%25", "%");
                println!("{word}: {message}");
                return;
            }
        }
        println!("{line}");
    }

    #[expect(clippy::disallowed_methods, reason = "time is simulated; this is for the eyes of whoever watches")]
    fn let_time_pass(&mut self) {
        if self.is_watched {
            std::thread::sleep((self.shown.elapsed() / 60).min(Duration::from_millis(400)));
        }
        self.shown = Instant::now();
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = self.line.find('\n') {
            let rest = self.line.split_off(end + 1);
            let line = std::mem::replace(&mut self.line, rest);
            self.show(line.trim_end());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
