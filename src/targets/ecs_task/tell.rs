//! The ends of a task in words. A task that has ended is not "running again": it is stopped, or it failed.

use crate::cycle::{Cause, Conclusion, Ending, Outcome};

pub(super) fn tell(cluster: &str, ending: Ending, wanted: &str, told: Conclusion) -> Conclusion {
    let task = format!("Task {wanted} in cluster {cluster}");
    let how = match told.cause {
        Some(Cause::Cancelled) => "was cancelled",
        Some(Cause::Timeout) => "was not finished in time",
        Some(Cause::Placement) => "could not be started as often as asked",
        _ => "could not be watched to its end",
    };
    let (outcome, headline) = match ending {
        Ending::Done => (Outcome::Deployed, format!("{task} ended well, with exit code 0.")),
        Ending::InProgress => {
            (told.outcome, format!("{task} was started; as asked, its end was not waited for and is not known."))
        }
        // A task is run however often it was run before.
        Ending::Unchanged => return told,
        Ending::Refused => (told.outcome, format!("No task was started in cluster {cluster}.")),
        Ending::TakenBack => (Outcome::Failed, format!("{task} {how} and was stopped.")),
        Ending::GoingBack => (Outcome::Failed, format!("{task} {how} and is being stopped.")),
        Ending::NotTakenBack => {
            (Outcome::RollbackFailed, format!("{task} may still run: it {how}, and stopping it failed."))
        }
        // It ended by itself: the reason is how.
        Ending::Over | Ending::AsItIs if told.cause == Some(Cause::TaskFailed) => {
            let reason = told.reason.unwrap_or_default();
            let headline = format!("{task} failed: {reason}");
            return Conclusion { outcome: Outcome::Failed, headline, reason: None, advice: None, ..told };
        }
        Ending::Over => (Outcome::Failed, format!("{task} {how}; it has stopped.")),
        Ending::AsItIs => (Outcome::Failed, format!("{task} is left as it is: it {how}.")),
    };
    let advice = match ending {
        Ending::NotTakenBack => Some("Look at the task now, and stop it if it runs.".to_owned()),
        _ => told.advice,
    };
    Conclusion { outcome, headline, advice, ..told }
}
