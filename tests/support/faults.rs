//! What goes wrong at a call.

use simulator::{Fault, Rule, When};

use super::seconds;

/// AWS refuses the call with this code.
pub(crate) fn refuse(code: &str) -> Fault {
    let message = "no identity-based policy allows the action".to_owned();
    Fault::Refuse { status: 400, code: code.to_owned(), message }
}

/// Faults that leave the action alive.
pub(crate) fn faults() -> Vec<Fault> {
    vec![
        refuse("AccessDeniedException"),
        refuse("AnErrorFromTheFuture"),
        Fault::Throttle,
        Fault::ServerError,
        Fault::ExpiredToken,
        Fault::TimeoutBeforeEffect,
        Fault::TimeoutAfterEffect,
        Fault::Reset,
        Fault::CutAnswer,
        Fault::Slow(seconds(15)),
        Fault::StaleRead(seconds(30)),
    ]
}

pub(crate) fn at_call(number: usize, fault: Fault) -> Rule {
    Rule { when: When { number: Some(number), ..When::default() }, fault }
}
