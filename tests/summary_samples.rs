//! The reports of four cycles, as a runner would keep them, written to `target/summaries/`: to be looked at, with
//! `scripts/render-summary target/summaries/*.md`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecs_deploy_action::cycle::{
    Cause, Change, Conclusion, Diagnosis, Doing, Event, Hint, Kind, LogTail, Outcome, Output, Phase, Plan, Progress,
    Said, Shown, StoppedContainer, StoppedTasks,
};
use ecs_deploy_action::report;
use ecs_deploy_action::runner::{Console, Environment};
use jiff::Timestamp;

const REGISTRY: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
const FAMILY: &str = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web";

/// A cycle that is told in tenths of a second.
struct Story(Vec<(u64, Kind)>);

impl Story {
    fn of(mode: Doing) -> Self {
        let mut story = Self(vec![]);
        story.at(0, Kind::Started { target: "service web in cluster production".into(), mode });
        story.phase(0, 6, Phase::Capture, "3 of 3 tasks run web:41");
        story.know(5, Output::ServiceArn, "arn:aws:ecs:eu-west-1:111122223333:service/production/web");
        story.know(5, Output::PreviousTaskDefinitionArn, &format!("{FAMILY}:41"));
        story.know(
            5,
            Output::ConsoleUrl,
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/production/services/web",
        );
        story.at(6, Kind::PhaseStarted(Phase::Plan));
        story.at(7, Kind::Planned(plan()));
        story.at(7, Kind::PhaseFinished(Phase::Plan));
        story.phase(7, 11, Phase::Preflight, "8 checks passed");
        story
    }

    fn deploying() -> Self {
        let mut story = Self::of(Doing::Deploy);
        story.phase(11, 15, Phase::Register, "web:42 is registered");
        story.know(15, Output::TaskDefinitionArn, &format!("{FAMILY}:42"));
        story.phase(15, 22, Phase::Update, "service deployment 9Ab3xYz");
        story.at(22, Kind::PhaseStarted(Phase::Wait));
        story
    }

    fn at(&mut self, tenths: u64, kind: Kind) {
        self.0.push((tenths, kind));
    }

    fn know(&mut self, tenths: u64, output: Output, value: &str) {
        self.at(tenths, Kind::Known { output, value: value.into() });
    }

    fn phase(&mut self, began: u64, ended: u64, phase: Phase, note: &str) {
        self.at(began, Kind::PhaseStarted(phase));
        self.at(ended, Kind::Noted(note.into()));
        self.at(ended, Kind::PhaseFinished(phase));
    }

    fn look(&mut self, tenths: u64, (running, pending, failed, old): (u32, u32, u32, u32)) {
        let state = "IN_PROGRESS".into();
        self.at(
            tenths,
            Kind::Progressed(Progress { running, pending, desired: 3, failed, old, state, ..Progress::default() }),
        );
    }

    fn said(&mut self, tenths: u64, message: &str) {
        self.at(tenths, Kind::Said { at: moment(tenths), message: message.into() });
    }

    fn conclude(mut self, tenths: u64, conclusion: Conclusion) -> Self {
        self.at(tenths, Kind::Concluded(conclusion));
        self
    }

    /// Tells it to every reader that a run has; gives back the log and the summary.
    fn told(self, name: &str) -> (String, String) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../summaries");
        fs::create_dir_all(&folder).unwrap();
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        let (summary, output) = (file("md"), file("outputs"));
        fs::write(&summary, "").unwrap();
        fs::write(&output, "").unwrap();
        let environment = Environment::new([
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "shop/web"),
            ("GITHUB_RUN_ID", "7012345678"),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ]);
        let screen = Screen::default();
        let mut sinks = report::sinks(&environment, &Console::new(screen.clone()));
        for (tenths, kind) in self.0 {
            let event = Event { at: moment(tenths), elapsed: Duration::from_millis(tenths * 100), kind };
            sinks.iter_mut().for_each(|sink| sink.receive(&event));
        }
        let log = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        fs::write(file("log"), &log).unwrap();
        (log, fs::read_to_string(summary).unwrap())
    }
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn moment(tenths: u64) -> Timestamp {
    "2026-11-21T10:04:30Z".parse::<Timestamp>().unwrap() + Duration::from_millis(tenths * 100)
}

fn plan() -> Plan {
    let value = |text: &str| Shown::Value(text.into());
    let change = |subject: &str, before, after| Change { subject: subject.into(), before, after };
    Plan {
        changes: vec![
            change(
                "containerDefinitions[web].image",
                value(&format!("{REGISTRY}/web:1.4.1")),
                value(&format!("{REGISTRY}/web:1.5.0")),
            ),
            change("containerDefinitions[web].environment[FEATURE_CHECKOUT]", Shown::Absent, Shown::Hidden),
            change("containerDefinitions[web].environment[DATABASE_URL]", Shown::Hidden, Shown::Hidden),
            change("cpu", value("256"), value("512")),
            change("desiredCount", value("2"), value("3")),
        ],
        diff: format!(
            " {{\n   \"family\": \"web\",\n-  \"cpu\": \"256\",\n+  \"cpu\": \"512\",\n   \"containerDefinitions\": [\n     {{\n       \
             \"name\": \"web\",\n-      \"image\": \"{REGISTRY}/web:1.4.1\",\n+      \"image\": \"{REGISTRY}/web:1.5.0\",\n       \
             \"essential\": true\n     }}\n   ]\n }}\n"
        ),
    }
}

fn crash_loop() -> Story {
    let mut story = Story::deploying();
    story.look(23, (0, 0, 0, 3));
    story.at(
        40,
        Kind::Retried {
            operation: "DescribeServices".into(),
            why: "ThrottlingException: Rate exceeded".into(),
            after: Duration::from_millis(1200),
        },
    );
    story.said(62, "(service web) has started 1 tasks: (task 6b1f0c).");
    story.look(64, (0, 1, 0, 3));
    story.look(145, (1, 0, 0, 3));
    story.look(190, (0, 1, 1, 3));
    story.said(192, "(service web) has started 1 tasks: (task 77aa01).");
    story.look(320, (0, 1, 2, 3));
    story.look(452, (0, 0, 3, 3));
    story.at(453, Kind::PhaseFinished(Phase::Wait));
    story.at(
        453,
        Kind::RollbackStarted { to: "web:41".into(), because: "3 new tasks stopped and none stayed up.".into() },
    );
    story.at(453, Kind::PhaseStarted(Phase::Rollback));
    story.said(470, "(service web) has stopped 1 running tasks: (task 90bc44).");
    story
}

fn evidence() -> Diagnosis {
    let messages = [
        (62, "(service web) has started 1 tasks: (task 6b1f0c)."),
        (192, "(service web) has started 1 tasks: (task 77aa01)."),
        (451, "(service web) (deployment ecs-svc/0042) is unable to consistently start tasks successfully."),
    ];
    let hint = |code, tasks, hint: &str| Hint { code, hint: hint.into(), tasks };
    Diagnosis {
        hints: vec![
            hint(
                "command-not-found",
                2,
                "The command of the container `web` was not found in the image. Check `command`.",
            ),
            hint(
                "out-of-memory",
                1,
                "The container `web` used more memory than it may and was killed. Raise `memory`.",
            ),
        ],
        statements: vec!["3 tasks of web:42 stopped since the rollout began.".into()],
        stopped: vec![
            StoppedTasks {
                count: 2,
                stop_code: Some("EssentialContainerExited".into()),
                reason: Some("Essential container in task exited".into()),
                containers: vec![
                    StoppedContainer { name: "web".into(), exit_code: Some(127), reason: None, health: None },
                    StoppedContainer { name: "log-router".into(), exit_code: Some(143), reason: None, health: None },
                ],
            },
            StoppedTasks {
                count: 1,
                stop_code: Some("EssentialContainerExited".into()),
                reason: Some("Essential container in task exited".into()),
                containers: vec![StoppedContainer {
                    name: "web".into(),
                    exit_code: Some(137),
                    reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
                    health: Some("UNHEALTHY".into()),
                }],
            },
        ],
        logs: vec![LogTail {
            container: "web".into(),
            group: Some("/ecs/web".into()),
            stream: Some("web/web/6b1f0c".into()),
            lines: vec!["starting".into(), "::error::not a command <b>".into()],
            note: None,
        }],
        events: messages.map(|(tenths, message)| Said { at: moment(tenths), message: message.into() }).into(),
    }
}

#[test]
fn deployed() {
    let mut story = Story::deploying();
    story.look(23, (0, 0, 0, 3));
    story.said(62, "(service web) has started 3 tasks: (task 6b1f0c) (task 77aa01) (task 90bc44).");
    story.look(64, (0, 3, 0, 3));
    story.look(185, (2, 1, 0, 3));
    story.look(240, (3, 0, 0, 3));
    story.look(400, (3, 0, 0, 3));
    story.look(560, (3, 0, 0, 2));
    story.look(640, (3, 0, 0, 0));
    story.at(641, Kind::PhaseFinished(Phase::Wait));
    story.at(641, Kind::PhaseStarted(Phase::Verify));
    story.at(648, Kind::PhaseFinished(Phase::Verify));
    story.know(648, Output::RunningCount, "3");
    story.know(648, Output::DesiredCount, "3");
    let end = Conclusion {
        outcome: Outcome::Deployed,
        cause: None,
        headline: "Service web in cluster production runs web:42.".into(),
        reason: None,
        advice: None,
    };
    let (log, summary) = story.conclude(648, end).told("deployed");
    assert!(summary.starts_with("## ✅ Service web in cluster production runs web:42.\n"), "{summary}");
    assert!(summary.contains("| **Revision** | `web:41` → `web:42` |\n"), "{summary}");
    assert!(summary.contains("| **Tasks** | 3 of 3 running |\n"), "{summary}");
    assert!(!log.contains("::error"), "{log}");
}

#[test]
fn planned() {
    let end = Conclusion {
        outcome: Outcome::Planned,
        cause: None,
        headline: "Service web in cluster production is on web:41; 5 changes planned, none made.".into(),
        reason: None,
        advice: None,
    };
    let mut story = Story::of(Doing::Plan);
    story.at(11, Kind::Warned("`FARGATE_SPOT` is not a launch type that this version knows; sent as it is.".into()));
    let (_, summary) = story.conclude(11, end).told("planned");
    assert!(summary.contains("| `desiredCount` | `2` | `3` |\n"), "{summary}");
    assert!(summary.contains("### Warnings\n"), "{summary}");
}

#[test]
fn rolled_back() {
    let mut story = crash_loop();
    story.at(880, Kind::PhaseFinished(Phase::Rollback));
    story.at(881, Kind::Diagnosed(evidence()));
    story.know(881, Output::RunningCount, "3");
    story.know(881, Output::DesiredCount, "3");
    let end = Conclusion {
        outcome: Outcome::RolledBack,
        cause: Some(Cause::TasksFailing),
        headline: "Service web in cluster production runs web:41 again: web:42 failed and was rolled back.".into(),
        reason: Some("3 new tasks stopped: container web could not find its command (exit code 127).".into()),
        advice: Some("Check `command` and `entryPoint` of container `web`, then deploy again.".into()),
    };
    let (log, summary) = story.conclude(881, end).told("rolled-back");
    assert!(summary.contains("| **Revision** | `web:41` → `web:42` → `web:41` |\n"), "{summary}");
    assert!(summary.contains("| 2 | `web` | 127 (the command was not found) |"), "{summary}");
    assert_eq!(log.matches("::error ").count(), 1, "{log}");
}

#[test]
fn rollback_failed() {
    let mut story = crash_loop();
    story.at(3453, Kind::Diagnosed(evidence()));
    story.look(3453, (0, 0, 3, 1));
    let end = Conclusion {
        outcome: Outcome::RollbackFailed,
        cause: Some(Cause::TasksFailing),
        headline: "Service web in cluster production is left between web:41 and web:42: the rollback did not finish."
            .into(),
        reason: Some("AWS does not allow this role to call ecs:UpdateService any more.".into()),
        advice: Some("Renew the credentials and run the workflow again with `mode: rollback`.".into()),
    };
    let (_, summary) = story.conclude(3453, end).told("rollback-failed");
    assert!(summary.starts_with("## 🚨 "), "{summary}");
    assert!(summary.contains("| **Revision** | `web:41` → `web:42` |\n"), "{summary}");
}
