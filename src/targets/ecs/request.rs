//! What was asked for a service, and the look at it that told by whom it is deployed.

use std::cell::RefCell;
use std::time::Duration;

use super::service::describe;
use crate::aws::ecs::{Reader, Service};
use crate::cycle::Failure;
use crate::spec::{Mode, Origin, Overrides, Settings, Source, Tag, WaitUntil};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name or ARN.
    pub service: String,
    /// Deploy, plan or go back.
    pub mode: Mode,
    /// The task definition to start from.
    pub source: Source,
    /// What to change in it.
    pub overrides: Overrides,
    /// What to change in the service.
    pub settings: Settings,
    /// The service whose images are taken, if they come from one.
    pub origin: Option<Origin>,
    /// The EventBridge rules that move with the service.
    pub scheduled_rules: Vec<String>,
    /// How many of the family's newest revisions are kept; all when it was not said.
    pub keep_revisions: Option<usize>,
    /// The tags of a new revision.
    pub tags: Vec<Tag>,
    /// Whether an earlier attempt of this workflow run may have begun what is asked for.
    pub is_later_attempt: bool,
    /// Where a rollout is left.
    pub wait_until: WaitUntil,
    /// How long somebody else's rollout that was stopped is waited for.
    pub wait_for: Duration,
    /// How often a refused call that writes is made again.
    pub max_retries: u32,
}

/// The look at a service that told by whom it is deployed: taken before there is a target, and used by the first capture.
#[derive(Debug, Default)]
pub struct FirstLook(RefCell<Option<Result<Service, Failure>>>);

impl FirstLook {
    /// Looks.
    pub async fn take_at(reader: &Reader, request: &Request) -> Self {
        Self(RefCell::new(Some(describe(reader, request).await)))
    }

    /// The deployment controller of the service, if there is one.
    pub fn controller(&self) -> Option<String> {
        self.0.borrow().as_ref().and_then(|looked| looked.as_ref().ok()).map(|service| service.controller.clone())
    }

    /// What was seen, once: later captures look for themselves.
    pub(in crate::targets) fn take(&self) -> Option<Result<Service, Failure>> {
        self.0.borrow_mut().take()
    }
}
