//! Puts back what was running before.

use std::time::Duration;

use tokio::time::sleep;

use super::observe::{name, newer};
use super::restoration::Way;
use super::rollout::Found;
use super::{Restoration, Rollout};
use crate::aws::codedeploy::{Deployment, Status, Writer};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, retries_on_the_way_back, send};
use crate::cycle::{Events, Failure, Restore};

/// The reader retries by itself; more than a few times that is time in which nothing is put back.
const LOOK_RETRIES: u32 = 3;
/// How often, and how far apart, it is looked before an absence counts: of our deployment, of CodeDeploy's own way back.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Starts going back: joins CodeDeploy where it is going back by itself, asks it to while the deployment is in flight, and
/// otherwise deploys the revision that was serving before.
///
/// Idempotent: every step looks first, and both ways back are known again by what they are.
pub(super) async fn restore(
    writer: &Writer,
    rollout: &Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Restore<Restoration>, Failure> {
    let retries = retries_on_the_way_back(max_retries);
    if rollout.pin.is_theirs {
        return Ok(Restore::Impossible(
            "Another workflow run began this rollout, so it is that run's to take back.".to_owned(),
        ));
    }
    let mut attempts = Attempts::new(retries, events);
    let mut back = rollout.pin.back.clone();
    let mut look = 0;
    loop {
        look += 1;
        let started = |way| Ok(Restore::Started(Restoration::new(rollout, way)));
        match standing(rollout, events).await? {
            Standing::NotStarted if look < LOOKS => {}
            Standing::NotStarted => return Ok(Restore::NothingToDo),
            Standing::Gone => return Ok(Restore::Gone),
            Standing::Superseded(by) => return Ok(Restore::Superseded(by)),
            Standing::GoingBack(way) => {
                events.note("AWS CodeDeploy is going back already; waiting for its end.");
                return started(way);
            }
            Standing::InFlight(id) => {
                let attempts = Attempts::new(retries, events);
                match send(Again::Whatever, attempts, async || writer.roll_back(&id).await).await {
                    Ok(()) => return started(Way::Amazon(id)),
                    // It has just ended, or nearly so.
                    Err(error) if error.kind == CallErrorKind::Conflict && look < 30 * LOOKS => {}
                    Err(error) => return Err(error.into()),
                }
            }
            // What CodeDeploy takes back by itself, it may not have begun yet.
            Standing::Ended { is_success: false, .. } if look < LOOKS => {}
            // Of one that succeeded the service may only be shown as it was before.
            Standing::Ended { id, is_success: false, is_served: false, is_left: false } => {
                return started(Way::Amazon(id));
            }
            Standing::Ended { id, .. } => {
                let Some(back) = &mut back else {
                    return Ok(Restore::Impossible(
                        "The deployment is over, and without an AppSpec, or an earlier revision, there is nothing to go \
                         back with."
                            .to_owned(),
                    ));
                };
                if rollout.pin.stable.as_ref() == Some(&rollout.pin.task_definition) {
                    return Ok(Restore::Impossible(
                        "Before and after are the same revision, so there is nothing to go back to.".to_owned(),
                    ));
                }
                let error = match writer.create(back).await {
                    Ok(back) => {
                        events.note(format!("Going back with {}, ended: {}.", name(&back), name(&id)));
                        return started(Way::Deployment(back));
                    }
                    Err(error) if error.kind == CallErrorKind::Denied && back.ignores_alarms => {
                        events.warn(
                            "Without the permission `codedeploy:UpdateDeploymentGroup` the deployment group's alarms stay on \
                             while the service goes back, and one that is in ALARM stops that.",
                        );
                        back.ignores_alarms = false;
                        error
                    }
                    Err(error) => error,
                };
                // The next look finds the deployment if it was created all the same.
                attempts.pause_after(error).await?;
                continue;
            }
        }
        sleep(PAUSE).await;
    }
}

/// The way back that CodeDeploy took by itself, if it did.
pub(super) async fn going_back(rollout: &Rollout) -> Option<Restoration> {
    let id = rollout.pin.deployment.as_ref()?;
    let deployment = rollout.observer.clients().codedeploy.deployment(id).await.ok()?;
    deployment.rolled_back_by.is_some().then(|| Restoration::new(rollout, Way::Amazon(id.clone())))
}

/// Where the rollout stands at this moment.
enum Standing {
    /// It was never created.
    NotStarted,
    /// In flight: its id.
    InFlight(String),
    /// CodeDeploy is going back, or has gone back.
    GoingBack(Way),
    /// It is over and nobody takes it back.
    Ended {
        id: String,
        is_success: bool,
        /// Whether its task set has the traffic.
        is_served: bool,
        /// Whether its task set is there, with or without traffic.
        is_left: bool,
    },
    /// Somebody else's deployment took its place.
    Superseded(String),
    /// The service was deleted.
    Gone,
}

async fn standing(rollout: &Rollout, events: &Events) -> Result<Standing, Failure> {
    Ok(send(Again::Whatever, Attempts::new(LOOK_RETRIES, events), async || look(rollout).await).await?)
}

async fn look(rollout: &Rollout) -> Result<Standing, CallError> {
    let (pin, clients) = (&rollout.pin, rollout.observer.clients());
    let id = match &pin.deployment {
        Some(id) => id.clone(),
        None => match pin.find(clients).await? {
            Found::None => return Ok(Standing::NotStarted),
            Found::Ours(id) => id,
            Found::Theirs(id) => {
                let theirs = clients.codedeploy.deployment(&id).await?;
                if pin.is_way_back(&theirs) {
                    return Ok(Standing::GoingBack(Way::Deployment(id)));
                }
                return Ok(Standing::Superseded(name(&id)));
            }
        },
    };
    let ours: Deployment = clients.codedeploy.deployment(&id).await?;
    if !ours.status.is_over() {
        return Ok(Standing::InFlight(id));
    }
    let group = clients.codedeploy.group(&pin.application, &pin.group).await?;
    if let Some((last, _)) = group.last.filter(|(last, _)| *last != id && ours.rolled_back_by.as_ref() != Some(last)) {
        let last = clients.codedeploy.deployment(&last).await?;
        if pin.is_way_back(&last) && last.status != Status::Failed && last.status != Status::Stopped {
            return Ok(Standing::GoingBack(Way::Deployment(last.id)));
        }
    }
    if let Some(by) = newer(clients, pin, &ours).await? {
        return Ok(Standing::Superseded(by));
    }
    if ours.rolled_back_by.is_some() {
        return Ok(Standing::GoingBack(Way::Amazon(id)));
    }
    let service = match clients.ecs.describe_service(&pin.cluster, &pin.service).await {
        Ok(service) if service.status == "ACTIVE" => service,
        Ok(_) => return Ok(Standing::Gone),
        Err(error) if error.kind == CallErrorKind::NotFound => return Ok(Standing::Gone),
        Err(error) => return Err(error),
    };
    let its = service.task_sets.iter().find(|set| set.external_id.as_ref() == Some(&id));
    Ok(Standing::Ended {
        is_success: ours.status == Status::Succeeded,
        is_served: its.is_some_and(|set| set.is_primary()),
        is_left: its.is_some(),
        id,
    })
}
