//! Makes the new revision.

use serde::{Deserialize, Serialize};

use super::revision::{RUN_TAG, Revision, announce_revision};
use crate::aws::ecs::{Reader, Writer};
use crate::aws::{Again, Attempts, CallErrorKind, send};
use crate::cycle::{Events, Failure};
use crate::spec::{TaskDefinition, difference};
use crate::text::last_part;

/// The revision that the service shall run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    arn: String,
    /// Whether this run made it, so that it is this run's to remove.
    made: bool,
    /// The ARN of the one that the service is on until then.
    replaces: String,
}

impl Registered {
    /// The same, to be removed by somebody else.
    pub(in crate::targets) fn lent(&self) -> Self {
        Self { made: false, ..self.clone() }
    }

    pub(in crate::targets) fn arn(&self) -> &str {
        &self.arn
    }
}

/// Registers the document, if there is one to register.
///
/// Not idempotent by itself: when no answer came, the family's newest revision is looked at first, and is taken when it is
/// the very document. A run that is killed between AWS's answer and the next line leaves a revision that nothing uses.
pub(in crate::targets) async fn register(
    reader: &Reader,
    writer: &Writer,
    replaces: &str,
    revision: &Revision,
    max_retries: u32,
    events: &Events,
) -> Result<Registered, Failure> {
    let replaces = replaces.to_owned();
    let registered = match revision {
        Revision::Kept(arn) | Revision::Existing { arn, .. } => Registered { arn: arn.clone(), made: false, replaces },
        Revision::New(document) => {
            let mut attempts = Attempts::new(max_retries, events);
            let mut is_ours = true;
            let registered = loop {
                let error = match writer.register_task_definition(document).await {
                    Ok(registered) => break registered,
                    Err(error) if error.is_passing() => error,
                    Err(error) => return Err(error.into()),
                };
                let may_have_happened = error.may_have_happened();
                let exhausted = attempts.pause_after(error).await;
                if may_have_happened && let Some(found) = find(reader, document).await {
                    // Without the tag of the run it may be somebody else's, and is not this run's to remove.
                    is_ours = document.tags().iter().any(|tag| tag.key == RUN_TAG);
                    break found;
                }
                exhausted?;
            };
            let arn = registered.arn().unwrap_or_default().to_owned();
            events.note(format!("Registered {}.", last_part(&arn)));
            Registered { arn, made: is_ours, replaces }
        }
    };
    announce_revision(&registered.arn, events);
    Ok(registered)
}

/// Removes the revision if this run made it.
pub(in crate::targets) async fn deregister(
    writer: &Writer,
    registered: &Registered,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    if !registered.made {
        return Ok(());
    }
    let attempts = Attempts::new(max_retries, events);
    match send(Again::WhenPassing, attempts, async || writer.deregister_task_definition(&registered.arn).await).await {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error.into()),
        _ => {
            events.note(format!("Deregistered {} again.", last_part(&registered.arn)));
            announce_revision(&registered.replaces, events);
            Ok(())
        }
    }
}

/// The family's newest revision, if it is this very document, tags included.
async fn find(reader: &Reader, document: &TaskDefinition) -> Option<TaskDefinition> {
    let newest = reader.describe_task_definition(document.family()?).await.ok()?;
    let mut tags = (newest.tags(), document.tags());
    tags.0.sort_by(|left, right| left.key.cmp(&right.key));
    tags.1.sort_by(|left, right| left.key.cmp(&right.key));
    (difference(&newest, document).is_empty() && tags.0 == tags.1).then_some(newest)
}
