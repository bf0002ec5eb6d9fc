//! Clients, credentials and error conversion: the only place that builds an SDK client and that sees an SDK error.
//!
//! - `credentials`: the sessions of a role; `client`: the region, the account, and a client of each service on demand.
//! - A service each, with calls that read and calls that write as separate types: [`ecs`], [`codedeploy`], [`events`],
//!   [`sage_maker`], [`ecr`]; [`scaling`]; and, to read only, [`cloudwatch`], [`logs`] and `s3`.
//! - `error`: what a call that failed means, with the `advice` for it; `retry`: when it is made again.
//! - `document`: answers as AWS wrote them; [`console`]: links.
//! - [`permissions`]: what every call needs. A call without its row does not compile.

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
