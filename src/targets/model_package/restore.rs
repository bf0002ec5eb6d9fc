//! What remains of a version that was not finished.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::Rollout;
use super::plan::PENDING;
use crate::cycle::{Failure, Restore};

/// How often a version of which the ARN is not known is looked for: lists lag behind.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(700);

/// Finds out whether there is a version, and gives the rollout with it. Nothing is removed: it is there for the record, and a run
/// that is repeated goes on with it. Idempotent.
pub(super) async fn restore(rollout: &Rollout) -> Result<(Restore<Rollout>, Rollout), Failure> {
    let mut rollout = rollout.clone();
    for look in 0..LOOKS {
        if look > 0 {
            sleep(PAUSE).await;
        }
        rollout.find().await?;
        if rollout.arn.is_some() {
            break;
        }
    }
    let Some(arn) = &rollout.arn else {
        let restore = match rollout.description {
            Some(_) => Restore::NothingToDo,
            None => Restore::Impossible(format!(
                "AWS did not say whether it registered a version: look at the newest ones of {}.",
                rollout.group
            )),
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
