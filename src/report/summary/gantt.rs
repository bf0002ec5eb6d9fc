//! The time line: a Mermaid Gantt chart, which GitHub draws.

use jiff::Timestamp;

use super::markdown::fence;
use crate::cycle::{Outcome, Phase};
use crate::report::record::{Record, Span};
use crate::report::words::spoken;

/// A chart of what took how long; nothing when there is nothing to see.
///
/// The times are moments, not distances: Mermaid prints them in the reader's own time zone, and a distance from zero would
/// be off by half an hour in India.
pub(super) fn chart(record: &Record) -> Option<String> {
    let (rollback, forward): (Vec<_>, Vec<_>) = record.phases.iter().partition(|span| span.phase == Phase::Rollback);
    // Less than a second is less than what the axis shows.
    let seen = record.phases.iter().any(|span| span.took(record.last).as_secs() > 0);
    if !seen {
        return None;
    }
    let failed = failed_phase(record, &forward);
    let mut lines = vec!["gantt".to_owned(), "dateFormat x".to_owned(), "axisFormat %H:%M:%S".to_owned()];
    lines.push("section Deployment".to_owned());
    lines.extend(forward.iter().map(|span| bar(span, record.last, failed == Some(span.phase))));
    if let Some(at) = record.first_failure {
        lines.push(milestone("First failed task", at));
    }
    if !rollback.is_empty() {
        let failed = record.outcome() == Some(Outcome::RollbackFailed);
        lines.push("section Rollback".to_owned());
        lines.extend(rollback.iter().map(|span| bar(span, record.last, failed)));
    }
    Some(fence("mermaid", &lines.join("\n    ")))
}

/// The phase in which it came to light that the rollout fails: the last one before the rollback.
fn failed_phase(record: &Record, forward: &[&Span]) -> Option<Phase> {
    let failed = record.conclusion.as_ref().is_none_or(|conclusion| conclusion.exit_code() != 0);
    forward.last().map(|span| span.phase).filter(|_| failed)
}

fn bar(span: &Span, last: Timestamp, is_critical: bool) -> String {
    let tag = match span.phase {
        _ if is_critical => "crit, ",
        Phase::Wait | Phase::Rollback => "active, ",
        _ => "done, ",
    };
    let ended = span.ended.unwrap_or(last).as_millisecond();
    let label = format!("{} {}", span.phase.as_str(), spoken(span.took(last)));
    format!("{} :{tag}{}, {ended}", plain(&label), span.began.as_millisecond())
}

fn milestone(label: &str, at: Timestamp) -> String {
    format!("{} :milestone, crit, {}, 0d", plain(label), at.as_millisecond())
}

/// Mermaid ends a label at a colon, a statement at a semicolon, and takes `#` and `%%` for more than text: a label has
/// none of them.
fn plain(label: &str) -> String {
    label
        .chars()
        .map(|character| if character.is_alphanumeric() || character == '.' { character } else { ' ' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Cause, Kind, Progress};
    use crate::report::record::Record;
    use crate::report::testing::{Story, conclusion};

    fn chart_of(story: &Story) -> Option<String> {
        let mut record = Record::default();
        story.events().iter().for_each(|event| record.take(event));
        chart(&record)
    }

    fn rolled_back(outcome: Outcome) -> Story {
        let mut story = Story::begin();
        story.then(0, Kind::PhaseStarted(Phase::Update));
        story.then(2, Kind::PhaseFinished(Phase::Update));
        story.then(3, Kind::PhaseStarted(Phase::Wait));
        let progress = Progress { desired: 1, failed: 1, old: 1, ..Progress::default() };
        story.then(5, Kind::Progressed(progress.clone()));
        story.then(6, Kind::Progressed(progress));
        story.then(9, Kind::PhaseStarted(Phase::Rollback));
        story.then(19, Kind::Concluded(conclusion(outcome, Some(Cause::TasksFailing), "x")));
        story
    }

    #[test]
    fn phases_are_bars_at_their_real_times() {
        assert_eq!(
            chart_of(&rolled_back(Outcome::RolledBack)).unwrap(),
            "```mermaid\ngantt\n    dateFormat x\n    axisFormat %H:%M:%S\n    section Deployment\n    \
             Update 2.0 s :done, 1800000000000, 1800000002000\n    Wait 6.0 s :crit, 1800000003000, 1800000009000\n    \
             First failed task :milestone, crit, 1800000005000, 0d\n    section Rollback\n    \
             Rollback 10 s :active, 1800000009000, 1800000019000\n```\n"
        );
    }

    #[test]
    fn a_rollback_that_failed_is_critical() {
        assert!(chart_of(&rolled_back(Outcome::RollbackFailed)).unwrap().contains("Rollback 10 s :crit, "));
    }

    #[test]
    fn a_run_of_an_instant_has_no_time_line() {
        let mut story = Story::begin();
        story.then(0, Kind::PhaseStarted(Phase::Capture));
        story.then(0, Kind::Concluded(conclusion(Outcome::Refused, None, "x")));
        assert_eq!(chart_of(&story), None);
    }

    #[test]
    fn a_label_is_only_words() {
        assert_eq!(plain("a:b;c#d%%e\nf 1.5"), "a b c d  e f 1.5");
    }
}
