//! The live log.
//!
//! GitHub folds a group as soon as it is over, and shows the log of a step that runs from its end. So groups hold what is
//! looked up afterwards (what was captured, checked, registered; the diff), and everything that a person waits for or must
//! not miss stands outside: the changes, the whole of waiting and of rolling back, warnings, evidence, the end. A line of
//! that kind ends the group in which it comes up.

use std::collections::HashSet;
use std::time::Duration;

use super::exit_code::explained;
use super::words::{hinted, sentences, sign, spoken};
use crate::cycle::{
    Change, Conclusion, Diagnosis, Event, Kind, Output, Phase, Plan, Progress, Shift, Shown, Sink, StoppedTasks, Table,
};
use crate::runner::Console;
use crate::text::{count, one_line, shorten};

/// A log in which nothing moves for this long looks dead.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The width of the progress bar.
const BAR: usize = 10;

/// Longer values are shortened in the list of changes; the diff has them whole.
const MAX_VALUE: usize = 200;

/// What stands under a line that begins with the time.
const INDENT: &str = "      ";

/// Reads events, prints lines.
pub struct Log {
    console: Console,
    phase: Option<RunningPhase>,
    progress: Option<(Duration, Progress)>,
    retried: HashSet<(String, String)>,
}

struct RunningPhase {
    phase: Phase,
    began: Duration,
    group_is_open: bool,
    was_silent: bool,
}

impl Log {
    /// A log on that console.
    pub fn new(console: Console) -> Self {
        Self { console, phase: None, progress: None, retried: HashSet::new() }
    }

    /// A line for everybody.
    fn show(&mut self, at: Duration, text: &str) {
        self.leave_group();
        self.console.text(&format!("{} {text}", clock(at)));
    }

    /// A line that belongs to the one before.
    fn show_under(&self, text: &str) {
        self.console.text(&format!("{INDENT}{text}"));
    }

    /// A line for those who look it up: in the group of the phase, if the phase has one.
    fn detail(&mut self, at: Duration, text: &str) {
        if let Some(running) = &mut self.phase {
            let opens = running.was_silent && is_folded(running.phase);
            running.was_silent = false;
            if opens {
                running.group_is_open = true;
                self.console.group(running.phase.as_str());
            }
        }
        self.console.text(&format!("{} {text}", clock(at)));
    }

    fn leave_group(&mut self) {
        let Some(running) = &mut self.phase else { return };
        running.was_silent = false;
        if std::mem::take(&mut running.group_is_open) {
            self.console.end_group();
        }
    }

    fn begin_phase(&mut self, at: Duration, phase: Phase) {
        // A phase that failed was left without a word.
        self.leave_group();
        self.phase = Some(RunningPhase { phase, began: at, group_is_open: false, was_silent: true });
        self.progress = None;
        if phase == Phase::Wait {
            self.show(at, "Waiting for the rollout");
        }
    }

    fn finish_phase(&mut self, at: Duration) {
        self.leave_group_or_say_that_it_was_quiet(at);
        self.phase = None;
    }

    fn leave_group_or_say_that_it_was_quiet(&mut self, at: Duration) {
        match &self.phase {
            Some(RunningPhase { phase, began, was_silent: true, .. }) => {
                let took = spoken(at.saturating_sub(*began));
                let line = format!("{} took {took}", phase.as_str());
                self.show(at, &line);
            }
            _ => self.leave_group(),
        }
    }

    fn plan(&mut self, at: Duration, plan: &Plan) {
        if plan.is_empty() {
            return self.show(at, "Nothing changes");
        }
        self.show(at, &format!("{}:", count(plan.changes.len(), "change", "changes")));
        for change in &plan.changes {
            self.show_under(&changed(change));
        }
        if !plan.diff.is_empty() {
            self.console.group("Diff of the task definition");
            self.console.text(plan.diff.trim_end());
            self.console.end_group();
        }
    }

    /// One line when something changed, or when nothing was said for a while.
    fn progress(&mut self, at: Duration, progress: &Progress) {
        let is_news = match &self.progress {
            Some((shown_at, shown)) => {
                without_clock(shown) != without_clock(progress) || at.saturating_sub(*shown_at) >= HEARTBEAT
            }
            None => true,
        };
        if is_news {
            self.progress = Some((at, progress.clone()));
            self.show(at, &moved(progress));
        }
    }

    /// The first retry for a reason is told; when AWS throttles, hundreds can follow, for those who debug.
    fn retry(&mut self, at: Duration, operation: &str, why: &str, after: Duration) {
        let line = format!("↻ {operation} is tried again in {}: {}", spoken(after), one_line(why));
        if self.retried.insert((operation.to_owned(), why.to_owned())) {
            self.detail(at, &line);
        } else {
            self.console.debug(&format!("{} {line}", clock(at)));
        }
    }

    fn table(&mut self, at: Duration, table: &Table) {
        self.show(at, &format!("{}:", one_line(&table.title)));
        for row in &table.rows {
            self.show_under(&spoken_row(&table.header, row));
        }
    }

    fn diagnosis(&mut self, at: Duration, diagnosis: &Diagnosis) {
        if !diagnosis.hints.is_empty() {
            self.show(at, "What helps:");
            for hint in &diagnosis.hints {
                self.show_under(&format!("{} ({})", one_line(&hint.hint), hinted(hint)));
            }
        }
        // The events are in the log already, at the time when they came.
        if !diagnosis.statements.is_empty() || !diagnosis.stopped.is_empty() {
            self.show(at, "What AWS says about it:");
        }
        for statement in &diagnosis.statements {
            self.show_under(&one_line(statement));
        }
        for tasks in &diagnosis.stopped {
            for line in stopped(tasks) {
                self.show_under(&line);
            }
        }
        for log in &diagnosis.logs {
            self.leave_group();
            self.console.group(&one_line(&log.title()));
            for line in log.lines.iter().chain(&log.note) {
                self.console.text(&one_line(line));
            }
            self.console.end_group();
        }
    }

    fn conclude(&mut self, at: Duration, conclusion: &Conclusion) {
        self.leave_group();
        self.phase = None;
        self.console.text("");
        self.show(at, &format!("{} {}", sign(conclusion.outcome), one_line(&conclusion.headline)));
        // A run that fails ends with its error annotation, which says the rest in red, right below.
        if conclusion.exit_code() == 0 {
            for sentence in [&conclusion.reason, &conclusion.advice].into_iter().flatten() {
                self.show_under(&one_line(sentence));
            }
        }
    }
}

impl Sink for Log {
    fn receive(&mut self, event: &Event) {
        let at = event.elapsed;
        match &event.kind {
            Kind::Started { target, mode } => self.show(at, &format!("{}: {}", mode.as_str(), one_line(target))),
            Kind::PhaseStarted(phase) => self.begin_phase(at, *phase),
            Kind::PhaseFinished(_) => self.finish_phase(at),
            Kind::Known { output: Output::Plan | Output::Policy | Output::TrustPolicy, .. } | Kind::Owed(_) => {}
            Kind::Known { output, value } => {
                let line = format!("{}: {}", output.as_str(), one_line(value));
                match &self.phase {
                    Some(running) if is_folded(running.phase) => self.detail(at, &line),
                    _ => self.console.debug(&line),
                }
            }
            Kind::Noted(text) => self.detail(at, &one_line(text)),
            // The annotation is the line, and must not be folded away.
            Kind::Warned(_) | Kind::Found(_) => self.leave_group(),
            Kind::Tabulated(table) => self.table(at, table),
            Kind::Planned(plan) => self.plan(at, plan),
            Kind::Progressed(progress) => self.progress(at, progress),
            Kind::Said { message, .. } => self.show(at, &format!("› {}", one_line(message))),
            Kind::Retried { operation, why, after } => self.retry(at, operation, why, *after),
            Kind::RollbackStarted { to, because } => {
                self.leave_group();
                self.console.text("");
                self.show(at, &format!("◀◀ ROLLING BACK to {}", one_line(to)));
                self.show_under(&one_line(because));
            }
            Kind::Printed { title, document } => {
                self.show(at, &format!("{}:", one_line(title)));
                self.console.text(document);
            }
            Kind::Diagnosed(diagnosis) => self.diagnosis(at, diagnosis),
            Kind::Concluded(conclusion) => self.conclude(at, conclusion),
        }
    }
}

/// Whether the lines of a phase are worth a look only afterwards.
const fn is_folded(phase: Phase) -> bool {
    !matches!(phase, Phase::Wait | Phase::Rollback)
}

/// Minutes and seconds since the start.
fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// `critical: found 3, allowed 0, too many`
fn spoken_row(header: &[String], row: &[String]) -> String {
    let cells = header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
    let cells: Vec<String> = cells
        .map(|(name, cell)| format!("{} {}", name.to_lowercase(), one_line(cell)).trim_start().to_owned())
        .collect();
    format!("{}: {}", row.first().map(|first| one_line(first)).unwrap_or_default(), cells.join(", "))
}

fn changed(change: &Change) -> String {
    let subject = one_line(&change.subject);
    match (&change.before, &change.after) {
        (Shown::Hidden, Shown::Hidden) => format!("{subject}: changed (hidden)"),
        (before, after) => format!("{subject}: {} → {}", value(before), value(after)),
    }
}

fn value(shown: &Shown) -> String {
    shorten(&one_line(&shown.to_string()), MAX_VALUE)
}

/// What runs down by itself is no news.
fn without_clock(progress: &Progress) -> Progress {
    let shift = progress.shift.clone().map(|shift| Shift { rest: None, ..shift });
    Progress { shift, ..progress.clone() }
}

/// `[██████░░░░] 3/5 running · 1 pending · 2 old · IN_PROGRESS · PRODUCTION_TRAFFIC_SHIFT · 20 % of traffic · rests 4 min`
fn moved(progress: &Progress) -> String {
    let Progress { running, pending, desired, failed, old, state, shift } = progress;
    if progress.counts_nothing() && !state.is_empty() {
        return one_line(state);
    }
    let others = [(pending, "pending"), (failed, "failed"), (old, "old")];
    let others =
        others.into_iter().filter(|(number, _)| **number > 0).map(|(number, word)| format!(" · {number} {word}"));
    let state = (!state.is_empty()).then(|| format!(" · {}", one_line(state)));
    let shift = shift.as_ref().map(shifted);
    let rest: String = others.chain(state).chain(shift).collect();
    format!("[{}] {running}/{desired} running{rest}", bar(*running, *desired))
}

fn shifted(shift: &Shift) -> String {
    let traffic = shift.traffic.map(|traffic| format!(" · {} of traffic", percent(traffic)));
    let rest = shift.rest.map(|rest| format!(" · at most {} to bake", spoken(rest)));
    format!(" · {}{}{}", one_line(&shift.stage), traffic.unwrap_or_default(), rest.unwrap_or_default())
}

/// From tenths.
fn percent(tenths: u32) -> String {
    match tenths % 10 {
        0 => format!("{} %", tenths / 10),
        tenth => format!("{}.{tenth} %", tenths / 10),
    }
}

fn bar(running: u32, desired: u32) -> String {
    let full = match desired {
        0 => BAR,
        _ => usize::try_from(u64::from(running.min(desired)) * BAR as u64 / u64::from(desired)).unwrap_or(BAR),
    };
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn stopped(tasks: &StoppedTasks) -> Vec<String> {
    let why =
        sentences([tasks.stop_code.as_deref().map(|code| format!("{code}:")).as_deref(), tasks.reason.as_deref()]);
    let mut lines = vec![format!("{} stopped. {why}", count(tasks.count, "task", "tasks")).trim_end().to_owned()];
    lines.extend(tasks.containers.iter().map(|container| {
        let reason = container.reason.as_deref();
        let code = container
            .exit_code
            .map_or_else(|| "never ran.".to_owned(), |code| format!("exit code {}.", explained(code, reason)));
        let health = container.health.as_deref().map(|health| format!("Health: {}.", one_line(health)));
        let rest = sentences([Some(code.as_str()), health.as_deref(), reason]);
        format!("  {}: {rest}", one_line(&container.name))
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Cause, Hint, Outcome, StoppedContainer};
    use crate::report::testing::{Story, conclusion};
    use crate::runner::testing::Screen;

    fn log_of(story: &Story) -> String {
        let screen = Screen::default();
        let mut log = Log::new(screen.console());
        story.events().iter().for_each(|event| log.receive(event));
        screen.text()
    }

    fn looked(running: u32, state: &str) -> Kind {
        Kind::Progressed(Progress {
            running,
            pending: 1,
            desired: 5,
            old: 2,
            state: state.into(),
            ..Progress::default()
        })
    }

    #[test]
    fn a_phase_with_details_is_a_group_and_one_without_is_a_line() {
        let mut story = Story::begin();
        story.then(0, Kind::PhaseStarted(Phase::Capture));
        story.then(1, Kind::Noted("3 of 3 tasks run web:41".into()));
        story.then(1, Kind::Known { output: Output::ServiceArn, value: "arn:x".into() });
        story.then(2, Kind::PhaseFinished(Phase::Capture));
        story.then(2, Kind::PhaseStarted(Phase::Preflight));
        story.then(4, Kind::PhaseFinished(Phase::Preflight));
        assert_eq!(
            log_of(&story),
            "00:00 deploy: service web in cluster production\n\
             ::group::Capture\n00:01 3 of 3 tasks run web:41\n00:01 service-arn: arn:x\n::endgroup::\n\
             00:04 Preflight took 2.0 s\n"
        );
    }

    #[test]
    fn a_phase_that_fails_leaves_no_open_group() {
        let mut story = Story::begin();
        story.then(0, Kind::PhaseStarted(Phase::Register));
        story.then(1, Kind::Noted("web".into()));
        story.then(2, Kind::PhaseStarted(Phase::Rollback));
        story.then(3, Kind::Noted("seen by all".into()));
        assert!(log_of(&story).ends_with("::group::Register\n00:01 web\n::endgroup::\n00:03 seen by all\n"));
    }

    #[test]
    fn what_must_not_be_missed_is_never_inside_a_group() {
        let important = [
            Kind::Planned(Plan { changes: vec![], diff: String::new() }),
            Kind::Said { at: jiff::Timestamp::UNIX_EPOCH, message: "important".into() },
            Kind::RollbackStarted { to: "important".into(), because: "x".into() },
            Kind::Diagnosed(Diagnosis { statements: vec!["important".into()], ..Diagnosis::default() }),
            Kind::Concluded(conclusion(Outcome::Failed, Some(Cause::Timeout), "important")),
            looked(1, "important"),
            Kind::Warned("left to the annotation".into()),
        ];
        for kind in important {
            let mut story = Story::begin();
            story.then(0, Kind::PhaseStarted(Phase::Verify));
            story.then(1, Kind::Noted("opens the group".into()));
            let folded = log_of(&story);
            story.then(2, kind.clone());
            let after = log_of(&story);
            assert!(after[folded.len()..].starts_with("::endgroup::\n"), "{kind:?}: {after}");
        }
    }

    #[test]
    fn waiting_is_told_outside_groups_when_it_moves_and_every_half_minute() {
        let mut story = Story::begin();
        story.then(5, Kind::PhaseStarted(Phase::Wait));
        for (second, running) in [(5, 0), (7, 0), (9, 3), (11, 3), (38, 3), (39, 3), (60, 3), (61, 5)] {
            story.then(second, looked(running, "IN_PROGRESS"));
        }
        assert_eq!(
            log_of(&story).lines().skip(1).collect::<Vec<_>>(),
            [
                "00:05 Waiting for the rollout",
                "00:05 [░░░░░░░░░░] 0/5 running · 1 pending · 2 old · IN_PROGRESS",
                "00:09 [██████░░░░] 3/5 running · 1 pending · 2 old · IN_PROGRESS",
                "00:39 [██████░░░░] 3/5 running · 1 pending · 2 old · IN_PROGRESS",
                "01:01 [██████████] 5/5 running · 1 pending · 2 old · IN_PROGRESS",
            ]
        );
    }

    #[test]
    fn the_bar_keeps_its_width() {
        for (running, desired, expected) in [
            (0, 0, "██████████"),
            (0, 3, "░░░░░░░░░░"),
            (2, 3, "██████░░░░"),
            (9, 3, "██████████"),
            (u32::MAX, u32::MAX, "██████████"),
        ] {
            assert_eq!(bar(running, desired), expected);
        }
    }

    #[test]
    fn the_plan_is_a_list_with_the_diff_folded() {
        let change = |subject: &str, before, after| Change { subject: subject.into(), before, after };
        let mut story = Story::begin();
        story.then(
            1,
            Kind::Planned(Plan {
                changes: vec![
                    change("desiredCount", Shown::Value("2".into()), Shown::Value("3".into())),
                    change("environment[KEY]", Shown::Hidden, Shown::Hidden),
                    change("cpu", Shown::Absent, Shown::Value("256".into())),
                ],
                diff: "-a\n+b\n".into(),
            }),
        );
        assert_eq!(
            log_of(&story).split_once('\n').unwrap().1,
            "00:01 3 changes:\n      desiredCount: 2 → 3\n      environment[KEY]: changed (hidden)\n      cpu: (none) → 256\n\
             ::group::Diff of the task definition\n-a\n+b\n::endgroup::\n"
        );
    }

    #[test]
    fn the_plan_is_not_printed_as_json_too() {
        let mut story = Story::begin();
        story.then(0, Kind::PhaseStarted(Phase::Plan));
        story.then(1, Kind::Known { output: Output::Plan, value: "{}".into() });
        assert_eq!(log_of(&story), log_of(&Story::begin()));
    }

    #[test]
    fn the_same_retry_is_told_once() {
        let mut story = Story::begin();
        for second in 1..=3 {
            let operation = "DescribeServices".into();
            story.then(
                second,
                Kind::Retried { operation, why: "Rate exceeded".into(), after: Duration::from_millis(1500) },
            );
        }
        let log = log_of(&story);
        let told = log.lines().filter(|line| line.contains("DescribeServices") && !line.starts_with("::debug::"));
        assert_eq!(told.collect::<Vec<_>>(), ["00:01 ↻ DescribeServices is tried again in 1.5 s: Rate exceeded"]);
        assert_eq!(log.matches("::debug::").count(), 2);
    }

    #[test]
    fn the_evidence_names_the_container_and_the_code() {
        let mut story = Story::begin();
        story.then(
            70,
            Kind::Diagnosed(Diagnosis {
                hints: vec![Hint { code: "command-not-found", hint: "Check `command`.".into(), tasks: 3 }],
                statements: vec!["tasks failed to start".into()],
                logs: Vec::new(),
                stopped: vec![StoppedTasks {
                    count: 3,
                    stop_code: Some("EssentialContainerExited".into()),
                    reason: Some("Essential container in task exited".into()),
                    containers: vec![
                        StoppedContainer {
                            name: "web".into(),
                            exit_code: Some(127),
                            reason: None,
                            health: Some("UNHEALTHY".into()),
                        },
                        StoppedContainer {
                            name: "log".into(),
                            exit_code: None,
                            reason: Some("CannotPullContainerError".into()),
                            health: None,
                        },
                    ],
                }],
                events: vec![],
            }),
        );
        assert_eq!(
            log_of(&story).lines().skip(1).collect::<Vec<_>>(),
            [
                "01:10 What helps:",
                "      Check `command`. (command-not-found, 3 tasks)",
                "01:10 What AWS says about it:",
                "      tasks failed to start",
                "      3 tasks stopped. EssentialContainerExited: Essential container in task exited",
                "        web: exit code 127 (the command was not found). Health: UNHEALTHY.",
                "        log: never ran. CannotPullContainerError",
            ]
        );
    }

    #[test]
    fn the_end_begins_with_the_headline() {
        for (end, expected) in [
            (
                conclusion(Outcome::Unchanged, None, "web:41 runs."),
                "\n00:09 🟰 web:41 runs.\n      because\n      do\n",
            ),
            (conclusion(Outcome::Failed, Some(Cause::Timeout), "A mix runs."), "\n00:09 ❌ A mix runs.\n"),
        ] {
            let mut story = Story::begin();
            story.then(
                9,
                Kind::Concluded(Conclusion { reason: Some("because".into()), advice: Some("do".into()), ..end }),
            );
            assert_eq!(log_of(&story).split_once('\n').unwrap().1, expected);
        }
    }

    #[test]
    fn nothing_from_outside_is_carried_out_by_the_runner() {
        let mut story = Story::begin();
        story.then(1, Kind::Said { at: jiff::Timestamp::UNIX_EPOCH, message: "x\n::error::y ##[error]z".into() });
        assert!(log_of(&story).ends_with("00:01 › x ::error::y ## [error]z\n"));
    }
}
