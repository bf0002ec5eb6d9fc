//! Amazon ECS: calls that read and calls that write as separate types, and what they answer as plain values.

mod cluster;
mod one_off;
mod placement;
mod reader;
mod state;
mod writer;

pub use cluster::{RunningContainer, RunningTask};
pub use one_off::{Started, Task};
pub use placement::{Gpus, Placement};
pub use reader::{Brought, Reader};
pub use state::{
    CircuitBreaker, Deployment, Hook, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus, Settings,
    StoppedTask, TaskSet,
};
pub use writer::{ServiceUpdate, Writer};
