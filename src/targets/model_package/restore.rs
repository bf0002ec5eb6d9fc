//! What remains of a version that was not finished.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::Rollout;
use super::plan::PENDING;
use crate::cycle::{Failure, Restore};

/// How often a version of which the ARN is not known is looked for, and how far apart: at once, before the runner kills the step,
/// and in the post step, which has the time to find out. Lists lag behind, and so may the call itself.
const LOOKS: (u32, Duration) = (3, Duration::from_millis(700));
const LATER: (u32, Duration) = (10, Duration::from_secs(3));

/// Finds out whether there is a version, and gives the rollout with it. Nothing is removed: it is there for the record, and a run
/// that is repeated goes on with it. Idempotent.
///
/// Without an ARN, the call that makes the version was cut off or had no answer. That it made none is not known at once, but only
/// some time later.
pub(super) async fn restore(rollout: &Rollout) -> Result<(Restore<Rollout>, Rollout), Failure> {
    let mut rollout = rollout.clone();
    let (looks, pause) = if rollout.is_later { LATER } else { LOOKS };
    for look in 0..looks {
        if look > 0 {
            sleep(pause).await;
        }
        rollout.find().await?;
        if rollout.arn.is_some() {
            break;
        }
    }
    let Some(arn) = &rollout.arn else {
        let restore = if rollout.is_later && rollout.description.is_some() {
            Restore::NothingToDo
        } else {
            Restore::Impossible(format!(
                "AWS did not say whether it registered a version: look at the newest ones of {}, or run the job again.",
                rollout.group
            ))
        };
        return Ok((restore, rollout));
    };
    let seen = rollout.reader.describe_model_package(arn).await.ok().map(|made| made.document);
    let text = |member: &str| seen.as_ref()?.get(member).and_then(Value::as_str).map(str::to_owned);
    let restore = match (text("ModelPackageStatus").as_deref(), text("ModelApprovalStatus")) {
        (Some("Failed"), _) => Restore::Over,
        (_, Some(approval)) if approval != PENDING => {
            Restore::Impossible(format!("It is {approval}. Look at it, and decide about it by hand."))
        }
        _ => Restore::Impossible(
            "It is not approved, so that it cannot be deployed. Run the job again to go on with it, or decide about it by hand."
                .to_owned(),
        ),
    };
    Ok((restore, rollout))
}
