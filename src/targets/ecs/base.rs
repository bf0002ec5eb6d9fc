//! The task definition that a request for a service starts from.

use super::Request;
use super::promotion::{self, Promoted};
use crate::aws::ecs::Reader;
use crate::cycle::{Events, Failure, Output};
use crate::spec::{Mode, Source, TaskDefinition};
use crate::targets::commit::commit;

/// The task definition that the request starts from.
#[derive(Debug, Clone)]
pub(in crate::targets) enum Base {
    /// One that is registered, by its ARN.
    Registered { arn: String, document: TaskDefinition },
    /// A file.
    Document(TaskDefinition),
}

impl Base {
    pub(in crate::targets) const fn document(&self) -> &TaskDefinition {
        match self {
            Self::Registered { document, .. } | Self::Document(document) => document,
        }
    }
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
