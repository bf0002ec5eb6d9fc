//! A GitHub Action that deploys to Amazon ECS and tells the truth about the result.

pub mod cycle;
pub mod runner;
pub mod spec;
