//! Things to print, one a piece: the first letter of the piece's name says what.
//!
//! What the runner carries out is what was meant, no more and no less, for a runner that compares letter by letter and for
//! one that overlooks everything that is not ASCII.
#![no_main]

use ecs_deploy_action::runner::command::{Annotation, Level, MAX_ANNOTATIONS, harmless};
use ecs_deploy_action::text::{one_line, readable};
use ecs_deploy_action_fuzz::{Screen, pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let screen = Screen::default();
    let console = screen.console();
    let mut meant: Vec<(&str, String)> = Vec::new();
    let mut annotations = [0; 3];
    let mut annotate = |level: Level, title: &str, message: &str| {
        annotations[level as usize] += 1;
        (annotations[level as usize] <= MAX_ANNOTATIONS).then(|| {
            // The units in which the runner counts.
            let mut units = 0;
            let cut: String = readable(message)
                .chars()
                .take_while(|character| {
                    units += character.len_utf16();
                    units <= 4096
                })
                .collect();
            let _ = title;
            (level.as_str(), cut)
        })
    };
    for (kind, text) in pieces(data) {
        match kind.chars().next() {
            Some('g') => {
                console.group(&text);
                meant.push(("group", one_line(&text)));
            }
            Some('e') => {
                console.end_group();
                meant.push(("endgroup", String::new()));
            }
            Some('d') => {
                console.debug(&text);
                meant.push(("debug", readable(&text)));
            }
            Some('m') => {
                console.mask(&text);
                if !text.trim().is_empty() {
                    meant.push(("add-mask", text));
                }
            }
            Some('w') => {
                console.warn(&kind, &text);
                meant.extend(annotate(Level::Warning, &kind, &text));
            }
            Some('x') => {
                console.annotate(Annotation { level: Level::Error, place: None, title: &kind, message: &text });
                meant.extend(annotate(Level::Error, &kind, &text));
            }
            Some('p') => {
                // What the hook for panics prints.
                for line in lines(&harmless(&text)) {
                    assert_eq!(carried_out(line), None);
                }
            }
            _ => console.text(&text),
        }
    }

    let printed = screen.text();
    let done: Vec<_> = lines(&printed).filter_map(carried_out).collect();
    let meant: Vec<_> = meant.into_iter().map(|(name, data)| (name.to_owned(), data)).collect();
    assert_eq!(done, meant, "{printed:?}");
    let overlooking: String = printed.chars().filter(char::is_ascii).collect();
    let done: Vec<_> = lines(&overlooking).filter_map(carried_out).map(|(name, _)| name).collect();
    assert_eq!(done, meant.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), "{printed:?}");
});

/// As .NET reads lines: they end at LF, CR and CR LF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// What the runner makes of a line: `TryParseV2` and `TryParse` of ActionCommand.cs, for one that knows every command.
fn carried_out(line: &str) -> Option<(String, String)> {
    let (info, data) = match line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")) {
        Some(command) => command,
        None => line[line.find("##[")? + 3..].split_once(']')?,
    };
    let name = info.split(' ').next().unwrap_or(info);
    Some((name.to_owned(), data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")))
}
