//! Collects the evidence of a failed rollout.

use super::Rollout;
use super::known_causes::hints;
use crate::cycle::Diagnosis;

/// What AWS says. A part that cannot be had is left out: a diagnosis never stands in the way of a rollback.
pub(super) fn diagnose(rollout: &Rollout) -> Diagnosis {
    let statements: Vec<String> = rollout.last.iter().filter_map(|endpoint| endpoint.failure.clone()).collect();
    Diagnosis { hints: hints(&statements), statements, ..Diagnosis::default() }
}
