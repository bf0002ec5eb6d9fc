//! Makes sure, by identity, that what runs is what was asked for.

use std::time::Duration;

use tokio::time::sleep;

use super::Rollout;
use crate::aws::ecs::Service;
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::ecs::primary;
use crate::text::last_part;

/// Amazon ECS is eventually consistent: an answer may be older than the one before it. So often is the service asked, this
/// far apart, before a difference counts.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// What AWS called a success is one unless the service itself says otherwise: an answer that cannot be had, or that is older
/// than the rollout, says nothing.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let (pin, observer) = (&rollout.pin, &rollout.observer);
    if let Some(arn) = &pin.service_deployment {
        events.know(Output::ServiceDeploymentArn, arn);
    }
    for look in 0..LOOKS {
        if look > 0 {
            sleep(PAUSE).await;
        }
        let Ok(service) = observer.reader().describe_service(observer.cluster(), observer.service()).await else {
            continue;
        };
        let newest = primary(&service).map(|primary| &primary.id);
        if newest == pin.previous_deployment.as_ref() && pin.starts_deployment() {
            continue;
        }
        events.know(Output::RunningCount, service.running);
        events.know(Output::DesiredCount, service.desired);
        return compare(rollout, &service);
    }
    events.warn("The rollout succeeded; after that, Amazon ECS did not say any more what the service is set to.");
    Ok(())
}

fn compare(rollout: &Rollout, service: &Service) -> Result<(), Failure> {
    let wanted = &rollout.pin.task_definition;
    if service.task_definition != *wanted {
        return Err(Failure::new(
            Cause::Conflict,
            format!(
                "The rollout succeeded, but the service is set to {}, not to {}.",
                last_part(&service.task_definition),
                last_part(wanted)
            ),
        ));
    }
    let primary = primary(service).map(|primary| primary.id.as_str());
    if primary != rollout.pin.deployment.as_deref() {
        return Err(Failure::new(
            Cause::Conflict,
            format!("The rollout succeeded, but deployment {} followed it.", primary.unwrap_or("(none)")),
        ));
    }
    Ok(())
}
