//! Puts back what was running before.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::restoration::Way;
use super::{Restoration, Rollout};
use crate::aws::ecs::{Deployment, RolloutState, Service, ServiceDeploymentStatus as Status, ServiceUpdate, Writer};
use crate::aws::{Again, Attempts, CallErrorKind, retries_on_the_way_back, send};
use crate::cycle::{Cause, Events, Failure, Restore};
use crate::targets::ecs::primary;
use crate::text::last_part;

/// The reader retries by itself; more than a few times that is time in which nothing is put back.
const LOOK_RETRIES: u32 = 3;
/// How often, and how far apart, it is tried again while AWS does not say where things stand: credentials may come back.
const BLIND_LOOKS: u32 = 4;
const BLIND_PAUSE: Duration = Duration::from_secs(20);

/// Starts going back: joins ECS's own rollback where there is one, asks ECS for one while the deployment is in flight, and
/// otherwise sets the service to the revision that ran before.
///
/// Idempotent: every step looks first or can be made twice.
pub(super) async fn restore(
    writer: &Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Restore<Restoration>, Failure> {
    let retries = retries_on_the_way_back(max_retries);
    let undo = undo(rollout)?;
    let settings = beyond_the_revision(undo.clone());

    if rollout.is_theirs {
        return Ok(Restore::Impossible(
            "Another workflow run began this rollout, so it is that run's to take back.".to_owned(),
        ));
    }
    let mut standing = look(rollout, events).await?;
    for _ in 0..BLIND_LOOKS {
        let Standing::Unseen(arn, _) = &standing else { break };
        // Stopping our own deployment needs no look. Setting the service back does: it may be somebody else's by now.
        if rollout.ecs_goes_back_to_stable && stop(writer, arn, retries, events).await {
            return Ok(Restore::Started(Restoration::new(rollout, Way::Amazon)));
        }
        sleep(BLIND_PAUSE).await;
        standing = look(rollout, events).await?;
    }
    match standing {
        Standing::Superseded(by) => return Ok(Restore::Superseded(by)),
        Standing::Gone => return Ok(Restore::Gone),
        Standing::GoingBack => {
            events.note("Amazon ECS is rolling back by itself; waiting for its end.");
            update(writer, rollout, &settings, retries, events).await?;
            return Ok(Restore::Started(Restoration::new(rollout, Way::Amazon)));
        }
        Standing::InFlight(arn) if rollout.ecs_goes_back_to_stable && stop(writer, &arn, retries, events).await => {
            update(writer, rollout, &settings, retries, events).await?;
            return Ok(Restore::Started(Restoration::new(rollout, Way::Amazon)));
        }
        Standing::Unseen(_, failure) => return Err(failure),
        Standing::InFlight(_) | Standing::Still => {}
    }
    if rollout.pin.starts_deployment() {
        if rollout.pin.stable.is_none() {
            return Ok(Restore::Impossible(
                "No earlier revision is known to have run, so there is nothing to go back to.".to_owned(),
            ));
        }
        let is_other_revision = undo.volume_configurations.is_some() || undo.network_configuration.is_some();
        if !is_other_revision
            && rollout.pin.deployment.is_some()
            && rollout.pin.stable.as_ref() == Some(&rollout.pin.task_definition)
        {
            return Ok(Restore::Impossible(
                "Before and after are the same revision, so there is nothing to go back to: the tasks from before still run \
                 where they could not be replaced."
                    .to_owned(),
            ));
        }
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

/// The way back that ECS took by itself, if it did.
pub(super) async fn going_back(rollout: &Rollout, events: &Events) -> Option<Restoration> {
    match look(rollout, events).await {
        Ok(Standing::GoingBack) => Some(Restoration::new(rollout, Way::Amazon)),
        _ => None,
    }
}

/// The members that stay as the rollout changed them where ECS goes back by itself and nobody else does.
pub(super) fn kept_changes(rollout: &Rollout) -> Vec<String> {
    let kept = undo(rollout).ok().map(beyond_the_revision).and_then(|kept| serde_json::to_value(kept).ok());
    kept.as_ref().and_then(Value::as_object).map(|kept| kept.keys().cloned().collect()).unwrap_or_default()
}

/// Where ECS goes back by itself, it brings the whole service revision back: task definition, volumes and network. This is the
/// rest.
fn beyond_the_revision(undo: ServiceUpdate) -> ServiceUpdate {
    ServiceUpdate { task_definition: None, volume_configurations: None, network_configuration: None, ..undo }
}

/// The update that undoes the rollout's: the members that it changed, with the values from before. A member that was asked for
/// and was so already is left alone: somebody, or autoscaling, may have changed it since.
fn undo(rollout: &Rollout) -> Result<ServiceUpdate, Failure> {
    let Rollout { update, settings, .. } = rollout;
    let before = i32::try_from(rollout.desired).map_err(|error| {
        Failure::new(Cause::Internal, "The desired count does not fit UpdateService.").because(error)
    })?;
    let tags = || settings.propagate_tags.clone().unwrap_or_else(|| "NONE".to_owned());
    Ok(ServiceUpdate {
        task_definition: rollout.pin.starts_deployment().then(|| rollout.pin.stable.clone()).flatten(),
        desired_count: update.desired_count.filter(|asked| *asked != before).map(|_| before),
        force_new_deployment: None,
        enable_ecs_managed_tags: update
            .enable_ecs_managed_tags
            .filter(|asked| *asked != settings.enable_ecs_managed_tags)
            .map(|_| settings.enable_ecs_managed_tags),
        propagate_tags: update.propagate_tags.as_ref().filter(|asked| **asked != tags()).map(|_| tags()),
        enable_execute_command: update
            .enable_execute_command
            .filter(|asked| *asked != settings.enable_execute_command)
            .map(|_| settings.enable_execute_command),
        volume_configurations: update.volume_configurations.as_ref().map(|_| settings.volumes.clone()),
        network_configuration: update.network_configuration.as_ref().map(|_| settings.network_configuration.clone()),
        deployment_configuration: update
            .deployment_configuration
            .as_ref()
            .filter(|_| settings.deployment_configuration.is_object())
            .map(|_| settings.deployment_configuration.clone()),
    })
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
    /// The service was deleted.
    Gone,
    /// AWS does not say, for this reason. The ARN names nothing but our own service deployment.
    Unseen(String, Failure),
}

async fn look(rollout: &Rollout, events: &Events) -> Result<Standing, Failure> {
    let (observer, mut pin) = (&rollout.observer, rollout.pin.clone());
    let reader = observer.reader();
    let described = send(Again::Whatever, Attempts::new(LOOK_RETRIES, events), async || {
        reader.describe_service(observer.cluster(), observer.service()).await
    })
    .await;
    let service = match described {
        Ok(service) if service.status == "ACTIVE" => service,
        Ok(_) => return Ok(Standing::Gone),
        Err(error) if error.kind == CallErrorKind::NotFound => return Ok(Standing::Gone),
        Err(error) => {
            let failure = Failure::from(error);
            return match pin.service_deployment {
                Some(arn) => Ok(Standing::Unseen(arn, failure)),
                None => Err(failure),
            };
        }
    };
    if !pin.starts_deployment() {
        return Ok(match primary(&service).filter(|primary| Some(&primary.id) != pin.deployment.as_ref()) {
            Some(theirs) => Standing::Superseded(name(theirs)),
            None => Standing::Still,
        });
    }
    pin.learn_service_deployment(&service);
    if let Some(arn) = &pin.service_deployment {
        let described = reader.describe_service_deployment(arn).await;
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
        None => pin.deployment.is_some() && primary.map(|primary| &primary.id) != pin.previous_deployment.as_ref(),
    };
    if gave_up && on_stable {
        return Ok(Standing::GoingBack);
    }
    let is_moving =
        pin.ours(&service).is_some_and(|ours| ours.is_primary() && ours.rollout == RolloutState::InProgress);
    if let Some(arn) = pin.service_deployment.filter(|_| is_moving) {
        return Ok(Standing::InFlight(arn));
    }
    Ok(newer(rollout, &service).map_or(Standing::Still, Standing::Superseded))
}

fn newer(rollout: &Rollout, service: &Service) -> Option<String> {
    let (pin, primary) = (&rollout.pin, primary(service)?);
    let is_known =
        Some(&primary.id) == pin.deployment.as_ref() || Some(&primary.id) == pin.previous_deployment.as_ref();
    // What brings our own revision is ours only for as long as ours has no identity: later it is a restart by somebody else.
    let may_be_ours = pin.deployment.is_none() && primary.task_definition == pin.task_definition;
    let is_way_back = Some(&primary.task_definition) == pin.stable.as_ref();
    (!is_known && !may_be_ours && !is_way_back).then(|| name(primary))
}

fn name(deployment: &Deployment) -> String {
    format!("deployment {} to {}", deployment.id, last_part(&deployment.task_definition))
}

/// Asks ECS to go back. Whether it will: a deployment that has ended cannot be stopped any more, and not every partition or
/// role has the operation.
async fn stop(writer: &Writer, arn: &str, retries: u32, events: &Events) -> bool {
    let attempts = Attempts::new(retries, events);
    match send(Again::WhenPassing, attempts, async || writer.roll_back_service_deployment(arn).await).await {
        Ok(()) => true,
        Err(error) => {
            events.note(format!("Amazon ECS was asked to roll back, and does not: {error}"));
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
