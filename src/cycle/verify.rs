//! The last phase: what was asked to be checked is checked, and then what runs has to be what was asked for.

use futures_util::FutureExt as _;

use super::failure::Why;
use super::wait::{Until, Waited, wait};
use super::{Run, Target};

/// Checks a rollout that is over. The identity comes last, so that it is still right when the checks are done.
pub(super) async fn verify<T: Target>(
    run: &Run<'_, T>,
    writer: &T::Writer,
    rollout: &T::Rollout,
    until: Until,
) -> Result<(), Why> {
    if let Some(mut checks) = run.target.checks(rollout, run.events) {
        match wait(run, writer, &mut checks, until).await {
            Waited::Done(_) | Waited::Left(_) => {}
            Waited::Failed(failure) => return Err(Why::Failure(failure)),
            Waited::Superseded(by) => return Err(Why::Superseded(by)),
        }
    }
    run.target.verify(rollout, run.events).boxed_local().await.map_err(Why::Failure)
}
