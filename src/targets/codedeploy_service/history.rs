//! What ran before, as far as AWS CodeDeploy remembers.

use super::Readers;
use crate::aws::ecs::Service;
use crate::cycle::{Cause, Failure};
use crate::spec::AppSpec;
use crate::targets::ecs_service::{or_nothing, short};

/// How many deployments are looked at.
const DEEPEST: usize = 20;

/// The revision of the last deployment that succeeded with another revision than the current one.
pub(super) async fn previous(
    clients: &Readers,
    application: &str,
    group: &str,
    service: &Service,
) -> Result<String, Failure> {
    let current = &service.task_definition;
    for id in clients.codedeploy.succeeded(application, group).await?.into_iter().take(DEEPEST) {
        let deployment = clients.codedeploy.deployment(&id).await?;
        let Some(sha256) = deployment.sha256.filter(|_| deployment.rolls_back.is_none()) else { continue };
        let content = or_nothing(clients.codedeploy.appspec(application, &sha256).await)?;
        let appspec = content.and_then(|content| AppSpec::parse(&content).ok());
        if let Some(revision) = appspec.and_then(|appspec| appspec.task_definition()).filter(|it| it != current) {
            return Ok(revision);
        }
    }
    Err(Failure::new(
        Cause::NotFound,
        format!(
            "There is no revision to go back to: AWS CodeDeploy remembers no successful deployment of {group} with another \
             revision than {}.",
            short(current)
        ),
    )
    .advise("Name one with `to`: a revision number or an ARN."))
}
