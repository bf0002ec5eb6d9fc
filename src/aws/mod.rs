//! Clients, credentials and error conversion: the only place that builds an SDK client and that sees an SDK error.

mod client;
pub mod cloudwatch;
pub mod console;
mod credentials;
pub mod ecs;
mod error;
mod retry;

pub use client::{Connection, ConnectionError};
pub use credentials::SessionError;
pub use error::{CallError, CallErrorKind};
pub use retry::{Again, Attempts, send};
