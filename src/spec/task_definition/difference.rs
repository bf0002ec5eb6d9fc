//! What changes between two documents.

use super::TaskDefinition;
use crate::cycle::Plan;

/// The changes from one document to another.
pub fn difference(_before: &TaskDefinition, _after: &TaskDefinition) -> Plan {
    Plan::default()
}
