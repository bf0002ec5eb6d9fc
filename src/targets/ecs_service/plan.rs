//! Computes what changes. Pure: no client, no clock.

use serde_json::{Value, json};

use super::rules::{self, ScheduledTarget};
use super::{Snapshot, configuration, network};
use crate::aws::ecs::{ServiceDeploymentStatus as Status, ServiceUpdate};
use crate::cycle::{Cause, Change, Failure, Pause, Plan, Shown};
use crate::spec::{Mode, Strategy, Tag, WaitUntil};
use crate::targets::ecs::{Request, Revision, is_of_another_run, is_of_this_run, revision};

/// What to do.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) revision: Revision,
    /// Whether another workflow run began the rollout that is joined: then it is that run's to take back.
    pub(super) is_theirs: bool,
    /// What UpdateService shall change, less the revision, whose ARN register brings.
    pub(super) update: ServiceUpdate,
    pub(super) start: Start,
    /// The targets of rules that move to the revision after it has proved itself.
    pub(super) moves: Vec<ScheduledTarget>,
    /// The pause that the rollout in flight goes on from.
    pub(super) resumes: Option<Pause>,
}

/// How the rollout begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With UpdateService.
    Update,
    /// It is in flight already, left by a run that was killed, or begun by somebody who wants the same; or it is over, and was
    /// not checked before the run was killed.
    Join,
    /// It is over, and tasks are missing all the same: they come back, or they do not.
    Watch,
}

impl Draft {
    /// Whether the rollout in flight is the one that is wanted.
    pub(super) fn joins(&self) -> bool {
        self.start == Start::Join
    }
}

pub(super) fn plan(request: &Request, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
    if let Mode::Continue { hook, rollback } = &request.mode {
        return continuation(before, hook.as_deref(), *rollback, &request.tags);
    }
    let (mut plan, revision) = revision(
        request,
        &before.service.task_definition,
        &before.running,
        &before.base,
        before.promoted.as_ref(),
        &before.images,
    )?;
    let mut update = ServiceUpdate::default();
    let mut settings_change = settings(request, before, &mut plan, &mut update);
    let there = &before.service.settings.network_configuration;
    update.network_configuration = network::merged(&request.settings.network, there)?;
    if let Some(wanted) = &update.network_configuration {
        plan.changes.extend(network::changes(there, wanted));
        settings_change = true;
    }
    let there = &before.service.settings.deployment_configuration;
    update.deployment_configuration = configuration::merged(&request.settings.deployment, there)?;
    if let Some(wanted) = &update.deployment_configuration {
        plan.changes.extend(configuration::changes(there, wanted));
        settings_change = true;
    }
    let keeps_revision = matches!(revision, Revision::Kept(_));
    let configuration = update.deployment_configuration.as_ref().unwrap_or(there);
    if request.wait_until == WaitUntil::TrafficShifted {
        return Err(Failure::new(
            Cause::InvalidInput,
            "`wait-until: traffic-shifted` is for services that AWS CodeDeploy deploys, and Amazon ECS deploys this one.",
        )
        .advise("Name a stage, such as `bake-time`, or write `deployed`."));
    }
    if request.wait_until.stage().is_some() && configuration::strategy(configuration) == Strategy::Rolling {
        return Err(Failure::new(
            Cause::InvalidInput,
            "`wait-until` names a stage, and rolling deployments, such as this service's, have no stages.",
        )
        .advise("Leave it out, or set `wait-for-service-stability: false` if the end is not to be waited for."));
    }

    let moves = rules::to_move(&before.rules, revision.family(), revision.arn());
    plan.changes.extend(rules::changes(&moves, &revision.name()));

    let wants_what_is_set = keeps_revision && !settings_change && update.force_new_deployment.is_none();
    let mut rollout = |before: String, after: &str| {
        let (before, after) = (Shown::Value(before), Shown::Value(after.to_owned()));
        plan.changes.push(Change { subject: "rollout".to_owned(), before, after });
    };
    let start = if wants_what_is_set && before.is_moving_forward() {
        rollout(before.in_flight().unwrap_or_default(), "the same, watched to its end");
        Start::Join
    } else if wants_what_is_set && before.may_be_unchecked {
        rollout("brought by an earlier attempt of this run".to_owned(), "the same, checked");
        Start::Join
    } else if keeps_revision && before.has_failed() {
        // The service is set to the right revision, but ECS gave it up: what runs is something else or nothing.
        update.force_new_deployment = Some(true);
        rollout("FAILED".to_owned(), "a new deployment");
        Start::Update
    } else if wants_what_is_set && !moves.is_empty() && before.in_flight().is_none() && before.is_full() {
        // Only rules have to move: there is nothing to update.
        Start::Watch
    } else if wants_what_is_set && before.in_flight().is_none() && !before.is_full() {
        let (running, desired) = (before.service.running, before.service.desired);
        rollout(format!("{running} of {desired} tasks run"), "the same, watched until all run");
        Start::Watch
    } else {
        Start::Update
    };
    let is_theirs = start == Start::Join && is_of_another_run(&before.running, request);
    Ok((plan, Draft { revision, is_theirs, update, start, moves, resumes: None }))
}

/// Goes on with, or takes back, the rollout that waits at a pause. Idempotent: without a pause, what is in flight is watched,
/// and what has succeeded is left as it is. A deployment that never waited at the pause that is named is somebody else's.
fn continuation(before: &Snapshot, hook: Option<&str>, rollback: bool, tags: &[Tag]) -> Result<(Plan, Draft), Failure> {
    let unable = |reason: String| Failure::new(Cause::Preflight, reason);
    let Some(deployment) = &before.service_deployment else {
        return Err(unable("Amazon ECS shows no deployment of this service that could wait at a pause.".to_owned())
            .advise("It takes the permission `ecs:DescribeServiceDeployments` to see one."));
    };
    // Amazon ECS may list no more than the hooks of the stage: what this very run deployed went on from its pause, and may be
    // watched again.
    let is_seen_through_again = !rollback && is_of_this_run(&before.running, tags);
    if let Some(id) = hook.filter(|id| !is_seen_through_again && !deployment.hooks.iter().any(|hook| hook.id == **id)) {
        let reason =
            format!("The deployment that waited at the pause {id} is not the current one, or has gone on since.");
        return Err(Failure::new(Cause::Conflict, reason).advise(
            "Look at the service: what it runs now may be somebody else's newer deployment. Without `pause-hook`, the current \
             deployment is meant, whoever began it.",
        ));
    }
    let revision = Revision::Kept(before.service.task_definition.clone());
    let mut draft = Draft {
        moves: rules::to_move(&before.rules, revision.family(), revision.arn()),
        revision,
        is_theirs: false,
        update: ServiceUpdate::default(),
        start: Start::Join,
        resumes: None,
    };
    let mut plan = Plan::default();
    let mut change = |subject: String, before: &str, after: &str| {
        let (before, after) = (Shown::Value(before.to_owned()), Shown::Value(after.to_owned()));
        plan.changes.push(Change { subject, before, after });
    };
    let words = deployment.rollback_reason.as_deref().or(deployment.status_reason.as_deref()).unwrap_or_default();
    match &deployment.status {
        Status::Successful if rollback => {
            return Err(unable("The deployment has succeeded, and waits at no pause any more.".to_owned())
                .advise("Use `mode: rollback` to go back all the same."));
        }
        Status::RollbackSuccessful if rollback => return Ok((plan, draft)),
        Status::Successful => return Ok((plan, draft)),
        Status::RollbackRequested | Status::RollbackInProgress if rollback => {}
        Status::Pending | Status::InProgress | Status::Other(_) => {}
        status => {
            let status = status.as_str();
            return Err(unable(format!("The deployment waits at no pause any more; it is {status}. {words}")));
        }
    }
    let waiting: Vec<_> = deployment.hooks.iter().filter(|hook| hook.awaits_action()).collect();
    let meant = match (hook, waiting.as_slice()) {
        (Some(id), waiting) => waiting.iter().find(|hook| hook.id == id),
        (None, [] | [_]) => waiting.first(),
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|hook| hook.id.as_str()).collect();
            let reason = format!("The deployment waits at several pauses: {}.", ids.join(", "));
            return Err(unable(reason).advise("Say with `pause-hook` which one is meant."));
        }
    };
    match meant {
        Some(hook) if rollback => change(format!("pause {}", hook.id), &hook.status, "ROLLBACK"),
        Some(hook) => {
            change(format!("pause {}", hook.id), &hook.status, "CONTINUE");
            let (rollout, id) = (deployment.arn.clone(), hook.id.clone());
            draft.resumes = Some(Pause { rollout, id, otherwise: String::new(), is_answered: false });
        }
        None if rollback => change("rollout".to_owned(), deployment.status.as_str(), "rolled back"),
        None => change("rollout".to_owned(), deployment.status.as_str(), "the same, watched to its end"),
    }
    Ok((plan, draft))
}

/// Adds the settings that were asked for to `update`, and those that differ from what is there to `plan`. Whether any does.
fn settings(request: &Request, before: &Snapshot, plan: &mut Plan, update: &mut ServiceUpdate) -> bool {
    let (asked, there) = (&request.settings, &before.service.settings);
    let already = plan.changes.len();
    let mut compare = |subject: &str, before: Option<String>, after: Option<String>| {
        if after.is_some() && before != after {
            plan.changes.push(Change { subject: subject.to_owned(), before: shown(before), after: shown(after) });
        }
    };
    compare(
        "desiredCount",
        Some(before.service.desired.to_string()),
        asked.desired_count.map(|count| count.to_string()),
    );
    compare(
        "enableECSManagedTags",
        Some(there.enable_ecs_managed_tags.to_string()),
        asked.enable_ecs_managed_tags.map(|on| on.to_string()),
    );
    // AWS leaves the member out where it is NONE.
    compare(
        "propagateTags",
        Some(there.propagate_tags.clone().unwrap_or_else(|| "NONE".to_owned())),
        asked.propagate_tags.clone(),
    );
    compare(
        "enableExecuteCommand",
        Some(there.enable_execute_command.to_string()),
        asked.enable_execute_command.map(|on| on.to_string()),
    );
    let volumes = asked.volumes.as_ref().filter(|volumes| !are_there(volumes, &there.volumes));
    if let Some(volumes) = volumes {
        let listed = |volumes: &[Value]| Some(volumes).filter(|it| !it.is_empty()).map(|it| json!(it).to_string());
        compare("volumeConfigurations", listed(&there.volumes), listed(volumes));
    }
    let differ = plan.changes.len() > already;
    if asked.force_new_deployment {
        plan.changes.push(Change {
            subject: "forceNewDeployment".to_owned(),
            before: Shown::Absent,
            after: Shown::Value("true".to_owned()),
        });
    }
    *update = ServiceUpdate {
        task_definition: None,
        desired_count: asked.desired_count,
        force_new_deployment: asked.force_new_deployment.then_some(true),
        enable_ecs_managed_tags: asked.enable_ecs_managed_tags,
        propagate_tags: asked.propagate_tags.clone(),
        enable_execute_command: asked.enable_execute_command,
        volume_configurations: volumes.cloned(),
        network_configuration: None,
        deployment_configuration: None,
    };
    differ
}

/// Whether the service has these volumes and no others, as far as they were described: ECS may fill in what was left out.
fn are_there(asked: &[Value], there: &[Value]) -> bool {
    fn holds(asked: &Value, there: &Value) -> bool {
        match (asked, there) {
            (Value::Object(asked), Value::Object(there)) => {
                asked.iter().all(|(member, value)| there.get(member).is_some_and(|there| holds(value, there)))
            }
            (Value::Array(asked), Value::Array(there)) => {
                asked.len() == there.len() && asked.iter().zip(there).all(|(asked, there)| holds(asked, there))
            }
            (asked, there) => asked == there,
        }
    }
    asked.len() == there.len() && asked.iter().zip(there).all(|(asked, there)| holds(asked, there))
}

fn shown(value: Option<String>) -> Shown {
    value.map_or(Shown::Absent, Shown::Value)
}
