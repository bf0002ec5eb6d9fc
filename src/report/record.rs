//! What reports tell at the end, gathered while it happens.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cycle::{Conclusion, Diagnosis, Doing, Event, Kind, Outcome, Output, Phase, Plan, Progress, Table};
use crate::text::last_part;

/// Everything that was told so far about a target.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) target: Option<String>,
    pub(super) mode: Option<Doing>,
    pub(super) outputs: BTreeMap<Output, String>,
    pub(super) phases: Vec<Span>,
    pub(super) plan: Option<Plan>,
    pub(super) progress: Option<Progress>,
    pub(super) first_failure: Option<Timestamp>,
    pub(super) rolls_back_to: Option<String>,
    pub(super) retries: usize,
    pub(super) warnings: Vec<String>,
    pub(super) diagnosis: Diagnosis,
    /// Each with its title.
    pub(super) documents: Vec<(String, String)>,
    pub(super) tables: Vec<Table>,
    pub(super) conclusion: Option<Conclusion>,
    pub(super) last: Timestamp,
    pub(super) elapsed: Duration,
}

/// When a phase was.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) phase: Phase,
    pub(super) began: Timestamp,
    /// `None` while it goes on.
    pub(super) ended: Option<Timestamp>,
}

impl Span {
    /// How long it took, or takes so far.
    pub(super) fn took(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.ended.unwrap_or(now).duration_since(self.began)).unwrap_or_default()
    }
}

impl Record {
    /// Adds an event.
    pub(super) fn take(&mut self, event: &Event) {
        self.last = event.at;
        self.elapsed = event.elapsed;
        match &event.kind {
            Kind::Started { target, mode } => {
                self.target = Some(target.clone());
                self.mode = Some(*mode);
            }
            Kind::PhaseStarted(phase) => {
                self.end_phase(event.at);
                self.phases.push(Span { phase: *phase, began: event.at, ended: None });
            }
            Kind::PhaseFinished(_) => self.end_phase(event.at),
            Kind::Known { output, value } => {
                self.outputs.insert(*output, value.clone());
            }
            Kind::Warned(text) => self.warnings.push(text.clone()),
            Kind::Tabulated(table) => self.tables.push(table.clone()),
            Kind::Planned(plan) => self.plan = Some(plan.clone()),
            Kind::Progressed(progress) => {
                if progress.failed > 0 {
                    self.first_failure.get_or_insert(event.at);
                }
                self.progress = Some(progress.clone());
            }
            Kind::Retried { .. } => self.retries += 1,
            Kind::RollbackStarted { to, .. } => self.rolls_back_to = Some(to.clone()),
            Kind::Printed { title, document } => self.documents.push((title.clone(), document.clone())),
            Kind::Diagnosed(diagnosis) => self.diagnosis = diagnosis.clone(),
            Kind::Concluded(conclusion) => {
                self.end_phase(event.at);
                self.conclusion = Some(conclusion.clone());
            }
            // A table has them all.
            Kind::Found(_) | Kind::Noted(_) | Kind::Said { .. } | Kind::Owed(_) => {}
        }
    }

    /// The revisions, short, in the order in which they ran.
    pub(super) fn revisions(&self) -> impl Iterator<Item = &str> {
        let output = |output| self.outputs.get(&output).map(|arn| last_part(arn));
        let before = output(Output::PreviousTaskDefinitionArn);
        let after = output(Output::TaskDefinitionArn).filter(|after| Some(*after) != before);
        // Going back on request has no cause, and is one step.
        let went_back =
            self.conclusion.as_ref().is_some_and(|end| end.outcome == Outcome::RolledBack && end.cause.is_some());
        let back = before.filter(|_| went_back && after.is_some());
        [before, after, back].into_iter().flatten()
    }

    /// How it ended, if it did.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.conclusion.as_ref().map(|conclusion| conclusion.outcome)
    }

    /// A phase that failed is ended by what comes after it.
    fn end_phase(&mut self, at: Timestamp) {
        if let Some(span) = self.phases.last_mut() {
            span.ended.get_or_insert(at);
        }
    }
}
