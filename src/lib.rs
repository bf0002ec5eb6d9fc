//! A GitHub Action that deploys to Amazon ECS and tells the truth about the result.

pub mod aws;
pub mod cycle;
pub mod report;
pub mod runner;
pub mod spec;
pub mod targets;
