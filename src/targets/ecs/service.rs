//! A service, whoever deploys it.

use crate::aws::ecs::{Deployment, Reader, RolloutState, Service};
use crate::aws::{CallErrorKind, Operation};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::spec::Arn;
use crate::text::last_part;

use super::Request;
use super::revision::announce_revision;

/// The bounds of the number of failed tasks at which the deployment circuit breaker gives up, and the share of the desired
/// count between them: "How the Amazon ECS deployment circuit breaker detects failures" in the ECS developer guide. A service
/// whose breaker is off is held to the same.
const FEWEST_FAILURES: u32 = 3;
const MOST_FAILURES: u32 = 200;

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

/// The deployment that the service is moving to, or has moved to.
pub(in crate::targets) fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments.iter().find(|deployment| deployment.is_primary())
}

pub(in crate::targets) fn is_moving(primary: &Deployment) -> bool {
    match primary.rollout {
        RolloutState::InProgress | RolloutState::Other(_) => true,
        RolloutState::Absent => primary.running < primary.desired || primary.pending > 0,
        RolloutState::Completed | RolloutState::Failed => false,
    }
}

/// Tasks that have to fail before a rollout is given up.
pub(in crate::targets) fn threshold(desired: u32) -> u32 {
    desired.div_ceil(2).clamp(FEWEST_FAILURES, MOST_FAILURES)
}

/// Tells the outputs which service it is, and what it is on.
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
