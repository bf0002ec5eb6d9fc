//! What a person does about a failure that is known.
//!
//! The causes are data, in `catalogue`: a code, how it is recognised and one hint each. A text that is not known gets no
//! hint, because a wrong one costs more than none.

mod catalogue;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod texts;

use std::cmp::Reverse;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex_lite::Regex;

use self::catalogue::CATALOGUE;
use crate::cycle::{Hint, StoppedTasks};

/// More than these nobody reads.
const MAX_HINTS: usize = 5;

/// The names of AWS's resources are shorter, a secret's longest ARN included.
const MAX_NAME: usize = 600;

/// A special cause, which only the service's events tell, and the general one that its tasks are stopped for.
const SPECIAL: [(&str, &str); 2] =
    [("port-not-answering", "load-balancer-health-check"), ("load-balancer-status", "load-balancer-health-check")];

/// One way in which one cause shows itself. A cause that shows itself in several ways is several of these.
struct KnownCause {
    /// What scripts compare and what `docs/troubleshooting.md` explains. Never changes.
    code: &'static str,
    sign: Sign,
    /// Where the resource is named, as the group `name` of a pattern; empty where no text names it.
    names: &'static str,
    /// One or two sentences. `{}` is the resource with a space before it, or nothing when it is not known.
    hint: &'static str,
}

/// How a cause is recognised.
enum Sign {
    /// This pattern is in a text: of a task, of a container, of an event.
    Said(&'static str),
    /// This pattern is in what is said of a container, or of its task. The resource is the container.
    SaidOfContainer(&'static str),
    /// A container ended its task with one of these exit codes. The resource is the container.
    Exit(&'static [RangeInclusive<i32>]),
}

/// A row of the catalogue, ready for use.
struct Row {
    cause: &'static KnownCause,
    pattern: Option<Regex>,
    names: Option<Regex>,
}

/// The rows in the catalogue's order: what is more special stands before what is more general.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| CATALOGUE.iter().filter_map(Row::new).collect());

/// A hint for each cause that is known: the most frequent first, of those the most special.
///
/// `said` is what ECS says beside the tasks: its statements and the service's events.
pub(in crate::targets) fn hints<'a>(stopped: &[StoppedTasks], said: impl Iterator<Item = &'a str>) -> Vec<Hint> {
    let of_tasks = stopped.iter().filter_map(|tasks| {
        let (row, hint) = first(|row| row.explains(tasks))?;
        Some((row, Hint { tasks: tasks.count, ..hint }))
    });
    let mut found: Vec<(usize, Hint)> = Vec::new();
    for (row, hint) in of_tasks.chain(said.filter_map(|text| first(|row| row.explains_text(text)))) {
        match found.iter_mut().find(|(_, known)| known.code == hint.code) {
            Some((_, known)) => known.tasks += hint.tasks,
            None => found.push((row, hint)),
        }
    }
    for (special, general) in SPECIAL {
        let is = |code: &'static str| move |(_, hint): &(usize, Hint)| hint.code == code;
        if let (Some(special), Some(general)) = (found.iter().position(is(special)), found.iter().position(is(general)))
        {
            found[special].1.tasks += std::mem::take(&mut found[general].1.tasks);
            found.remove(general);
        }
    }
    found.sort_by_key(|(row, hint)| (Reverse(hint.tasks), *row));
    found.into_iter().map(|(_, hint)| hint).take(MAX_HINTS).collect()
}

fn first(explain: impl Fn(&Row) -> Option<Hint>) -> Option<(usize, Hint)> {
    ROWS.iter().enumerate().find_map(|(position, row)| Some((position, explain(row)?)))
}

impl Row {
    /// `None` for a pattern that is none, which a test rules out.
    fn new(cause: &'static KnownCause) -> Option<Self> {
        let compiled = |pattern: &str| Regex::new(&format!("(?is){pattern}")).ok();
        let pattern = match cause.sign {
            Sign::Said(pattern) | Sign::SaidOfContainer(pattern) => Some(compiled(pattern)?),
            Sign::Exit(_) => None,
        };
        let names = if cause.names.is_empty() { None } else { Some(compiled(cause.names)?) };
        Some(Self { cause, pattern, names })
    }

    fn explains(&self, tasks: &StoppedTasks) -> Option<Hint> {
        let of_task = [&tasks.stop_code, &tasks.reason].into_iter().flatten().map(|text| (None, text));
        let of_containers = tasks.containers.iter();
        let mut texts = of_containers
            .filter_map(|container| Some((Some(container.name.as_str()), container.reason.as_ref()?)))
            .chain(of_task);
        match &self.cause.sign {
            Sign::Said(_) => texts.find_map(|(_, text)| self.explains_text(text)),
            Sign::SaidOfContainer(_) => {
                texts.find(|(_, text)| self.is_in(text)).map(|(container, _)| self.hint(container))
            }
            Sign::Exit(codes) => {
                // Whatever stops a task from outside ends its containers with a code, too: only then it is theirs.
                let ended_it = tasks.stop_code.as_deref() == Some("EssentialContainerExited");
                let is_one = |code| codes.iter().any(|range| range.contains(&code));
                let culprit = tasks.containers.iter().find(|container| container.exit_code.is_some_and(is_one));
                culprit.filter(|_| ended_it).map(|container| self.hint(Some(&container.name)))
            }
        }
    }

    fn explains_text(&self, text: &str) -> Option<Hint> {
        let name = || Some(self.names.as_ref()?.captures(text)?.name("name")?.as_str());
        self.is_in(text).then(|| self.hint(name()))
    }

    fn is_in(&self, text: &str) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }

    fn hint(&self, name: Option<&str>) -> Hint {
        let name = name.filter(|name| is_name(name)).map(|name| format!(" `{name}`")).unwrap_or_default();
        Hint { code: self.cause.code, hint: self.cause.hint.replacen("{}", &name, 1), tasks: 0 }
    }
}

/// Whether it can stand between backticks and is no more than a name.
fn is_name(name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_./:@+=,".contains(character);
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_part)
}
