//! Task definitions as documents: read, changed, checked and compared without losing what nobody here knows.

mod answer;
mod check;
mod difference;
mod document;
mod fargate;
mod normal;
mod place;
mod render;

pub use check::{Complaint, Severity, check};
pub use difference::difference;
pub use document::{DocumentError, Format, Tag, TaskDefinition};
pub(super) use fargate::{cpu_units, mebibytes};
pub use render::{RenderError, render};
