//! Task definitions: everything that is checked at a deployment, on the lines where it is.

use std::path::Path;

use super::document::Node;
use super::images::movable;
use super::workflow::Step;
use super::{File, Finding, expression};
use crate::spec::{Complaint, DocumentError, Format, Overrides, RenderError, Severity, TaskDefinition, check, render};

/// Who deploys a task definition, and with what changes.
#[derive(Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) overrides: &'a Overrides,
    /// The step in a workflow, if it is one.
    pub(super) step: Option<(File<'a>, &'a Step<'a>)>,
}

/// What is wrong with a task definition, as it is after the changes that are made to it.
pub(super) fn of_use(file: File<'_>, used: Use<'_>) -> Vec<Finding> {
    // Only for its lines. YAML has no surrogate pairs, in which JSON may write characters.
    let without_pairs = |_unreadable| Node::parse(&file.source.replace("\\ud", "ud").replace("\\uD", "uD"));
    let root = Node::parse(file.source).or_else(without_pairs).ok();
    let line_of = |subject: &str| root.as_ref().map_or(1, |root| line_of(root, subject));
    let document = match TaskDefinition::parse(file.source, Format::detect(Path::new(file.path), file.source)) {
        Ok(document) => document,
        Err(error) => return vec![unreadable(file, &error, line_of)],
    };
    let mut findings = Vec::new();
    let rendered = render(&document, used.overrides);
    let changed = match &rendered {
        Ok(changed) => changed,
        Err(errors) => {
            findings.extend(errors.iter().filter_map(|error| unchangeable(file, used, error)));
            &document
        }
    };
    let is_told = |complaint: &Complaint| !used.hides(&complaint.subject, rendered.is_ok());
    findings.extend(check(changed).into_iter().filter(is_told).map(|complaint| {
        let (problem, remedy) = complaint.message.split_once("; ").unwrap_or((&complaint.message, ""));
        let problem = format!("`{}`: {problem}", complaint.subject);
        let finding = file.error(line_of(&complaint.subject), problem, remedy);
        Finding { is_error: complaint.severity == Severity::Error, ..finding }
    }));
    for (container, image) in document.images().into_iter().filter(|image| changed.images().contains(image)) {
        let subject = format!("containerDefinitions[{container}].image");
        if let Some((problem, remedy)) = movable(image).filter(|_| !used.hides(&subject, rendered.is_ok())) {
            findings.push(file.warning(line_of(&subject), problem, remedy));
        }
    }
    findings
}

impl Use<'_> {
    /// Whether it is not known what stands there after the changes.
    fn hides(self, subject: &str, is_rendered: bool) -> bool {
        let unknown = |inputs: &[&str]| {
            self.step.is_some_and(|(_, step)| inputs.iter().any(|input| step.given.is_unknown(input)))
        };
        match subject {
            "cpu" | "memory" => unknown(&["cpu", "memory"]),
            subject if subject.ends_with("].image") => !is_rendered || unknown(&["images", "container-name"]),
            _ => false,
        }
    }
}

fn unreadable(file: File<'_>, error: &DocumentError, line_of: impl Fn(&str) -> usize) -> Finding {
    let remedy = "give a task definition as one JSON or YAML document";
    match error {
        DocumentError::Syntax { format, line, problem, .. } => {
            file.error((*line).max(1), format!("this is not valid {format}: {problem}"), remedy)
        }
        DocumentError::NotAnObject { .. } => file.error(1, format!("this {error}"), remedy),
        DocumentError::WrongType { member, .. } => file.error(line_of(member), format!("this {error}"), remedy),
    }
}

/// A change that cannot be made is the step's fault, and told there.
fn unchangeable(file: File<'_>, used: Use<'_>, error: &RenderError) -> Option<Finding> {
    let input = match error {
        RenderError::UnknownContainer { name, .. } if used.overrides.containers.contains(name) => "container-name",
        RenderError::UnknownContainer { .. } => "images",
        RenderError::AmbiguousContainer { .. } => "container-name",
        RenderError::NoLogDriver { .. } => "log-configuration-options",
        RenderError::WrongType { .. } => "task-definition",
    };
    let problem = format!("`{}`: {error}", file.path);
    let remedy = "the inputs and the file have to name the same containers";
    match used.step {
        Some((_, step)) if step.given.is_unknown(input) => None,
        Some((workflow, step)) => Some(workflow.error(step.line_of(input), problem, remedy)),
        None => Some(file.error(1, problem, remedy)),
    }
}

/// The line of `containerDefinitions[web].image`; of what is missing, the line of what it is missing in.
fn line_of(root: &Node, subject: &str) -> usize {
    let mut node = root.get("taskDefinition").unwrap_or(root);
    let mut line = node.line;
    let mut rest = subject;
    while let Some((found, after)) = inner(node, rest, &mut line) {
        node = found;
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    line
}

/// The next node on the way, and the rest of the way. Keys may hold dots, so the longest one counts.
fn inner<'a, 'b>(node: &'a Node, path: &'b str, line: &mut usize) -> Option<(&'a Node, &'b str)> {
    if path.is_empty() {
        return None;
    }
    for (number, item) in node.items().iter().enumerate() {
        let name = item.get("name").and_then(Node::raw).map_or_else(|| number.to_string(), str::to_owned);
        // Items are named by their numbers, too.
        for key in [name, number.to_string()] {
            if let Some(after) = path.strip_prefix(&format!("[{key}]")) {
                *line = item.line;
                return Some((item, after));
            }
        }
    }
    let key_of = |(key, value): &'a (Node, Node)| {
        let after = path.strip_prefix(key.raw()?)?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some((key.line, value, after))
    };
    let (key_line, value, after) = node.entries().iter().filter_map(key_of).min_by_key(|(_, _, after)| after.len())?;
    *line = key_line;
    Some((value, after))
}

/// What a step names, where that is known; it may be a file. (What validation steps name, they look at themselves.)
pub(super) fn named(step: &Step<'_>) -> Option<String> {
    let (_, value) = step.entry("task-definition")?;
    let named = value.text()?.trim().to_owned();
    let is_known = !expression::is_in(&named) && step.given.mode().as_deref() != Some("validate");
    (is_known && !named.is_empty() && !named.starts_with("arn:")).then_some(named)
}
