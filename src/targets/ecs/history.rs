//! What ran before, as far as AWS remembers.

use crate::aws::ecs::{Reader, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus as Status};
use crate::aws::{CallError, CallErrorKind};
use crate::cycle::{Cause, Failure};
use crate::spec::RollbackTo;
use crate::targets::commit::{COMMIT_TAG, commit as commit_of};
use crate::text::last_part;

/// The revision that ran before what is in flight or has failed.
pub(in crate::targets) async fn last_good(
    reader: &Reader,
    service: &Service,
    in_flight: Option<&ServiceDeployment>,
) -> Result<Option<String>, Failure> {
    if let Some(in_flight) =
        in_flight.filter(|deployment| !deployment.source_revisions.is_empty() && !deployment.status.is_over())
    {
        let revisions = or_nothing(reader.task_definitions_of_revisions(&in_flight.source_revisions).await.map(Some))?;
        if let Some(revision) = revisions.unwrap_or_default().into_iter().next() {
            return Ok(Some(revision));
        }
    }
    if service.current_service_deployment.is_some()
        && let Some(revision) = successful(reader, service).await?.into_iter().next()
    {
        return Ok(Some(revision));
    }
    Ok(service
        .deployments
        .iter()
        .find(|deployment| !deployment.is_primary() && deployment.rollout == RolloutState::Completed)
        .or_else(|| service.deployments.iter().find(|deployment| !deployment.is_primary() && deployment.running > 0))
        .map(|deployment| deployment.task_definition.clone()))
}

/// The revision that ran before the one that the service is set to, which it runs.
pub(in crate::targets) async fn before_the_current(
    reader: &Reader,
    service: &Service,
) -> Result<Option<String>, Failure> {
    let history = successful(reader, service).await?;
    Ok(history.into_iter().find(|revision| *revision != service.task_definition))
}

/// The task definitions of the service's successful deployments, newest first, as far as AWS remembers and tells.
async fn successful(reader: &Reader, service: &Service) -> Result<Vec<String>, Failure> {
    let revisions = or_nothing(reader.list_successful_revisions(&service.cluster_arn, &service.arn).await.map(Some))?
        .unwrap_or_default();
    let newest: Vec<String> = revisions.into_iter().take(20).collect();
    if newest.is_empty() {
        return Ok(Vec::new());
    }
    Ok(or_nothing(reader.task_definitions_of_revisions(&newest).await.map(Some))?.unwrap_or_default())
}

/// Service deployments are younger than ECS: not every partition has them, and not every role may read them. There the
/// service's own list of deployments has to do.
pub(in crate::targets) fn or_nothing<V>(answer: Result<Option<V>, CallError>) -> Result<Option<V>, Failure> {
    match answer {
        Ok(value) => Ok(value),
        Err(error)
            if matches!(error.kind, CallErrorKind::Denied | CallErrorKind::Unsupported | CallErrorKind::NotFound) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The revision that `mode: rollback` names, as something that DescribeTaskDefinition takes.
pub(in crate::targets) async fn resolve(
    reader: &Reader,
    to: &RollbackTo,
    service: &Service,
) -> Result<String, Failure> {
    match to {
        RollbackTo::TaskDefinition(name) | RollbackTo::EndpointConfig(name) => Ok(name.clone()),
        RollbackTo::Revision(revision) => Ok(format!("{}:{revision}", family(&service.task_definition))),
        RollbackTo::Previous => previous(reader, service).await,
        RollbackTo::Commit(commit) => of_commit(reader, commit, family(&service.task_definition)).await,
    }
}

/// The newest active revision of the family that carries the tag of that commit.
async fn of_commit(reader: &Reader, commit: &str, family: &str) -> Result<String, Failure> {
    // Only DescribeTaskDefinition tells the tags, for one revision a call: the search has to end somewhere.
    const MOST: usize = 300;
    let revisions = reader.list_active_revisions(family, MOST).await?;
    let mut found: Option<(String, String)> = None;
    for arn in &revisions {
        let document = reader.describe_task_definition(arn).await?;
        let Some(full) = commit_of(&document.tags()).map(str::to_ascii_lowercase) else { continue };
        if !full.starts_with(commit) {
            continue;
        }
        match &found {
            None if full == commit => return Ok(arn.clone()),
            None => found = Some((full, arn.clone())),
            Some((other, _)) if *other != full => {
                return Err(Failure::new(
                    Cause::InvalidInput,
                    format!("`sha:{commit}` means more than one commit: {other} and {full} were both deployed."),
                )
                .advise("Give more digits of the commit's hash."));
            }
            Some(_) => {}
        }
    }
    found.map(|(_, arn)| arn).ok_or_else(|| {
        let searched = match revisions.len() {
            MOST => format!("the newest {MOST} active revisions"),
            count => format!("the {count} active revision(s)"),
        };
        Failure::new(Cause::NotFound, format!("None of {searched} of {family} was deployed from commit {commit}."))
            .advise(format!(
                "Revisions that this action registers carry the commit in the tag {COMMIT_TAG}, unless `deploy-tags` is false. \
                 Name a revision number or an ARN with `to` instead."
            ))
    })
}

/// The revision that ran before: of the last deployment that succeeded with another revision than the current one. Not
/// "revision minus one", which may never have run. Only where AWS has no history, the newest older active revision.
async fn previous(reader: &Reader, service: &Service) -> Result<String, Failure> {
    let current = &service.task_definition;
    if let Some(arn) = &service.current_service_deployment
        && let Some(deployment) = or_nothing(reader.describe_service_deployment(arn).await)?
        && matches!(deployment.status, Status::RollbackRequested | Status::RollbackInProgress)
    {
        // ECS is on its way there already. Once it has begun, the service is set to it.
        let revisions = or_nothing(reader.task_definitions_of_revisions(&deployment.source_revisions).await.map(Some))?;
        return Ok(revisions.unwrap_or_default().into_iter().next().unwrap_or_else(|| current.clone()));
    }
    let history = successful(reader, service).await?;
    if let Some(revision) = history.into_iter().find(|revision| revision != current) {
        return Ok(revision);
    }
    newest_older(reader, current).await?.ok_or_else(|| {
        Failure::new(
            Cause::NotFound,
            format!("There is no revision to go back to: {} is the only one that is known.", last_part(current)),
        )
        .advise("Name one with `to`: a revision number or an ARN.")
    })
}

/// The newest active revision of the family before `current`.
pub(in crate::targets) async fn newest_older(reader: &Reader, current: &str) -> Result<Option<String>, CallError> {
    let number = |arn: &str| arn.rsplit(':').next().and_then(|number| number.parse::<u32>().ok());
    let revisions = reader.list_active_revisions(family(current), 100).await?.into_iter();
    Ok(revisions
        .filter(|arn| family(arn) == family(current) && number(arn) < number(current))
        .max_by_key(|arn| number(arn)))
}

pub(in crate::targets) fn family(task_definition: &str) -> &str {
    let name = last_part(task_definition);
    name.split_once(':').map_or(name, |(family, _)| family)
}
