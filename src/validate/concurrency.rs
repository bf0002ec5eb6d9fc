//! Two runs of a workflow at the same time, of which only one can have the last word about a service.
//!
//! <https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency>

use super::Finding;
use super::document::Node;
use super::workflow::{Job, Workflow};

/// Modes that change a service or an endpoint.
const CHANGES: [&str; 4] = ["deploy", "promote", "rollback", "continue"];

/// Warns of jobs that change something and have no `concurrency`, or one by which the next run ends them halfway.
pub(super) fn check(workflow: &Workflow<'_>) -> Vec<Finding> {
    if workflow.is_composite {
        return Vec::new();
    }
    workflow.jobs.iter().filter_map(|job| of_job(workflow, job)).collect()
}

fn of_job(workflow: &Workflow<'_>, job: &Job<'_>) -> Option<Finding> {
    // Of a step whose mode is not known nothing is claimed.
    let changes = |mode: Option<String>| mode.is_some_and(|mode| CHANGES.contains(&mode.as_str()));
    let step = job.steps.iter().find(|step| changes(step.given.mode()))?;
    let concurrency: Vec<&Node> = [job.node, workflow.root].iter().filter_map(|node| node.get("concurrency")).collect();
    if concurrency.is_empty() {
        let problem =
            format!("job `{}` deploys, and without `concurrency` two runs can deploy at the same time", job.id);
        // In the group of the deployments it would wait behind the one that it takes back, and the next push would cancel it.
        let remedy = if step.given.mode().as_deref() == Some("rollback") {
            "set a `concurrency` group of its own, not that of the deployments, with `cancel-in-progress: false`"
        } else {
            "set a `concurrency` group for each environment, with `cancel-in-progress: false`"
        };
        return (!workflow.is_called()).then(|| workflow.file.warning(step.line, problem, remedy));
    }
    let cancels = |it: &&Node| it.get("cancel-in-progress").and_then(Node::text).is_some_and(|text| text == "true");
    let (key, _) = concurrency.into_iter().find(cancels)?.entry("cancel-in-progress")?;
    let problem = format!("the next run cancels job `{}` while it deploys, and what was begun is rolled back", job.id);
    Some(workflow.file.warning(key.line, problem, "set `cancel-in-progress: false`; the next run then waits"))
}
