//! Everything that is printed, and the commands among it that the runner carries out.
//!
//! The runner reads every line of standard output and of standard error. A line that begins with `::` after blanks is a
//! command, and so is one that holds `##[` anywhere (`ActionCommand.cs` in actions/runner). So there is one way to print,
//! [`Console`], and text that goes through it cannot become a command.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;

use crate::text::{one_line, readable};

/// The runner keeps this many annotations of each type for one step (`_maxCountPerIssueType`).
pub const MAX_ANNOTATIONS: usize = 10;

/// The runner cuts an annotation's message at this many UTF-16 code units (`_maxIssueMessageLength`).
pub const MAX_MESSAGE: usize = 4096;

/// How much attention an annotation wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// To be looked at.
    Warning,
    /// The reason why the step fails.
    Error,
}

impl Level {
    /// The name of the command, and the word in front of the message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A line of a file in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's path from the root of the repository.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
}

/// A message that GitHub shows on the page of the run, and beside the line that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Annotation<'a> {
    /// How much attention it wants.
    pub level: Level,
    /// What it is about, if that is a line of a file.
    pub place: Option<Place<'a>>,
    /// Its first line, in bold.
    pub title: &'a str,
    /// The rest; may have several lines.
    pub message: &'a str,
}

/// The way to standard output. Copies share it.
#[derive(Clone)]
pub struct Console {
    shared: Rc<RefCell<Shared>>,
}

struct Shared {
    output: Box<dyn Write>,
    /// A closed standard output is not written to again, and there is no other place to complain.
    closed: bool,
    annotations: [usize; 3],
}

impl Console {
    /// A console that writes there.
    pub fn new(output: impl Write + 'static) -> Self {
        let shared = Shared { output: Box::new(output), closed: false, annotations: [0; 3] };
        Self { shared: Rc::new(RefCell::new(shared)) }
    }

    /// Prints text, whatever is in it, as text.
    pub fn text(&self, text: &str) {
        self.write(&harmless(text));
    }

    /// Begins a group of lines that GitHub folds.
    pub fn group(&self, title: &str) {
        self.run(&Command::new("group", &one_line(title)));
    }

    /// Ends the group.
    pub fn end_group(&self) {
        self.run(&Command::new("endgroup", ""));
    }

    /// Prints a line that GitHub shows only when the run is debugged.
    pub fn debug(&self, text: &str) {
        self.run(&Command::new("debug", &readable(text)));
    }

    /// Has a value replaced by `***` in everything that GitHub shows from now on.
    pub fn mask(&self, value: &str) {
        if !value.trim().is_empty() {
            self.run(&Command::new("add-mask", value));
        }
    }

    /// Leaves an annotation. One that the runner would drop, because there are too many, is printed as text.
    pub fn annotate(&self, annotation: Annotation<'_>) {
        let Annotation { level, place, title, message } = annotation;
        if self.count(level) > MAX_ANNOTATIONS {
            let place = place.map(|place| format!("{}:{}: ", place.file, place.line)).unwrap_or_default();
            return self.text(&format!("{place}{}: {title}: {message}", level.as_str()));
        }
        let message = cut(&readable(message), MAX_MESSAGE);
        let command = Command::new(level.as_str(), &message).with("title", &one_line(title));
        let command = match place {
            Some(Place { file, line }) => command.with("file", &one_line(file)).with("line", &line.to_string()),
            None => command,
        };
        self.run(&command);
    }

    /// [`Self::annotate`] with a warning.
    pub fn warn(&self, title: &str, message: &str) {
        self.annotate(Annotation { level: Level::Warning, place: None, title, message });
    }

    /// How many annotations of a level there are, this one included.
    fn count(&self, level: Level) -> usize {
        let count = &mut self.shared.borrow_mut().annotations[level as usize];
        *count += 1;
        *count
    }

    fn run(&self, command: &Command) {
        self.write(&command.to_string());
    }

    fn write(&self, line: &str) {
        let mut shared = self.shared.borrow_mut();
        if !shared.closed {
            let written = shared.output.write_all(format!("{line}\n").as_bytes()).and_then(|()| shared.output.flush());
            shared.closed = written.is_err();
        }
    }
}

/// A workflow command: `::name property=value::data`.
struct Command {
    name: &'static str,
    properties: Vec<(&'static str, String)>,
    data: String,
}

impl Command {
    fn new(name: &'static str, data: &str) -> Self {
        Self { name, properties: Vec::new(), data: data.to_owned() }
    }

    fn with(mut self, property: &'static str, value: &str) -> Self {
        self.properties.push((property, value.to_owned()));
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::{}", self.name)?;
        for (position, (property, value)) in self.properties.iter().enumerate() {
            let separator = if position == 0 { ' ' } else { ',' };
            write!(f, "{separator}{property}={}", escape_property(value))?;
        }
        write!(f, "::{}", escape_data(&self.data))
    }
}

/// The per cent sign goes first: it is what the others are escaped with.
fn escape_data(data: &str) -> String {
    data.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(value: &str) -> String {
    escape_data(value).replace(':', "%3A").replace(',', "%2C")
}

/// The longest beginning of a text that has at most `limit` UTF-16 code units.
fn cut(text: &str, limit: usize) -> String {
    text.chars()
        .scan(0, |length, character| {
            *length += character.len_utf16();
            (*length <= limit).then_some(character)
        })
        .collect()
}

/// The same text with no line that the runner takes for a command: a blank goes between the characters that would make
/// it one.
pub fn harmless(text: &str) -> String {
    readable(text).split('\n').map(harmless_line).collect::<Vec<_>>().join("\n")
}

/// The runner compares by the rules of a language, not character by character: `StartsWith(string)` and `IndexOf(string)`
/// of .NET overlook soft hyphens, zero-width spaces and other marks between the characters that they look for. So every
/// character outside ASCII is taken for one that may be overlooked, and what is put between is a plain blank, which never
/// is.
fn harmless_line(line: &str) -> String {
    let mut harmless = String::with_capacity(line.len() + 1);
    let (mut before, mut last) = (' ', ' ');
    let mut at_start = true;
    for character in line.chars() {
        let opens_command = at_start && last == ':' && character == ':';
        let opens_legacy_command = before == '#' && last == '#' && character == '[';
        if opens_command || opens_legacy_command {
            harmless.push(' ');
        }
        harmless.push(character);
        if character.is_ascii() {
            at_start = at_start && (last.is_ascii_whitespace());
            (before, last) = (last, character);
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runner::testing::Screen;

    /// What the runner makes of a line, for a runner that knows every command.
    fn parsed_by_the_runner(line: &str) -> Option<(String, String)> {
        modern(line).or_else(|| legacy(line))
    }

    fn modern(line: &str) -> Option<(String, String)> {
        let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
        Some((info.to_owned(), data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")))
    }

    fn legacy(line: &str) -> Option<(String, String)> {
        let (info, data) = line[line.find("##[")? + 3..].split_once(']')?;
        Some((info.to_owned(), data.to_owned()))
    }

    /// What a culture-aware comparison sees at the worst.
    fn without_the_overlooked(line: &str) -> String {
        line.chars().filter(char::is_ascii).collect()
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_command(text in "([:#\\[\\]ae 0m;\\t\\r\\n\u{1b}\u{9b}\u{200b}\u{ad}\u{feff}é\u{2028}\u{3000}]|::|##\\[|::error::|\\PC){0,40}") {
            let screen = Screen::default();
            screen.console().text(&text);
            // .NET ends a line at LF, CR and CR LF.
            for line in screen.text().split(['\n', '\r']) {
                prop_assert_eq!(parsed_by_the_runner(line), None, "{:?}", line);
                prop_assert_eq!(parsed_by_the_runner(&without_the_overlooked(line)), None, "{:?}", line);
            }
        }

        #[test]
        fn an_annotation_is_one_command_and_says_all_of_it(title in "[a:,%=\\n#\\[\\] ]{0,12}", message in "[a:%\\n\\r#\\[\\]0AD25 ]{0,40}") {
            let screen = Screen::default();
            screen.console().annotate(Annotation { level: Level::Error, place: None, title: &title, message: &message });
            let printed = screen.text();
            prop_assert_eq!(printed.lines().count(), 1);
            let (info, data) = modern(printed.trim_end_matches('\n')).unwrap();
            prop_assert!(info.starts_with("error title="));
            prop_assert!(!info["error title=".len()..].contains([',', ':']));
            prop_assert_eq!(data, readable(&message));
        }
    }

    #[test]
    fn text_stays_readable() {
        for (text, expected) in [
            ("arn:aws:ecs::aws:x", "arn:aws:ecs::aws:x"),
            ("::error::no", ": :error::no"),
            (" \t::group::no", " \t: :group::no"),
            (":\u{200b}:error::no", ":\u{200b} :error::no"),
            ("see ##[error]no", "see ## [error]no"),
            ("#\u{ad}#[x]", "#\u{ad}# [x]"),
            ("fine\r::stop-commands::x", "fine\n: :stop-commands::x"),
            ("##\u{1b}[0m[error]no", "## [error]no"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }

    #[test]
    fn commands_are_written_as_the_runner_reads_them() {
        let screen = Screen::default();
        let console = screen.console();
        console.group("Plan\n::error::no");
        console.end_group();
        console.debug("100 %\nsure");
        console.mask("s3\ncret");
        console.mask("  ");
        console.warn("a: b, c", "one\ntwo");
        let place = Some(Place { file: "a,b:c.yml\n::error::no", line: 7 });
        console.annotate(Annotation { level: Level::Error, place, title: "t", message: "there" });
        assert_eq!(
            screen.text(),
            "::group::Plan ::error::no\n::endgroup::\n::debug::100 %25%0Asure\n::add-mask::s3%0Acret\n\
             ::warning title=a%3A b%2C c::one%0Atwo\n\
             ::error title=t,file=a%2Cb%3Ac.yml %3A%3Aerror%3A%3Ano,line=7::there\n"
        );
    }

    #[test]
    fn annotations_past_the_runners_limit_are_printed_as_text() {
        let screen = Screen::default();
        let console = screen.console();
        for _ in 0..MAX_ANNOTATIONS {
            console.warn("title", "message");
        }
        console.warn("title", "one too many");
        console.annotate(Annotation { level: Level::Error, place: None, title: "title", message: "counted apart" });
        let printed = screen.text();
        assert_eq!(printed.matches("::warning title=title::").count(), MAX_ANNOTATIONS);
        assert!(printed.contains("\nwarning: title: one too many\n::error title=title::counted apart\n"), "{printed}");
    }

    #[test]
    fn a_message_is_cut_where_the_runner_would_cut_it() {
        for (message, kept) in [("x".repeat(5000), 4096), ("🚢".repeat(5000), 2048), ("x".repeat(4096), 4096)] {
            let screen = Screen::default();
            screen.console().annotate(Annotation { level: Level::Error, place: None, title: "", message: &message });
            assert_eq!(modern(&screen.text()).unwrap().1.trim_end().chars().count(), kept);
        }
    }

    #[test]
    fn a_closed_output_is_left_alone() {
        struct Closed(Rc<RefCell<usize>>);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                *self.0.borrow_mut() += 1;
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let tried = Rc::new(RefCell::new(0));
        let console = Console::new(Closed(Rc::clone(&tried)));
        console.text("one");
        console.text("two");
        assert_eq!(*tried.borrow(), 1);
    }
}
