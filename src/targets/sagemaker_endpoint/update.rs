//! Starts the rollout.

use std::time::Duration;

use tokio::time::sleep;

use super::capture::find;
use super::memory::remember;
use super::plan::Start;
use super::scaling::{put_back, take_away};
use super::{Rollout, Writers};
use crate::aws::sage_maker::{Endpoint, EndpointStatus, Writer};
use crate::aws::{Attempts, CallError, CallErrorKind};
use crate::cycle::{Cause, Events, Failure, NotUpdated, Output};

/// SageMaker may not see at once what was made a moment ago (API reference, CreateEndpoint): so often it is asked again.
const BLIND: u32 = 3;
/// How long an endpoint may take to be deleted, and how often it is looked at meanwhile.
const DELETED: u32 = 60;
const PAUSE: Duration = Duration::from_secs(5);

/// Sends CreateEndpoint or UpdateEndpoint, once for as long as that can be known.
///
/// Idempotent: a rollout that is in flight is joined without a call, and after a call without an answer the endpoint is looked
/// at before the call is made again.
pub(super) async fn update(
    writers: &Writers,
    mut rollout: Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Rollout, NotUpdated> {
    let writer = &writers.sage_maker;
    match rollout.start {
        Start::Join | Start::Check | Start::Scale => {}
        Start::Recreate => {
            delete(writer, &rollout, max_retries, events).await?;
            rollout.pin.modified = String::new();
            // The failed one is gone, whatever becomes of the new one.
            let is_changed = |refused| NotUpdated { may_have_happened: true, ..refused };
            send(writer, &rollout, max_retries, events).await.map_err(is_changed)?;
        }
        Start::Create => send(writer, &rollout, max_retries, events).await?,
        Start::Update => {
            let not_updated = |failure| NotUpdated { failure, may_have_happened: false };
            if !rollout.scaled.is_empty() {
                remember(writers, &rollout.arn, &rollout.scaled, max_retries, events).await;
            }
            let sent = match take_away(&writers.scaling, &rollout.scaled, max_retries, events).await {
                Ok(()) => send(writer, &rollout, max_retries, events).await,
                Err(failure) => Err(not_updated(failure)),
            };
            // Where nothing was changed, this is all that there is to put back.
            if let Err(NotUpdated { failure, may_have_happened: false }) = sent {
                let back = put_back(writers, &rollout, &rollout.scaled, max_retries, events).await;
                return Err(NotUpdated { failure, may_have_happened: back.is_err() });
            }
            sent?;
        }
    }
    events.know(Output::EndpointName, &rollout.endpoint);
    Ok(rollout)
}

async fn send(writer: &Writer, rollout: &Rollout, max_retries: u32, events: &Events) -> Result<(), NotUpdated> {
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_have_happened = false;
    let mut blind = BLIND;
    let fail = |failure: Failure, may_have_happened| NotUpdated { failure, may_have_happened };
    loop {
        // Since the endpoint was captured something was made, and calls may have been throttled for minutes.
        if let Ok(there) = find(&rollout.reader, &rollout.endpoint).await {
            if may_have_happened && there.as_ref().is_some_and(|there| has_happened(rollout, there)) {
                return Ok(());
            }
            if let Some(theirs) = taken_over(rollout, there.as_ref()) {
                // A call without an answer may have come before theirs: then ours was superseded, and not refused.
                return Err(fail(conflict(&theirs), may_have_happened));
            }
        }
        let sent = match rollout.start {
            Start::Create | Start::Recreate => writer.create_endpoint(&rollout.request).await,
            Start::Update | Start::Join | Start::Check | Start::Scale => writer.update_endpoint(&rollout.request).await,
        };
        let error = match sent {
            Ok(()) => return Ok(()),
            Err(error) if error.is_passing() => error,
            Err(error) if error.kind == CallErrorKind::NotFound && blind > 0 => {
                blind -= 1;
                error
            }
            Err(error) => return Err(fail(error.into(), may_have_happened)),
        };
        may_have_happened |= error.may_have_happened();
        let exhausted = |error: CallError| fail(error.into(), may_have_happened);
        attempts.pause_after(error).await.map_err(exhausted)?;
    }
}

/// Removes an endpoint that never served, and nothing that somebody else put in its place.
async fn delete(writer: &Writer, rollout: &Rollout, max_retries: u32, events: &Events) -> Result<(), NotUpdated> {
    let mut is_begun = false;
    let fail = |failure: Failure, may_have_happened| NotUpdated { failure, may_have_happened };
    let mut attempts = Attempts::new(max_retries, events);
    events.note(format!("Deleting endpoint {}, which is Failed, to make it again.", rollout.endpoint));
    for look in 0.. {
        let there = find(&rollout.reader, &rollout.endpoint).await.map_err(|error| fail(error.into(), is_begun))?;
        let Some(there) = there else { return Ok(()) };
        if !rollout.replaced.as_ref().is_some_and(|replaced| replaced.is(&there)) {
            let theirs = format!("it is {}, with configuration {}", there.status.as_str(), there.config);
            return Err(fail(conflict(&theirs), is_begun));
        }
        if look > DELETED {
            break;
        }
        if there.status == EndpointStatus::Deleting {
            sleep(PAUSE).await;
            continue;
        }
        let deleted = writer.delete_endpoint(&rollout.endpoint).await;
        is_begun |= deleted.as_ref().err().is_none_or(CallError::may_have_happened);
        match deleted {
            Ok(()) => {}
            Err(error) if error.kind == CallErrorKind::NotFound => return Ok(()),
            Err(error) if error.is_passing() => {
                attempts.pause_after(error).await.map_err(|error| fail(error.into(), is_begun))?;
            }
            Err(error) => return Err(fail(error.into(), is_begun)),
        }
    }
    Err(fail(
        Failure::new(Cause::Timeout, "The endpoint that is Failed was to be deleted, and is still there."),
        is_begun,
    ))
}

/// Whose change is in the way, if the endpoint is neither as it was nor ours.
fn taken_over(rollout: &Rollout, there: Option<&Endpoint>) -> Option<String> {
    let pin = &rollout.pin;
    match (there, rollout.start) {
        (Some(there), Start::Create | Start::Recreate) if there.config != pin.config => {
            Some(format!("it is there already, with configuration {}", there.config))
        }
        (Some(there), Start::Update) => {
            let config = there.pending.as_ref().map_or(&there.config, |pending| &pending.config);
            let is_known = Some(config) == pin.previous.as_ref() || *config == pin.config;
            (!is_known).then(|| format!("configuration {config}"))
        }
        (None, Start::Update) => Some("it was deleted".to_owned()),
        _ => None,
    }
}

fn conflict(theirs: &str) -> Failure {
    Failure::new(Cause::Conflict, format!("Somebody else changed the endpoint meanwhile: {theirs}."))
        .advise("Run the job again, or give the jobs that deploy this endpoint a common `concurrency` group.")
}

fn has_happened(rollout: &Rollout, there: &Endpoint) -> bool {
    let config = there.pending.as_ref().map_or(&there.config, |pending| &pending.config);
    *config == rollout.pin.config
}
