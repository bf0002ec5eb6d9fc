use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::texts::{OF_CONTAINERS, OF_EVENTS, OF_EXITS, OF_TASKS};
use super::*;
use crate::cycle::{Cause, StoppedContainer};

fn task(reason: &str) -> StoppedTasks {
    let stop_code = Some("TaskFailedToStart".to_owned());
    StoppedTasks { count: 1, stop_code, reason: Some(reason.to_owned()), containers: vec![] }
}

fn container(exit_code: Option<i32>, reason: Option<&str>) -> StoppedContainer {
    StoppedContainer { name: "web".into(), exit_code, reason: reason.map(str::to_owned), health: None }
}

fn ended(containers: Vec<StoppedContainer>) -> StoppedTasks {
    StoppedTasks {
        count: 1,
        stop_code: Some("EssentialContainerExited".into()),
        reason: Some("Essential container in task exited".into()),
        containers,
    }
}

fn of_tasks(tasks: &[StoppedTasks]) -> Vec<Hint> {
    hints(tasks, std::iter::empty())
}

#[track_caller]
fn assert_one(found: &[Hint], code: &str, word: &str, told: &str) {
    assert_eq!(found.iter().map(|hint| hint.code).collect::<Vec<_>>(), [code], "{told}");
    assert!(found[0].hint.contains(word), "{} does not say {word}", found[0].hint);
    assert!(!found[0].hint.contains("{}"), "{}", found[0].hint);
}

#[test]
fn every_known_text_of_a_task_has_its_hint() {
    for (told, code, word) in OF_TASKS {
        assert_one(&of_tasks(&[task(told)]), code, word, told);
    }
}

#[test]
fn every_known_text_of_a_container_has_its_hint() {
    for (told, code, word) in OF_CONTAINERS {
        assert_one(&of_tasks(&[ended(vec![container(Some(137), Some(told))])]), code, word, told);
    }
}

/// A task that cannot start is told in an event, too, in the same words.
#[test]
fn every_known_text_of_an_event_has_its_hint() {
    for (told, code, word) in OF_EVENTS.iter().chain(OF_TASKS) {
        assert_one(&hints(&[], [*told].into_iter()), code, word, told);
    }
}

#[test]
fn every_known_exit_code_has_its_hint() {
    for (exit_code, code, word) in OF_EXITS {
        let found = of_tasks(&[ended(vec![container(Some(*exit_code), None)])]);
        assert_one(&found, code, word, &exit_code.to_string());
    }
}

#[test]
fn every_row_is_a_pattern_and_is_met_by_a_text() {
    assert_eq!(ROWS.len(), CATALOGUE.len(), "a pattern is none");
    let met = |row: &&Row| {
        let texts = OF_TASKS.iter().chain(OF_CONTAINERS).chain(OF_EVENTS).map(|(told, ..)| *told);
        let by_exit = OF_EXITS
            .iter()
            .any(|(exit_code, ..)| row.explains(&ended(vec![container(Some(*exit_code), None)])).is_some());
        by_exit || texts.into_iter().any(|told| row.is_in(told))
    };
    let unmet: Vec<_> = ROWS.iter().filter(|row| !met(row)).map(|row| row.cause.code).collect();
    assert_eq!(unmet, [""; 0]);
}

#[test]
fn what_is_not_known_has_no_hint() {
    for told in [
        "",
        "Scaling activity initiated by (deployment ecs-svc/0042)",
        "Essential container in task exited",
        "InternalError: something new",
        "ResourceInitializationError: something new",
        "(service web) has started 2 tasks: (task 6b1f0c) (task 77aa01).",
        "(service web) has reached a steady state.",
        "(service web) (deployment ecs-svc/0042) deployment completed.",
        "(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1)",
        "(service web) (deployment ecs-svc/0042) deployment failed: tasks failed to start.",
        "(service web) is unable to consistently start tasks successfully.",
        "Service deployment rolled back because the circuit breaker threshold was exceeded.",
    ] {
        assert_eq!(hints(&[task(told)], [told].into_iter()), [], "{told}");
    }
    assert_eq!(of_tasks(&[ended(vec![container(None, None), container(Some(143), None)])]), []);
}

#[test]
fn a_code_with_which_a_container_was_stopped_from_outside_is_not_its_own() {
    let stopped =
        StoppedTasks { containers: vec![container(Some(137), None)], ..task("Task failed container health checks") };
    assert_one(&of_tasks(&[stopped]), "container-health-check", "`startPeriod`", "a health check");
    let scaled_in = StoppedTasks { containers: vec![container(Some(1), None)], ..task("Scaling activity") };
    assert_eq!(of_tasks(&[scaled_in]), []);
}

#[test]
fn of_one_task_the_most_special_cause_counts() {
    let sidecar = StoppedContainer { name: "log".into(), ..container(Some(137), None) };
    for (main, code) in [
        (container(Some(1), None), "exited-with-error"),
        (container(Some(127), None), "command-not-found"),
        (container(Some(137), Some("OutOfMemoryError: Container killed due to memory usage")), "out-of-memory"),
    ] {
        assert_one(&of_tasks(&[ended(vec![sidecar.clone(), main])]), code, "`web`", code);
    }
}

#[test]
fn the_most_frequent_comes_first_and_a_code_comes_once() {
    let times = |count, tasks: StoppedTasks| StoppedTasks { count, ..tasks };
    let out_of_memory = || ended(vec![container(Some(137), Some("OutOfMemoryError"))]);
    let stopped =
        [times(2, ended(vec![container(Some(1), None)])), times(1, out_of_memory()), times(4, out_of_memory())];
    let event = "(service web) operations are being throttled. Will try again later.";

    let found = hints(&stopped, [event, event].into_iter());

    let told: Vec<_> = found.iter().map(|hint| (hint.code, hint.tasks)).collect();
    assert_eq!(told, [("out-of-memory", 5), ("exited-with-error", 2), ("ecs-throttled", 0)]);
}

#[test]
fn nobody_is_drowned_in_hints() {
    let events = OF_EVENTS.iter().map(|(told, ..)| *told);
    assert_eq!(hints(&[], events).len(), MAX_HINTS);
}

proptest! {
    /// Whatever is said, a hint is what the catalogue says and at most a name.
    #[test]
    fn nothing_from_outside_but_a_name_gets_into_a_hint(hostile in "\\PC{0,40}|[`\\n<|:%a/]{0,40}") {
        let told = format!("CannotPullContainerError: failed to resolve ref {hostile} not found");
        let mut named = task(&told);
        named.containers = vec![StoppedContainer { name: hostile.clone(), ..container(Some(1), Some("OutOfMemoryError")) }];
        for hint in of_tasks(std::slice::from_ref(&named)).into_iter().chain(hints(&[], [told.as_str()].into_iter())) {
            let row = CATALOGUE.iter().find(|cause| cause.code == hint.code && {
                let (before, after) = cause.hint.split_once("{}").unwrap_or((cause.hint, ""));
                hint.hint.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|name| {
                    name.is_empty() || name.strip_prefix(" `").and_then(|name| name.strip_suffix('`')).is_some_and(is_name)
                })
            });
            prop_assert!(row.is_some(), "{}", hint.hint);
        }
    }
}

#[test]
fn every_code_has_its_section_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/troubleshooting.md");
    let document = fs::read_to_string(path).unwrap();
    let headings: Vec<&str> =
        document.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();

    let causes = Cause::ALL.iter().map(|cause| cause.as_str());
    let hints: Vec<&str> = CATALOGUE.iter().map(|cause| cause.code).collect();
    let of_endpoints = crate::targets::sagemaker_endpoint::known_causes::CAUSES.iter().map(|(code, _, _)| *code);
    let codes: BTreeSet<&str> = causes.chain(hints).chain(of_endpoints).collect();

    assert_eq!(headings.iter().copied().collect::<BTreeSet<_>>(), codes);
    assert_eq!(headings.len(), codes.len(), "a heading is there twice");
}

#[test]
fn codes_are_words_and_none_is_a_cause_of_the_outcome() {
    for cause in CATALOGUE {
        assert!(
            cause.code.chars().all(|character| character.is_ascii_lowercase() || character == '-'),
            "{}",
            cause.code
        );
        assert!(Cause::ALL.iter().all(|outcome| outcome.as_str() != cause.code), "{}", cause.code);
        assert!(cause.hint.ends_with('.') && cause.hint.matches(". ").count() <= 1, "{}: {}", cause.code, cause.hint);
    }
}
