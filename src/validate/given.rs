//! The inputs of a step, of which some are known only when the workflow runs.
//!
//! An expression is given, but unknown: another value stands in for it, and what is then wrong with that very input is not told.
//! Where other inputs hang on an unknown one, such as `mode`, all of its values are tried, and only what is wrong with each of them
//! is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::document::Node;
use super::expression;
use crate::runner::{Environment, Inputs};
use crate::spec::{Asked, InputError, Source};

/// What a step gives.
#[derive(Clone)]
pub(super) struct Given {
    values: BTreeMap<String, String>,
    unknown: BTreeSet<String>,
    /// Those of the unknown that an expression gives, so that they may turn out to be blank.
    expressions: BTreeSet<String>,
    token_is_another: bool,
}

/// What `action.yml` lets GitHub fill in.
const TOKEN: &str = "github-token";

/// What stands in for a whole value, where not any text will do.
const STAND_INS: [(&str, &str); 5] =
    [("task-role-arn", ROLE), ("execution-role-arn", ROLE), ("cpu", "256"), ("memory", "512"), ("to", "previous")];
const ROLE: &str = "arn:aws:iam::123456789012:role/unknown";

/// Inputs that say which others have a meaning, and what they can say.
const DECISIVE: [(&str, &[&str]); 5] = [
    (
        "mode",
        &[
            "deploy",
            "plan",
            "rollback",
            "promote",
            "continue",
            "run-task",
            "register-model",
            "iam-policy",
            "report",
            "validate",
        ],
    ),
    ("iam-policy-for", &["deploy", "plan", "rollback", "promote", "continue", "run-task", "register-model"]),
    ("deployment-strategy", &["rolling", "blue-green", "linear", "canary", "all-at-once"]),
    ("run-task", &["true", "false"]),
    ("wait-for-service-stability", &["true", "false"]),
];

/// Modes in which whatever is said about a deployment is overlooked.
const NOT_DEPLOYING: [&str; 2] = ["report", "validate"];

/// Files that an earlier step may make.
const FILES: [&str; 3] = ["codedeploy-appspec", "smoke-test-payload-file", "model-metrics"];

impl Given {
    /// What stands under `with:`.
    pub(super) fn of(with: &[(Node, Node)]) -> Self {
        let mut given = Self {
            values: BTreeMap::new(),
            unknown: BTreeSet::new(),
            expressions: BTreeSet::new(),
            token_is_another: false,
        };
        given.add(TOKEN, "${{ github.token }}");
        for (name, value) in with {
            if let (Some(name), Some(value)) = (name.raw(), value.text()) {
                given.token_is_another |= name.eq_ignore_ascii_case(TOKEN) && !is_of_the_job(&value);
                given.add(&name.to_ascii_lowercase(), value.trim());
            }
        }
        given
    }

    fn add(&mut self, input: &str, value: &str) {
        let whole = || STAND_INS.into_iter().find(|(name, _)| *name == input).map(|(_, stand_in)| stand_in.to_owned());
        let is_a_file = FILES.contains(&input) && !value.starts_with("s3://")
            || input == "task-definition" && Source::is_a_file(value);
        let known = if expression::is_in(value) {
            self.expressions.insert(input.to_owned());
            whole().unwrap_or_else(|| expression::filled(value, &stand_in(input)))
        } else if is_a_file {
            // Looked at by itself, where there is a repository to look into.
            stand_in(input)
        } else {
            self.unknown.remove(input);
            self.expressions.remove(input);
            self.values.insert(input.to_owned(), value.to_owned());
            return;
        };
        self.unknown.insert(input.to_owned());
        self.values.insert(input.to_owned(), known);
    }

    /// The value of an input that is known, and is not blank.
    pub(super) fn known(&self, input: &str) -> Option<&str> {
        self.value(input).filter(|_| !self.is_unknown(input))
    }

    /// Whether an input is given, known or not.
    pub(super) fn has(&self, input: &str) -> bool {
        self.value(input).is_some()
    }

    /// Whether an input is given, and its value is not known.
    pub(super) fn is_unknown(&self, input: &str) -> bool {
        self.unknown.contains(input)
    }

    /// Whether an input is known to be `true`.
    pub(super) fn is_true(&self, input: &str) -> bool {
        self.known(input).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn value(&self, input: &str) -> Option<&str> {
        self.values.get(input).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The mode, in small letters; `None` when it is not known.
    pub(super) fn mode(&self) -> Option<String> {
        if self.is_unknown("mode") {
            return None;
        }
        let is_a_task = self.has("run-task") && !self.has("service") && !self.has("endpoint-name");
        let default = if is_a_task { "run-task" } else { "deploy" };
        Some(self.known("mode").unwrap_or(default).to_ascii_lowercase())
    }

    /// Whether GitHub is told with another token than the job's.
    pub(super) fn has_another_token(&self) -> bool {
        self.token_is_another
    }

    /// The inputs, with stand-ins for what is not known.
    pub(super) fn inputs(&self) -> Inputs {
        inputs(&self.values)
    }

    /// What is wrong with them, whatever is not known.
    pub(super) fn errors(&self) -> Vec<InputError> {
        let is_about_a_stand_in = |error: &InputError| {
            self.is_unknown(error.input) || self.unknown.iter().any(|input| error.problem.contains(&stand_in(input)))
        };
        let mut wrong = self.wrong_whatever_decides();
        wrong.retain(|error| !is_about_a_stand_in(error));
        // What is said of a known input can be due to an unknown one: that its stand-in does not fit, or that it is there at all.
        for input in &self.expressions {
            if wrong.is_empty() {
                break;
            }
            let mut without = self.clone();
            without.values.remove(input);
            without.unknown.remove(input);
            let still = without.wrong_whatever_decides();
            wrong.retain(|error| still.contains(error));
        }
        wrong
    }

    /// What is wrong with them and with the stand-ins, whatever the decisive ones are where they are not known.
    fn wrong_whatever_decides(&self) -> Vec<InputError> {
        // Those files that are named have stand-ins, and no others are looked for.
        let nowhere = Path::new("/dev/null");
        let mut wrong: Option<Vec<InputError>> = None;
        for values in self.possibilities() {
            let errors = Asked::from_inputs(&inputs(&values), nowhere).err().unwrap_or_default();
            wrong = Some(match wrong {
                None => errors,
                Some(before) => before.into_iter().filter(|error| errors.contains(error)).collect(),
            });
        }
        wrong.unwrap_or_default()
    }

    /// The inputs with each value that a decisive one can have, where that is not known.
    fn possibilities(&self) -> Vec<BTreeMap<String, String>> {
        let mut all = vec![self.values.clone()];
        for (input, words) in DECISIVE.into_iter().filter(|(input, _)| self.is_unknown(input)) {
            let with = |word: &&str| {
                let mut values = all.clone();
                for values in &mut values {
                    values.insert(input.to_owned(), (*word).to_owned());
                }
                values
            };
            let is_about_deployments = self.has("service") || self.has("endpoint-name");
            let can_be = |word: &&&str| !(is_about_deployments && NOT_DEPLOYING.contains(word));
            all = words.iter().filter(can_be).flat_map(with).collect();
        }
        all
    }
}

/// The two names of the job's own token.
fn is_of_the_job(token: &str) -> bool {
    let inside: String = token.chars().filter(|character| !character.is_whitespace()).collect();
    ["${{github.token}}", "${{secrets.github_token}}"].contains(&inside.to_ascii_lowercase().as_str())
}

/// A name, as nobody gives it.
fn stand_in(input: &str) -> String {
    format!("unknown-{input}")
}

fn inputs(values: &BTreeMap<String, String>) -> Inputs {
    let pairs = values.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value));
    // The environment holds texts only, so they can be read.
    Inputs::read(&Environment::new(pairs)).map(|(inputs, _)| inputs).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_decisive_inputs_is_tried() {
        for (input, words) in DECISIVE {
            let with = format!("{{mode: iam-policy, service: web, run-task: true, {input}: nonsense}}")
                .replace("mode: iam-policy, service: web, run-task: true, mode", "service: web, mode")
                .replace("run-task: true, run-task", "run-task");
            let node = Node::parse(&with).unwrap();
            let errors = Given::of(node.entries()).errors();

            let wrong = errors.iter().find(|error| error.input == input).unwrap();
            assert_eq!(wrong.remedy.matches('`').count(), 2 * words.len(), "{input}: {}", wrong.remedy);
            for word in words {
                assert!(wrong.remedy.contains(&format!("`{word}`")), "{input}: {word}: {}", wrong.remedy);
            }
        }
    }
}
