//! The ways in.

pub(crate) mod in_process;
pub(crate) mod loopback;
