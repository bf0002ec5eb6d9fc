//! Starts the deployment.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Readers;
use super::Rollout;
use super::observe::name;
use super::rollout::{Found, Pin};
use crate::aws::codedeploy::{NewDeployment, Writer};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, send};
use crate::cycle::{Cause, Events, Failure, NotUpdated, Output};

/// How far apart it is looked whether a deployment that was stopped is over.
const STOPPING_PAUSE: Duration = Duration::from_secs(5);

/// Sends CreateDeployment, once for as long as that can be known.
///
/// Idempotent: a deployment that is already in flight is joined without a call, and after a call without an answer the group is
/// looked at before the call is made again.
pub(super) async fn update(
    writer: &Writer,
    mut rollout: Rollout,
    (max_retries, wait_for): (u32, Duration),
    events: &Events,
) -> Result<Rollout, NotUpdated> {
    if let Some(new) = rollout.pin.forward.clone() {
        let clients = rollout.observer.clients().clone();
        let mut stopped = None;
        if let Some(theirs) = rollout.pin.supersedes.clone() {
            let not_updated = |failure| NotUpdated { failure, may_have_happened: false };
            stopped = stop(writer, &theirs, max_retries, events).await.map_err(not_updated)?;
            let ended = over(&clients, &mut rollout.pin, &theirs, wait_for).await;
            ended.map_err(|failure| after(stopped.as_ref(), not_updated(failure)))?;
        }
        let created = create(writer, &clients, &rollout.pin, &new, max_retries, events).await;
        rollout.pin.deployment = Some(created.map_err(|not_updated| after(stopped.as_ref(), not_updated))?);
    }
    if let Some(id) = &rollout.pin.deployment {
        events.know(Output::CodedeployDeploymentId, id);
        events.note(format!("Watching {}.", name(id)));
    }
    Ok(rollout)
}

/// Stops somebody else's deployment, as asked. In words, if it had not ended by itself.
async fn stop(writer: &Writer, theirs: &str, max_retries: u32, events: &Events) -> Result<Option<String>, Failure> {
    match send(Again::WhenPassing, Attempts::new(max_retries, events), async || writer.roll_back(theirs).await).await {
        Ok(()) => Ok(Some(format!("{} was stopped, as asked", name(theirs)))),
        Err(error) if error.kind == CallErrorKind::Conflict => Ok(None),
        Err(error) if error.may_have_happened() => {
            Err(Failure::from(error).after(format!("{} may have been stopped, as asked", name(theirs))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why there was no update after somebody else's deployment had been stopped for it.
fn after(stopped: Option<&String>, not_updated: NotUpdated) -> NotUpdated {
    let Some(stopped) = stopped else { return not_updated };
    NotUpdated { failure: not_updated.failure.after(stopped), ..not_updated }
}

/// Waits until CodeDeploy has taken back what was stopped: it carries out one deployment at a time.
async fn over(clients: &Readers, pin: &mut Pin, theirs: &str, wait_for: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + wait_for;
    loop {
        let group = clients.codedeploy.group(&pin.application, &pin.group).await?;
        match group.last {
            Some((last, status)) if status.is_over() => {
                // What takes it back is created a moment after it was stopped.
                let deployment = clients.codedeploy.deployment(&last).await?;
                if deployment.rolled_back_by.is_none() {
                    pin.previous = Some(last);
                    return Ok(());
                }
            }
            _ => {}
        }
        if Instant::now() >= deadline {
            let reason =
                format!("{} was to be superseded, and did not end in time (`wait-for-minutes`).", name(theirs));
            return Err(Failure::new(Cause::Conflict, reason));
        }
        sleep(STOPPING_PAUSE).await;
    }
}

/// Creates a deployment and gives its id. `pin` says which deployment is known not to be this one.
async fn create(
    writer: &Writer,
    clients: &Readers,
    pin: &Pin,
    new: &NewDeployment,
    max_retries: u32,
    events: &Events,
) -> Result<String, NotUpdated> {
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_have_happened = false;
    let fail = |error: CallError, may_have_happened| NotUpdated { failure: error.into(), may_have_happened };
    loop {
        let error = match writer.create(new).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        may_have_happened |= error.may_have_happened();
        let is_conflict = error.kind == CallErrorKind::Conflict;
        if may_have_happened || is_conflict {
            match pin.find(clients).await {
                Ok(Found::Ours(id)) if may_have_happened => return Ok(id),
                Ok(Found::Theirs(theirs) | Found::Ours(theirs)) => {
                    let failure = Failure::new(
                        Cause::Conflict,
                        format!("Somebody else deployed to the service meanwhile: {}.", name(&theirs)),
                    )
                    .advise(
                        "Run the job again, or give the jobs that deploy this service a common `concurrency` group.",
                    );
                    return Err(NotUpdated { failure, may_have_happened });
                }
                Ok(Found::None) | Err(_) => {}
            }
        }
        if !error.is_passing() {
            return Err(fail(error, may_have_happened));
        }
        attempts.pause_after(error).await.map_err(|error| fail(error, may_have_happened))?;
    }
}
