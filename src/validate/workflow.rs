//! A workflow or a composite action, and the steps in it that are this action's.

use super::document::Node;
use super::given::Given;
use super::{File, Ours};

/// A file with steps.
pub(super) struct Workflow<'a> {
    /// The file.
    pub(super) file: File<'a>,
    pub(super) root: &'a Node,
    /// A composite action has no jobs: permissions and concurrency are those of whoever uses it.
    pub(super) is_composite: bool,
    pub(super) jobs: Vec<Job<'a>>,
    /// Jobs that call another workflow.
    pub(super) calls: Vec<Job<'a>>,
}

/// A job; or the steps of a composite action.
pub(super) struct Job<'a> {
    pub(super) id: &'a str,
    pub(super) node: &'a Node,
    /// Those that are this action's.
    pub(super) steps: Vec<Step<'a>>,
}

/// A step of this action.
pub(super) struct Step<'a> {
    /// Where `uses:` is.
    pub(super) line: usize,
    pub(super) id: Option<&'a str>,
    /// The names and values of its inputs.
    pub(super) with: &'a [(Node, Node)],
    pub(super) given: Given,
}

impl<'a> Workflow<'a> {
    /// Finds the jobs and the steps.
    pub(super) fn read(file: File<'a>, root: &'a Node, ours: &Ours) -> Self {
        let steps = |node: &'a Node| {
            let steps = node.get("steps").map(Node::items).unwrap_or_default();
            steps.iter().filter_map(|step| Step::read(step, ours)).collect()
        };
        let composite = root.get("runs").map(|node| Job { id: "", node: root, steps: steps(node) });
        let is_composite = composite.is_some();
        let jobs = root.get("jobs").map(Node::entries).unwrap_or_default().iter().map(|(key, node)| Job {
            id: key.raw().unwrap_or_default(),
            node,
            steps: steps(node),
        });
        let (calls, jobs): (Vec<_>, Vec<_>) = jobs.chain(composite).partition(|job| job.node.get("uses").is_some());
        Self { file, root, is_composite, jobs, calls }
    }

    /// The steps of this action, each with its job.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&Job<'a>, &Step<'a>)> {
        self.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)))
    }

    /// Whether other workflows can call this one: then its job's permissions and concurrency can be the caller's.
    pub(super) fn is_called(&self) -> bool {
        let Some(triggers) = self.root.get("on") else { return false };
        let is_call = |name: &Node| name.raw() == Some("workflow_call");
        is_call(triggers) || triggers.items().iter().any(is_call) || triggers.get("workflow_call").is_some()
    }
}

impl<'a> Step<'a> {
    fn read(node: &'a Node, ours: &Ours) -> Option<Self> {
        let (_, uses) = node.entry("uses")?;
        if !ours.is_used_by(uses.raw()?) {
            return None;
        }
        let with = node.get("with").map(Node::entries).unwrap_or_default();
        Some(Self { line: uses.line, id: node.get("id").and_then(Node::raw), with, given: Given::of(with) })
    }

    /// Where an input is given, else where the step is.
    pub(super) fn line_of(&self, input: &str) -> usize {
        self.entry(input).map_or(self.line, |(key, _)| key.line)
    }

    /// The name and the value of an input. Names are the same in any case.
    pub(super) fn entry(&self, input: &str) -> Option<&'a (Node, Node)> {
        self.with.iter().find(|(key, _)| key.raw().is_some_and(|name| name.eq_ignore_ascii_case(input)))
    }
}
