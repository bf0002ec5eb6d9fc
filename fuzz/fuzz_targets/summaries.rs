//! A deployment in which every text from outside is one of the pieces, told in a summary.
//!
//! The page is read by a second Markdown parser: its structure is that of a page in which every such text is a harmless word,
//! it has no HTML but our own, and it says every text.
#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ecs_deploy_action::cycle::{
    Cause, Change, Conclusion, Diagnosis, Doing, Event, Hint, Kind, LogTail, Outcome, Output, Phase, Plan, Said, Shown,
    Sink as _, StoppedContainer, StoppedTasks,
};
use ecs_deploy_action::report::Summary;
use ecs_deploy_action::runner::SummaryFile;
use ecs_deploy_action::text::{one_line, shorten};
use ecs_deploy_action_fuzz::{Screen, pieces};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use pulldown_cmark::{Event as Markup, Options, Parser, Tag, TagEnd};

fuzz_target!(|data: &[u8]| {
    let texts: Vec<String> = pieces(data).into_iter().map(|(_, text)| text).collect();
    // One that shows nothing is written as nothing; that is not what this is about.
    if texts.iter().all(|text| one_line(text).is_empty()) {
        return;
    }
    let texts: Vec<String> = texts.into_iter().filter(|text| !one_line(text).is_empty()).collect();
    let hostile = page(&texts);
    let plain = page(&texts.iter().map(|_| "word".to_owned()).collect::<Vec<_>>());
    let (hostile_structure, said) = read(&hostile);
    let (plain_structure, _) = read(&plain);
    assert_eq!(hostile_structure, plain_structure, "{hostile}\n=== the same of harmless words:\n{plain}");
    for text in &texts {
        // What a reader sees of it: code is set in another type, and its delimiters are gone.
        let shown = shorten(&one_line(text), 200).trim_end_matches('…').replace('`', "");
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&shown), "{shown:?} is missing: {hostile}");
    }
});

/// The page of a rollback in which the texts turn up one after the other, again and again.
fn page(texts: &[String]) -> String {
    thread_local! {
        static FILE: RefCell<PathBuf> = RefCell::new({
            let shared = PathBuf::from("/dev/shm");
            let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
            folder.join(format!("summary-{}", std::process::id()))
        });
    }
    let path = FILE.with(|file| file.borrow().clone());
    fs::write(&path, "").expect("the file can be written");
    let mut next = texts.iter().cycle().cloned();
    let mut text = || next.next().unwrap_or_default();
    let mut summary = Summary::new(Some(SummaryFile::new(&path)), Screen::default().console(), None);
    let mut tell = |second: u64, kind: Kind| {
        let elapsed = Duration::from_secs(second);
        summary.receive(&Event { at: Timestamp::UNIX_EPOCH + elapsed, elapsed, kind });
    };
    tell(0, Kind::Started { target: text(), mode: Doing::Deploy });
    tell(0, Kind::PhaseStarted(Phase::Wait));
    for output in [Output::RunningCount, Output::DesiredCount] {
        tell(1, Kind::Known { output, value: text() });
    }
    let image = Change {
        subject: format!("containerDefinitions[{}].image", text()),
        before: Shown::Value(text()),
        after: Shown::Value(text()),
    };
    let other = Change {
        subject: format!("containerDefinitions[{}].command", text()),
        before: Shown::Hidden,
        after: Shown::Value(text()),
    };
    tell(
        1,
        Kind::Planned(Plan { changes: vec![image, other.clone(), other], diff: format!("-{}\n+{}\n", text(), text()) }),
    );
    tell(2, Kind::Warned(text()));
    tell(2, Kind::Warned(text()));
    tell(3, Kind::RollbackStarted { to: text(), because: text() });
    let mut tasks = || {
        let container = |name, reason, health| StoppedContainer {
            name,
            exit_code: Some(137),
            reason: Some(reason),
            health: Some(health),
        };
        let containers = vec![container(text(), text(), text()), container(text(), text(), text())];
        StoppedTasks { count: 2, stop_code: Some(text()), reason: Some(text()), containers }
    };
    let stopped = vec![tasks(), tasks()];
    tell(
        9,
        Kind::Diagnosed(Diagnosis {
            hints: vec![Hint { code: "image-missing", hint: text(), tasks: 2 }],
            statements: vec![text(), text()],
            stopped,
            logs: vec![LogTail {
                container: text(),
                group: Some(text()),
                stream: Some(text()),
                lines: vec![text(), text()],
                note: Some(text()),
            }],
            events: vec![Said { at: Timestamp::UNIX_EPOCH, message: text() }],
        }),
    );
    tell(
        9,
        Kind::Concluded(Conclusion {
            outcome: Outcome::RolledBack,
            cause: Some(Cause::TasksFailing),
            headline: text(),
            reason: Some(text()),
            advice: Some(text()),
        }),
    );
    drop(summary);
    fs::read_to_string(path).expect("the summary was written")
}

/// What begins a part that is folded. Its title stands on the same line, as HTML.
const FOLDED: &str = "<details><summary>";

/// HTML without tags, as a browser shows it; each `&` in it has to begin a numeric character reference.
fn referred(html: &str) -> String {
    let mut parts = html.split('&');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let (reference, rest) = part.split_once(';').expect("a reference ends");
        let number = reference.strip_prefix('#').expect("a reference is numeric").parse().expect("it has a number");
        format!("{shown}{}{rest}", char::from_u32(number).expect("the number is that of a character"))
    })
}

/// What the page is made of, without its words; and its words.
fn read(page: &str) -> (Vec<String>, String) {
    let mut structure = Vec::new();
    let mut said = String::new();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM;
    for markup in Parser::new_ext(page, options) {
        match markup {
            Markup::Text(text) | Markup::Code(text) => said.push_str(&text),
            Markup::InlineHtml(html) if ["<code>", "</code>"].contains(&&*html) => {}
            Markup::Html(html) if html.starts_with(FOLDED) => {
                let title = html.trim_end().trim_start_matches(FOLDED).trim_end_matches("</summary>");
                assert!(!title.contains(['<', '>']), "{page}");
                said.push_str(&referred(title));
                structure.push(FOLDED.to_owned());
            }
            Markup::SoftBreak | Markup::HardBreak => said.push(' '),
            Markup::End(end) => {
                said.push(' ');
                if end != TagEnd::Paragraph || !said.is_empty() {
                    structure.push(format!("end {end:?}"));
                }
            }
            Markup::Start(tag) => {
                assert!(!matches!(tag, Tag::Link { .. } | Tag::Image { .. } | Tag::FootnoteDefinition(_)), "{page}");
                structure.push(format!("start {tag:?}"));
            }
            other => structure.push(format!("{other:?}")),
        }
    }
    let said = said.replace('`', "");
    (structure, said.split_whitespace().collect::<Vec<_>>().join(" "))
}
