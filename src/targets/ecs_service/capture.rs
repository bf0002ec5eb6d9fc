//! Looks at what is running.

use super::history::{before_the_current, last_good, or_nothing, resolve};
use super::judge::threshold;
use super::pin::primary;
use super::plan::{is_of_an_earlier_attempt, plan};
use super::promotion::{self, Promoted};
use super::rules::{self, ScheduledRule};
use super::{EcsService, Readers, Request, announce_revision, images};
use crate::aws::ecs::{Deployment, Reader, RolloutState, Service, ServiceDeployment};
use crate::aws::{CallErrorKind, Operation};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::ecr::Resolved;
use crate::spec::{Arn, Mode, Source, TaskDefinition};
use crate::targets::commit::commit;
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

/// The task definition that the request starts from.
#[derive(Debug, Clone)]
pub(in crate::targets) enum Base {
    /// One that is registered, by its ARN.
    Registered { arn: String, document: TaskDefinition },
    /// A file.
    Document(TaskDefinition),
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

pub(super) fn is_moving(primary: &Deployment) -> bool {
    match primary.rollout {
        RolloutState::InProgress | RolloutState::Other(_) => true,
        RolloutState::Absent => primary.running < primary.desired || primary.pending > 0,
        RolloutState::Completed | RolloutState::Failed => false,
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
                let resolved = resolve(reader, to, &service).await?;
                destination.get_or_init(|| resolved).clone()
            }
        }),
        _ => None,
    };
    let base = base(reader, request, wanted, &service.task_definition, &running).await?;
    let images = images.resolve(&images::named(request, &base), events).await?.to_vec();
    let promoted = match &request.origin {
        Some(origin) => Some(promotion::look(reader, origin).await?),
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

/// Looks at the service, and says more than AWS does when there is none.
pub(in crate::targets) async fn describe(reader: &Reader, request: &Request) -> Result<Service, Failure> {
    let error = match reader.describe_service(&request.cluster, &request.service).await {
        Ok(service) => return Ok(service),
        Err(error) => error,
    };
    let is_service_missing = error.kind == CallErrorKind::NotFound && error.operation == Operation::DescribeServices;
    let failure = Failure::from(error);
    if !is_service_missing {
        return Err(failure);
    }
    // Only for a better message: whatever goes wrong here, the message without names is still right.
    let names = reader.list_services(&request.cluster).await.unwrap_or_default();
    let wanted = last_part(&request.service);
    let nearest = names
        .iter()
        .map(|name| (strsim::jaro_winkler(name, wanted), name))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    Err(match nearest {
        Some((_, name)) => {
            failure.advise(format!("Did you mean `{name}`? Check the inputs `service`, `cluster` and `aws-region`."))
        }
        None => failure.advise("Check the inputs `service`, `cluster` and `aws-region`."),
    })
}

/// Refuses a service that is being, or was, deleted.
pub(in crate::targets) fn active(service: &Service) -> Result<(), Failure> {
    if service.status != "ACTIVE" {
        return Err(Failure::new(
            Cause::Preflight,
            format!("Service {} is {}, not ACTIVE.", service.name, service.status),
        )
        .advise("A service that is being or was deleted cannot be deployed to; create it again first."));
    }
    Ok(())
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

/// The commits that what runs and what is asked for come from. After a deployment that failed, it is not known what runs.
pub(in crate::targets) fn announce_commits(
    runs_before: Option<&TaskDefinition>,
    request: &Request,
    base: &Base,
    promoted: Option<&Promoted>,
    events: &Events,
) {
    if let Some(commit) = runs_before.map(TaskDefinition::tags).as_deref().and_then(commit) {
        events.know(Output::PreviousCommit, commit);
    }
    let tags = match (&request.mode, base) {
        (Mode::Rollback { .. }, Base::Registered { document, .. }) => document.tags(),
        _ => promotion::tags(request, promoted),
    };
    if let Some(commit) = commit(&tags) {
        events.know(Output::Commit, commit);
    }
}

pub(in crate::targets) fn announce(service: &Service, restore_to: &str, events: &Events) {
    events.know(Output::ServiceArn, &service.arn);
    events.know(Output::ServiceName, last_part(&service.arn));
    events.know(Output::ClusterName, last_part(&service.cluster_arn));
    events.know(Output::PreviousTaskDefinitionArn, restore_to);
    if let Some((_, revision)) = last_part(restore_to).rsplit_once(':') {
        events.know(Output::PreviousTaskDefinitionRevision, revision);
    }
    announce_revision(&service.task_definition, events);
    events.know(Output::RunningCount, service.running);
    events.know(Output::DesiredCount, service.desired);
    let url =
        service.arn.parse::<Arn>().ok().and_then(|arn| crate::aws::console::service_url(&arn, &service.cluster_arn));
    if let Some(url) = url {
        events.know(Output::ConsoleUrl, url);
    }
}

/// The service deployment that is current, unless AWS has none or these credentials may not see it.
async fn current_service_deployment(reader: &Reader, service: &Service) -> Result<Option<ServiceDeployment>, Failure> {
    let Some(arn) = &service.current_service_deployment else { return Ok(None) };
    or_nothing(reader.describe_service_deployment(arn).await)
}

/// What the request starts from. `wanted` is where a rollback goes; `current` is the ARN of the revision `running`.
pub(in crate::targets) async fn base(
    reader: &Reader,
    request: &Request,
    wanted: Option<String>,
    current: &str,
    running: &TaskDefinition,
) -> Result<Base, Failure> {
    let name = match (wanted, &request.source) {
        (Some(wanted), _) => wanted,
        (None, Source::Registered(name)) => name.clone(),
        (None, Source::Running) => current.to_owned(),
        (None, Source::Document(document)) => return Ok(Base::Document(document.clone())),
    };
    if name == current {
        return Ok(Base::Registered { arn: name, document: running.clone() });
    }
    let document = reader.describe_task_definition(&name).await?;
    let arn = document.arn().unwrap_or(&name).to_owned();
    Ok(Base::Registered { arn, document })
}
