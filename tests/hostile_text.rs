//! Text from outside stays text: nothing that AWS or a user says becomes a command of the runner, on any way out.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use simulator::{Behaviour, Fault, Rule, Scenario, Simulator, When};
use support::{Report, Step, seconds, world};

/// Every way in which the runner finds a command in a line, with one that this program never gives.
const HOSTILE: &str = "x\n::stop-commands::x\n  ::stop-commands::x\r::stop-commands::x\nsee ##[stop-commands]x\n\
                       :\u{200b}:stop-commands::x\n#\u{ad}#[stop-commands]x | </code><script> `";

/// The names of the commands that the runner would carry out.
fn commands(log: &str) -> Vec<String> {
    let seen = |line: &str| {
        // The runner's comparison overlooks some of what is not ASCII.
        let line: String = line.chars().filter(char::is_ascii).collect();
        let info = match line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")) {
            Some((info, _)) => info.to_owned(),
            None => line[line.find("##[")? + 3..].split_once(']')?.0.to_owned(),
        };
        Some(info.split(' ').next().unwrap_or_default().to_owned())
    };
    log.split(['\n', '\r']).filter_map(seen).collect()
}

#[track_caller]
fn is_inert(case: &str, report: &Report) {
    const OURS: [&str; 7] = ["group", "endgroup", "debug", "notice", "warning", "error", "add-mask"];
    let strange: Vec<String> =
        commands(&report.log).into_iter().filter(|command| !OURS.contains(&command.as_str())).collect();
    assert!(strange.is_empty(), "{case}: {strange:?} in {}", report.log);
    assert!(report.log.contains("stop-commands"), "{case}: it was not said at all: {}", report.log);
    assert!(!report.summary.contains("<script>"), "{case}: {}", report.summary);
}

#[test]
fn the_commands_are_seen_by_this_test() {
    assert_eq!(commands(HOSTILE), ["stop-commands"; 6]);
}

#[tokio::test(start_paused = true)]
async fn what_tasks_and_calls_end_with_is_text() {
    let reason = HOSTILE.to_owned();
    let crash = Behaviour::Crash { after: seconds(1), container: None, exit_code: 1, reason: Some(reason.clone()) };
    for behaviour in [crash, Behaviour::FailsToStart { after: seconds(1), reason: reason.clone() }] {
        let simulator = world(Scenario::default().image("bad", behaviour));
        let report = Step::deploying("web:bad").run(&simulator).await;
        report.ended("rolled-back", "tasks-failing");
        is_inert("a stopped task", &report);
    }
    for operation in ["DescribeServices", "RegisterTaskDefinition", "UpdateService", "DescribeServiceDeployments"] {
        let simulator: Simulator = world(Scenario::default());
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let code = "AccessDeniedException".to_owned();
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message: HOSTILE.to_owned() } });
        let report = Step::deploying("web:good-2").run(&simulator).await;
        if report.log.contains("stop-commands") || operation != "DescribeServiceDeployments" {
            is_inert(operation, &report);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_user_writes_is_text() {
    for name in ["service", "cluster", "image", "cpu", "tags", "task-definition", "container-name", "mode", "to"] {
        let simulator = world(Scenario::default());
        let step = Step::deploying("web:good-2").input(name, HOSTILE);

        let report = step.run(&simulator).await;

        let case = format!("the input {name}");
        assert_eq!(report.output("outcome"), "refused", "{case}: {report:#?}");
        assert_eq!(report.errors().len(), 1, "{case}: {report:#?}");
        let strange = commands(&report.log).contains(&"stop-commands".to_owned());
        assert!(!strange && !report.summary.contains("<script>"), "{case}: {report:#?}");
    }
}

/// The lints forbid `print!` and its kin; this forbids the handles: one file opens them, and passes them on.
#[test]
fn one_file_opens_the_standard_streams() {
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let opens = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        ["stdout()", "stderr()", "/dev/std", "/dev/tty", "/proc/self/fd", "from_raw_fd"]
            .iter()
            .any(|way| text.contains(way))
    };
    let openers: Vec<&PathBuf> = files.iter().filter(opens).collect();

    assert_eq!(openers, [&root.join("main.rs")]);
    let main = fs::read_to_string(root.join("main.rs")).unwrap();
    assert!(main.contains("Console::new(io::stdout())"), "the console has standard output");
    assert!(main.contains("writeln!(io::stderr(), \"{}\", harmless("), "the panic hook is all that has standard error");
    assert_eq!((main.matches("stdout()").count(), main.matches("stderr()").count()), (1, 1));
}
