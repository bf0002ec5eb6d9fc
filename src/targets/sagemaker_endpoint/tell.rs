//! The ends of a cycle in words, where an endpoint is another thing than a service.

use crate::cycle::{Conclusion, Ending, Outcome};

/// `is_first` is whether there was no endpoint before.
pub(super) fn tell(endpoint: &str, is_first: bool, ending: Ending, wanted: &str, told: Conclusion) -> Conclusion {
    let headline = match (ending, is_first) {
        // Serverless variants have no instances to count.
        (Ending::Done, _) if told.outcome == Outcome::RolledBack => {
            format!("Endpoint {endpoint} serves {wanted}, rolled back as asked.")
        }
        (Ending::Done, _) => format!("Endpoint {endpoint} serves {wanted}."),
        (Ending::TakenBack, true) => {
            format!("There is no endpoint {endpoint}, as before: {wanted} failed and was deleted.")
        }
        (Ending::NotTakenBack, true) => {
            format!("Endpoint {endpoint} is new and failed with {wanted}, and deleting it failed.")
        }
        (Ending::Left, true) => format!("Endpoint {endpoint} is new and failed with {wanted}; it is kept."),
        (Ending::GoingBack, true) => {
            format!("Endpoint {endpoint} is new and failed with {wanted}; it is being deleted.")
        }
        _ => return told,
    };
    Conclusion { headline, ..told }
}
