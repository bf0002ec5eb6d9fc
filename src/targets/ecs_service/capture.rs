//! Looks at what is running.

use super::plan::plan;
use super::rules::{self, ScheduledRule};
use super::{EcsService, Readers};
use crate::aws::ecs::{Deployment, Reader, RolloutState, Service, ServiceDeployment};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::Resolved;
use crate::spec::{Mode, TaskDefinition};
use crate::targets::ecs::{
    Base, Promoted, Request, active, announce, announce_commits, base, before_the_current, describe, is_moving,
    is_of_an_earlier_attempt, last_good, look, named, or_nothing, primary, resolve, threshold,
};
use crate::text::last_part;
use crate::verification::SeenAlarms;

/// What was running before, and what the request starts from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The service.
    pub(super) service: Service,
    /// The revision that the service is set to.
    pub(super) running: TaskDefinition,
    /// What the request starts from.
    pub(super) base: Base,
    /// The images that the request names, as far as their digests are known.
    pub(super) images: Vec<Resolved>,
    /// The service deployment in flight, where AWS tells.
    pub(super) service_deployment: Option<ServiceDeployment>,
    /// The ARN of the revision that last ran as it should: where a rollback goes.
    pub(super) stable: Option<String>,
    /// Whether an earlier attempt of this workflow run brought what runs now, and may have been killed before it was checked.
    pub(super) may_be_unchecked: bool,
    /// The names of the alarms by which ECS will guard the deployment: those that were asked for, or else the service's own.
    pub(super) deployment_alarms: Vec<String>,
    /// The alarms that matter, as they are now.
    pub(super) alarms: SeenAlarms,
    /// What runs in the service that is promoted from, if one is.
    pub(super) promoted: Option<Promoted>,
    /// The rules that move with the service.
    pub(super) rules: Vec<ScheduledRule>,
}

impl Snapshot {
    pub(super) fn primary(&self) -> Option<&Deployment> {
        self.service.deployments.iter().find(|deployment| deployment.is_primary())
    }

    /// The rollout in flight that has to be waited for, in words.
    pub(super) fn in_flight(&self) -> Option<String> {
        let primary = self.primary().filter(|_| self.hopeless().is_none())?;
        is_moving(primary).then(|| format!("deployment {} to {}", primary.id, last_part(&primary.task_definition)))
    }

    /// The rollout in flight that keeps failing and that nobody will end: without a circuit breaker ECS tries for ever, and
    /// waiting for the end would keep the repair from going out.
    pub(super) fn hopeless(&self) -> Option<&Deployment> {
        let primary = self.primary().filter(|primary| is_moving(primary))?;
        let keeps_failing = primary.failed >= threshold(self.service.desired) && !primary.is_full();
        (keeps_failing && !self.service.circuit_breaker.enabled && self.is_moving_forward()).then_some(primary)
    }

    /// Whether all tasks run that should.
    pub(super) fn is_full(&self) -> bool {
        self.primary().is_none_or(Deployment::is_full)
    }

    /// Whether what is in flight is on its way to the revision that the service is set to, and not on its way back.
    pub(super) fn is_moving_forward(&self) -> bool {
        self.primary().is_some_and(is_moving)
            && self.service_deployment.as_ref().is_none_or(|deployment| {
                use crate::aws::ecs::ServiceDeploymentStatus as Status;
                matches!(deployment.status, Status::Pending | Status::InProgress)
            })
    }

    /// Whether ECS gave up the last rollout, so that the revision that the service is set to does not run as it should.
    pub(super) fn has_failed(&self) -> bool {
        self.primary().is_some_and(|primary| primary.rollout == RolloutState::Failed)
    }

    /// What is called "before" in words: where a rollback would go, or else what the service is set to.
    pub(super) fn restore_to(&self) -> &str {
        self.stable.as_deref().unwrap_or(&self.service.task_definition)
    }
}

pub(super) async fn capture(
    EcsService {
        readers: Readers { ecs: reader, events: schedules, .. },
        checks,
        request,
        images,
        first_look,
        destination,
        ..
    }: &EcsService,
    events: &Events,
) -> Result<Snapshot, Failure> {
    let service = match first_look.take() {
        Some(looked) => looked?,
        None => describe(reader, request).await?,
    };
    deployable(&service)?;
    let running = reader.describe_task_definition(&service.task_definition).await?;
    let at_rest =
        primary(&service).is_none_or(|primary| !is_moving(primary) && primary.rollout != RolloutState::Failed);
    let continues = matches!(request.mode, Mode::Continue { .. });
    let service_deployment =
        if at_rest && !continues { None } else { current_service_deployment(reader, &service).await? };
    let stable = if at_rest {
        Some(service.task_definition.clone())
    } else {
        last_good(reader, &service, service_deployment.as_ref()).await?
    };
    let wanted = match &request.mode {
        // Once: what is "previous" is another one when the service is captured again after a wait.
        Mode::Rollback { to } => Some(match destination.get() {
            Some(resolved) => resolved.clone(),
            None => {
                let resolved = resolve(reader, to, &service, request.is_later_attempt, events).await?;
                destination.get_or_init(|| resolved).clone()
            }
        }),
        _ => None,
    };
    let base = base(reader, request, wanted, &service.task_definition, &running).await?;
    let images = images.resolve(&named(&request.overrides, &base), events).await?.to_vec();
    let promoted = match &request.origin {
        Some(origin) => Some(look(reader, origin).await?),
        None => None,
    };
    let rules = rules::look(schedules, &request.scheduled_rules).await?;
    let deployment_alarms = request.settings.deployment.alarms.as_ref().unwrap_or(&service.deployment_alarms).clone();
    let alarms = checks.see_alarms(&deployment_alarms).await;
    let may_be_unchecked = false;
    let mut snapshot = Snapshot {
        service,
        running,
        base,
        images,
        service_deployment,
        stable,
        may_be_unchecked,
        deployment_alarms,
        alarms,
        promoted,
        rules,
    };
    if at_rest && checks.are_wanted() && is_left_by_an_earlier_attempt(request, &snapshot) {
        snapshot.stable = before_the_current(reader, &snapshot.service).await?;
        snapshot.may_be_unchecked = true;
    }
    announce(&snapshot.service, snapshot.restore_to(), events);
    let runs_before = (snapshot.restore_to() == snapshot.service.task_definition).then_some(&snapshot.running);
    announce_commits(runs_before, request, &snapshot.base, snapshot.promoted.as_ref(), events);
    if let Some(hopeless) = snapshot.hopeless() {
        events.warn(format!(
            "The deployment in flight, to {}, keeps failing ({} tasks in a row), and Amazon ECS would try for ever. Its end is \
             not waited for.",
            last_part(&hopeless.task_definition),
            hopeless.failed
        ));
    }
    Ok(snapshot)
}

/// Whether nothing is left to do but to check what an earlier attempt of this workflow run brought.
fn is_left_by_an_earlier_attempt(request: &Request, snapshot: &Snapshot) -> bool {
    request.mode == Mode::Deploy
        && is_of_an_earlier_attempt(&snapshot.running, &request.tags)
        && plan(request, snapshot).is_ok_and(|(plan, _)| plan.is_empty())
}

/// Whether the service that the snapshot shows moving has come to rest.
pub(super) async fn is_at_rest(reader: &Reader, before: &Snapshot) -> Result<bool, Failure> {
    let service = reader.describe_service(&before.service.cluster_arn, &before.service.arn).await?;
    Ok(!service.deployments.iter().any(|deployment| deployment.is_primary() && is_moving(deployment)))
}

fn deployable(service: &Service) -> Result<(), Failure> {
    active(service)?;
    if service.controller != "ECS" {
        return Err(Failure::new(
            Cause::Preflight,
            format!("Service {} has the deployment controller {}.", service.name, service.controller),
        )
        .advise(
            "This action deploys services with the deployment controllers ECS and CODE_DEPLOY. Whatever made the task sets of \
             another one has to deploy it: Amazon ECS does not let anybody else.",
        ));
    }
    Ok(())
}

/// The service deployment that is current, unless AWS has none or these credentials may not see it.
async fn current_service_deployment(reader: &Reader, service: &Service) -> Result<Option<ServiceDeployment>, Failure> {
    let Some(arn) = &service.current_service_deployment else { return Ok(None) };
    or_nothing(reader.describe_service_deployment(arn).await)
}
