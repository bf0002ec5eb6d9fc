//! GitHub's runner protocol: what it hands to a step, and how a step answers.
//!
//! - In: [`environment`], the one door to the process's variables; [`inputs`], [`run_context`] and [`id_token`] from it.
//! - Out: [`command`] for everything that is printed, [`file_command`] for outputs and state, [`summary_file`].

pub mod command;
pub mod documents_url;
pub mod environment;
pub mod file_command;
pub mod id_token;
pub mod inputs;
pub mod run_context;
pub mod run_url;
pub mod summary_file;
#[cfg(test)]
pub(crate) mod testing;

pub use command::Console;
pub use documents_url::troubleshooting_url;
pub use environment::Environment;
pub use file_command::CommandFile;
pub use id_token::{IdToken, IdTokenError, IdTokens};
pub use inputs::Inputs;
pub use run_context::RunContext;
pub use run_url::run_url;
pub use summary_file::SummaryFile;
