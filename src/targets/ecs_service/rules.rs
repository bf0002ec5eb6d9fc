//! EventBridge rules whose tasks move to the new revision with the service, and back with it.
//!
//! They move after the service's rollout has succeeded and was verified: a schedule never starts a revision that has not proved
//! itself. Until then they start the old one, and if a rule cannot be moved the service goes back too.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Rollout;
use crate::aws::{Again, Attempts, CallError, CallErrorKind, events, retries_on_the_way_back, send};
use crate::cycle::{Cause, Change, Events, Failure, Shown};
use crate::targets::ecs::family;
use crate::text::last_part;

/// A rule that was named, with those of its targets that run a task of Amazon ECS.
#[derive(Debug, Clone)]
pub(super) struct ScheduledRule {
    pub(super) name: String,
    pub(super) targets: Vec<ScheduledTarget>,
}

/// A target of a rule that runs a task. No more of it is kept than what moves: its input may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScheduledTarget {
    rule: String,
    id: String,
    /// The task definition before, as the target has it: with a revision or, for the newest one, without.
    before: String,
}

/// Looks at the rules.
pub(super) async fn look(reader: &events::Reader, rules: &[String]) -> Result<Vec<ScheduledRule>, Failure> {
    let mut found = Vec::new();
    for rule in rules {
        let documents = reader.list_targets(rule).await.map_err(|error| match error.kind {
            CallErrorKind::NotFound => Failure::from(error)
                .advise(format!("There is no rule `{rule}` on the default event bus: check `scheduled-rules`.")),
            _ => error.into(),
        })?;
        let targets = documents
            .iter()
            .filter_map(|document| {
                let (id, before) = (document["Id"].as_str()?, task_definition(document)?);
                Some(ScheduledTarget { rule: rule.clone(), id: id.to_owned(), before: before.to_owned() })
            })
            .collect();
        found.push(ScheduledRule { name: rule.clone(), targets });
    }
    Ok(found)
}

/// The targets that have to move, when the family's wanted revision has that ARN, or none yet. Pure.
pub(super) fn to_move(rules: &[ScheduledRule], wanted_family: &str, arn: Option<&str>) -> Vec<ScheduledTarget> {
    let targets = rules.iter().flat_map(|rule| &rule.targets);
    targets
        .filter(|target| family(&target.before) == wanted_family && Some(target.before.as_str()) != arn)
        .cloned()
        .collect()
}

/// The moves as changes of the plan. Pure.
pub(super) fn changes(moves: &[ScheduledTarget], wanted: &str) -> Vec<Change> {
    let change = |target: &ScheduledTarget| Change {
        subject: format!("rule {} ({})", target.rule, target.id),
        before: Shown::Value(last_part(&target.before).to_owned()),
        after: Shown::Value(wanted.to_owned()),
    };
    moves.iter().map(change).collect()
}

/// The rules that run no task of the family, as complaints. Pure.
pub(super) fn complaints(rules: &[ScheduledRule], wanted_family: &str) -> Vec<String> {
    rules
        .iter()
        .filter(|rule| !rule.targets.iter().any(|target| family(&target.before) == wanted_family))
        .map(|rule| format!("the rule {} has no target that runs a task of {wanted_family}", rule.name))
        .collect()
}

/// Moves them to the rollout's revision.
///
/// Idempotent: a target that is there already is left alone. One that somebody else moved meanwhile is a conflict.
pub(super) async fn follow(
    reader: &events::Reader,
    writer: &events::Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    let wanted = &rollout.pin.task_definition;
    for targets in by_rule(&rollout.moves) {
        let rule = name(targets);
        let failed = |why: String| {
            Failure::new(
                Cause::ScheduledRule,
                format!("Rule {rule} could not be moved to {}: {why}", last_part(wanted)),
            )
        };
        let not_allowed = |error: CallError| {
            let call = Failure::from(error);
            failed(call.reason).advise_if_any(call.advice)
        };
        let mut moved = Vec::new();
        for mut document in reader.list_targets(rule).await.map_err(not_allowed)? {
            let Some(target) = targets.iter().find(|target| document["Id"] == target.id.as_str()) else { continue };
            match task_definition(&document) {
                Some(current) if current == wanted => {}
                Some(current) if current == target.before => {
                    document["EcsParameters"]["TaskDefinitionArn"] = wanted.as_str().into();
                    moved.push(document);
                }
                _ => return Err(failed(format!("somebody else changed its target {} meanwhile.", target.id))),
            }
        }
        if moved.is_empty() {
            continue;
        }
        let attempts = Attempts::new(max_retries, events);
        send(Again::WhenPassing, attempts, async || writer.put_targets(rule, &moved).await)
            .await
            .map_err(not_allowed)?;
        events.note(format!("Moved rule {rule} to {}.", last_part(wanted)));
    }
    Ok(())
}

/// Moves them back to what they ran before. Whether there was anything to move.
///
/// Idempotent. A target that somebody else moved meanwhile, or removed, is left alone. An answer may be older than our own
/// change, so a target that shows the old revision is written all the same.
pub(super) async fn put_back(
    reader: &events::Reader,
    writer: &events::Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<bool, Failure> {
    let retries = retries_on_the_way_back(max_retries);
    let mut any = false;
    for targets in by_rule(&rollout.moves) {
        let rule = name(targets);
        let failed = |error: CallError| {
            let call = Failure::from(error);
            Failure::new(call.cause, format!("Rule {rule} may still run the new revision: {}", call.reason))
        };
        let attempts = Attempts::new(retries, events);
        let listed = send(Again::Whatever, attempts, async || reader.list_targets(rule).await).await;
        let documents = match listed {
            Ok(documents) => documents,
            Err(error) if error.kind == CallErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let mut back = Vec::new();
        for mut document in documents {
            let Some(target) = targets.iter().find(|target| document["Id"] == target.id.as_str()) else { continue };
            match task_definition(&document) {
                Some(current) if current == rollout.pin.task_definition || current == target.before => {
                    document["EcsParameters"]["TaskDefinitionArn"] = target.before.as_str().into();
                    back.push(document);
                }
                _ => events.warn(format!(
                    "Target {} of rule {rule} was changed by somebody else meanwhile and is left as it is.",
                    target.id
                )),
            }
        }
        if back.is_empty() {
            continue;
        }
        let attempts = Attempts::new(retries, events);
        send(Again::Whatever, attempts, async || writer.put_targets(rule, &back).await).await.map_err(failed)?;
        events.note(format!("Rule {rule} runs what it ran before."));
        any = true;
    }
    Ok(any)
}

fn by_rule(moves: &[ScheduledTarget]) -> impl Iterator<Item = &[ScheduledTarget]> {
    moves.chunk_by(|left, right| left.rule == right.rule)
}

fn name(targets: &[ScheduledTarget]) -> &str {
    targets.first().map_or("", |target| target.rule.as_str())
}

fn task_definition(document: &Value) -> Option<&str> {
    document["EcsParameters"]["TaskDefinitionArn"].as_str()
}
