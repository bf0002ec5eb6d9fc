//! `action.yml`, the code and the tables in `README.md` say the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::{env, fs};

use ecs_deploy_action::cycle::{Outcome, Output};
use ecs_deploy_action::runner::Inputs;
use serde_yaml::{Mapping, Value};

const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#brandingcolor>
const COLORS: [&str; 8] = ["white", "black", "yellow", "blue", "green", "orange", "red", "purple"];

fn action() -> Value {
    serde_yaml::from_str(&fs::read_to_string(ACTION).unwrap()).unwrap()
}

fn section(name: &str) -> Mapping {
    action()[name].as_mapping().unwrap().clone()
}

fn names(name: &str) -> BTreeSet<String> {
    section(name).keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_input_is_read_and_every_one_that_is_read_is_described() {
    let read: BTreeSet<String> = Inputs::names().iter().map(|&name| name.to_owned()).collect();

    assert_eq!(names("inputs"), read);
}

#[test]
fn every_output_is_written_and_every_one_that_is_written_is_described() {
    let written: BTreeSet<String> = Output::ALL.iter().map(|output| output.as_str().to_owned()).collect();

    assert_eq!(names("outputs"), written);
}

#[test]
fn every_description_says_something() {
    for name in ["inputs", "outputs"] {
        for (key, entry) in section(name) {
            let description = entry["description"].as_str().unwrap_or_default();
            assert!(description.len() > 15 && description.ends_with('.'), "{key:?}: {description}");
        }
    }
    let outcome = section("outputs")["outcome"]["description"].as_str().unwrap().to_owned();
    for known in Outcome::ALL {
        assert!(outcome.contains(&format!("`{known}`")), "{known} is not described");
    }
}

#[test]
fn every_default_is_the_one_of_the_code() {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let defaults: Vec<(String, String)> = section("inputs")
        .iter()
        .filter_map(|(key, entry)| {
            // What GitHub fills in is not for the code to know.
            let default = entry.get("default")?.as_str().filter(|default| !default.starts_with("${{"))?;
            Some((format!("INPUT_{}", key.as_str().unwrap().to_uppercase()), default.to_owned()))
        })
        .collect();
    let service = [("INPUT_SERVICE".to_owned(), "web".to_owned())];

    let spec = |pairs: &[(String, String)]| {
        let environment = ecs_deploy_action::runner::Environment::new(pairs.iter().cloned());
        let (inputs, _) = Inputs::read(&environment).unwrap();
        ecs_deploy_action::spec::Spec::from_inputs(&inputs, workspace).unwrap()
    };

    assert!(defaults.len() > 5);
    assert_eq!(spec(&[&service[..], &defaults[..]].concat()), spec(&service));
}

#[test]
fn github_can_show_and_run_it() {
    let action = action();

    assert!(COLORS.contains(&action["branding"]["color"].as_str().unwrap()));
    assert!(action["branding"]["icon"].as_str().is_some_and(|icon| !icon.is_empty()));
    // The Marketplace cuts a description after 125 characters.
    assert!(action["description"].as_str().unwrap().chars().count() <= 125);
    assert_eq!(action["runs"]["using"].as_str(), Some("docker"));
}

/// `UPDATE_README=1 cargo test --test action_yml` writes the tables instead of comparing them.
#[test]
fn the_readme_has_the_same_tables() {
    let before = fs::read_to_string(README).unwrap();

    let after = with_table(&with_table(&before, "inputs", &inputs_table()), "outputs", &outputs_table());

    if env::var_os("UPDATE_README").is_some() {
        fs::write(README, after).unwrap();
    } else {
        assert!(before == after, "run `UPDATE_README=1 cargo test --test action_yml` and commit README.md");
    }
}

fn with_table(readme: &str, name: &str, table: &str) -> String {
    let (start, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (head, rest) = readme.split_once(&start).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    format!("{head}{start}\n\n{table}\n{end}{tail}")
}

fn inputs_table() -> String {
    let mut table = "| input | meaning | default |\n|---|---|---|\n".to_owned();
    for (key, entry) in section("inputs") {
        let required = if entry.get("required").is_some() { "**Required.** " } else { "" };
        let default = entry.get("default").map(|value| format!("`{}`", value.as_str().unwrap())).unwrap_or_default();
        table += &format!("| `{}` | {required}{} | {default} |\n", key.as_str().unwrap(), cell(&entry));
    }
    table
}

fn outputs_table() -> String {
    let mut table = "| output | meaning |\n|---|---|\n".to_owned();
    for (key, entry) in section("outputs") {
        table += &format!("| `{}` | {} |\n", key.as_str().unwrap(), cell(&entry));
    }
    table
}

fn cell(entry: &Value) -> String {
    entry["description"].as_str().unwrap().replace('|', "\\|")
}
