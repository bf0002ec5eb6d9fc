//! Deregisters older revisions that nobody needs any more.

use std::collections::BTreeSet;

use super::Rollout;
use crate::aws::ecs::{Reader, Writer};
use crate::aws::{Again, Attempts, CallError, send};
use crate::cycle::Events;
use crate::targets::ecs::{RUN_TAG, family};
use crate::text::last_part;

/// How far back the family is looked at, and how many of its old revisions are described. Only DescribeTaskDefinition tells
/// the tags, for one revision a call.
const MOST_REVISIONS: usize = 300;
const MOST_LOOKS: usize = 60;
/// DeregisterTaskDefinition is refilled by one call a second; what is left over is for the next deployment.
const MOST_DEREGISTERED: usize = 10;
/// In a cluster of more services it is not found out which revisions they use, and so none is removed.
const MOST_SERVICES: usize = 1000;

/// Keeps the family's newest revisions, those that a service of the cluster uses, and the one to which a rollback would go.
/// Of the others, removes those that carry this action's tag.
///
/// Idempotent. Never fails: it is no reason to call a deployment that succeeded anything else.
pub(super) async fn tidy(
    reader: &Reader,
    writer: &Writer,
    rollout: &Rollout,
    keep: usize,
    max_retries: u32,
    events: &Events,
) {
    let mut deregistered = Vec::new();
    let tidied = deregister(reader, writer, rollout, (keep, max_retries), events, &mut deregistered).await;
    if !deregistered.is_empty() {
        events.note(format!("Deregistered {}, as `keep-revisions: {keep}` asks for.", deregistered.join(", ")));
    }
    if let Err(error) = tidied {
        events.warn(format!("Older revisions are left that `keep-revisions: {keep}` would have removed: {error}"));
    }
}

async fn deregister(
    reader: &Reader,
    writer: &Writer,
    rollout: &Rollout,
    (keep, max_retries): (usize, u32),
    events: &Events,
    deregistered: &mut Vec<String>,
) -> Result<(), CallError> {
    let pin = &rollout.pin;
    let ours = family(&pin.task_definition);
    let revisions = reader.list_active_revisions(ours, MOST_REVISIONS).await?;
    let mut old: Vec<String> = revisions.into_iter().filter(|arn| family(arn) == ours).skip(keep).collect();
    old.retain(|arn| *arn != pin.task_definition && Some(arn) != pin.stable.as_ref());
    if old.is_empty() {
        return Ok(());
    }
    let Some(in_use) = reader.task_definitions_in_use(rollout.observer.cluster(), MOST_SERVICES).await? else {
        events.warn(format!(
            "The cluster has more than {MOST_SERVICES} services: which revisions they use was not looked at, so none is \
             deregistered."
        ));
        return Ok(());
    };
    let in_use: BTreeSet<String> = in_use.into_iter().collect();
    for arn in old.iter().filter(|arn| !in_use.contains(*arn)).take(MOST_LOOKS) {
        let document = reader.describe_task_definition(arn).await?;
        if !document.tags().iter().any(|tag| tag.key == RUN_TAG) {
            continue;
        }
        let attempts = Attempts::new(max_retries, events);
        send(Again::WhenPassing, attempts, async || writer.deregister_task_definition(arn).await).await?;
        deregistered.push(last_part(arn).to_owned());
        if deregistered.len() == MOST_DEREGISTERED {
            break;
        }
    }
    Ok(())
}
