//! Puts back what was running before.

use super::pin::primary;
use super::plan::Start;
use super::restoration::Way;
use super::{Restoration, Rollout, Snapshot, short};
use crate::aws::ecs::{RolloutState, Service, ServiceDeploymentStatus as Status, ServiceUpdate, Writer};
use crate::aws::{Again, Attempts, send};
use crate::cycle::{Cause, Events, Failure, Restore};

/// A rollback is worth more patience than a deployment: at least so many retries, whatever the user allows otherwise.
const FEWEST_RETRIES: u32 = 8;

/// Starts going back: joins ECS's own rollback where there is one, asks ECS for one while the deployment is in flight, and
/// otherwise sets the service to the snapshot's revision.
///
/// Idempotent: every step looks first or can be made twice.
pub(super) async fn restore(
    writer: &Writer,
    before: &Snapshot,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Restore<Restoration>, Failure> {
    let retries = max_retries.max(FEWEST_RETRIES);
    let undo = undo(before, rollout)?;
    let settings = ServiceUpdate { task_definition: None, ..undo.clone() };

    if rollout.pin.deployment.is_some() && rollout.pin.starts_deployment() {
        match look(rollout, retries, events).await? {
            Standing::Superseded(by) => return Ok(Restore::Superseded(by)),
            Standing::GoingBack => {
                events.note("Amazon ECS is rolling back by itself; waiting for its end.");
                update(writer, rollout, &settings, retries, events).await?;
                return Ok(Restore::Started(Restoration::new(rollout, Way::Amazon)));
            }
            Standing::InFlight(arn)
                if goes_back_to_stable(before, rollout) && stop(writer, &arn, retries, events).await =>
            {
                update(writer, rollout, &settings, retries, events).await?;
                return Ok(Restore::Started(Restoration::new(rollout, Way::Amazon)));
            }
            Standing::InFlight(_) | Standing::Still => {}
        }
    }
    if before.stable.is_none() && rollout.pin.starts_deployment() {
        return Err(Failure::new(
            Cause::NotFound,
            "No earlier revision is known to have run, so there is nothing to go back to.",
        ));
    }
    // The answer to a call that writes shows the service as it is, even where answers to reads lag behind.
    let Some(service) = update(writer, rollout, &undo, retries, events).await? else {
        return Ok(Restore::NothingToDo);
    };
    let is_untouched = rollout.pin.deployment.is_none()
        && primary(&service).map(|primary| &primary.id) == rollout.pin.previous_deployment.as_ref();
    if is_untouched {
        return Ok(Restore::NothingToDo);
    }
    Ok(Restore::Started(Restoration::new(rollout, Way::Update(primary(&service).map(|primary| primary.id.clone())))))
}

/// The update that undoes the rollout's: the same members, with the values from before.
fn undo(before: &Snapshot, rollout: &Rollout) -> Result<ServiceUpdate, Failure> {
    let update = &rollout.update;
    let desired_count = match update.desired_count {
        Some(_) => Some(i32::try_from(rollout.desired).map_err(|error| {
            Failure::new(Cause::Internal, "The desired count does not fit UpdateService.").because(error)
        })?),
        None => None,
    };
    Ok(ServiceUpdate {
        task_definition: rollout.pin.starts_deployment().then(|| before.stable.clone()).flatten(),
        desired_count,
        force_new_deployment: None,
        enable_ecs_managed_tags: update.enable_ecs_managed_tags.map(|_| rollout.settings.enable_ecs_managed_tags),
        propagate_tags: update
            .propagate_tags
            .as_ref()
            .map(|_| rollout.settings.propagate_tags.clone().unwrap_or_else(|| "NONE".to_owned())),
        enable_execute_command: update.enable_execute_command.map(|_| rollout.settings.enable_execute_command),
    })
}

/// Whether ECS's own rollback ends at the snapshot: not when the rollout took the place of one that was in flight itself.
fn goes_back_to_stable(before: &Snapshot, rollout: &Rollout) -> bool {
    let was_at_rest = before.in_flight().is_none() && !before.has_failed();
    was_at_rest || rollout.start == Start::Join
}

/// Where the rollout stands at this moment.
enum Standing {
    /// In flight; the ARN of its service deployment.
    InFlight(String),
    /// ECS is going back, or has gone back, by itself.
    GoingBack,
    /// Neither: it ended, or AWS does not tell.
    Still,
    /// Somebody else's deployment took its place.
    Superseded(String),
}

async fn look(rollout: &Rollout, retries: u32, events: &Events) -> Result<Standing, Failure> {
    let observer = &rollout.observer;
    let (reader, pin) = (observer.reader(), &rollout.pin);
    let service = send(Again::Whatever, Attempts::new(retries, events), async || {
        reader.describe_service(observer.cluster(), observer.service()).await
    })
    .await?;
    let mut pin = pin.clone();
    pin.learn_service_deployment(&service);
    if let Some(arn) = &pin.service_deployment {
        let described = send(Again::WhenPassing, Attempts::new(retries, events), async || {
            reader.describe_service_deployment(arn).await
        })
        .await;
        if let Ok(Some(deployment)) = described {
            return Ok(match deployment.status {
                Status::RollbackRequested | Status::RollbackInProgress | Status::RollbackSuccessful => {
                    Standing::GoingBack
                }
                Status::Pending | Status::InProgress | Status::Other(_) => Standing::InFlight(arn.clone()),
                Status::Stopped | Status::StopRequested | Status::Successful | Status::RollbackFailed => {
                    newer(rollout, &service).map_or(Standing::Still, Standing::Superseded)
                }
            });
        }
    }
    let primary = primary(&service);
    let on_stable = primary.is_some_and(|primary| Some(&primary.task_definition) == pin.stable.as_ref());
    let gave_up = match pin.ours(&service) {
        Some(ours) => ours.rollout == RolloutState::Failed,
        // Gone from the list because ECS went back, unless this answer is older than our update.
        None => primary.map(|primary| &primary.id) != pin.previous_deployment.as_ref(),
    };
    if gave_up && on_stable {
        return Ok(Standing::GoingBack);
    }
    Ok(newer(rollout, &service).map_or(Standing::Still, Standing::Superseded))
}

fn newer(rollout: &Rollout, service: &Service) -> Option<String> {
    let (pin, primary) = (&rollout.pin, primary(service)?);
    let is_known =
        Some(&primary.id) == pin.deployment.as_ref() || Some(&primary.id) == pin.previous_deployment.as_ref();
    let is_stable = Some(&primary.task_definition) == pin.stable.as_ref();
    (!is_known && !is_stable).then(|| format!("deployment {} to {}", primary.id, short(&primary.task_definition)))
}

/// Asks ECS to go back. Whether it will: a deployment that has ended cannot be stopped any more, and not every partition or
/// role has the operation.
async fn stop(writer: &Writer, arn: &str, retries: u32, events: &Events) -> bool {
    let attempts = Attempts::new(retries, events);
    match send(Again::WhenPassing, attempts, async || writer.roll_back_service_deployment(arn).await).await {
        Ok(()) => true,
        Err(error) => {
            events.note(format!("Amazon ECS does not roll back by itself, so the service is updated: {error}"));
            false
        }
    }
}

async fn update(
    writer: &Writer,
    rollout: &Rollout,
    update: &ServiceUpdate,
    retries: u32,
    events: &Events,
) -> Result<Option<Service>, Failure> {
    if update.is_empty() {
        return Ok(None);
    }
    let (cluster, service) = (rollout.observer.cluster(), rollout.observer.service());
    let attempts = Attempts::new(retries, events);
    let service =
        send(Again::Whatever, attempts, async || writer.update_service(cluster, service, update).await).await?;
    Ok(Some(service))
}
