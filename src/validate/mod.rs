//! `mode: validate`: what is wrong in a repository's workflows and task definitions, found without asking anybody.
//!
//! - `document`: YAML and JSON that know their lines; `expression`: what GitHub fills in; `given`: the inputs of a step, as far as
//!   they are known; `workflow`: the jobs and the steps that are this action's.
//! - A rule each, functions of a workflow that give findings: `step` (names and values of inputs), `images`, `permissions`,
//!   `concurrency`, `outputs`.
//! - `task_definition`: everything that is checked at a deployment, line by line.
//! - `repository`: which files there are; `tell`: what becomes of the findings.

mod concurrency;
mod document;
mod expression;
mod given;
mod images;
mod outputs;
mod permissions;
mod repository;
mod step;
mod task_definition;
mod tell;
mod workflow;

use std::collections::BTreeSet;

use document::Node;
pub use tell::tell;
use workflow::Workflow;

use crate::text::last_part;

pub use crate::cycle::Finding;

/// By which names workflows use this action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ours {
    /// Its repository, where that is called otherwise: `owner/name`.
    pub repository: Option<String>,
    /// Its folders in the workflows' own repository, as `uses:` names them but for a slash at the end: `.`, `./tools/deploy`.
    pub folders: BTreeSet<String>,
}

impl Ours {
    /// Whether `uses:` names this action: `owner/name@version` or an image. Where the repository is not known, any owner's that is
    /// called as this one is; there are others of that name, whose inputs are others.
    fn is_used_by(&self, uses: &str) -> bool {
        if uses.starts_with('.') {
            return self.folders.contains(uses.trim_end_matches('/'));
        }
        let image = uses.strip_prefix("docker://");
        let path = image.unwrap_or(uses);
        let path = path.split('@').next().unwrap_or(path);
        match &self.repository {
            Some(repository) if image.is_none() => repository.eq_ignore_ascii_case(path),
            _ => {
                let name = last_part(path).split(':').next().unwrap_or_default();
                name.eq_ignore_ascii_case(env!("CARGO_PKG_NAME"))
            }
        }
    }
}

/// What is wrong with the steps of this action in a workflow, or in the metadata of a composite action. Files that it names are
/// not looked at.
pub fn workflow(path: &str, text: &str, ours: &Ours) -> Vec<Finding> {
    let file = File { path, source: text };
    match Node::parse(text) {
        Ok(root) => rules(&Workflow::read(file, &root, ours)),
        Err(unreadable) => vec![file.error(
            unreadable.line,
            format!("this is not a workflow: {}", unreadable.problem),
            "write it as YAML",
        )],
    }
}

fn rules(workflow: &Workflow<'_>) -> Vec<Finding> {
    let rules = [step::check, images::check, permissions::check, concurrency::check, outputs::check];
    rules.into_iter().flat_map(|check| check(workflow)).collect()
}

/// A file that is looked at.
#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a str,
    source: &'a str,
}

impl File<'_> {
    fn error(self, line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { file: self.path.to_owned(), line, is_error: true, problem: problem.into(), remedy: remedy.into() }
    }

    fn warning(self, line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { is_error: false, ..self.error(line, problem, remedy) }
    }
}
