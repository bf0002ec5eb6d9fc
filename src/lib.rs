//! A GitHub Action that deploys to Amazon ECS and tells the truth about the result.
//!
//! The map of the house, in the direction in which data flows:
//!
//! - [`runner`]: GitHub's runner protocol. Inputs and environment come in here; commands, outputs and the summary file leave
//!   through it.
//! - [`spec`]: what the user asked for, parsed and checked. Knows neither AWS nor GitHub.
//! - [`cycle`]: capture, plan, preflight, register, update, wait, verify, and rollback when it is owed. Knows no cloud.
//! - [`targets`]: what can be deployed to, a folder each; implements the cycle's [`Target`](cycle::Target).
//! - [`verification`]: what is checked after a rollout, whatever was rolled out.
//! - [`ecr`]: the images that a request names, from tags to digests and back; knows no target.
//! - [`aws`]: clients, credentials, error conversion. The only place that builds an SDK client.
//! - [`text`]: text made fit to be shown; every folder may use it.
//! - [`web`]: HTTP requests that are not calls to AWS.
//! - [`github`]: what GitHub keeps of a deployment.
//! - [`history`]: what an environment's past deployments amount to.
//! - [`validate`]: what is wrong in a repository's workflows and task definitions, found without asking anybody.
//! - [`report`]: the readers of the cycle's events: log, annotations, outputs, summary, GitHub, Slack
//!   and other web hooks.
//! - `dispatch`: which of the targets a step is for.
//! - [`action`]: the whole program as a function, which `main.rs` and the tests call.

pub mod action;
pub mod aws;
pub mod cycle;
mod dispatch;
pub mod ecr;
pub mod github;
pub mod history;
pub mod report;
pub mod runner;
pub mod spec;
pub mod targets;
pub mod text;
pub mod validate;
pub mod verification;
pub mod web;
