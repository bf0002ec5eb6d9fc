//! Makes the version.

use super::Rollout;
use crate::aws::sage_maker::Writer;
use crate::aws::{Attempts, CallErrorKind};
use crate::cycle::{Events, NotUpdated, Output};
use crate::text::last_part;

/// Sends CreateModelPackage.
///
/// Idempotent by its token: without an answer the very same request is sent again, and a version that an earlier attempt made is
/// joined without a call.
pub(super) async fn update(
    writer: &Writer,
    mut rollout: Rollout,
    max_retries: u32,
    events: &Events,
) -> Result<Rollout, NotUpdated> {
    if rollout.arn.is_none() {
        rollout.arn = Some(create(writer, &rollout, max_retries, events).await?);
    }
    if let Some(arn) = &rollout.arn {
        events.know(Output::ModelPackageArn, arn);
        events.know(Output::ModelPackageVersion, last_part(arn));
    }
    Ok(rollout)
}

async fn create(writer: &Writer, rollout: &Rollout, max_retries: u32, events: &Events) -> Result<String, NotUpdated> {
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_have_happened = false;
    loop {
        let error = match writer.create_model_package(&rollout.request).await {
            Ok(arn) => return Ok(arn),
            Err(error) => error,
        };
        may_have_happened |= error.may_have_happened();
        // ConflictException: somebody else changes something of SageMaker's at the same moment. It passes.
        if !error.is_passing() && error.kind != CallErrorKind::Conflict {
            return Err(NotUpdated { failure: error.into(), may_have_happened });
        }
        attempts.pause_after(error).await.map_err(|error| NotUpdated { failure: error.into(), may_have_happened })?;
    }
}
