//! The page, from top to bottom: what runs now, why, what was changed, how long it took, where to look further.

use super::gantt;
use super::markdown::{self, code, fence, folded, link, section, table, text, wide_table};
use crate::cycle::{Change, Conclusion, Diagnosis, Output, Plan, Shown, StoppedContainer, StoppedTasks, Table};
use crate::github::{self, Changes};
use crate::report::exit_code::explained;
use crate::report::record::Record;
use crate::report::words::{hinted, sentences, sign, spoken};
use crate::text::{count, one_line, shorten};

/// As many digits of a commit as GitHub shows.
const SHORT_COMMIT: usize = 7;

/// Past this many rows nobody reads a table.
const MAX_ROWS: usize = 50;

/// Longer values are shortened; the log and the plan have them whole.
const MAX_VALUE: usize = 200;

/// The conclusion, AWS's own words and the warnings stand outside tables and have room.
const MAX_SENTENCE: usize = 2000;

/// How many of AWS's statements and how many warnings are shown.
const MAX_SENTENCES: usize = 10;

/// How many logs of containers are shown, and how long a line of one may be.
const MAX_LOGS: usize = 3;
const MAX_LINE: usize = 300;

/// How many bytes of a diff or of the events are shown. GitHub drops a summary above 1 MiB as a whole.
const MAX_BLOCK: usize = 128 * 1024;

/// The whole page.
pub(in crate::report) fn page(record: &Record, run_url: Option<&str>) -> String {
    let plan = record.plan.as_ref();
    let parts = [
        Some(headline(record)),
        explanation(record),
        Some(facts(record)),
        evidence(&record.diagnosis),
        tables(&record.tables),
        warnings(&record.warnings),
        documents(record),
        plan.and_then(other_changes),
        plan.and_then(diff),
        gantt::chart(record).map(|chart| section("Time line", &chart)),
        links(record, run_url),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Which environment a page is about, where several may stand below each other.
pub(in crate::report) fn environment_line(environment: &str) -> String {
    format!("**Environment:** {}\n\n", prose(environment))
}

/// The commits that go out with a deployment.
pub(in crate::report) fn commits(changes: &Changes) -> String {
    let row = |change: &github::Change| {
        let pull_request = change.pull_request.map(|number| format!("#{number}")).unwrap_or_default();
        let commit = change.commit.get(..SHORT_COMMIT).unwrap_or(&change.commit);
        [value(commit), prose(&change.title), prose(&change.author), pull_request]
    };
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut body = table(["Commit", "What", "Who", "Pull request"], changes.commits.iter().map(row));
    let left_out = changes.total.saturating_sub(changes.commits.len() as u64);
    if left_out > 0 {
        body.push_str(&format!("\nand {left_out} older ones.\n"));
    }
    if changes.behind > 0 {
        let missing = count(number(changes.behind), "commit", "commits");
        body.push_str(&format!("\n{missing} of what ran before not in it.\n"));
    }
    if let Some(url) = &changes.url {
        body.push_str(&format!("\n{}\n", link("All changes", url)));
    }
    section(&count(number(changes.total), "new commit", "new commits"), &body)
}

fn headline(record: &Record) -> String {
    match &record.conclusion {
        Some(Conclusion { outcome, headline, .. }) => format!("## {} {}\n", sign(*outcome), sentence(headline)),
        None => "## ⚠️ The run ended before the deployment did\n".to_owned(),
    }
}

fn explanation(record: &Record) -> Option<String> {
    let Some(conclusion) = &record.conclusion else {
        let phase = record.phases.last().map_or("the first phase", |span| span.phase.as_str());
        let target = record.target.as_deref().map_or_else(|| "it".to_owned(), prose);
        let unknown = format!(
            "It ended during **{phase}**. What runs now was not checked: look at {target}, or run the workflow again, which \
             brings it to the new version or leaves it on the old one.\n"
        );
        return Some(std::iter::once(unknown).chain(hints(&record.diagnosis)).collect::<Vec<_>>().join("\n"));
    };
    let line =
        |title: &str, said: &Option<String>| said.as_ref().map(|said| format!("**{title}:** {}\n", sentence(said)));
    let (why, next) = (line("Why", &conclusion.reason), line("Next", &conclusion.advice));
    let lines: Vec<_> = why.into_iter().chain(hints(&record.diagnosis)).chain(next).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn hints(diagnosis: &Diagnosis) -> impl Iterator<Item = String> {
    diagnosis.hints.iter().map(|hint| format!("**Hint:** {} ({})\n", sentence(&hint.hint), hinted(hint)))
}

fn facts(record: &Record) -> String {
    let fact = |title: &str, value: String| (!value.is_empty()).then(|| [format!("**{title}**"), value]);
    let images = record
        .plan
        .iter()
        .flat_map(images)
        .map(|(container, change)| [format!("**Image of {}**", prose(container)), before_and_after(change)]);
    let first = [fact("Outcome", outcome(record)), fact("Revision", revisions(record))];
    let last = [fact("Tasks", tasks(record)), fact("Took", duration(record))];
    let rows = first.into_iter().flatten().chain(images.take(MAX_ROWS)).chain(last.into_iter().flatten());
    let target = record.target.as_deref().unwrap_or("unknown");
    table(["Target", &prose(target)], rows)
}

fn outcome(record: &Record) -> String {
    let Some(conclusion) = &record.conclusion else { return "unknown".to_owned() };
    let cause = conclusion.cause.map(|cause| format!(", because of {}", code(cause.as_str())));
    format!("{}{}", code(conclusion.outcome.as_str()), cause.unwrap_or_default())
}

fn revisions(record: &Record) -> String {
    record.revisions().map(value).collect::<Vec<_>>().join(" → ")
}

fn tasks(record: &Record) -> String {
    let output = |output| record.outputs.get(&output).map(|count| prose(count));
    match (output(Output::RunningCount), output(Output::DesiredCount), &record.progress) {
        (Some(running), Some(desired), _) => format!("{running} of {desired} running"),
        (_, _, Some(progress)) if !progress.counts_nothing() => {
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
    let rows: Vec<_> = others.map(|change| [value(&change.subject), shown(&change.before), after(change)]).collect();
    let title = if rows.len() == plan.changes.len() { "Changes" } else { "Other changes" };
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    let mut body = table(["What", "Before", "After"], rows.iter().take(MAX_ROWS).cloned());
    if left_out > 0 {
        body.push_str(&format!("\nand {left_out} more.\n"));
    }
    (!rows.is_empty()).then(|| section(title, &body))
}

/// On two lines: names of images are long, and what differs is at their ends.
fn before_and_after(change: &Change) -> String {
    format!("{}<br>→ {}", shown(&change.before), after(change))
}

fn after(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Shown::Hidden, Shown::Hidden) => "_hidden, changed_".to_owned(),
        (_, after) => shown(after),
    }
}

fn shown(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "_none_".to_owned(),
        Shown::Value(text) if text.trim().is_empty() => "_empty_".to_owned(),
        Shown::Value(text) => value(text),
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

fn documents(record: &Record) -> Option<String> {
    let section_of =
        |(title, document): &(String, String)| section(title, &fence("json", &head(&format!("{document}\n"))));
    let sections: Vec<_> = record.documents.iter().map(section_of).collect();
    (!sections.is_empty()).then(|| sections.join("\n"))
}

fn evidence(diagnosis: &Diagnosis) -> Option<String> {
    if diagnosis.is_empty() {
        return None;
    }
    let statements = diagnosis.statements.iter().take(MAX_SENTENCES);
    let mut parts: Vec<String> = statements.map(|statement| format!("> {}\n", sentence(statement))).collect();
    if !diagnosis.stopped.is_empty() {
        let rows = diagnosis.stopped.iter().flat_map(stopped).take(MAX_ROWS);
        parts.push(table(["Stopped tasks", "Container", "Exit code", "Reason"], rows));
    }
    for log in diagnosis.logs.iter().take(MAX_LOGS) {
        let lines: String =
            log.lines.iter().chain(&log.note).map(|line| format!("{}\n", shorten(&one_line(line), MAX_LINE))).collect();
        parts.push(folded(&text(&log.title()), &fence("text", &head(&lines))));
    }
    if !diagnosis.events.is_empty() {
        let line =
            |said: &crate::cycle::Said| format!("{}  {}\n", said.at.strftime("%H:%M:%SZ"), one_line(&said.message));
        let events: String = diagnosis.events.iter().map(line).collect();
        let title = count(diagnosis.events.len(), "event", "events");
        parts.push(folded(&title, &fence("text", &head(&events))));
    }
    Some(section("Why it failed", &parts.join("\n")))
}

fn tables(tables: &[Table]) -> Option<String> {
    let cells = |row: &Vec<String>| row.iter().map(|cell| prose(cell)).collect::<Vec<_>>();
    let one = |table: &Table| {
        let header: Vec<String> = table.header.iter().map(|name| prose(name)).collect();
        let mut body = wide_table(&header, table.rows.iter().take(MAX_ROWS).map(cells));
        let left_out = table.rows.len().saturating_sub(MAX_ROWS);
        if left_out > 0 {
            body.push_str(&format!("\nand {left_out} more.\n"));
        }
        section(&prose(&table.title), &body)
    };
    (!tables.is_empty()).then(|| tables.iter().take(MAX_ROWS).map(one).collect::<Vec<_>>().join("\n"))
}

fn value(text: &str) -> String {
    code(&shorten(&one_line(text), MAX_VALUE))
}

fn prose(cell: &str) -> String {
    text(&shorten(&one_line(cell), MAX_VALUE))
}

fn sentence(said: &str) -> String {
    markdown::sentence(&shorten(&one_line(said), MAX_SENTENCE))
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
        [number, value(&container.name), exit_code(container), reason]
    };
    tasks.containers.iter().enumerate().map(row).collect()
}

fn exit_code(container: &StoppedContainer) -> String {
    container
        .exit_code
        .map_or_else(|| "_never ran_".to_owned(), |code| text(&explained(code, container.reason.as_deref())))
}

fn warnings(warnings: &[String]) -> Option<String> {
    let items: String =
        warnings.iter().take(MAX_SENTENCES).map(|warning| format!("- {}\n", sentence(warning))).collect();
    (!items.is_empty()).then(|| section("Warnings", &items))
}

fn links(record: &Record, run_url: Option<&str>) -> Option<String> {
    let console = record.outputs.get(&Output::ConsoleUrl).map(|url| link("AWS console", url));
    let run = run_url.map(|url| link("Workflow run", url));
    let links: Vec<_> = [console, run].into_iter().flatten().collect();
    (!links.is_empty()).then(|| format!("{}\n", links.join(" · ")))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::cycle::{Cause, Hint, Kind, LogTail, Outcome, Phase, Said};
    use crate::report::summary::markdown::tests::{HOSTILE, cells};
    use crate::report::testing::{Story, conclusion};
    use crate::runner::summary_file::MAX_BYTES;

    fn page_of(story: &Story) -> String {
        let mut record = Record::default();
        story.events().iter().for_each(|event| record.take(event));
        page(&record, Some("https://github.com/shop/web/actions/runs/1"))
    }

    /// A cycle in which every text that can come from outside is the same.
    fn filled_with(outside: &str, times: usize) -> Story {
        let text = || outside.to_owned();
        let change = |subject, before, after| Change { subject, before, after };
        let container =
            StoppedContainer { name: text(), exit_code: Some(137), reason: Some(text()), health: Some(text()) };
        let tasks =
            StoppedTasks { count: 2, stop_code: Some(text()), reason: Some(text()), containers: vec![container; 2] };
        let said = Said { at: Timestamp::UNIX_EPOCH, message: text() };
        let image =
            change(format!("containerDefinitions[{outside}].image"), Shown::Value(text()), Shown::Value(text()));
        let other = change(text(), Shown::Hidden, Shown::Value(text()));
        let mut story = Story::begin();
        story.then(0, Kind::Started { target: text(), mode: crate::cycle::Doing::Deploy });
        story.then(0, Kind::PhaseStarted(Phase::Wait));
        story.then(1, Kind::Known { output: Output::TaskDefinitionArn, value: format!("{outside}x") });
        story.then(1, Kind::Known { output: Output::RunningCount, value: text() });
        story.then(1, Kind::Known { output: Output::DesiredCount, value: text() });
        story.then(1, Kind::Known { output: Output::ConsoleUrl, value: text() });
        story.then(
            1,
            Kind::Planned(Plan {
                changes: [vec![image; times], vec![other; times]].concat(),
                diff: format!("{outside}\n").repeat(times),
            }),
        );
        for _ in 0..times {
            story.then(2, Kind::Warned(text()));
        }
        story.then(
            9,
            Kind::Diagnosed(Diagnosis {
                hints: vec![Hint { code: "image-missing", hint: text(), tasks: 2 }; 5],
                statements: vec![text(); times],
                logs: vec![
                    LogTail {
                        container: text(),
                        lines: vec![text(); 3],
                        note: Some(text()),
                        ..LogTail::default()
                    };
                    times
                ],
                stopped: vec![tasks; times],
                events: vec![said; times],
            }),
        );
        story.then(
            9,
            Kind::Concluded(Conclusion {
                reason: Some(text()),
                advice: Some(text()),
                ..conclusion(Outcome::Failed, Some(Cause::TasksFailing), outside)
            }),
        );
        story
    }

    /// The lines outside fences, and how many fences there are.
    fn outside_fences(page: &str) -> (Vec<&str>, usize) {
        let (mut lines, mut fences, mut open) = (Vec::new(), 0, None);
        for line in page.lines() {
            let run = line.len() - line.trim_start_matches('`').len();
            match open {
                None if run >= 3 => {
                    open = Some(run);
                    fences += 1;
                }
                None => lines.push(line),
                Some(length) if run >= length && line.len() == run => open = None,
                Some(_) => {}
            }
        }
        (lines, fences)
    }

    /// What is left of the HTML when everything that is shown as it is has been taken out.
    fn tags(lines: &[&str]) -> Vec<String> {
        let shown: String = lines.iter().flat_map(|line| line.split('`').step_by(2)).collect();
        shown.split('<').skip(1).map(|tag| tag.split_once('>').map_or(tag, |(name, _)| name).to_owned()).collect()
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_page_keeps_its_shape(outside in HOSTILE) {
            let (hostile, harmless) = (page_of(&filled_with(&outside, 2)), page_of(&filled_with("word", 2)));
            let ((lines, fences), (ordinary, ordinary_fences)) = (outside_fences(&hostile), outside_fences(&harmless));
            prop_assert_eq!(fences, ordinary_fences, "{}", hostile);

            let rows = |lines: &[&str]| lines.iter().filter(|line| line.starts_with('|')).map(|line| cells(line)).collect::<Vec<_>>();
            prop_assert!(rows(&ordinary).starts_with(&[2, 2]));
            let nothing_is_blank = !crate::text::one_line(&outside).is_empty();
            if nothing_is_blank {
                prop_assert_eq!(rows(&lines), rows(&ordinary), "{}", hostile);
            }
            let known = ["code", "/code", "br", "details", "summary", "/summary", "/details"];
            prop_assert!(tags(&lines).iter().all(|tag| known.contains(&tag.as_str())), "{:?} in {}", tags(&lines), hostile);
            let headings = |lines: &[&str]| lines.iter().filter(|line| line.starts_with('#')).count();
            prop_assert_eq!(headings(&lines), headings(&ordinary), "{}", hostile);
        }
    }

    #[test]
    fn a_page_is_never_longer_than_github_shows() {
        let page = page_of(&filled_with(&"🚢|`<".repeat(500), 300));
        assert!(u64::try_from(page.len()).unwrap() < MAX_BYTES, "{}", page.len());
        assert!(page.contains("\nand 250 more.\n"));
        assert!(page.contains("…\n`"), "the blocks say that they were cut");
    }

    #[test]
    fn hints_stand_between_the_reason_and_the_advice() {
        let hint = |code, tasks| Hint { code, hint: "Push `web:42`.".into(), tasks };
        let mut story = Story::begin();
        let hints = vec![hint("image-missing", 3), hint("no-capacity", 0)];
        story.then(1, Kind::Diagnosed(Diagnosis { hints, ..Diagnosis::default() }));
        let (reason, advice) = (Some("because".into()), Some("do".into()));
        let end = Conclusion { reason, advice, ..conclusion(Outcome::Failed, Some(Cause::TasksFailing), "x") };
        assert!(page_of(&story).contains("**Hint:** Push"), "a run that is killed has said what it knew");
        story.then(2, Kind::Concluded(end));
        let page = page_of(&story);
        let expected = "**Why:** because\n\n**Hint:** Push `web:42`. (image-missing, 3 tasks)\n\n\
                        **Hint:** Push `web:42`. (no-capacity)\n\n**Next:** do\n";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn hidden_values_are_shown_as_hidden() {
        let change = |before, after| Change { subject: "environment[KEY]".into(), before, after };
        let mut story = Story::begin();
        story.then(
            1,
            Kind::Planned(Plan {
                changes: vec![
                    change(Shown::Absent, Shown::Hidden),
                    change(Shown::Hidden, Shown::Value(String::new())),
                    change(Shown::Hidden, Shown::Hidden),
                ],
                diff: String::new(),
            }),
        );
        let page = page_of(&story);
        assert!(page.contains("| `environment[KEY]` | _none_ | _hidden_ |\n"), "{page}");
        assert!(page.contains("| `environment[KEY]` | _hidden_ | _empty_ |\n"), "{page}");
        assert!(page.contains("| `environment[KEY]` | _hidden_ | _hidden, changed_ |\n"), "{page}");
    }

    #[test]
    fn an_image_is_a_fact_and_everything_else_a_change() {
        let change =
            |subject: &str| Change { subject: subject.into(), before: Shown::Absent, after: Shown::Value("x".into()) };
        let mut story = Story::begin();
        let changes = vec![change("containerDefinitions[web].image"), change("cpu")];
        story.then(1, Kind::Planned(Plan { changes, diff: String::new() }));
        let page = page_of(&story);
        assert!(page.contains("| **Image of web** | _none_<br>→ `x` |\n"), "{page}");
        assert!(
            page.contains(
                "### Other changes\n\n| What | Before | After |\n| :-- | :-- | :-- |\n| `cpu` | _none_ | `x` |\n"
            ),
            "{page}"
        );
    }

    #[test]
    fn repeated_calls_are_counted() {
        let mut story = Story::begin();
        for _ in 0..2 {
            let operation = "DescribeServices".into();
            story.then(5, Kind::Retried { operation, why: "Rate exceeded".into(), after: Default::default() });
        }
        assert!(page_of(&story).contains("| **Took** | 5.0 s, 2 calls repeated |\n"));
    }

    #[test]
    fn the_page_leads_on() {
        let mut story = Story::begin();
        story.then(1, Kind::Known { output: Output::ConsoleUrl, value: "https://console.aws.amazon.com/ecs".into() });
        assert!(page_of(&story).ends_with(
            "[AWS console](https://console.aws.amazon.com/ecs) · \
             [Workflow run](https://github.com/shop/web/actions/runs/1)\n"
        ));
    }

    #[test]
    fn the_revisions_stand_in_the_order_in_which_they_ran() {
        let failing = Some(Cause::TasksFailing);
        for (outcome, cause, expected) in [
            (Outcome::Deployed, None, "`web:41` → `web:42`"),
            (Outcome::RolledBack, failing, "`web:41` → `web:42` → `web:41`"),
            (Outcome::RolledBack, None, "`web:41` → `web:42`"),
            (Outcome::RollbackFailed, failing, "`web:41` → `web:42`"),
        ] {
            let mut story = Story::begin();
            let arn = |revision| format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:{revision}");
            story.then(1, Kind::Known { output: Output::PreviousTaskDefinitionArn, value: arn(41) });
            story.then(1, Kind::Known { output: Output::TaskDefinitionArn, value: arn(42) });
            story.then(1, Kind::Concluded(conclusion(outcome, cause, "x")));
            let page = page_of(&story);
            assert!(page.contains(&format!("| **Revision** | {expected} |\n")), "{page}");
        }
    }
}
