//! The ends of a cycle in words, where an endpoint is another thing than a service.

use super::rollout::Before;
use crate::cycle::{Conclusion, Ending, Outcome};

pub(super) fn tell(endpoint: &str, before: Before, ending: Ending, wanted: &str, told: Conclusion) -> Conclusion {
    let headline = match (ending, before) {
        // Serverless variants have no instances to count.
        (Ending::Done, _) if told.outcome == Outcome::RolledBack => {
            format!("Endpoint {endpoint} serves {wanted}, rolled back as asked.")
        }
        (Ending::Done, _) => format!("Endpoint {endpoint} serves {wanted}."),
        (Ending::TakenBack, Before::Nothing) => {
            format!("There is no endpoint {endpoint}, as before: {wanted} failed and was deleted.")
        }
        (Ending::NotTakenBack, Before::Nothing) => {
            format!("Endpoint {endpoint} is new and failed with {wanted}, and deleting it failed.")
        }
        (Ending::AsItIs, Before::Nothing) => {
            format!("Endpoint {endpoint} is new and failed with {wanted}; it is kept.")
        }
        (Ending::AsItIs, Before::Same) => format!("Endpoint {endpoint} is left on {wanted}, which it served before."),
        (Ending::GoingBack, Before::Nothing) => {
            format!("Endpoint {endpoint} is new and failed with {wanted}; it is being deleted.")
        }
        _ => return told,
    };
    Conclusion { headline, ..told }
}
