//! The page, from top to bottom: what runs now, why, what was changed, how long it took, where to look further.

use super::gantt;
use super::markdown::{code, fence, folded, link, section, table, text};
use super::record::Record;
use crate::cycle::{Change, Conclusion, Diagnosis, Outcome, Output, Plan, Shown, StoppedContainer, StoppedTasks};
use crate::report::exit_code::explained;
use crate::report::words::{count, sentences, short_arn, sign, spoken};
use crate::runner::text::{one_line, shorten};

/// Past this many rows nobody reads a table.
const MAX_ROWS: usize = 50;

/// Longer values are shortened; the log and the plan have them whole.
const MAX_VALUE: usize = 300;

/// How many bytes of a diff or of the events are shown. GitHub drops a summary above 1 MiB as a whole.
const MAX_BLOCK: usize = 128 * 1024;

/// The whole page.
pub(super) fn page(record: &Record, run_url: Option<&str>) -> String {
    let plan = record.plan.as_ref();
    let parts = [
        Some(headline(record)),
        explanation(record),
        Some(facts(record)),
        evidence(&record.diagnosis),
        warnings(&record.warnings),
        plan.and_then(other_changes),
        plan.and_then(diff),
        gantt::chart(record).map(|chart| section("Time line", &chart)),
        links(record, run_url),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn headline(record: &Record) -> String {
    match &record.conclusion {
        Some(Conclusion { outcome, headline, .. }) => format!("## {} {}\n", sign(*outcome), text(headline)),
        None => "## ⚠️ The run ended before the deployment did\n".to_owned(),
    }
}

fn explanation(record: &Record) -> Option<String> {
    let Some(conclusion) = &record.conclusion else {
        let phase = record.phases.last().map_or("the first phase", |span| span.phase.as_str());
        return Some(format!(
            "It ended during **{phase}**. What runs now was not checked: look at the service, or run the workflow again, \
             which brings it to the new version or leaves it on the old one.\n"
        ));
    };
    let said = [("Why", &conclusion.reason), ("Next", &conclusion.advice)];
    let said = said.into_iter().filter_map(|(title, sentence)| Some((title, sentence.as_ref()?)));
    let lines: Vec<_> = said.map(|(title, sentence)| format!("**{title}:** {}\n", text(sentence))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn facts(record: &Record) -> String {
    let fact = |title: &str, value: String| (!value.is_empty()).then(|| [format!("**{title}**"), value]);
    let images = record
        .plan
        .iter()
        .flat_map(images)
        .map(|(container, change)| [format!("**Image of {}**", text(container)), before_and_after(change)]);
    let first = [fact("Outcome", outcome(record)), fact("Task definition", revisions(record))];
    let last = [fact("Tasks", tasks(record)), fact("Took", duration(record))];
    let rows = first.into_iter().flatten().chain(images.take(MAX_ROWS)).chain(last.into_iter().flatten());
    let target = record.target.as_deref().unwrap_or("no target yet");
    table(["Target", &text(target)], rows)
}

fn outcome(record: &Record) -> String {
    let Some(conclusion) = &record.conclusion else { return "unknown".to_owned() };
    let cause = conclusion.cause.map(|cause| format!(", because of {}", code(cause.as_str())));
    format!("{}{}", code(conclusion.outcome.as_str()), cause.unwrap_or_default())
}

/// The revisions in the order in which they ran.
fn revisions(record: &Record) -> String {
    let output = |output| record.outputs.get(&output).map(|arn| short_arn(arn));
    let before = output(Output::PreviousTaskDefinitionArn);
    let after = output(Output::TaskDefinitionArn).filter(|after| Some(*after) != before);
    let back = before.filter(|_| record.outcome() == Some(Outcome::RolledBack) && after.is_some());
    [before, after, back].into_iter().flatten().map(code).collect::<Vec<_>>().join(" → ")
}

fn tasks(record: &Record) -> String {
    let output = |output| record.outputs.get(&output).map(|count| text(count));
    match (output(Output::RunningCount), output(Output::DesiredCount), &record.progress) {
        (Some(running), Some(desired), _) => format!("{running} of {desired} running"),
        (_, _, Some(progress)) => {
            format!("{} of {} new ones running, {} old", progress.running, progress.desired, progress.old)
        }
        _ => String::new(),
    }
}

fn duration(record: &Record) -> String {
    let retries = match record.retries {
        0 => String::new(),
        retries => format!(", {} repeated", count(retries, "call", "calls")),
    };
    format!("{}{retries}", spoken(record.elapsed))
}

/// The changes of images, with their containers.
fn images(plan: &Plan) -> impl Iterator<Item = (&str, &Change)> {
    plan.changes.iter().filter_map(|change| Some((container_of_image(change)?, change)))
}

/// `web` of `containerDefinitions[web].image`.
fn container_of_image(change: &Change) -> Option<&str> {
    change.subject.strip_prefix("containerDefinitions[")?.strip_suffix("].image")
}

fn other_changes(plan: &Plan) -> Option<String> {
    let others = plan.changes.iter().filter(|change| container_of_image(change).is_none());
    let rows: Vec<_> =
        others.map(|change| [code(&change.subject), shown(&change.before), shown(&change.after)]).collect();
    let title = if rows.len() == plan.changes.len() { "Changes" } else { "Other changes" };
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    let mut body = table(["What", "Before", "After"], rows.iter().take(MAX_ROWS).cloned());
    if left_out > 0 {
        body.push_str(&format!("\nand {left_out} more.\n"));
    }
    (!rows.is_empty()).then(|| section(title, &body))
}

fn before_and_after(change: &Change) -> String {
    format!("{} → {}", shown(&change.before), shown(&change.after))
}

fn shown(value: &Shown) -> String {
    match value {
        Shown::Absent => "_none_".to_owned(),
        Shown::Value(value) if value.trim().is_empty() => "_empty_".to_owned(),
        Shown::Value(value) => code(&shorten(&one_line(value), MAX_VALUE)),
        Shown::Hidden => "_hidden_".to_owned(),
    }
}

fn diff(plan: &Plan) -> Option<String> {
    (!plan.diff.is_empty()).then(|| folded("Diff of the task definition", &fence("diff", &head(&plan.diff))))
}

/// As many whole lines from the beginning as fit into a block.
fn head(block: &str) -> String {
    let mut length = 0;
    let fits = |line: &&str| {
        length += line.len();
        length <= MAX_BLOCK
    };
    let kept: String = block.split_inclusive('\n').take_while(fits).collect();
    if kept.len() == block.len() { kept } else { format!("{kept}…\n") }
}

fn evidence(diagnosis: &Diagnosis) -> Option<String> {
    if diagnosis.is_empty() {
        return None;
    }
    let statements = diagnosis.statements.iter().take(MAX_ROWS);
    let mut parts: Vec<String> = statements.map(|statement| format!("> {}\n", prose(statement))).collect();
    if !diagnosis.stopped.is_empty() {
        let rows = diagnosis.stopped.iter().flat_map(stopped).take(MAX_ROWS);
        parts.push(table(["Stopped tasks", "Container", "Exit code", "Reason"], rows));
    }
    if !diagnosis.events.is_empty() {
        let line =
            |said: &crate::cycle::Said| format!("{}  {}\n", said.at.strftime("%H:%M:%SZ"), one_line(&said.message));
        let events: String = diagnosis.events.iter().map(line).collect();
        let title = count(diagnosis.events.len(), "event of the service", "events of the service");
        parts.push(folded(&title, &fence("text", &head(&events))));
    }
    Some(section("Why it failed", &parts.join("\n")))
}

fn prose(sentence: &str) -> String {
    text(&shorten(&one_line(sentence), MAX_VALUE))
}

/// One row a container; what is common to the tasks stands in the first.
fn stopped(tasks: &StoppedTasks) -> Vec<[String; 4]> {
    let common =
        sentences([tasks.stop_code.as_deref().map(|code| format!("{code}:")).as_deref(), tasks.reason.as_deref()]);
    if tasks.containers.is_empty() {
        return vec![[tasks.count.to_string(), String::new(), String::new(), prose(&common)]];
    }
    let row = |(position, container): (usize, &StoppedContainer)| {
        let (number, common) = if position == 0 { (tasks.count.to_string(), prose(&common)) } else { <_>::default() };
        let health = container.health.as_ref().map(|health| format!("Health: {health}"));
        let own = [container.reason.as_deref(), health.as_deref()].into_iter().flatten().map(prose);
        let reason = own.chain([common]).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("<br>");
        [number, code(&container.name), exit_code(container), reason]
    };
    tasks.containers.iter().enumerate().map(row).collect()
}

fn exit_code(container: &StoppedContainer) -> String {
    container
        .exit_code
        .map_or_else(|| "_never ran_".to_owned(), |code| text(&explained(code, container.reason.as_deref())))
}

fn warnings(warnings: &[String]) -> Option<String> {
    let items: String = warnings.iter().take(MAX_ROWS).map(|warning| format!("- {}\n", prose(warning))).collect();
    (!items.is_empty()).then(|| section("Warnings", &items))
}

fn links(record: &Record, run_url: Option<&str>) -> Option<String> {
    let console = record.outputs.get(&Output::ConsoleUrl).map(|url| link("Service in the AWS console", url));
    let run = run_url.map(|url| link("Workflow run", url));
    let links: Vec<_> = [console, run].into_iter().flatten().collect();
    (!links.is_empty()).then(|| format!("{}\n", links.join(" · ")))
}
