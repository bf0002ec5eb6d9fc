//! GitHub's REST API, as far as a deployment is told to it. Operations have the names of GitHub's own description of the API.
//!
//! <https://docs.github.com/en/rest>

use serde_json::{Value, json};

use super::{Answer, text};
use crate::wire::Refusal;
use crate::world::World;

/// What a request means; empty when it is nothing that is simulated. `segments` are those behind the repository.
pub(crate) fn name(method: &str, segments: &[&str]) -> Option<&'static str> {
    Some(match (method, segments) {
        ("GET", ["deployments"]) => "repos/list-deployments",
        ("POST", ["deployments"]) => "repos/create-deployment",
        ("GET", ["deployments", _, "statuses"]) => "repos/list-deployment-statuses",
        ("POST", ["deployments", _, "statuses"]) => "repos/create-deployment-status",
        ("GET", ["commits", _, "statuses"]) => "repos/list-commit-statuses-for-ref",
        ("POST", ["statuses", _]) => "repos/create-commit-status",
        ("GET", ["commits", _, "pulls"]) => "repos/list-pull-requests-associated-with-commit",
        ("GET", ["commits", _]) => "repos/get-commit",
        ("GET", ["compare", _]) => "repos/compare-commits-with-basehead",
        ("GET", ["issues", _, "comments"]) => "issues/list-comments",
        ("POST", ["issues", _, "comments"]) => "issues/create-comment",
        ("PATCH", ["issues", "comments", _]) => "issues/update-comment",
        _ => return None,
    })
}

/// The segments of a request's path behind `/repos/OWNER/NAME/`.
pub(crate) fn segments(request: &Value) -> Vec<&str> {
    text(request, "path").split('/').skip(4).collect()
}

/// Whether an operation only looks.
pub(crate) fn reads(operation: &str) -> bool {
    ["/list-", "/get-", "/compare-"].iter().any(|verb| operation.contains(verb))
}

/// The HTTP status of a success.
pub(crate) fn status(operation: &str) -> u16 {
    if operation.contains("/create-") { 201 } else { 200 }
}

/// Performs an operation.
pub(crate) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "repos/list-deployments" => Ok(list_deployments(world, request)),
        "repos/create-deployment" => create_deployment(world, request),
        "repos/list-deployment-statuses" => {
            let deployment = number(request, 1);
            let of_it = |each: &&Value| each["deployment"] == json!(deployment);
            Ok(page(request, world.github.deployment_statuses.iter().rev().filter(of_it)))
        }
        "repos/create-deployment-status" => create_deployment_status(world, request),
        "repos/list-commit-statuses-for-ref" => {
            let commit = segment(request, 1);
            let of_it = |each: &&Value| each["sha"] == json!(commit);
            Ok(page(request, world.github.commit_statuses.iter().rev().filter(of_it)))
        }
        "repos/create-commit-status" => {
            fits(&request["body"]["description"])?;
            let mut status = request["body"].clone();
            status["sha"] = json!(segment(request, 1));
            world.github.commit_statuses.push(status.clone());
            Ok(status)
        }
        "repos/list-pull-requests-associated-with-commit" => {
            let pulls = world.github.pull_requests.get(segment(request, 1)).into_iter();
            Ok(pulls.map(|number| json!({"number": number, "state": "open"})).collect())
        }
        "repos/get-commit" => {
            let commit = segment(request, 1);
            let found = world.github.commits.iter().find(|each| each["sha"] == json!(commit));
            found.cloned().ok_or_else(missing)
        }
        "repos/compare-commits-with-basehead" => compare(world, request),
        "issues/list-comments" => {
            let issue = number(request, 1);
            Ok(page(request, world.github.comments.iter().filter(|each| each["issue"] == json!(issue))))
        }
        "issues/create-comment" => {
            let id = world.github.next_id();
            let body = &request["body"]["body"];
            if body.as_str().is_some_and(|body| body.encode_utf16().count() > 65_536) {
                return Err(Refusal::new("ValidationFailed", "Validation Failed").with_status(422));
            }
            let comment = json!({
                "id": id, "issue": number(request, 1), "body": body, "user": {"login": "github-actions[bot]", "type": "Bot"},
                "author_association": "NONE",
            });
            world.github.comments.push(comment.clone());
            Ok(comment)
        }
        "issues/update-comment" => {
            let id = number(request, 2);
            let comment = world.github.comments.iter_mut().find(|each| each["id"] == json!(id)).ok_or_else(missing)?;
            comment["body"] = request["body"]["body"].clone();
            Ok(comment.clone())
        }
        _ => Err(missing()),
    }
}

/// The newest first, of those that the query asks for.
fn list_deployments(world: &World, request: &Value) -> Value {
    let is_asked_for = |each: &&Value| {
        ["sha", "environment"].iter().all(|member| {
            let asked = &request["query"][*member];
            asked.is_null() || each[*member] == *asked
        })
    };
    page(request, world.github.deployments.iter().rev().filter(is_asked_for))
}

/// What is merged into the commit, and which checks have to have passed, is as GitHub's defaults are: from inside of a workflow
/// neither lets anything through.
fn create_deployment(world: &mut World, request: &Value) -> Answer {
    let body = &request["body"];
    if body["auto_merge"] != json!(false) {
        let message = "Auto-merged main into the branch on deployment.";
        return Err(Refusal::new("Accepted", message).with_status(202));
    }
    if body["required_contexts"] != json!([]) {
        let message = "Conflict: Commit status checks failed for the branch.";
        return Err(Refusal::new("Conflict", message).with_status(409));
    }
    fits(&body["description"])?;
    let now = world.github_time();
    let deployment = json!({
        "id": world.github.next_id(), "sha": body["ref"], "ref": body["ref"], "task": "deploy", "payload": body["payload"],
        "environment": body["environment"], "description": body["description"], "created_at": now, "updated_at": now,
    });
    world.github.deployments.push(deployment.clone());
    Ok(deployment)
}

fn create_deployment_status(world: &mut World, request: &Value) -> Answer {
    let body = &request["body"];
    fits(&body["description"])?;
    let deployment = number(request, 1);
    if !world.github.deployments.iter().any(|each| each["id"] == json!(deployment)) {
        return Err(missing());
    }
    let now = world.github_time();
    let status = json!({
        "id": world.github.next_id(), "deployment": deployment, "state": body["state"], "description": body["description"],
        "log_url": body["log_url"], "environment_url": body["environment_url"], "created_at": now,
    });
    world.github.deployment_statuses.push(status.clone());
    Ok(status)
}

fn compare(world: &World, request: &Value) -> Answer {
    let basehead = segment(request, 1);
    let (base, head) = basehead.split_once("...").unwrap_or_default();
    let commits = &world.github.commits;
    let position = |commit: &str| commits.iter().position(|each| each["sha"] == json!(commit));
    let (Some(base), Some(head)) = (position(base), position(head)) else { return Err(missing()) };
    let ahead = commits.get(base + 1..=head).unwrap_or_default();
    Ok(json!({
        "html_url": format!("https://github.com/shop/web/compare/{basehead}"), "total_commits": ahead.len(),
        "behind_by": base.saturating_sub(head), "commits": page(request, ahead.iter()),
    }))
}

/// The part of a list that the query asks for.
fn page<'a>(request: &Value, items: impl Iterator<Item = &'a Value>) -> Value {
    let asked = |name: &str| request["query"][name].as_str().and_then(|text| text.parse::<usize>().ok());
    let size = asked("per_page").unwrap_or(30).min(100);
    let page = asked("page").unwrap_or(1).max(1);
    items.skip((page - 1) * size).take(size).cloned().collect()
}

fn segment(request: &Value, index: usize) -> &str {
    segments(request).get(index).copied().unwrap_or_default()
}

fn number(request: &Value, index: usize) -> u64 {
    segment(request, index).parse().unwrap_or_default()
}

fn missing() -> Refusal {
    Refusal::new("NotFound", "Not Found").with_status(404)
}

/// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>: 140 characters.
fn fits(description: &Value) -> Result<(), Refusal> {
    if description.as_str().is_some_and(|text| text.chars().count() > 140) {
        return Err(Refusal::new("ValidationFailed", "Validation Failed").with_status(422));
    }
    Ok(())
}
