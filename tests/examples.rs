//! The examples, and the snippets in the documents, ask for what there is: inputs, values and outputs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ecs_deploy_action::runner::{Environment, Inputs};
use ecs_deploy_action::spec::{Asked, InputError};
use regex_lite::Regex;
use serde_yaml::{Mapping, Value};

const US: &str = "org/ecs-deploy-action@v1";

/// What stands in the place of an expression, by its last word. One that is missing here makes a test fail: what kind of value
/// an input gets should be known.
const SAMPLES: [(&str, &str); 41] = [
    ("ACCOUNT", "111122223333"),
    ("PRODUCTION_ACCOUNT", "111122223333"),
    ("ARTIFACTS", "artifacts"),
    ("AWS_REGION", "eu-west-1"),
    ("CLUSTER", "production"),
    ("DATABASE_URL_SECRET", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:web/database-url-a1b2c3"),
    ("DEPLOY_ROLE", "arn:aws:iam::111122223333:role/deploy"),
    ("ECR_IMAGE_URI", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model:1"),
    ("ECR_REPOSITORY", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web"),
    ("ENDPOINT_PROD", "bikeshare-production"),
    ("ENDPOINT_STAGING", "bikeshare-staging"),
    ("GPU_CHECK_ROLE", "arn:aws:iam::111122223333:role/gpu-check"),
    ("HEALTH_CHECK_URL", "https://web.example.com/health"),
    ("IMAGE", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:next"),
    ("INSTANCE_STAGING", "ml.m5.large"),
    ("MODEL_PACKAGE_GROUP", "retail-models"),
    ("PLAN_ROLE", "arn:aws:iam::111122223333:role/plan"),
    ("PRODUCTION_URL", "https://web.example.com/health"),
    ("REGISTRY", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"),
    ("REGISTRY_ROLE", "arn:aws:iam::111122223333:role/registry"),
    ("S3_MODEL_TAR", "s3://models/bikeshare/model.tar.gz"),
    ("SERVICE", "web"),
    ("SERVING_IMAGE", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model:1"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
    ("SM_EXECUTION_ROLE_ARN", "arn:aws:iam::111122223333:role/sagemaker"),
    ("container-name", "web"),
    ("cuda", "12.1.0"),
    ("digest", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("driver", "535.54.03"),
    ("environment", "production"),
    ("image", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:next"),
    ("pause-hook", "hook-1"),
    ("pytorch", "2.4.0"),
    ("role-to-assume", "arn:aws:iam::111122223333:role/deploy"),
    ("run_id", "1658821493"),
    ("service", "web"),
    ("sha", "ffac537e6cbbf934b08745a378932722df287a53"),
    ("slack-webhook-url", "https://hooks.slack.com/services/T/B/x"),
    ("status", "success"),
    ("to", "previous"),
    ("token", "ghs_token"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
    files.sort();
    files
}

/// Every example: workflows, and the composite action.
fn paths() -> Vec<PathBuf> {
    [files("examples/workflows", "yml"), vec![root().join("examples/composite-action/action.yml")]].concat()
}

/// Every example, with the name of its file.
fn examples() -> Vec<(String, Value)> {
    let read = |path: &PathBuf| serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    paths().iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), read(path))).collect()
}

/// The blocks of YAML in the documents that have a step of ours.
fn snippets() -> Vec<(String, Value)> {
    let mut paths = files("docs", "md");
    paths.push(root().join("README.md"));
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            if block.contains(US) {
                found.push((
                    name.clone(),
                    serde_yaml::from_str(block).unwrap_or_else(|error| panic!("{name}: {error}")),
                ));
            }
        }
    }
    found
}

/// The steps of ours, wherever they are.
fn steps(value: &Value) -> Vec<&Mapping> {
    match value {
        Value::Mapping(mapping) if mapping.get("uses").and_then(Value::as_str) == Some(US) => vec![mapping],
        Value::Mapping(mapping) => mapping.values().flat_map(steps).collect(),
        Value::Sequence(items) => items.iter().flat_map(steps).collect(),
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        other => panic!("{other:?} is no value of an input"),
    }
}

/// A value with its expressions replaced.
fn evaluated(file: &str, value: &str) -> String {
    let expression = Regex::new(r"\$\{\{\s*(.*?)\s*\}\}").unwrap();
    let sample = |found: &regex_lite::Captures<'_>| {
        let last = found[1].rsplit('.').next().unwrap().to_owned();
        let known = SAMPLES.iter().find(|(name, _)| *name == last);
        known.unwrap_or_else(|| panic!("{file}: what is {}?", &found[0])).1.to_owned()
    };
    expression.replace_all(value, sample).into_owned()
}

/// The defaults of `action.yml` and what the step says, as the runner hands it over.
fn inputs(file: &str, step: &Mapping) -> Inputs {
    let action: Value = serde_yaml::from_str(&fs::read_to_string(root().join("action.yml")).unwrap()).unwrap();
    let defaults = action["inputs"].as_mapping().unwrap().iter();
    let mut values: BTreeMap<String, String> = defaults
        .filter_map(|(name, entry)| Some((text(name), evaluated("action.yml", entry.get("default")?.as_str()?))))
        .collect();
    for (name, value) in step.get("with").and_then(Value::as_mapping).into_iter().flatten() {
        values.insert(text(name), evaluated(file, &text(value)));
    }
    let variables = values.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value.clone()));
    Inputs::read(&Environment::new(variables)).unwrap().0
}

fn names_of_outputs() -> BTreeSet<String> {
    let action: Value = serde_yaml::from_str(&fs::read_to_string(root().join("action.yml")).unwrap()).unwrap();
    action["outputs"].as_mapping().unwrap().keys().map(text).collect()
}

#[test]
fn every_input_exists_and_every_value_is_right() {
    let known: BTreeSet<&str> = Inputs::names().iter().copied().collect();
    let workspace = tempfile::tempdir().unwrap();
    fs::write(workspace.path().join("evaluation.json"), r#"{"accuracy": 0.87, "f1": 0.79}"#).unwrap();
    let mut checked = 0;
    for (file, document) in examples().into_iter().chain(snippets()) {
        for step in steps(&document) {
            let with = step.get("with").and_then(Value::as_mapping);
            for name in with.into_iter().flat_map(Mapping::keys).map(text) {
                assert!(known.contains(name.as_str()), "{file}: there is no input {name}");
            }
            let inputs = inputs(&file, step);
            // Files of the one who copies the example.
            let files = [
                &inputs.task_definition,
                &inputs.codedeploy_appspec,
                &inputs.smoke_test_payload_file,
                &inputs.model_metrics,
            ];
            for name in files {
                if let Some(name) = name.as_ref().filter(|name| name.contains('.')) {
                    let ours = match name {
                        name if name.contains("appspec") => "appspec.yaml",
                        name if name.contains("evaluation") => "evaluation.json",
                        _ => "task-definition.json",
                    };
                    let there = workspace.path().join(name);
                    fs::create_dir_all(there.parent().unwrap()).unwrap();
                    fs::copy(root().join("examples").join(ours), there).unwrap();
                }
            }
            let errors = Asked::from_inputs(&inputs, workspace.path()).err().unwrap_or_default();
            // A snippet need not say where to deploy.
            let counts = |error: &&InputError| !(file.ends_with(".md") && error.input == "service");
            assert_eq!(errors.iter().find(counts), None, "{file}");
            checked += 1;
        }
    }
    assert!(checked > 25, "only {checked} steps were found");
}

#[test]
fn every_output_that_is_used_exists() {
    let ours = names_of_outputs();
    let used = Regex::new(r"steps\.([\w-]+)\.outputs\.([\w-]+)").unwrap();
    let mut checked = 0;
    for (file, document) in examples() {
        let ids: BTreeSet<String> = steps(&document).iter().filter_map(|step| step.get("id")).map(text).collect();
        for found in used.captures_iter(&serde_yaml::to_string(&document).unwrap()) {
            if ids.contains(&found[1]) {
                assert!(ours.contains(&found[2]), "{file}: there is no output {}", &found[2]);
                checked += 1;
            }
        }
    }
    assert!(checked > 8, "only {checked} were found");
}

#[test]
fn every_example_permits_itself_what_it_needs_and_queues_what_it_changes() {
    for (file, workflow) in examples() {
        let Some(jobs) = workflow.get("jobs").and_then(Value::as_mapping) else { continue };
        assert_eq!(workflow["permissions"], Value::Mapping(Mapping::new()), "{file} begins with more than it needs");
        for (name, job) in jobs {
            let permits = |what: &str, how: &str| job["permissions"][what].as_str() == Some(how);
            for step in steps(job) {
                let inputs = inputs(&file, step);
                let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
                let wants = |input: &Option<String>, what, how| input.is_none() || permits(what, how);
                assert!(wants(&inputs.role_to_assume, "id-token", "write"), "{file}: {name:?} asks for an ID token");
                assert!(!is(&inputs.github_deployment, "true") || permits("deployments", "write"), "{file}: {name:?}");
                assert!(!is(&inputs.commit_status, "true") || permits("statuses", "write"), "{file}: {name:?}");
                assert!(is(&inputs.comment_on_pr, "never") || permits("pull-requests", "write"), "{file}: {name:?}");
                let changes =
                    !["plan", "report", "iam-policy", "run-task", "validate"].iter().any(|mode| is(&inputs.mode, mode));
                let queue = job.get("concurrency").or_else(|| workflow.get("concurrency"));
                let waits = queue.is_some_and(|queue| queue["cancel-in-progress"] == Value::Bool(false));
                assert!(!changes || waits, "{file}: a deployment of {name:?} can be cut off by the next");
            }
        }
    }
}
