//! The ends of a registration in words. A version does not run: it is registered, and it is approved or not.

use crate::cycle::{Cause, Conclusion, Ending, Outcome};

/// `number` is the version's, and `decision` what it was to become, where they are known.
pub(super) fn tell(
    group: &str,
    number: Option<String>,
    decision: Option<String>,
    ending: Ending,
    told: Conclusion,
) -> Conclusion {
    let it = match &number {
        Some(number) => format!("Version {number} of model package group {group}"),
        None => format!("A new version of model package group {group}"),
    };
    let how = match told.cause {
        Some(Cause::Cancelled) => "the run was cancelled",
        Some(Cause::Timeout) => "it was not complete in time",
        _ => "not everything that was asked for was done",
    };
    let (outcome, headline) = match (ending, number) {
        (Ending::Done, _) => {
            let status = decision.map_or_else(
                || "; it is for a person to approve it".to_owned(),
                |decision| format!(" and {decision}, as asked"),
            );
            (Outcome::Deployed, format!("{it} is registered{status}."))
        }
        (Ending::Unchanged, _) => {
            (told.outcome, format!("{it} was registered by this run already; nothing was changed."))
        }
        (Ending::InProgress, _) => (told.outcome, format!("{it} is being registered; its end is not known.")),
        (Ending::Refused, _) => (told.outcome, format!("No version was registered in model package group {group}.")),
        (Ending::Over, _) => (Outcome::Failed, format!("{it} is Failed: nothing can be deployed from it.")),
        (_, Some(_)) => (Outcome::Failed, format!("{it} is registered and was left as it is: {how}.")),
        (_, None) => (
            Outcome::Failed,
            format!("Whether a version was registered in model package group {group} is not known: {how}."),
        ),
    };
    Conclusion { outcome, headline, ..told }
}
