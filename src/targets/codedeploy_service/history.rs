//! What ran before, as far as AWS CodeDeploy remembers.

use super::Readers;
use crate::cycle::{Cause, Failure};
use crate::spec::AppSpec;
use crate::targets::ecs::{newest_older, or_nothing};
use crate::text::last_part;

/// How many deployments are looked at.
const DEEPEST: usize = 20;

/// Where `mode: rollback` goes that does not say where.
pub(super) async fn previous(
    clients: &Readers,
    application: &str,
    group: &str,
    current: &str,
) -> Result<String, Failure> {
    before(clients, application, group, current).await?.ok_or_else(|| {
        Failure::new(
            Cause::NotFound,
            format!(
                "There is no revision to go back to: AWS CodeDeploy remembers no successful deployment of {group} with another \
                 revision than {}, and there is no older one.",
                last_part(current)
            ),
        )
        .advise("Name one with `to`: a revision number or an ARN.")
    })
}

/// The revision of the last deployment that succeeded with another revision than the current one. What a service began with
/// was not brought by CodeDeploy: only where that remembers nothing else, the newest older active revision.
pub(super) async fn before(
    clients: &Readers,
    application: &str,
    group: &str,
    current: &str,
) -> Result<Option<String>, Failure> {
    for id in clients.codedeploy.succeeded(application, group).await?.into_iter().take(DEEPEST) {
        let deployment = clients.codedeploy.deployment(&id).await?;
        let Some(sha256) = deployment.sha256.filter(|_| deployment.rolls_back.is_none()) else { continue };
        let content = or_nothing(clients.codedeploy.appspec(application, &sha256).await)?;
        let appspec = content.and_then(|content| AppSpec::parse(&content).ok());
        let revision = appspec.and_then(|appspec| appspec.task_definition());
        // A family alone does not say which of its revisions it was.
        let is_another =
            |revision: &String| last_part(revision).contains(':') && last_part(revision) != last_part(current);
        if let Some(revision) = revision.filter(is_another) {
            return Ok(Some(revision));
        }
    }
    Ok(newest_older(&clients.ecs, current).await?)
}
