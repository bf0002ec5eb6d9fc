//! Checks, before anything is changed, what CodeDeploy would only find out during the deployment.

use super::{Draft, Snapshot};
use crate::cycle::{Cause, Events, Failure};
use crate::spec::{CodeDeploy, InputError};
use crate::targets::ecs::{check_revision, complain};
use crate::targets::ecs_task::EcsTask;
use crate::verification::Checks;

/// What an alarm of the group's that is in ALARM already means.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html#CodeDeploy-CreateDeployment-request-overrideAlarmConfiguration>
const STOPPED: &str = "and AWS CodeDeploy stops a deployment while an alarm of its group is";

pub(super) fn preflight(
    asked: &CodeDeploy,
    checks: &Checks,
    first: Option<&EcsTask>,
    before: &Snapshot,
    draft: &Draft,
    events: &Events,
) -> Result<(), Failure> {
    let Snapshot { application, group, details, .. } = before;
    if details.compute_platform != "ECS" {
        return Err(other_group(format!(
            "The deployment group {group} of application {application} is for the compute platform {}, not for ECS.",
            details.compute_platform
        )));
    }
    let (cluster, service) = before.names();
    if !details.services.iter().any(|(its_cluster, its_service)| its_cluster == cluster && its_service == service) {
        let theirs: Vec<String> =
            details.services.iter().map(|(cluster, service)| format!("{service} in cluster {cluster}")).collect();
        return Err(other_group(format!(
            "The deployment group {group} of application {application} is not for service {service} in cluster \
                 {cluster}, but for {}.",
            if theirs.is_empty() { "no service".to_owned() } else { theirs.join(", ") }
        )));
    }
    if let (Err(error), false) = (&asked.appspec, draft.joins()) {
        return Err(without_appspec(service, error));
    }
    if before.service.desired == 0 {
        events.warn(
            "The service's desired count is 0: no task will run, so nothing can show whether the new revision works.",
        );
    }
    let watched: &[String] = if draft.joins() { &[] } else { &details.alarms };
    let alarms = checks.judge_alarms(&before.alarms, watched, STOPPED);
    for warning in alarms.warnings {
        events.warn(format!("Before the deployment: {warning}."));
    }
    let mut errors = check_revision(&draft.revision, events);
    let document = draft.revision.document().unwrap_or(&before.running);
    errors.extend(first.and_then(|task| task.check_volume(document)));
    complain(errors, alarms.errors)
}

/// What is said where there is no AppSpec.
pub(super) fn without_appspec(service: &str, error: &InputError) -> Failure {
    Failure::new(
        Cause::InvalidInput,
        format!("Service {service} is deployed by AWS CodeDeploy, which needs an AppSpec: {error}."),
    )
}

fn other_group(reason: String) -> Failure {
    Failure::new(Cause::Preflight, reason).advise(
        "Name the deployment group of this service in `codedeploy-application` and `codedeploy-deployment-group`.",
    )
}
