//! The files of a repository that has been checked out: which are looked at, and how they hang together.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::document::{MAX_BYTES, Node};
use super::task_definition::{self, Use};
use super::workflow::{Step, Workflow};
use super::{File, Finding, Ours, permissions, rules};
use crate::spec::{Overrides, Source, Validation, nearest};

/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";
/// Folders of other people's files.
const FOREIGN: [&str; 4] = ["node_modules", "target", "vendor", "venv"];
/// So many entries of folders are looked at for composite actions.
const MAX_ENTRIES: usize = 20_000;
/// What this action's own metadata says, under whatever name.
const POST_ENTRYPOINT: &str = "/ecs-deploy-action-post";

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) findings: BTreeSet<Finding>,
    /// Workflows and composite actions that use this action.
    pub(super) workflows: usize,
    pub(super) steps: usize,
    pub(super) task_definitions: BTreeSet<String>,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub(super) enum NothingThere {
    #[error("there are no workflows in {} and `task-definition` names none", .0.display())]
    NoWorkflows(PathBuf),
    #[error("`task-definition`: `{named}` {why}")]
    Unreadable { named: String, why: String },
}

/// Looks at everything.
pub(super) fn check(root: &Path, validation: &Validation, ours: Option<String>) -> Result<Checked, NothingThere> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut checked = Checked::default();
    for named in &validation.task_definitions {
        let (path, source) =
            read(&root, named).map_err(|why| NothingThere::Unreadable { named: named.clone(), why: why.told() })?;
        let used = Use { overrides: &validation.overrides, step: None };
        checked.findings.extend(task_definition::of_use(File { path: &path, source: &source }, used));
        checked.task_definitions.insert(path);
    }
    let workflows = workflows(&root);
    if workflows.is_empty() && validation.task_definitions.is_empty() {
        return Err(NothingThere::NoWorkflows(root));
    }
    let actions = actions(&root);
    let ours = Ours { repository: ours, folders: own_folders(&root, &actions) };
    let texts: Vec<(String, String)> =
        workflows.iter().chain(&actions).filter_map(|path| read(&root, path).ok()).collect();
    let mut trees = Vec::new();
    for (path, source) in &texts {
        let file = File { path, source };
        match Node::parse(source) {
            Ok(node) => trees.push((file, node)),
            // What else is in the repository is for others to check.
            Err(_) if !source.contains(env!("CARGO_PKG_NAME")) => {}
            Err(_) => checked.findings.extend(super::workflow(path, source, &ours)),
        }
    }
    let workflows: Vec<Workflow<'_>> = trees.iter().map(|(file, node)| Workflow::read(*file, node, &ours)).collect();
    checked.findings.extend(permissions::of_callers(&workflows));
    for workflow in &workflows {
        checked.findings.extend(rules(workflow));
        checked.workflows += usize::from(workflow.steps().next().is_some());
        for (_, step) in workflow.steps() {
            checked.steps += 1;
            checked.task_definition(&root, workflow.file, step);
        }
    }
    Ok(checked)
}

impl Checked {
    fn task_definition(&mut self, root: &Path, workflow: File<'_>, step: &Step<'_>) {
        let Some(named) = task_definition::named(step) else { return };
        let line = step.line_of("task-definition");
        match read(root, &named) {
            Ok((path, source)) => {
                let (overrides, _) = Overrides::from_inputs(&step.given.inputs());
                let used = Use { overrides: &overrides, step: Some((workflow, step)) };
                self.findings.extend(task_definition::of_use(File { path: &path, source: &source }, used));
                self.task_definitions.insert(path);
            }
            // The name of a registered one.
            Err(_) if !Source::is_a_file(&named) => {}
            Err(Unread::Missing) => {
                let problem = format!("there is no file `{named}` in the repository, so it was not checked");
                let remedy = match near_name(root, &named) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "check the path, unless an earlier step writes the file".to_owned(),
                };
                self.findings.insert(workflow.warning(line, problem, remedy));
            }
            Err(why) => {
                let problem = format!("`{named}` {}, so it was not checked", why.told());
                self.findings.insert(workflow.warning(line, problem, "name a text file in the repository"));
            }
        }
    }
}

/// Why a file is not read.
enum Unread {
    Missing,
    /// A path or a link that leads elsewhere: a fork's pull request may name whatever the machine has.
    Outside,
    TooLong,
    Other(ErrorKind),
}

impl Unread {
    fn told(&self) -> String {
        match self {
            Self::Missing => {
                "is not in the workspace; the repository has to be checked out (actions/checkout)".to_owned()
            }
            Self::Outside => "is not inside of the workspace".to_owned(),
            Self::TooLong => "is too long".to_owned(),
            Self::Other(kind) => format!("cannot be read ({kind})"),
        }
    }
}

/// A file's path from the root, and its text.
fn read(root: &Path, named: &str) -> Result<(String, String), Unread> {
    let unread = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
        kind => Unread::Other(kind),
    };
    let path = root.join(named).canonicalize().map_err(unread)?;
    let inside = path.strip_prefix(root).map_err(|_elsewhere| Unread::Outside)?;
    let metadata = fs::metadata(&path).map_err(unread)?;
    if !metadata.is_file() {
        return Err(Unread::Other(ErrorKind::IsADirectory));
    }
    if metadata.len() > MAX_BYTES as u64 {
        return Err(Unread::TooLong);
    }
    let text = fs::read_to_string(&path).map_err(unread)?;
    Ok((slashed(inside), text))
}

/// A file in the same folder that is called almost so.
fn near_name(root: &Path, named: &str) -> Option<String> {
    let path = Path::new(named);
    let folder = root.join(path.parent()?).canonicalize().ok().filter(|folder| folder.starts_with(root))?;
    let names = names(&folder);
    nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str)).first().map(|near| (*near).to_owned())
}

/// Paths as GitHub names them.
fn slashed(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn workflows(root: &Path) -> Vec<String> {
    let is_workflow = |name: &String| name.ends_with(".yml") || name.ends_with(".yaml");
    let mut paths: Vec<String> = names(&root.join(WORKFLOWS))
        .into_iter()
        .filter(is_workflow)
        .map(|name| format!("{WORKFLOWS}/{name}"))
        .collect();
    paths.sort_unstable();
    paths
}

/// The metadata of actions, anywhere in the repository.
fn actions(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    let mut entries = 0;
    while let Some(folder) = folders.pop().filter(|_| entries < MAX_ENTRIES) {
        for name in names(&folder) {
            entries += 1;
            let path = folder.join(&name);
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            let is_foreign = FOREIGN.contains(&name.as_str()) || name.starts_with('.') && name != ".github";
            if is_folder && !is_foreign {
                folders.push(path);
            } else if name == "action.yml" || name == "action.yaml" {
                found.extend(path.strip_prefix(root).ok().map(slashed));
            }
        }
    }
    found.sort_unstable();
    found
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The folders of actions that are this one, as `uses:` names them.
fn own_folders(root: &Path, actions: &[String]) -> BTreeSet<String> {
    let is_ours = |path: &&String| {
        let Ok((_, text)) = read(root, path) else { return false };
        let Ok(node) = Node::parse(&text) else { return false };
        let post = node.get("runs").and_then(|runs| runs.get("post-entrypoint"));
        post.and_then(Node::raw) == Some(POST_ENTRYPOINT)
    };
    let folder = |path: &String| match path.rsplit_once('/') {
        Some((folder, _)) => format!("./{folder}"),
        None => ".".to_owned(),
    };
    actions.iter().filter(is_ours).map(folder).collect()
}
