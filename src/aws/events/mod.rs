//! Amazon EventBridge: the targets of rules, as documents.

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
