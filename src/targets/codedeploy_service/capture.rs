//! Looks at what is running, and at the deployment group.

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::CodeDeployService;
use super::history::{before, previous};
use super::plan::plan;
use super::preflight::without_appspec;
use crate::aws::CallErrorKind;
use crate::aws::codedeploy::Group;
use crate::aws::ecs::{Service, TaskSet};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::Resolved;
use crate::spec::{AppSpec, Mode, RollbackTo, TaskDefinition};
use crate::targets::ecs::{
    Base, Promoted, active, announce, announce_commits, base, describe, is_of_an_earlier_attempt, look, named,
    or_nothing, resolve,
};
use crate::text::last_part;
use crate::verification::SeenAlarms;

/// What was running before, and what the request starts from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The service.
    pub(super) service: Service,
    /// The names of the application and of the deployment group.
    pub(super) application: String,
    pub(super) group: String,
    /// What CodeDeploy says of the group.
    pub(super) details: Group,
    /// The deployment in flight.
    pub(super) in_flight: Option<InFlight>,
    /// The last deployment, where an earlier attempt of this run brought it and may not have come to check it.
    pub(super) unchecked: Option<InFlight>,
    /// The ARN of the revision that the service is on, or on its way to.
    pub(super) current: String,
    /// That revision.
    pub(super) running: TaskDefinition,
    /// What the request starts from.
    pub(super) base: Base,
    /// The ARN of the revision that has been serving: where a rollback goes.
    pub(super) stable: Option<String>,
    /// The images that the request names, as far as their digests are known.
    pub(super) images: Vec<Resolved>,
    /// The alarms that matter, as they are now.
    pub(super) alarms: SeenAlarms,
    /// What runs in the service that is promoted from, if one is.
    pub(super) promoted: Option<Promoted>,
}

/// A deployment that is not over, or not known to be checked.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) id: String,
    pub(super) sha256: Option<String>,
    /// The ARN of the revision that it brings, where that is known.
    pub(super) task_definition: Option<String>,
    /// Whether it takes another one back.
    pub(super) is_rollback: bool,
    pub(super) created: Option<Timestamp>,
}

impl Snapshot {
    /// The deployment in flight, in words.
    pub(super) fn conflict(&self) -> Option<String> {
        let in_flight = self.in_flight.as_ref()?;
        let to = in_flight.task_definition.as_deref().map(|arn| format!(" to {}", last_part(arn))).unwrap_or_default();
        Some(format!("AWS CodeDeploy deployment {}{to}", in_flight.id))
    }

    /// What is called "before" in words.
    pub(super) fn restore_to(&self) -> &str {
        self.stable.as_deref().unwrap_or(&self.service.task_definition)
    }

    /// The names of cluster and service, as CodeDeploy knows them.
    pub(super) fn names(&self) -> (&str, &str) {
        (last_part(&self.service.cluster_arn), &self.service.name)
    }
}

pub(super) async fn capture(target: &CodeDeployService, events: &Events) -> Result<Snapshot, Failure> {
    let CodeDeployService { clients, checks, request, images, asked, first_look, destination, .. } = target;
    let service = match first_look.take() {
        Some(looked) => looked?,
        None => describe(&clients.ecs, request).await?,
    };
    active(&service)?;
    if let (Err(error), false) = (&asked.appspec, asked.is_asked_for()) {
        // Whoever did not expect this has no permissions for it either.
        return Err(without_appspec(&service.name, error));
    }
    let (application, group) = asked.names(last_part(&service.cluster_arn), &service.name);
    let details = clients.codedeploy.group(&application, &group).await.map_err(|error| {
        let is_missing = error.kind == CallErrorKind::NotFound;
        let failure = Failure::from(error);
        if is_missing {
            failure.advise(
                "Name the application and the deployment group of this service in `codedeploy-application` and \
                 `codedeploy-deployment-group`.",
            )
        } else {
            failure
        }
    })?;
    let in_flight = match &details.last {
        Some((id, status)) if !status.is_over() => Some(in_flight(target, &application, &service, id).await?),
        _ => None,
    };
    let stable = stable(&service, in_flight.as_ref());
    let current = in_flight
        .as_ref()
        .filter(|in_flight| !in_flight.is_rollback)
        .and_then(|in_flight| in_flight.task_definition.clone())
        .unwrap_or_else(|| service.task_definition.clone());
    let running = clients.ecs.describe_task_definition(&current).await?;
    let wanted = match &request.mode {
        // Once: what is "previous" is another one when the service is captured again after a wait.
        Mode::Rollback { to } => Some(match destination.get() {
            Some(resolved) => resolved.clone(),
            None => {
                let resolved = match to {
                    RollbackTo::Previous => {
                        let in_flight = in_flight.as_ref().map(|in_flight| (in_flight, stable.as_ref()));
                        let names = (application.as_str(), group.as_str());
                        previous(clients, names, in_flight, &current, request.is_later_attempt, events)
                            .boxed_local()
                            .await?
                    }
                    _ => resolve(&clients.ecs, to, &service, request.is_later_attempt, events).await?,
                };
                destination.get_or_init(|| resolved).clone()
            }
        }),
        _ => None,
    };
    let base = base(&clients.ecs, request, wanted, &current, &running).await?;
    let images = images.resolve(&named(&request.overrides, &base), events).await?.to_vec();
    let promoted = match &request.origin {
        Some(origin) => Some(look(&clients.ecs, origin).await?),
        None => None,
    };
    let alarms = checks.see_alarms(&details.alarms).await;
    let mut snapshot = Snapshot {
        service,
        application,
        group,
        details,
        in_flight,
        unchecked: None,
        current,
        running,
        base,
        stable,
        images,
        alarms,
        promoted,
    };
    if checks.are_wanted() && is_left_by_an_earlier_attempt(target, &snapshot) {
        let brought =
            snapshot.service.task_sets.iter().find(|set| set.is_primary()).and_then(|set| set.external_id.clone());
        if let Some(id) = brought.filter(|id| snapshot.details.last.as_ref().is_some_and(|(last, _)| last == id)) {
            snapshot.unchecked = Some(self::in_flight(target, &snapshot.application, &snapshot.service, &id).await?);
            let names = (snapshot.application.as_str(), snapshot.group.as_str());
            snapshot.stable = match before(clients, names, &snapshot.current).await {
                // Then there is nothing to go back to, and that is said if it comes to it.
                Err(failure) if failure.cause == Cause::AccessDenied => None,
                revision => revision?,
            };
        }
    }
    announce(&snapshot.service, snapshot.restore_to(), events);
    let runs_before = (snapshot.restore_to() == snapshot.current).then_some(&snapshot.running);
    announce_commits(runs_before, request, &snapshot.base, snapshot.promoted.as_ref(), events);
    Ok(snapshot)
}

/// Whether nothing is left to do but to check what an earlier attempt of this workflow run brought.
fn is_left_by_an_earlier_attempt(target: &CodeDeployService, snapshot: &Snapshot) -> bool {
    let request = &target.request;
    request.mode == Mode::Deploy
        && snapshot.in_flight.is_none()
        && is_of_an_earlier_attempt(&snapshot.running, &request.tags)
        && plan(request, snapshot).is_ok_and(|(plan, _)| plan.is_empty())
}

/// What is in flight. Its revision is that of the task set that it made, or else that of its AppSpec.
async fn in_flight(
    target: &CodeDeployService,
    application: &str,
    service: &Service,
    id: &str,
) -> Result<InFlight, Failure> {
    let reader = &target.clients.codedeploy;
    let deployment = reader.deployment(id).await?;
    let of_set = service.task_sets.iter().find(|set| set.external_id.as_deref() == Some(id));
    let task_definition = match (of_set, &deployment.sha256) {
        (Some(set), _) => Some(set.task_definition.clone()),
        (None, Some(sha256)) => or_nothing(reader.appspec(application, sha256).await)?
            .and_then(|content| AppSpec::parse(&content).ok())
            .and_then(|appspec| appspec.task_definition()),
        (None, None) => None,
    };
    Ok(InFlight {
        id: id.to_owned(),
        sha256: deployment.sha256,
        task_definition,
        is_rollback: deployment.rolls_back.is_some(),
        created: deployment.created,
    })
}

/// The revision of the task set that was there before what is in flight.
fn stable(service: &Service, in_flight: Option<&InFlight>) -> Option<String> {
    let Some(in_flight) = in_flight.filter(|in_flight| !in_flight.is_rollback) else {
        return Some(service.task_definition.clone());
    };
    let before = |set: &&TaskSet| set.external_id.as_deref() != Some(in_flight.id.as_str());
    let mut before: Vec<&TaskSet> = service.task_sets.iter().filter(before).collect();
    before.sort_by_key(|set| !set.is_primary());
    before.first().map(|set| set.task_definition.clone())
}
