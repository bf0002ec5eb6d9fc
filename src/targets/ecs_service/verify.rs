//! Makes sure, by identity, that what runs is what was asked for.

use super::Rollout;
use crate::aws::ecs::Service;
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::ecs::primary;
use crate::targets::eventually::eventually;
use crate::text::last_part;

/// What AWS called a success is one unless the service itself says otherwise: an answer that cannot be had, or that is older
/// than the rollout, says nothing.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let (pin, observer) = (&rollout.pin, &rollout.observer);
    if let Some(arn) = &pin.service_deployment {
        events.know(Output::ServiceDeploymentArn, arn);
    }
    let service = eventually(async || {
        let service = observer.reader().describe_service(observer.cluster(), observer.service()).await.ok()?;
        let newest = primary(&service).map(|primary| &primary.id);
        let is_old = newest == pin.previous_deployment.as_ref() && pin.starts_deployment();
        (!is_old).then_some(service)
    });
    let Some(service) = service.await else {
        events.warn("The rollout succeeded; after that, Amazon ECS did not say any more what the service is set to.");
        return Ok(());
    };
    events.know(Output::RunningCount, service.running);
    events.know(Output::DesiredCount, service.desired);
    compare(rollout, &service)
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
