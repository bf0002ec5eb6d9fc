//! What the job's token has to be allowed.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions>

use super::Finding;
use super::document::Node;
use super::given::Given;
use super::workflow::{Job, Step, Workflow};

/// A permission that a step needs.
struct Need {
    scope: &'static str,
    level: &'static str,
    /// The input that asks for it.
    input: &'static str,
    /// Whether the step fails without it; else there is a warning in its log.
    is_vital: bool,
}

/// Complains about each permission that a step needs and its job does not have.
pub(super) fn check(workflow: &Workflow<'_>) -> Vec<Finding> {
    if workflow.is_composite {
        return Vec::new();
    }
    let lacking = |(job, step): (&Job<'_>, &Step<'_>)| -> Vec<Finding> {
        let permissions = Permissions::of(workflow, job);
        needs(&step.given).into_iter().filter_map(|need| permissions.lack(workflow, job, step, &need)).collect()
    };
    workflow.steps().flat_map(lacking).collect()
}

/// Complains about jobs that call a workflow of the same repository and do not let it have what its steps cannot do without: a
/// called workflow has at most the permissions of the job that calls it.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#supported-keywords-for-jobs-that-call-a-reusable-workflow>
pub(super) fn of_callers(workflows: &[Workflow<'_>]) -> Vec<Finding> {
    let calls = workflows.iter().flat_map(|caller| caller.calls.iter().map(move |job| (caller, job)));
    let lacking = |(caller, job): (&Workflow<'_>, &Job<'_>)| {
        let (uses, path) = job.node.entry("uses")?;
        let path = path.raw()?.strip_prefix("./")?;
        let called = workflows.iter().find(|workflow| workflow.file.path == path)?;
        let permissions = Permissions::of(caller, job);
        let finding = |(nested, step): (&Job<'_>, &Step<'_>)| -> Vec<Finding> {
            let asks = matches!(Permissions::of(called, nested), Permissions::Said(..));
            let vital = needs(&step.given).into_iter().filter(|need| need.is_vital);
            vital.filter_map(|need| permissions.lack_to_call(caller, (job, uses), (called, asks), &need)).collect()
        };
        // One is enough, and what is certain comes first.
        called.steps().flat_map(finding).min_by_key(|finding| !finding.is_error)
    };
    calls.filter_map(lacking).collect()
}

fn needs(given: &Given) -> Vec<Need> {
    let mode = given.mode();
    let mode = mode.as_deref();
    let vital = |scope, level, input| Need { scope, level, input, is_vital: true };
    let useful = |scope, input| Need { scope, level: "write", input, is_vital: false };
    match mode {
        // Another token has permissions of its own.
        Some("report") if given.has_another_token() => return Vec::new(),
        Some("report") => return vec![vital("deployments", "read", "mode"), vital("contents", "read", "mode")],
        // Ask nobody, or only if they can.
        Some("validate" | "iam-policy") => return Vec::new(),
        _ => {}
    }
    let mut needs = Vec::new();
    // With `role-chaining` the credentials of the environment vouch for the job.
    if given.has("role-to-assume") && !given.is_true("role-chaining") && !given.is_unknown("role-chaining") {
        needs.push(vital("id-token", "write", "role-to-assume"));
    }
    let comments = given.known("comment-on-pr").map(str::to_ascii_lowercase);
    let tells = [
        ("deployments", "github-deployment", given.is_true("github-deployment") && mode != Some("plan")),
        ("statuses", "commit-status", given.is_true("commit-status") && mode != Some("plan")),
        (
            "pull-requests",
            "comment-on-pr",
            comments.as_deref() == Some("always") || comments.as_deref() == Some("plan") && mode == Some("plan"),
        ),
    ];
    needs.extend(
        tells
            .into_iter()
            .filter(|(_, _, is_told)| *is_told && !given.has_another_token())
            .map(|(scope, input, _)| useful(scope, input)),
    );
    needs
}

/// The `permissions:` that count for a job: its own, else the workflow's. They are not merged.
enum Permissions<'a> {
    /// Nobody says any: then the repository's settings count.
    Unsaid,
    Said(&'a Node, &'a Node),
}

impl<'a> Permissions<'a> {
    fn of(workflow: &Workflow<'a>, job: &Job<'a>) -> Self {
        let said = job.node.entry("permissions").or_else(|| workflow.root.entry("permissions"));
        said.map_or(Self::Unsaid, |(key, node)| Self::Said(key, node))
    }

    /// Whether something is lacking: then the line that says so, if there is one.
    fn lacking(&self, need: &Need) -> Option<Option<usize>> {
        match self {
            // New repositories let the token read the contents.
            Self::Unsaid => (need.scope != "contents").then_some(None),
            Self::Said(key, said) => (!allows(said, need)).then_some(Some(key.line)),
        }
    }

    fn lack(&self, workflow: &Workflow<'_>, job: &Job<'_>, step: &Step<'_>, need: &Need) -> Option<Finding> {
        let Need { scope, level, input, is_vital } = need;
        let said = self.lacking(need)?;
        // They can be the caller's.
        if said.is_none() && workflow.is_called() {
            return None;
        }
        // Without a word the repository's settings count, and no settings give a job an ID token.
        let is_certain = said.is_some() || *scope == "id-token";
        let why = if is_certain { "which job" } else { "and nobody says whether job" };
        let how = if is_certain { "does not have" } else { "has it" };
        let problem = format!("`{input}` needs `{scope}: {level}`, {why} `{}` {how}", job.id);
        let remedy = format!("write `{scope}: {level}` under the `permissions:` of the job");
        let finding = workflow.file.error(said.unwrap_or_else(|| step.line_of(input)), problem, remedy);
        Some(Finding { is_error: *is_vital && is_certain, ..finding })
    }

    /// What a job lacks that calls a workflow, which `asks` for permissions, or has the caller's.
    fn lack_to_call(
        &self,
        caller: &Workflow<'_>,
        (job, uses): (&Job<'_>, &Node),
        (called, asks): (&Workflow<'_>, bool),
        need: &Need,
    ) -> Option<Finding> {
        let Need { scope, level, .. } = need;
        let said = self.lacking(need)?;
        // They can be those of who calls the caller.
        if said.is_none() && caller.is_called() {
            return None;
        }
        // Where the caller says nothing, a workflow of the same repository may ask for an ID token if the repository's settings
        // let tokens write, and else is not started. Where nobody asks, no settings give one.
        let is_certain = said.is_some() || *scope == "id-token" && !asks;
        let how = if is_certain { "and does not have it" } else { "and nobody says whether it has it" };
        let problem = format!("job `{}` calls {}, which needs `{scope}: {level}`, {how}", job.id, called.file.path);
        let remedy = format!("write `{scope}: {level}` under the `permissions:` of the job");
        let finding = caller.file.error(said.unwrap_or(uses.line), problem, remedy);
        Some(Finding { is_error: is_certain, ..finding })
    }
}

/// What is not named is not allowed.
fn allows(said: &Node, need: &Need) -> bool {
    match said.text().as_deref() {
        Some("write-all") => true,
        Some("read-all") => need.level == "read",
        Some(_) => false,
        None => said.get(need.scope).and_then(Node::raw).is_some_and(|it| it == "write" || it == need.level),
    }
}
