//! What ran before, as far as AWS remembers.

use std::collections::VecDeque;
use std::mem;

use crate::aws::ecs::{Brought, Reader, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus as Status};
use crate::aws::{CallError, CallErrorKind};
use crate::cycle::{Cause, Events, Failure};
use crate::spec::RollbackTo;
use crate::targets::commit::{COMMIT_TAG, commit as commit_of};
use crate::text::{count, last_part};

use super::stack::{Before, announce_put_back, before, number, only_newer, put_back_over};

/// The revision that ran before what is in flight or has failed.
pub(in crate::targets) async fn last_good(
    reader: &Reader,
    service: &Service,
    in_flight: Option<&ServiceDeployment>,
) -> Result<Option<String>, Failure> {
    if let Some(in_flight) =
        in_flight.filter(|deployment| !deployment.source_revisions.is_empty() && !deployment.status.is_over())
    {
        let sources = or_nothing(reader.task_definitions_of_revisions(&in_flight.source_revisions).await.map(Some))?;
        let sources = sources.unwrap_or_default();
        if sources.len() > 1 {
            // It took the place of a rollout that was in flight, and the order of the two is not documented.
            let mut history = History::of_successes(reader, service).await?;
            while let Some(revision) = history.next().await? {
                if sources.contains(&revision) {
                    return Ok(Some(revision));
                }
            }
        }
        if let Some(revision) = sources.into_iter().next() {
            return Ok(Some(revision));
        }
    }
    if service.current_service_deployment.is_some()
        && let Some(revision) = History::of_successes(reader, service).await?.next().await?
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
    let mut history = History::of_successes(reader, service).await?;
    Ok(match before(&service.task_definition, async || history.next().await).await? {
        Before::Revision(revision) => Some(revision),
        Before::Newer(_) | Before::Unknown => None,
    })
}

/// The task definitions of the service's deployments, newest first, as far as AWS remembers and tells.
struct History<'a> {
    reader: &'a Reader,
    /// The service revisions that were not asked for yet.
    revisions: Vec<String>,
    task_definitions: VecDeque<String>,
    /// Whether AWS tells all that it remembers.
    is_told: bool,
}

impl<'a> History<'a> {
    /// Of those that came to a good end.
    async fn of_successes(reader: &'a Reader, service: &Service) -> Result<Self, Failure> {
        Self::of(reader, service, |brought| brought.is_successful).await
    }

    async fn of(reader: &'a Reader, service: &Service, is_meant: fn(&Brought) -> bool) -> Result<Self, Failure> {
        let listed = reader.list_service_deployments(&service.cluster_arn, &service.arn).await;
        let listed = or_nothing(listed.map(Some))?;
        let is_told = listed.is_some();
        let meant = listed.unwrap_or_default().into_iter().filter(is_meant);
        let revisions = meant.map(|brought| brought.revision).collect();
        Ok(Self { reader, revisions, task_definitions: VecDeque::new(), is_told })
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        /// The most that one DescribeServiceRevisions takes.
        const A_CALL: usize = 20;
        while self.task_definitions.is_empty() && !self.revisions.is_empty() {
            let rest = self.revisions.split_off(self.revisions.len().min(A_CALL));
            let asked = mem::replace(&mut self.revisions, rest);
            match or_nothing(self.reader.task_definitions_of_revisions(&asked).await.map(Some))? {
                Some(task_definitions) => self.task_definitions.extend(task_definitions),
                None => {
                    self.is_told = false;
                    self.revisions.clear();
                }
            }
        }
        Ok(self.task_definitions.pop_front())
    }
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
    is_later_attempt: bool,
    events: &Events,
) -> Result<String, Failure> {
    match to {
        RollbackTo::TaskDefinition(name) | RollbackTo::EndpointConfig(name) => Ok(name.clone()),
        RollbackTo::Revision(revision) => Ok(format!("{}:{revision}", family(&service.task_definition))),
        RollbackTo::Previous => previous(reader, service, is_later_attempt, events).await,
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
            known => format!("the {}", count(known, "active revision", "active revisions")),
        };
        Failure::new(Cause::NotFound, format!("None of {searched} of {family} was deployed from commit {commit}."))
            .advise(format!(
                "Revisions that this action registers carry the commit in the tag {COMMIT_TAG}, unless `deploy-tags` is false. \
                 Name a revision number or an ARN with `to` instead."
            ))
    })
}

/// The revision that ran before. Not "revision minus one", which may never have run. Only where AWS has no history, the newest
/// older active revision.
///
/// A later attempt of a run that has gone back already finds itself where it wanted to be, and stays there.
async fn previous(
    reader: &Reader,
    service: &Service,
    is_later_attempt: bool,
    events: &Events,
) -> Result<String, Failure> {
    let current = &service.task_definition;
    if let Some(arn) = &service.current_service_deployment
        && let Some(deployment) = or_nothing(reader.describe_service_deployment(arn).await)?
        && matches!(deployment.status, Status::RollbackRequested | Status::RollbackInProgress)
    {
        // ECS is on its way there already. Once it has begun, the service is set to it.
        let revisions = or_nothing(reader.task_definitions_of_revisions(&deployment.source_revisions).await.map(Some))?;
        return Ok(revisions.unwrap_or_default().into_iter().next().unwrap_or_else(|| current.clone()));
    }
    if is_later_attempt {
        let mut history = History::of(reader, service, |_| true).await?;
        if let Some(over) = put_back_over(current, async || history.next().await).await? {
            announce_put_back(current, &over, events);
            return Ok(current.clone());
        }
        if !history.is_told {
            let reason = "Whether an earlier attempt of this workflow run has gone back already is not known: Amazon ECS does not \
                          tell what was deployed.";
            return Err(Failure::new(Cause::NotFound, reason).advise(
                "Name the revision with `to`: its number or its ARN. Or allow `ecs:ListServiceDeployments` and \
                 `ecs:DescribeServiceRevisions`.",
            ));
        }
    }
    let mut history = History::of_successes(reader, service).await?;
    match before(current, async || history.next().await).await? {
        Before::Revision(revision) => return Ok(revision),
        Before::Newer(newer) => return Err(only_newer(current, &newer)),
        Before::Unknown => {}
    }
    newest_older(reader, current).await?.ok_or_else(|| {
        Failure::new(
            Cause::NotFound,
            format!("There is no revision to go back to: nothing is known to have run before {}.", last_part(current)),
        )
        .advise("Name one with `to`: a revision number or an ARN.")
    })
}

/// The newest active revision of the family before `current`.
pub(in crate::targets) async fn newest_older(reader: &Reader, current: &str) -> Result<Option<String>, CallError> {
    let revisions = reader.list_active_revisions(family(current), 100).await?.into_iter();
    Ok(revisions
        .filter(|arn| family(arn) == family(current) && number(arn) < number(current))
        .max_by_key(|arn| number(arn)))
}

pub(in crate::targets) fn family(task_definition: &str) -> &str {
    let name = last_part(task_definition);
    name.split_once(':').map_or(name, |(family, _)| family)
}
