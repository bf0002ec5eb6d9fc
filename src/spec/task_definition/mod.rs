//! Task definitions as documents: read, changed, checked and compared without losing what nobody here knows.

mod answer;
mod check;
mod difference;
mod document;
mod normal;
mod place;
mod render;
mod size;

pub use check::{Complaint, Severity, check};
pub use difference::difference;
pub use document::{DocumentError, Format, Tag, TaskDefinition};
pub use render::{RenderError, render};
pub(super) use size::{cpu_units, mebibytes};
