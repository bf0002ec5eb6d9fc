//! Makes sure, by identity, that what has the traffic is what was asked for.

use std::time::Duration;

use tokio::time::sleep;

use super::Rollout;
use crate::cycle::{Cause, Events, Failure, Output};
use crate::text::last_part;

/// Amazon ECS is eventually consistent: so often is the service asked, this far apart, before a difference counts.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// The primary task set is the one that our deployment made. An answer that cannot be had says nothing.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let (pin, reader) = (&rollout.pin, &rollout.observer.clients().ecs);
    let mut primary = None;
    for look in 0..LOOKS {
        if look > 0 {
            sleep(PAUSE).await;
        }
        let Ok(service) = reader.describe_service(&pin.cluster, &pin.service).await else { continue };
        events.know(Output::RunningCount, service.running);
        events.know(Output::DesiredCount, service.desired);
        let Some(set) = service.task_sets.into_iter().find(|set| set.is_primary()) else { continue };
        if set.external_id == pin.deployment && set.task_definition == pin.task_definition {
            return Ok(());
        }
        primary = Some(set);
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
