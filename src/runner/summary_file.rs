//! The file that becomes the step's summary on the page of the run (`GITHUB_STEP_SUMMARY`).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

/// Past this many bytes the runner drops the whole summary, and says so in an error annotation.
pub const MAX_BYTES: u64 = 1024 * 1024;

const CUT_NOTE: &str = "\n\n_The summary is longer than GitHub shows. The rest was left out; the log has it all._\n";

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the summary to {path}")]
pub struct SummaryFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// That file.
#[derive(Debug, Clone)]
pub struct SummaryFile {
    path: PathBuf,
}

impl SummaryFile {
    /// The file at that path, which the runner has made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Appends Markdown; what does not fit is cut off at the end of a line.
    pub fn append(&self, markdown: &str) -> Result<(), SummaryFileError> {
        let append = || {
            // Appended to and never replaced: the file belongs to the runner's user, and this program runs as root.
            let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            let room = MAX_BYTES.saturating_sub(file.metadata()?.len());
            file.write_all(fit(markdown, usize::try_from(room).unwrap_or(usize::MAX)).as_bytes())
        };
        append().map_err(|source| SummaryFileError { path: self.path.clone(), source })
    }
}

fn fit(markdown: &str, room: usize) -> String {
    if markdown.len() <= room {
        return markdown.to_owned();
    }
    let Some(room) = room.checked_sub(CUT_NOTE.len()) else { return String::new() };
    let mut length = 0;
    let lines = markdown.split_inclusive('\n').take_while(|line| {
        length += line.len();
        length <= room
    });
    lines.chain([CUT_NOTE]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn appended(before: &str, markdown: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), before).unwrap();
        SummaryFile::new(file.path()).append(markdown).unwrap();
        fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn a_summary_goes_after_what_is_there() {
        assert_eq!(appended("before\n", "after\n"), "before\nafter\n");
    }

    #[test]
    fn a_long_summary_is_cut_at_a_line_end_and_says_so() {
        let line = "é".repeat(100) + "\n";
        let limit = usize::try_from(MAX_BYTES).unwrap();
        let text = appended("before\n", &line.repeat(10_000));
        assert!(text.len() <= limit);
        assert!(text.len() > limit - CUT_NOTE.len() - line.len());
        let kept = text.strip_prefix("before\n").unwrap().strip_suffix(CUT_NOTE).unwrap();
        assert_eq!(kept.len() % line.len(), 0);
    }

    #[test]
    fn a_full_file_is_left_as_it_is() {
        let full = "x".repeat(usize::try_from(MAX_BYTES).unwrap());
        assert_eq!(appended(&full, "more\n"), full);
    }
}
