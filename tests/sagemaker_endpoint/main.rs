//! An endpoint of Amazon SageMaker, deployed to a world that behaves as AWS does over time: what is sent, and what is said of
//! the result.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod again;
mod autoscaling;
mod conflict;
mod deployment;
mod failure;
mod guardrails;
mod keep_configs;
mod model;
mod permissions;
mod preflight;
mod rollback;
mod smoke_test;
mod stage;
mod way_back;
