//! The files through which a step hands values to later steps (`GITHUB_OUTPUT`) and to its own post step (`GITHUB_STATE`).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use uuid::Uuid;

/// Why a value was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum FileCommandError {
    /// The name would end, or begin, something else than a name.
    #[error("`{name}` is not a name that the runner takes")]
    Name {
        /// The name.
        name: String,
    },
    /// The value would end the block that it stands in.
    #[error("the value of `{name}` holds the delimiter")]
    Delimiter {
        /// The name.
        name: String,
    },
    /// The file cannot be written.
    #[error("cannot write `{name}` to {path}")]
    Write {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// One of those files.
#[derive(Debug, Clone)]
pub struct CommandFile {
    path: PathBuf,
}

impl CommandFile {
    /// The file at that path, which the runner has made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Appends a value. The runner reads the file when the step is over, however that comes about, and takes the last
    /// value of a name; so a value is written as soon as it is known, and may be written again.
    pub fn set(&self, name: &str, value: &str) -> Result<(), FileCommandError> {
        // Not even text that has seen all earlier values can guess where this one ends.
        let delimiter = format!("ghadelimiter_{}", Uuid::new_v4());
        let block = block(name, value, &delimiter)?;
        let written = OpenOptions::new().append(true).create(true).open(&self.path).and_then(|mut file| {
            // In one call: half a block would fail the step.
            file.write_all(block.as_bytes())
        });
        written.map_err(|source| FileCommandError::Write { name: name.to_owned(), path: self.path.clone(), source })
    }
}

/// The heredoc form, for every value: the `name=value` form cannot hold a line break.
fn block(name: &str, value: &str, delimiter: &str) -> Result<String, FileCommandError> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(FileCommandError::Name { name: name.to_owned() });
    }
    if value.contains(delimiter) {
        return Err(FileCommandError::Delimiter { name: name.to_owned() });
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// What the runner reads from such a file: see `FileCommandManager.cs` in actions/runner.
    pub(crate) fn read_by_the_runner(file: &str) -> Vec<(String, String)> {
        let mut lines = file.split_inclusive('\n');
        let mut read = Vec::new();
        while let Some(line) = lines.next() {
            let line = line.trim_end_matches('\n');
            match (line.find('='), line.find("<<")) {
                (equals, Some(heredoc)) if equals.is_none_or(|equals| heredoc < equals) => {
                    let delimiter = &line[heredoc + 2..];
                    let value: Vec<_> =
                        lines.by_ref().take_while(|line| line.trim_end_matches('\n') != delimiter).collect();
                    let value = value.concat();
                    read.push((line[..heredoc].to_owned(), value.strip_suffix('\n').unwrap_or(&value).to_owned()));
                }
                (Some(equals), _) => read.push((line[..equals].to_owned(), line[equals + 1..].to_owned())),
                _ => panic!("the runner would refuse {line:?}"),
            }
        }
        read
    }

    proptest! {
        #[test]
        fn any_value_arrives_as_it_is_and_as_one(value in "([a=<\\n\\r]|<<|ghadelimiter_|\\PC){0,30}") {
            let file = tempfile::NamedTempFile::new().unwrap();
            let output = CommandFile::new(file.path());
            output.set("first", &value).unwrap();
            output.set("second", "2").unwrap();
            let expected = vec![("first".to_owned(), value), ("second".to_owned(), "2".to_owned())];
            prop_assert_eq!(read_by_the_runner(&fs::read_to_string(file.path()).unwrap()), expected);
        }
    }

    #[test]
    fn a_name_is_only_a_name() {
        for name in ["", "a=b", "a<<b", "a\nb", "a b"] {
            assert!(matches!(block(name, "x", "end"), Err(FileCommandError::Name { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_value_cannot_hold_its_own_end() {
        assert!(matches!(block("name", "x\nend\ny=z", "end"), Err(FileCommandError::Delimiter { .. })));
    }

    #[test]
    fn what_is_there_stays_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "before=1\n").unwrap();
        CommandFile::new(file.path()).set("after", "2").unwrap();
        assert!(fs::read_to_string(file.path()).unwrap().starts_with("before=1\nafter<<"));
    }

    #[test]
    fn every_block_has_its_own_delimiter() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let output = CommandFile::new(file.path());
        output.set("a", "1").unwrap();
        output.set("b", "2").unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let delimiters: Vec<_> = text.lines().filter_map(|line| line.split_once("<<")).collect();
        assert_ne!(delimiters[0].1, delimiters[1].1);
    }

    #[test]
    fn a_file_that_cannot_be_written_says_which() {
        let error = CommandFile::new("/nowhere/at/all").set("outcome", "deployed").unwrap_err();
        assert_eq!(error.to_string(), "cannot write `outcome` to /nowhere/at/all");
    }
}
