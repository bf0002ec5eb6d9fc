//! What is wrong with a file.

/// Something that is wrong with a file of the repository. Every text in it is text from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, as the repository names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Whether it is an error; else it is a warning.
    pub is_error: bool,
    /// What is wrong.
    pub problem: String,
    /// What would be right; empty where that goes without saying.
    pub remedy: String,
}

impl Finding {
    /// What is wrong and what would be right, as a sentence.
    pub fn sentence(&self) -> String {
        let told =
            if self.remedy.is_empty() { self.problem.clone() } else { format!("{}; {}", self.problem, self.remedy) };
        if told.ends_with(['.', '?']) { told } else { format!("{told}.") }
    }
}
