//! Computes what changes. Pure: no client, no clock.

use super::Snapshot;
use crate::cycle::{Cause, Change, Failure, Plan, Shown};
use crate::spec::{Mode, WaitUntil};
use crate::targets::ecs::{Request, Revision, is_of_another_run, revision};

/// What to do.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) revision: Revision,
    /// Whether another workflow run began the deployment that is joined: then it is that run's to take back.
    pub(super) is_theirs: bool,
    pub(super) start: Start,
}

/// How the rollout begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With CreateDeployment.
    Create,
    /// It is in flight already, left by a run that was killed, or begun by somebody who wants the same; or it has succeeded, and
    /// nobody knows whether it was checked.
    Join,
}

impl Draft {
    /// Whether the deployment in flight is the one that is wanted.
    pub(super) fn joins(&self) -> bool {
        self.start == Start::Join
    }
}

pub(super) fn plan(request: &Request, before: &Snapshot) -> Result<(Plan, Draft), Failure> {
    if matches!(request.mode, Mode::Continue { .. }) {
        return Err(Failure::new(
            Cause::InvalidInput,
            "`mode: continue` is not for services that AWS CodeDeploy deploys: its deployments have no pause hooks.",
        ));
    }
    if let Some(input) = unusable(request) {
        return Err(Failure::new(
            Cause::InvalidInput,
            format!("The input `{input}` is not for services that AWS CodeDeploy deploys."),
        )
        .advise("Leave it out; change the service's settings on the service itself."));
    }
    if let WaitUntil::Stage(stage) = request.wait_until {
        return Err(Failure::new(
            Cause::InvalidInput,
            format!(
                "`wait-until` names {}, a stage of Amazon ECS's own deployments, and AWS CodeDeploy deploys this service.",
                stage.as_str()
            ),
        )
        .advise("Write `traffic-shifted` to leave when the new tasks have all of the traffic, or `deployed`."));
    }
    let (mut plan, revision) =
        revision(request, &before.current, &before.running, &before.base, before.promoted.as_ref(), &before.images)?;
    let keeps = matches!(revision, Revision::Kept(_));
    if request.settings.force_new_deployment {
        plan.changes.push(Change {
            subject: "forceNewDeployment".to_owned(),
            before: Shown::Absent,
            after: Shown::Value("true".to_owned()),
        });
    }
    let is_on_its_way = before.in_flight.as_ref().is_some_and(|in_flight| !in_flight.is_rollback);
    let wants_what_is_set = keeps && !request.settings.force_new_deployment;
    let rollout = if wants_what_is_set && is_on_its_way {
        Some((before.conflict().unwrap_or_default(), "the same, watched to its end"))
    } else if wants_what_is_set && before.unchecked.is_some() {
        Some(("brought by an earlier attempt of this run".to_owned(), "the same, checked"))
    } else {
        None
    };
    let joins = rollout.is_some();
    if let Some((before, after)) = rollout {
        let (before, after) = (Shown::Value(before), Shown::Value(after.to_owned()));
        plan.changes.push(Change { subject: "rollout".to_owned(), before, after });
    }
    let start = if joins { Start::Join } else { Start::Create };
    let is_theirs = joins && is_of_another_run(&before.running, request);
    Ok((plan, Draft { revision, is_theirs, start }))
}

/// An input that only a deployment by Amazon ECS itself can carry out.
fn unusable(request: &Request) -> Option<&'static str> {
    let settings = &request.settings;
    let deployment = &settings.deployment;
    [
        ("desired-count", settings.desired_count.is_some()),
        ("enable-ecs-managed-tags", settings.enable_ecs_managed_tags.is_some()),
        ("propagate-tags", settings.propagate_tags.is_some()),
        ("enable-execute-command", settings.enable_execute_command.is_some()),
        ("service-managed-ebs-volume", settings.volumes.is_some()),
        ("subnets", !settings.network.subnets.is_empty()),
        ("security-groups", !settings.network.security_groups.is_empty()),
        ("assign-public-ip", settings.network.assign_public_ip.is_some()),
        ("deployment-strategy", deployment.strategy.is_some()),
        ("bake-time-minutes", deployment.bake_time_minutes.is_some()),
        ("canary-percent", deployment.canary_percent.is_some()),
        ("canary-bake-time-minutes", deployment.canary_bake_time_minutes.is_some()),
        ("linear-step-percent", deployment.linear_step_percent.is_some()),
        ("linear-step-bake-time-minutes", deployment.linear_step_bake_time_minutes.is_some()),
        ("minimum-healthy-percent", deployment.minimum_healthy_percent.is_some()),
        ("maximum-percent", deployment.maximum_percent.is_some()),
        ("deployment-circuit-breaker", deployment.circuit_breaker.is_some()),
        ("deployment-circuit-breaker-threshold", deployment.circuit_breaker_threshold.is_some()),
        ("deployment-alarms", deployment.alarms.is_some()),
        ("scheduled-rules", !request.scheduled_rules.is_empty()),
        ("keep-revisions", request.keep_revisions.is_some()),
    ]
    .into_iter()
    .find_map(|(input, is_set)| is_set.then_some(input))
}
