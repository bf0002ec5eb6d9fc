//! Starts the rollout.

use futures_util::FutureExt as _;

use super::Rollout;
use super::plan::Start;
use super::resume::resume;
use crate::aws::ecs::{Service, Writer};
use crate::aws::{Attempts, CallError};
use crate::cycle::{Cause, Events, Failure, NotUpdated, Output};
use crate::targets::ecs::primary;
use crate::text::last_part;

/// Sends UpdateService, once for as long as that can be known.
///
/// Idempotent: a rollout that is already in flight is joined without a call, and after a call without an answer the service
/// is looked at before the call is made again.
pub(super) async fn update(
    writer: &Writer,
    mut rollout: Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Rollout, NotUpdated> {
    if rollout.start == Start::Update {
        let service = send(writer, &rollout, max_retries, events).await?;
        if !rollout.pin(&service) {
            return Err(NotUpdated {
                failure: conflict("in the very moment in which it was updated"),
                may_have_happened: true,
            });
        }
    }
    if let Some(pause) = &rollout.resumes {
        let not_resumed = |failure| NotUpdated { failure, may_have_happened: false };
        let resumed = resume(rollout.observer.reader(), writer, pause, max_retries, events).boxed_local().await;
        resumed.map_err(not_resumed)?;
    }
    if let Some(id) = &rollout.pin.deployment {
        events.know(Output::DeploymentId, id);
    }
    if let Some(arn) = &rollout.pin.service_deployment {
        events.know(Output::ServiceDeploymentArn, arn);
    }
    Ok(rollout)
}

async fn send(writer: &Writer, rollout: &Rollout, max_retries: u32, events: &Events) -> Result<Service, NotUpdated> {
    let (cluster, service) = (rollout.observer.cluster(), rollout.observer.service());
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_have_happened = false;
    let fail = |error: CallError, may_have_happened| NotUpdated { failure: error.into(), may_have_happened };
    loop {
        // Since the service was captured a revision was registered, and calls may have been throttled for minutes.
        if let Ok(service) = rollout.observer.reader().describe_service(cluster, service).await {
            if may_have_happened && has_happened(rollout, &service) {
                return Ok(service);
            }
            if let Some(theirs) = taken_over(rollout, &service) {
                // A call without an answer may have come before theirs: then ours was superseded, and not refused.
                return Err(NotUpdated { failure: conflict(&theirs), may_have_happened });
            }
        }
        let error = match writer.update_service(cluster, service, &rollout.update).await {
            Ok(service) => return Ok(service),
            Err(error) if error.is_passing() => error,
            Err(error) => return Err(fail(error, may_have_happened)),
        };
        may_have_happened |= error.may_have_happened();
        attempts.pause_after(error).await.map_err(|error| fail(error, may_have_happened))?;
    }
}

/// Whose deployment is the service's newest, if it is neither ours nor the one that was there before.
fn taken_over(rollout: &Rollout, service: &Service) -> Option<String> {
    let primary = primary(service)?;
    (Some(&primary.id) != rollout.pin.previous_deployment.as_ref())
        .then(|| format!("deployment {} to {}", primary.id, last_part(&primary.task_definition)))
}

fn conflict(theirs: &str) -> Failure {
    Failure::new(Cause::Conflict, format!("Somebody else changed the service meanwhile: {theirs}."))
        .advise("Run the job again, or give the jobs that deploy this service a common `concurrency` group.")
}

/// Whether the service shows the change. A change of settings alone leaves no trace that could not be older, so it is sent
/// again, which changes nothing the second time.
fn has_happened(rollout: &Rollout, service: &Service) -> bool {
    primary(service).is_some_and(|primary| {
        primary.task_definition == rollout.pin.task_definition
            && Some(&primary.id) != rollout.pin.previous_deployment.as_ref()
    })
}
