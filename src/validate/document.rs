//! YAML, and JSON with it, as a tree that knows its lines. Whatever the text is, the tree is bounded and so is the work.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Longer texts are not read: GitHub's workflows and ECS's task definitions are far shorter.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// So many values, those of aliases counted at each place: an alias of aliases of aliases is small as a text only.
const MAX_NODES: usize = 50_000;
/// Deeper ones would need a stack that a thread may not have.
const MAX_DEPTH: usize = 100;

/// A value, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// The line on which it ends.
    pub(super) last_line: usize,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Scalar { text: String, is_plain: bool },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// A text that is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) problem: String,
}

impl Node {
    /// Reads a document.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(unreadable(1, "it is too long"));
        }
        // The parser has places that it takes for unreachable, and this text can be anybody's.
        catch_unwind(AssertUnwindSafe(|| Builder::default().build(text)))
            .unwrap_or_else(|_panic| Err(unreadable(1, "it is not YAML")))
    }

    /// The members of a mapping.
    pub(super) fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            Value::Scalar { .. } | Value::Sequence(_) => &[],
        }
    }

    /// The items of a sequence.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            Value::Scalar { .. } | Value::Mapping(_) => &[],
        }
    }

    /// A member of a mapping, with its key.
    pub(super) fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        self.entries().iter().find(|(name, _)| name.raw() == Some(key)).map(|(name, value)| (name, value))
    }

    /// A member of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A scalar as it is written.
    pub(super) fn raw(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// A scalar as GitHub hands it over as a text: it reads YAML 1.2's core schema, so `1.10` without quotes becomes `1.1`, and
    /// `012` becomes `12`.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        let Value::Scalar { text, is_plain } = &self.value else { return None };
        if !is_plain {
            return Some(Cow::Borrowed(text));
        }
        Some(match text.as_str() {
            "~" | "null" | "Null" | "NULL" => Cow::Borrowed(""),
            "True" | "TRUE" => Cow::Borrowed("true"),
            "False" | "FALSE" => Cow::Borrowed("false"),
            text => match number(text) {
                Some(number) => Cow::Owned(number.to_string()),
                None => Cow::Borrowed(text),
            },
        })
    }

    /// Every scalar inside, each with the key that it is the value of, or that its list is.
    pub(super) fn scalars<'a>(&'a self, key: &'a str, found: &mut impl FnMut(&'a str, &'a Self)) {
        match &self.value {
            Value::Scalar { .. } => found(key, self),
            Value::Sequence(items) => items.iter().for_each(|item| item.scalars(key, found)),
            Value::Mapping(entries) => {
                for (name, value) in entries {
                    value.scalars(name.raw().unwrap_or_default(), found);
                }
            }
        }
    }

    /// The line, among those of this value in `source`, on which `part` stands.
    pub(super) fn line_of(&self, part: &str, source: &str) -> usize {
        let lines = source.lines().enumerate().map(|(before, line)| (before + 1, line));
        let mut lines = lines.skip(self.line.saturating_sub(1)).take_while(|(number, _)| *number <= self.last_line);
        lines.find(|(_, line)| line.contains(part)).map_or(self.line, |(number, _)| number)
    }
}

/// <https://yaml.org/spec/1.2.2/#1032-tag-resolution>
fn number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+']);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    // What has more digits than a double is an id, and not one that was meant as a number.
    text.parse().ok().filter(|number: &f64| is_number && number.abs() < 1e15)
}

fn unreadable(line: usize, problem: impl Into<String>) -> Unreadable {
    Unreadable { line, problem: problem.into() }
}

/// A tree while it grows.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Measured>,
    nodes: usize,
    root: Option<Node>,
}

/// A collection whose end is not there yet.
struct Open {
    line: usize,
    anchor: usize,
    is_mapping: bool,
    items: Vec<Node>,
    nodes_before: usize,
    height: usize,
}

/// A value with its number of nodes and its height.
#[derive(Clone)]
struct Measured {
    node: Node,
    nodes: usize,
    height: usize,
}

impl Builder {
    fn build(mut self, text: &str) -> Result<Node, Unreadable> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| unreadable(error.marker().line().max(1), error.info()))?;
            let line = span.start.line().max(1);
            match event {
                Event::Scalar(text, style, anchor, _) => {
                    let value = Value::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain };
                    self.grow(line, 1)?;
                    self.add(
                        Measured { node: Node { line, last_line: last_line(span), value }, nodes: 1, height: 1 },
                        anchor,
                    )?;
                }
                Event::SequenceStart(anchor, _) => self.begin(line, anchor, false)?,
                Event::MappingStart(anchor, _) => self.begin(line, anchor, true)?,
                Event::SequenceEnd | Event::MappingEnd => self.end(line)?,
                Event::Alias(anchor) => {
                    // What is in the middle of being read has no copy yet.
                    let Some(copy) = self.anchors.get(&anchor).cloned() else {
                        return Err(unreadable(line, "an alias leads to what it is in"));
                    };
                    self.grow(line, copy.nodes)?;
                    self.add(copy, 0)?;
                }
                Event::DocumentStart(_) if self.root.is_some() => {
                    return Err(unreadable(line, "a second document begins"));
                }
                Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamStart | Event::Nothing => {}
                Event::StreamEnd => break,
            }
        }
        let nothing = Value::Scalar { text: String::new(), is_plain: true };
        Ok(self.root.unwrap_or(Node { line: 1, last_line: 1, value: nothing }))
    }

    fn grow(&mut self, line: usize, nodes: usize) -> Result<(), Unreadable> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(unreadable(line, "it holds too much")) } else { Ok(()) }
    }

    fn begin(&mut self, line: usize, anchor: usize, is_mapping: bool) -> Result<(), Unreadable> {
        let nodes_before = self.nodes;
        self.grow(line, 1)?;
        self.open.push(Open { line, anchor, is_mapping, items: Vec::new(), nodes_before, height: 0 });
        Ok(())
    }

    fn end(&mut self, last_line: usize) -> Result<(), Unreadable> {
        let Some(Open { line, anchor, is_mapping, items, nodes_before, height }) = self.open.pop() else {
            return Err(unreadable(last_line, "it is not YAML"));
        };
        let value = if is_mapping { Value::Mapping(pairs(items)?) } else { Value::Sequence(items) };
        let nodes = self.nodes - nodes_before;
        self.add(Measured { node: Node { line, last_line, value }, nodes, height: height + 1 }, anchor)
    }

    fn add(&mut self, added: Measured, anchor: usize) -> Result<(), Unreadable> {
        if self.open.len() + added.height > MAX_DEPTH {
            return Err(unreadable(added.node.line, "it is too deep"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, added.clone());
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.height = parent.height.max(added.height);
                parent.items.push(added.node);
            }
            None => self.root = Some(added.node),
        }
        Ok(())
    }
}

/// Keys and values in turn. A key that is there twice has two meanings, and GitHub refuses it, too.
fn pairs(items: Vec<Node>) -> Result<Vec<(Node, Node)>, Unreadable> {
    let mut pairs: Vec<(Node, Node)> = Vec::with_capacity(items.len() / 2);
    let mut keys = HashSet::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if let Some(name) = key.raw().filter(|name| !keys.insert((*name).to_owned())) {
            return Err(unreadable(key.line, format!("the key `{name}` occurs twice")));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// A block of lines ends where the next value begins.
fn last_line(span: Span) -> usize {
    let (first, last) = (span.start.line().max(1), span.end.line());
    if span.end.col() == 0 && last > first { last - 1 } else { last.max(first) }
}
