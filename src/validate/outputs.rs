//! Outputs that are used and that nobody sets, or that do not arrive: GitHub takes them for empty texts.

use std::collections::HashSet;

use super::document::Node;
use super::expression::{self, Reference};
use super::workflow::{Job, Step, Workflow};
use super::{File, Finding};
use crate::cycle::Output;
use crate::spec::nearest;

/// Outputs that hold the account's id. GitHub passes no output from job to job in which it sees something that it masks.
const WITH_ACCOUNT: [Output; 7] = [
    Output::TaskDefinitionArn,
    Output::PreviousTaskDefinitionArn,
    Output::ServiceArn,
    Output::ServiceDeploymentArn,
    Output::RunTaskArn,
    Output::EndpointArn,
    Output::ModelPackageArn,
];

/// Outputs of this action's steps, and of the jobs that have them, which do not exist.
pub(super) fn check(workflow: &Workflow<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for job in workflow.jobs.iter().filter(|job| !job.steps.is_empty()) {
        each_reference(job.node, &mut |node, reference| {
            if reference.context == "steps"
                && job.steps.iter().any(|step| step.id.is_some_and(|id| is_same(id, reference.id)))
            {
                findings.extend(of_step(workflow.file, node, &reference));
            }
        });
    }
    // It drops those of jobs; a composite action's stay in their job.
    if !workflow.is_composite {
        findings.extend(workflow.jobs.iter().flat_map(|job| masked(workflow.file, job)));
        each_reference(workflow.root, &mut |node, reference| {
            let is_it = |job: &&Job<'_>| reference.context != "steps" && is_same(job.id, reference.id);
            if let Some(job) = workflow.jobs.iter().filter(|job| !job.steps.is_empty()).find(is_it) {
                findings.extend(of_job(workflow.file, node, &reference, job));
            }
        });
    }
    findings
}

fn of_step(file: File<'_>, node: &Node, reference: &Reference<'_>) -> Option<Finding> {
    let names = Output::ALL.map(Output::as_str);
    let problem = format!("the step `{}` has no output `{}`: this is always empty", reference.id, reference.output);
    missing(file, node, reference, &names, problem, "the README has all outputs")
}

fn of_job(file: File<'_>, node: &Node, reference: &Reference<'_>, job: &Job<'_>) -> Option<Finding> {
    let outputs = job.node.get("outputs").map(Node::entries).unwrap_or_default();
    let names: Vec<&str> = outputs.iter().filter_map(|(key, _)| key.raw()).collect();
    let problem = format!("the job `{}` has no output `{}`: this is always empty", reference.id, reference.output);
    missing(file, node, reference, &names, problem, "name it in the `outputs:` of that job")
}

/// Outputs of a job that hold what the step itself hides.
fn masked(file: File<'_>, job: &Job<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(outputs) = job.node.get("outputs") else { return findings };
    each_reference(outputs, &mut |node, reference| {
        let masks = |step: &Step<'_>| {
            step.id.is_some_and(|id| is_same(id, reference.id)) && step.given.is_true("mask-aws-account-id")
        };
        let holds_it = WITH_ACCOUNT.iter().any(|output| is_same(output.as_str(), reference.output));
        if reference.context == "steps" && holds_it && job.steps.iter().any(masks) {
            let problem = format!(
                "`{}` holds the account's id, and `mask-aws-account-id` hides it: GitHub drops this output",
                reference.output
            );
            let remedy = "pass on what holds no id, such as `task-definition-family` and `task-definition-revision`";
            findings.push(file.warning(node.line_of(reference.text, file.source), problem, remedy));
        }
    });
    findings
}

fn missing(
    file: File<'_>,
    node: &Node,
    reference: &Reference<'_>,
    names: &[&str],
    problem: String,
    otherwise: &str,
) -> Option<Finding> {
    if names.iter().any(|name| is_same(name, reference.output)) {
        return None;
    }
    let near = nearest(reference.output, names.iter().copied());
    let remedy = near.first().map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"));
    Some(file.error(node.line_of(reference.text, file.source), problem, remedy))
}

/// Ids and names in expressions are the same in any case.
fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Calls back for every output that an expression inside looks at, once for each text.
fn each_reference<'a>(node: &'a Node, found: &mut impl FnMut(&'a Node, Reference<'a>)) {
    node.scalars("", &mut |key, scalar| {
        let text = scalar.raw().unwrap_or_default();
        // Conditions are expressions with braces or without.
        let expressions =
            if key == "if" && !expression::is_in(text) { vec![text] } else { expression::expressions(text) };
        let mut seen = HashSet::new();
        for reference in expressions.into_iter().flat_map(expression::references) {
            if seen.insert(reference.text) {
                found(scalar, reference);
            }
        }
    });
}
