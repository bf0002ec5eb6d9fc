//! Lines of `NAME=value`: what environment variables, secrets, labels, log options and tags are given as.

use std::fmt;

use super::InputError;

/// One change to a list of named values.
#[derive(Clone, PartialEq, Eq)]
pub enum Edit {
    /// Add it, or replace the value that it has.
    Set {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// Remove it, if it is there.
    Remove {
        /// The name.
        name: String,
    },
}

impl Edit {
    /// The name of what is set or removed.
    pub fn name(&self) -> &str {
        match self {
            Self::Set { name, .. } | Self::Remove { name } => name,
        }
    }
}

/// Names only: the values are environment variables and secrets.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { name, .. } => f.debug_struct("Set").field("name", name).finish_non_exhaustive(),
            Self::Remove { name } => f.debug_struct("Remove").field("name", name).finish(),
        }
    }
}

/// Reads one edit a line:
///
/// - `NAME=value`: the first `=` splits, so a value may contain more of them;
/// - `NAME<<END`, lines, `END`: a value of several lines, in the grammar of the runner's `GITHUB_OUTPUT` file;
/// - `-NAME`: removes it.
///
/// Blank lines mean nothing. A line is never quoted in an error: a part of a key that was pasted without care would be one.
pub(super) fn parse(input: &'static str, text: &str) -> Result<Vec<Edit>, InputError> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut numbers: Vec<usize> = Vec::new();
    let mut lines = text.lines().zip(1_usize..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let wrong = |problem: &str, remedy: &str| InputError::new(input, format!("line {number} {problem}"), remedy);
        let equals = line.find('=');
        let heredoc = line.find("<<").filter(|at| equals.is_none_or(|equals| *at < equals));
        let edit = if let Some(at) = heredoc {
            let (name, delimiter) = (line[..at].trim(), line[at + 2..].trim());
            if delimiter.is_empty() {
                return Err(wrong(
                    "has no delimiter after `<<`",
                    "write `NAME<<END`, the lines of the value, and `END`",
                ));
            }
            let mut value: Vec<&str> = Vec::new();
            loop {
                match lines.next() {
                    Some((line, _)) if line.trim_end() == delimiter => break,
                    Some((line, _)) => value.push(line),
                    None => {
                        return Err(wrong(
                            "opens a value with `<<` that no line closes",
                            "repeat the delimiter, alone on the line after the value",
                        ));
                    }
                }
            }
            Edit::Set { name: name.to_owned(), value: value.join("\n") }
        } else if let Some(name) = line.strip_prefix('-') {
            if equals.is_some() {
                return Err(wrong("removes a name and gives it a value", "write `-NAME` or `NAME=value`"));
            }
            Edit::Remove { name: name.trim().to_owned() }
        } else if let Some(at) = equals {
            Edit::Set { name: line[..at].trim().to_owned(), value: line[at + 1..].to_owned() }
        } else {
            return Err(wrong("has no `=`", "write one `NAME=value` a line, or `-NAME` to remove it"));
        };
        if edit.name().is_empty() {
            return Err(wrong("has no name", "write one `NAME=value` a line, or `-NAME` to remove it"));
        }
        if let Some(earlier) = edits.iter().position(|other| other.name() == edit.name()) {
            return Err(wrong(&format!("repeats the name of line {}", numbers[earlier]), "give each name one line"));
        }
        edits.push(edit);
        numbers.push(number);
    }
    Ok(edits)
}
