//! What goes wrong at a call.

use simulator::{Fault, Rule, Simulator, When};

use super::{Step, seconds};

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

/// Runs a step that is killed at that call, before or after the call has its effect.
pub(crate) async fn killed_at(case: &str, number: usize, after_effect: bool, simulator: &Simulator, step: &Step) {
    simulator.inject(at_call(number, Fault::Hang { after_effect }));
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(simulator) => panic!("{case}: it did not come to that call: {report:#?}"),
    }
}
