//! Lets a deployment go on from a pause.

use crate::aws::ecs::{Reader, Writer};
use crate::aws::{Again, Attempts, send};
use crate::cycle::{Events, Failure, Pause};

/// Says to go on.
///
/// Idempotent: what AWS says to the call counts for less than whether the pause is still there.
pub(super) async fn resume(
    reader: &Reader,
    writer: &Writer,
    pause: &Pause,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    let attempts = Attempts::new(max_retries, events);
    let call = async || writer.continue_service_deployment(&pause.rollout, &pause.id).await;
    let Err(error) = send(Again::WhenPassing, attempts, call).await else {
        events.note(format!("The deployment goes on from the pause {}.", pause.id));
        return Ok(());
    };
    match reader.describe_service_deployment(&pause.rollout).await {
        Ok(Some(deployment)) if super::stages::pause(&deployment).is_none_or(|now| now.id != pause.id) => Ok(()),
        Ok(_) | Err(_) => Err(error.into()),
    }
}
