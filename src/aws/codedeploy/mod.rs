//! AWS CodeDeploy: calls that read and calls that write as separate types, and what they answer as plain values.

mod reader;
mod state;
mod writer;

pub use reader::Reader;
pub use state::{Deployment, Group, LifecycleEvent, Status, Target, TaskSet};
pub use writer::{NewDeployment, Writer};
