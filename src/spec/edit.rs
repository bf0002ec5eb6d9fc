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
        let edit = if let Some(at) = heredoc.filter(|_| !line.starts_with('-')) {
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
                            "write `NAME<<END`, the lines of the value, and `END` alone on a line",
                        ));
                    }
                }
            }
            Edit::Set { name: name.to_owned(), value: value.join("\n") }
        } else if let Some(name) = line.strip_prefix('-') {
            if equals.is_some() || heredoc.is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Edit {
        Edit::Set { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn lines_set_and_remove() {
        let text = "LEVEL=info\n\n  URL = a=b=c \n-OLD\n- OLDER\nEMPTY=\nSHIFT=1<<2";

        let edits = parse("environment-variables", text).unwrap();

        let removed = |name: &str| Edit::Remove { name: name.to_owned() };
        let expected = [
            set("LEVEL", "info"),
            set("URL", " a=b=c"),
            removed("OLD"),
            removed("OLDER"),
            set("EMPTY", ""),
            set("SHIFT", "1<<2"),
        ];
        assert!(edits == expected, "{edits:?}");
    }

    #[test]
    fn a_value_may_have_lines_that_look_like_edits() {
        let edits = parse("secrets", "KEY<<END\n  indented\n\nA=1\n-B\n END\nEND\nNEXT=1").unwrap();

        assert!(edits == [set("KEY", "  indented\n\nA=1\n-B\n END"), set("NEXT", "1")], "{edits:?}");
    }

    #[test]
    fn wrong_lines_are_counted_and_not_quoted() {
        for (text, line) in [
            ("A=1\nhunter2", "line 2 has no `=`"),
            ("=hunter2", "line 1 has no name"),
            ("\n-", "line 2 has no name"),
            ("-hunter2=1", "line 1 removes"),
            ("-A<<END\nhunter2\nEND", "line 1 removes"),
            ("A<<\nhunter2", "line 1 has no delimiter"),
            ("A<<END\nhunter2\nEND2", "line 1 opens"),
            ("hunter2=1\n\n-hunter2", "line 3 repeats the name of line 1"),
        ] {
            let error = parse("secrets", text).unwrap_err().to_string();

            assert!(error.starts_with("input `secrets`: ") && error.contains(line), "{text:?}: {error}");
            assert!(!error.contains("hunter2"), "{text:?}: {error}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", set("PASSWORD", "hunter2")).contains("hunter2"));
    }
}
