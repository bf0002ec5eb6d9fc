//! What the documents for users name exists: tests and inputs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ecs_deploy_action::runner::Inputs;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The rows of the tables in a document, less the heads, as cells.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = document.lines().collect();
    let is_rule = |line: &str| line.starts_with('|') && line.chars().all(|c| "|:- ".contains(c));
    lines
        .iter()
        .enumerate()
        .filter(|(at, line)| {
            let is_head = lines.get(at + 1).is_some_and(|next| is_rule(next));
            line.starts_with('|') && !is_rule(line) && !is_head
        })
        .map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether there is a test, or a course of the harness, of that name in that file, or in the folder of that name.
fn is_test(file: &str, name: &str) -> bool {
    let files =
        ["src/spec", "src/spec/task_definition", "tests"].map(|folder| root().join(folder).join(format!("{file}.rs")));
    let folder = fs::read_dir(root().join("tests").join(file)).into_iter().flatten();
    let inside: Vec<PathBuf> = files.into_iter().chain(folder.map(|entry| entry.unwrap().path())).collect();
    inside.iter().filter_map(|path| fs::read_to_string(path).ok()).any(|text| {
        let is_course = |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
        text.contains(&format!("fn {name}(")) || text.contains("courses!") && text.lines().any(is_course)
    })
}

#[test]
fn every_feature_names_tests_that_exist_or_says_that_it_is_missing() {
    let document = read("docs/features.md");
    let rows = rows(&document);
    assert!(rows.len() > 40, "{} rows", rows.len());

    for row in rows {
        let [feature, how, shown] = row[..] else { panic!("{row:?}") };
        assert!(!how.is_empty(), "{feature}");
        if shown == "not yet" {
            continue;
        }
        let tests: Vec<(&str, &str)> = code(shown).filter_map(|test| test.split_once("::")).collect();
        assert!(!tests.is_empty(), "{feature} is shown by nothing");
        for (file, name) in tests {
            assert!(is_test(file, name), "{feature}: there is no test {file}::{name}");
        }
    }
}

#[test]
fn every_input_of_the_official_actions_has_its_row_and_every_one_of_ours_that_is_named_exists() {
    let document = read("docs/migrating.md");
    let known: BTreeSet<&str> = Inputs::names().iter().copied().collect();
    let mut official = 0;

    for row in rows(&document) {
        if let [there, here, judgement] = row[..] {
            official += 1;
            let verdict =
                ["same", "better: ", "not needed: ", "not yet"].iter().any(|word| judgement.starts_with(word));
            assert!(verdict, "{there}: {judgement}");
            assert_eq!(here.is_empty(), judgement == "not yet" || there == "`wait-max-delay-seconds`", "{there}");
            for input in code(here) {
                assert!(known.contains(input), "{there}: there is no input {input}");
            }
            let same = there.trim_matches('`').to_lowercase();
            assert!(
                !known.contains(same.as_str()) || !here.is_empty(),
                "{there} has come: its row says that it is missing"
            );
        } else if let [_, here] = row[..] {
            for input in code(here).filter_map(|code| code.split(':').next()) {
                let is_input =
                    |name: &str| name.contains('-') && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                assert!(
                    !is_input(input) || input.starts_with('-') || known.contains(input),
                    "there is no input {input}"
                );
            }
        }
    }
    // 32 of the deploy action, 15 of the render action.
    assert_eq!(official, 47);

    let steps = document.split("uses: org/ecs-deploy-action@v1").skip(1);
    let mut named = 0;
    for step in steps {
        let with = step.split("```").next().unwrap();
        for line in with.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
            let input = line.trim().split(':').next().unwrap();
            assert!(known.contains(input), "there is no input {input}");
            named += 1;
        }
    }
    assert!(named > 15, "{named}");
}
