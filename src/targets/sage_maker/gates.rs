//! Whether a model's metrics are what was asked for.

use serde_json::{Value, json};

use crate::cycle::{Cause, Events, Failure, Kind, Table};
use crate::spec::{Judgement, QualityGate};
use crate::text::count;

pub(in crate::targets) fn judge(gates: &[QualityGate], metrics: &Value) -> Vec<Judgement> {
    gates.iter().map(|gate| gate.judge(metrics)).collect()
}

/// Tells of each gate, and lets through what passes all of them.
pub(in crate::targets) fn pass(judgements: &[Judgement], events: &Events) -> Result<(), Failure> {
    if judgements.is_empty() {
        return Ok(());
    }
    let row = |it: &Judgement| {
        let result = if it.passes { "passed" } else { "not passed" };
        [it.gate.clone(), it.there.clone(), result.to_owned()]
    };
    let table = Table::new("Quality gates", ["Gate", "Value", "Result"], judgements.iter().map(row));
    events.send(Kind::Tabulated(table));
    let failed: Vec<String> = judgements
        .iter()
        .filter(|judgement| !judgement.passes)
        .map(|judgement| format!("{} (there: {})", judgement.gate, judgement.there))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let of = judgements.len();
    let of = count(of, "quality gate", "quality gates");
    let reason = format!("The metrics do not pass {} of {of}: {}.", failed.len(), failed.join("; "));
    Err(Failure::new(Cause::QualityGates, reason)
        .advise("Train a better model, or correct `quality-gates`. The table of the gates is in the summary."))
}

/// The metrics of a version as they were registered: its properties, with those that are numbers as numbers.
pub(in crate::targets) fn registered(package: &crate::aws::sage_maker::Document) -> Value {
    let properties = package.get("CustomerMetadataProperties").and_then(Value::as_object).into_iter().flatten();
    let value = |text: &Value| {
        let number = text.as_str().and_then(|text| text.trim().parse::<f64>().ok()).filter(|number| number.is_finite());
        number.map_or_else(|| text.clone(), |number| json!(number))
    };
    properties.map(|(key, text)| (key.clone(), value(text))).collect::<serde_json::Map<_, _>>().into()
}
