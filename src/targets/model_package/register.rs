//! Makes the group.

use serde::{Deserialize, Serialize};

use super::plan::Draft;
use crate::aws::sage_maker::Writer;
use crate::aws::{Again, Attempts, CallErrorKind, send};
use crate::cycle::{Events, Failure};

/// Where the version goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    /// The group that this run made, so that it is this run's to remove.
    made: Option<String>,
}

/// Makes the group, if there is none. Idempotent: one that is there meanwhile will do.
pub(super) async fn register(
    writer: &Writer,
    draft: &Draft,
    max_retries: u32,
    events: &Events,
) -> Result<Registered, Failure> {
    let Some(group) = &draft.new_group else { return Ok(Registered { made: None }) };
    let name = group.get("ModelPackageGroupName").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
    let mut may_be_ours = false;
    let made = send(Again::WhenPassing, Attempts::new(max_retries, events), async || {
        let made = writer.create_model_package_group(group).await;
        may_be_ours |= made.as_ref().err().is_none_or(|error| error.may_have_happened());
        made
    })
    .await;
    match made {
        Err(error) if error.kind == CallErrorKind::Conflict => {}
        made => made?,
    }
    if may_be_ours {
        events.note(format!("Made the model package group {name}."));
    }
    Ok(Registered { made: may_be_ours.then_some(name) })
}

/// Removes the group that this run made; SageMaker does so only as long as it is empty. Idempotent.
pub(super) async fn deregister(
    writer: &Writer,
    registered: &Registered,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    let Some(group) = &registered.made else { return Ok(()) };
    let deleted = send(Again::WhenPassing, Attempts::new(max_retries, events), async || {
        writer.delete_model_package_group(group).await
    });
    match deleted.await {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error.into()),
        _ => {
            events.note(format!("Deleted the model package group {group} again."));
            Ok(())
        }
    }
}
