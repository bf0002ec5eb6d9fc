//! Clients, credentials and error conversion: the only place that builds an SDK client and that sees an SDK error.

mod advice;
mod client;
pub mod cloudwatch;
pub mod codedeploy;
pub mod console;
mod credentials;
mod document;
pub mod ecr;
pub mod ecs;
mod error;
pub mod events;
pub mod logs;
pub mod permissions;
mod retry;
mod s3;
pub mod sage_maker;
pub mod scaling;

pub use client::{Connection, ConnectionError, claims};
pub use credentials::SessionError;
pub use error::{CallError, CallErrorKind};
pub use permissions::Operation;
pub use retry::{Again, Attempts, retries_on_the_way_back, send};
pub use s3::Objects;
