//! From findings to annotations, a table and the end.

use std::path::Path;

use super::repository::{self, Checked, NothingThere};
use crate::cycle::{Cause, Conclusion, Events, Failure, Finding, Kind, Outcome, Table};
use crate::spec::Validation;
use crate::text::count;

/// Looks at the repository in `workspace`, and tells what was found. `ours` is the repository of this action, if it is known.
///
/// # Errors
/// When there is nothing to look at.
pub fn tell(
    validation: &Validation,
    workspace: &Path,
    ours: Option<String>,
    events: &Events,
) -> Result<Conclusion, Failure> {
    let checked = repository::check(workspace, validation, ours).map_err(failure)?;
    let Checked { findings, workflows, steps, task_definitions } = &checked;
    for finding in findings {
        events.send(Kind::Found(finding.clone()));
    }
    if !findings.is_empty() {
        events.send(Kind::Tabulated(table(findings)));
    }
    if *steps == 0 && task_definitions.is_empty() {
        events.warn("No step of this action was found in .github/workflows, and no task definition was named.");
    }
    let errors = findings.iter().filter(|finding| finding.is_error).count();
    let looked_at = format!(
        "{}, {} of this action, {}",
        count(*workflows, "file with steps", "files with steps"),
        count(*steps, "step", "steps"),
        count(task_definitions.len(), "task definition", "task definitions"),
    );
    let found = match (errors, findings.len() - errors) {
        (0, 0) => "Nothing is wrong".to_owned(),
        (errors, warnings) => {
            format!("{} and {}", count(errors, "error", "errors"), count(warnings, "warning", "warnings"))
        }
    };
    Ok(Conclusion {
        outcome: if errors > 0 { Outcome::Refused } else { Outcome::Planned },
        cause: (errors > 0).then_some(Cause::InvalidInput),
        headline: format!("{found} in {looked_at}."),
        reason: None,
        advice: (!findings.is_empty()).then(|| "docs/validate.md says what is checked, and why.".to_owned()),
    })
}

fn failure(nothing: NothingThere) -> Failure {
    let reason = format!("There is nothing to validate: {nothing}.");
    Failure::new(Cause::InvalidInput, reason)
        .advise("Check the repository out before (actions/checkout), or name a file in `task-definition`.")
        .because(nothing)
}

fn table<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Table {
    let rows = findings.into_iter().map(|finding| {
        let level = if finding.is_error { "error" } else { "warning" };
        [
            format!("{}:{}", finding.file, finding.line),
            level.to_owned(),
            finding.problem.clone(),
            finding.remedy.clone(),
        ]
    });
    Table::new("What was found", ["Where", "Level", "Problem", "Remedy"], rows)
}
