//! What ran before, as far as AWS CodeDeploy remembers.

use std::collections::VecDeque;

use super::Readers;
use super::capture::InFlight;
use crate::cycle::{Cause, Events, Failure};
use crate::spec::AppSpec;
use crate::targets::ecs::{self, Before, announce_put_back, newest_older, only_newer, or_nothing, put_back_over};
use crate::text::last_part;

/// The revisions that deployments of a group brought, newest first.
pub(super) struct History<'a> {
    clients: &'a Readers,
    application: &'a str,
    group: &'a str,
    are_successful: bool,
    /// Deployments that were not looked at yet, and where the list goes on.
    ids: VecDeque<String>,
    next_page: Option<Option<String>>,
}

impl<'a> History<'a> {
    /// Of those that succeeded, or of all.
    const fn of(clients: &'a Readers, (application, group): (&'a str, &'a str), are_successful: bool) -> Self {
        Self { clients, application, group, are_successful, ids: VecDeque::new(), next_page: Some(None) }
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let (reader, application) = (&self.clients.codedeploy, self.application);
        loop {
            let Some(id) = self.ids.pop_front() else {
                let Some(page) = self.next_page.take() else { return Ok(None) };
                let (ids, token) = reader.deployments(application, self.group, self.are_successful, page).await?;
                self.ids.extend(ids);
                self.next_page = token.map(Some);
                continue;
            };
            let deployment = reader.deployment(&id).await?;
            let Some(sha256) = deployment.sha256.filter(|_| deployment.rolls_back.is_none()) else { continue };
            let content = or_nothing(reader.appspec(application, &sha256).await)?;
            let appspec = content.and_then(|content| AppSpec::parse(&content).ok());
            let revision = appspec.and_then(|appspec| appspec.task_definition());
            // A family alone does not say which of its revisions it was.
            if let Some(revision) = revision.filter(|revision| last_part(revision).contains(':')) {
                return Ok(Some(revision));
            }
        }
    }
}

/// Where `mode: rollback` goes that does not say where. `stable` is what ran before the deployment in flight.
///
/// A later attempt of a run that has gone back already finds itself where it wanted to be, and stays there.
pub(super) async fn previous(
    clients: &Readers,
    names: (&str, &str),
    in_flight: Option<(&InFlight, Option<&String>)>,
    current: &str,
    is_later_attempt: bool,
    events: &Events,
) -> Result<String, Failure> {
    if let Some((InFlight { is_rollback: true, .. }, Some(stable))) = in_flight {
        // AWS CodeDeploy is on its way there already.
        return Ok(stable.clone());
    }
    if is_later_attempt {
        let mut history = History::of(clients, names, false);
        if let Some(over) = put_back_over(current, async || history.next().await).await? {
            announce_put_back(current, &over, events);
            return Ok(current.to_owned());
        }
    }
    let stable = in_flight.and_then(|(_, stable)| stable.cloned());
    match search(clients, names, stable, current).await? {
        Before::Revision(revision) => Ok(revision),
        Before::Newer(newer) => Err(only_newer(current, &newer)),
        Before::Unknown => newest_older(&clients.ecs, current).await?.ok_or_else(|| {
            Failure::new(
                Cause::NotFound,
                format!(
                    "There is no revision to go back to: AWS CodeDeploy remembers no successful deployment of {} with another \
                     revision than {}, and there is no older one.",
                    names.1,
                    last_part(current)
                ),
            )
            .advise("Name one with `to`: a revision number or an ARN.")
        }),
    }
}

/// The revision that ran before the current one. What a service began with was not brought by CodeDeploy: only where that
/// remembers nothing else, the newest older active revision.
pub(super) async fn before(clients: &Readers, names: (&str, &str), current: &str) -> Result<Option<String>, Failure> {
    Ok(match search(clients, names, None, current).await? {
        Before::Revision(revision) => Some(revision),
        Before::Newer(_) => None,
        Before::Unknown => newest_older(&clients.ecs, current).await?,
    })
}

/// `stable` is what runs besides the current one, where that is on its way.
async fn search(
    clients: &Readers,
    names: (&str, &str),
    mut stable: Option<String>,
    current: &str,
) -> Result<Before, Failure> {
    let mut history = History::of(clients, names, true);
    let next = async || match stable.take() {
        Some(stable) => Ok(Some(stable)),
        None => history.next().await,
    };
    ecs::before(current, next).await
}
