//! Puts back what was served before.

use std::time::Duration;

use tokio::time::sleep;

use super::capture::find;
use super::rollout::Before;
use super::scaling::put_back;
use super::{Restoration, Rollout, Writers};
use crate::aws::sage_maker::{Endpoint, EndpointStatus};
use crate::aws::{Again, Attempts, retries_on_the_way_back, send};
use crate::cycle::{Events, Failure, Restore};
use crate::spec::OnFirstFailure;

/// How often, and how far apart, an endpoint that shows nothing of the rollout is looked at: answers may be old.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

/// How far it may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// What becomes of an endpoint that is new.
    pub(super) on_first_failure: OnFirstFailure,
    /// Whether what serves was checked and found wanting.
    pub(super) is_judged: bool,
}

/// Starts going back. What is in flight cannot be stopped: it is waited for first.
///
/// Idempotent: it looks first, and an update that is on its way back is joined.
pub(super) async fn restore(
    writers: &Writers,
    rollout: &Rollout,
    scope: Scope,
    max_retries: u32,
    events: &Events,
) -> Result<Restore<Restoration>, Failure> {
    let retries = retries_on_the_way_back(max_retries);
    let pin = &rollout.pin;
    let mut there = look(rollout, retries, events).await?;
    for _ in 1..LOOKS {
        let shows_the_rollout = there.as_ref().is_some_and(|there| rollout.seen.moved || !pin.is_as_before(there));
        if shows_the_rollout {
            break;
        }
        sleep(PAUSE).await;
        there = look(rollout, retries, events).await?;
    }
    let Some(there) = there else {
        let is_untouched = rollout.before() == Before::Nothing && rollout.replaced.is_none() && !rollout.seen.moved;
        return Ok(if is_untouched { Restore::NothingToDo } else { Restore::Gone });
    };
    // The failed one that was to be made again, as it was or on its way out. Nothing serves by it.
    if rollout.replaced.as_ref().is_some_and(|replaced| replaced.is(&there)) {
        let is_going = there.status == EndpointStatus::Deleting;
        return Ok(if is_going { Restore::Gone } else { Restore::NothingToDo });
    }
    if pin.is_as_before(&there) && !rollout.seen.moved {
        put_back(writers, rollout, &rollout.scaled, retries, events).await?;
        return Ok(Restore::NothingToDo);
    }
    let config = there.pending.as_ref().map_or(&there.config, |pending| &pending.config);
    if *config != pin.config && Some(config) != pin.previous.as_ref() {
        return Ok(Restore::Superseded(format!("configuration {config}")));
    }
    if rollout.is_earlier && *config == pin.config {
        if !scope.is_judged {
            return Ok(Restore::Impossible(
                "This attempt changed nothing and ended before what an earlier attempt of this run brought was found wanting, \
                 so nothing is put back."
                    .to_owned(),
            ));
        }
        if pin.previous.is_none() {
            return Ok(Restore::Impossible(
                "An earlier attempt of this run brought it, and nothing says what was served before, so there is nothing to go \
                 back to: it is kept."
                    .to_owned(),
            ));
        }
    }
    if pin.previous.is_none() && scope.on_first_failure == OnFirstFailure::Keep {
        return Ok(Restore::Impossible(
            "There was no endpoint before, so there is nothing to go back to; it is kept to be looked at \
             (`on-first-failure`)."
                .to_owned(),
        ));
    }
    if there.status.is_moving() {
        events.note(format!(
            "Endpoint {} is {}; nothing can be put back before that is over.",
            there.name,
            there.status.as_str()
        ));
    }
    Ok(Restore::Started(Restoration::new(rollout, writers.clone())))
}

/// The way back that SageMaker took by itself, if it did.
pub(super) async fn going_back(rollout: &Rollout) -> Option<Restoration> {
    let there = find(&rollout.reader, &rollout.endpoint).await.ok()??;
    let went_back = !there.status.is_moving()
        && Some(&there.config) == rollout.pin.previous.as_ref()
        && there.status != EndpointStatus::UpdateRollbackFailed;
    went_back.then(|| Restoration::watching(rollout))
}

async fn look(rollout: &Rollout, retries: u32, events: &Events) -> Result<Option<Endpoint>, Failure> {
    let attempts = Attempts::new(retries, events);
    Ok(send(Again::Whatever, attempts, async || find(&rollout.reader, &rollout.endpoint).await).await?)
}
