//! Makes sure, by identity, that what runs is what was asked for.

use std::time::Duration;

use tokio::time::sleep;

use super::pin::primary;
use super::{Rollout, short};
use crate::aws::ecs::Service;
use crate::cycle::{Cause, Events, Failure, Output};

/// Amazon ECS is eventually consistent: an answer may be older than the one before it. So often is the service asked, this
/// far apart, before a difference counts.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let observer = &rollout.observer;
    let mut finding = None;
    for look in 0..LOOKS {
        if look > 0 {
            sleep(PAUSE).await;
        }
        let found = match observer.reader().describe_service(observer.cluster(), observer.service()).await {
            Ok(service) => {
                events.know(Output::RunningCount, service.running);
                events.know(Output::DesiredCount, service.desired);
                compare(rollout, &service)
            }
            Err(error) => Err(error.into()),
        };
        match found {
            Ok(()) => {
                if let Some(arn) = &rollout.pin.service_deployment {
                    events.know(Output::ServiceDeploymentArn, arn);
                }
                return Ok(());
            }
            Err(failure) => finding = Some(failure),
        }
    }
    finding.map_or(Ok(()), Err)
}

fn compare(rollout: &Rollout, service: &Service) -> Result<(), Failure> {
    let wanted = &rollout.pin.task_definition;
    if service.task_definition != *wanted {
        return Err(Failure::new(
            Cause::Conflict,
            format!(
                "The rollout succeeded, but the service is set to {}, not to {}.",
                short(&service.task_definition),
                short(wanted)
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
