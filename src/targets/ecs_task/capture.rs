//! Looks at what the task is made of.

use super::Request;
use crate::aws::ecs::{Reader, Service};
use crate::cycle::{Cause, Events, Failure};
use crate::spec::{Source, TaskDefinition};
use crate::text::last_part;

/// What the request starts from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The service from which the task takes what is not named.
    pub(super) service: Option<Service>,
    /// The ARN of the task definition, where it is a registered one.
    pub(super) arn: Option<String>,
    pub(super) document: TaskDefinition,
}

impl Snapshot {
    /// For a task of a registered revision that runs beside this service.
    pub(super) const fn beside(service: Service, arn: String, document: TaskDefinition) -> Self {
        Self { service: Some(service), arn: Some(arn), document }
    }
}

pub(super) async fn capture(reader: &Reader, request: &Request, events: &Events) -> Result<Snapshot, Failure> {
    let service = match &request.service {
        Some(service) => Some(reader.describe_service(&request.cluster, service).await?),
        None => None,
    };
    let name = match (&request.source, &service) {
        (Source::Document(document), _) => {
            return Ok(Snapshot { service, arn: None, document: document.clone() });
        }
        (Source::Registered(name), _) => name.clone(),
        (Source::Running, Some(service)) => service.task_definition.clone(),
        (Source::Running, None) => {
            return Err(Failure::new(Cause::InvalidInput, "Nothing says what the task is to run.")
                .advise("Give `task-definition`, or a `service` whose task definition is taken."));
        }
    };
    let document = reader.describe_task_definition(&name).await?;
    let arn = document.arn().unwrap_or(&name).to_owned();
    events.note(format!("The task starts from {}.", last_part(&arn)));
    Ok(Snapshot { service, arn: Some(arn), document })
}
