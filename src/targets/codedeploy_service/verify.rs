//! Makes sure, by identity, that what has the traffic is what was asked for.

use super::Rollout;
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::eventually::eventually;
use crate::text::last_part;

/// The primary task set is the one that our deployment made. An answer that cannot be had says nothing.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let (pin, reader) = (&rollout.pin, &rollout.observer.clients().ecs);
    let mut primary = None;
    let ours = eventually(async || {
        let service = reader.describe_service(&pin.cluster, &pin.service).await.ok()?;
        events.know(Output::RunningCount, service.running);
        events.know(Output::DesiredCount, service.desired);
        let set = service.task_sets.into_iter().find(|set| set.is_primary())?;
        let is_ours = set.external_id == pin.deployment && set.task_definition == pin.task_definition;
        primary = Some(set);
        is_ours.then_some(())
    });
    if ours.await.is_some() {
        return Ok(());
    }
    match primary {
        Some(set) => Err(Failure::new(
            Cause::Conflict,
            format!(
                "The deployment succeeded, but the traffic goes to task set {} of {}, not to the one that it made of {}.",
                set.id,
                last_part(&set.task_definition),
                last_part(&pin.task_definition)
            ),
        )),
        None => {
            events
                .warn("The deployment succeeded; after that, Amazon ECS did not say any more where the traffic goes.");
            Ok(())
        }
    }
}
