//! What is best read as a table.

/// Something that is best read as a table. Every text in it is text from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// The names of the columns.
    pub header: Vec<String>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of so many columns.
    pub fn new<const COLUMNS: usize>(
        title: impl Into<String>,
        header: [&str; COLUMNS],
        rows: impl IntoIterator<Item = [String; COLUMNS]>,
    ) -> Self {
        let header = header.map(str::to_owned).to_vec();
        Self { title: title.into(), header, rows: rows.into_iter().map(Vec::from).collect() }
    }
}
