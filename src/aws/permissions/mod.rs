//! What the calls that the code makes need to be allowed: a table, and the policies that follow from it.

mod grant;
mod operation;
mod place;
mod policy;
mod trust;
mod when;

pub use grant::{Condition, Grant, Resource};
pub use operation::Operation;
pub use place::Place;
pub(in crate::aws) use place::partition;
pub use policy::{Policy, Statement};
pub use trust::trust_policy;
pub use when::When;
