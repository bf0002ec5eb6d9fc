//! What the targets of Amazon ECS have in common: whoever deploys it, a service or a task runs a revision of a task definition.
//!
//! In the order of a cycle:
//!
//! - `request`: what was asked for a service. `service`: what it is, and `history` what it ran before, which is a `stack`.
//! - `base`: the task definition that is started from. `images`: those that it names. `promotion`: those that run elsewhere.
//! - `revision`: the one that comes of it. `check`: whether it can run. `register`: makes it, and removes it again.
//! - `evidence`: why its tasks stopped, with the logs of each `container`. `known_causes`: what a person does about it.

mod base;
mod check;
mod container;
mod evidence;
mod history;
mod images;
mod known_causes;
mod promotion;
mod register;
mod request;
mod revision;
mod service;
mod stack;

pub use register::Registered;
pub use request::{FirstLook, Request};

pub(in crate::targets) use base::{Base, announce_commits, base};
pub(in crate::targets) use check::{check_images, check_revision, check_volume, complain};
pub(in crate::targets) use container::Container;
pub(in crate::targets) use evidence::{group, is_evidence, logs, logs_of};
pub(in crate::targets) use history::{before_the_current, family, last_good, newest_older, or_nothing, resolve};
pub(in crate::targets) use images::named;
pub(in crate::targets) use known_causes::hints;
pub(in crate::targets) use promotion::{Promoted, look};
pub(in crate::targets) use register::{deregister, register};
pub(in crate::targets) use revision::{
    RUN_TAG, Revision, is_of_an_earlier_attempt, is_of_another_run, is_of_this_run, made_of, revision,
};
pub(in crate::targets) use service::{active, announce, describe, is_moving, primary, threshold};
pub(in crate::targets) use stack::{Before, announce_put_back, before, only_newer, put_back_over};
