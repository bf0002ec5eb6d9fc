//! What ECS would refuse.

use super::TaskDefinition;

/// One thing that is wrong with a document, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Whether ECS would refuse it.
    pub severity: Severity,
    /// Where: `containerDefinitions[web].image`.
    pub subject: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// ECS would refuse it.
    Error,
    /// It is unusual; ECS decides.
    Warning,
}

/// Everything that is wrong with a document.
pub fn check(_document: &TaskDefinition) -> Vec<Complaint> {
    Vec::new()
}
