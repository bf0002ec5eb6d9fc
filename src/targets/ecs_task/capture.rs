//! Looks at what the task is made of.

use super::Request;
use crate::aws::ecs::{Reader, Service};
use crate::cycle::{Cause, Events, Failure};
use crate::ecr::{Images, Resolved};
use crate::spec::{Source, TaskDefinition};
use crate::targets::ecs::{Base, named};
use crate::text::last_part;

/// What the request starts from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The service from which the task takes what is not named.
    pub(super) service: Option<Service>,
    pub(super) base: Base,
    /// The images that the request names, as far as their digests are known.
    pub(super) images: Vec<Resolved>,
}

impl Snapshot {
    /// For a task of a registered revision that runs beside this service.
    pub(super) const fn beside(service: Service, arn: String, document: TaskDefinition) -> Self {
        Self { service: Some(service), base: Base::Registered { arn, document }, images: Vec::new() }
    }
}

pub(super) async fn capture(
    reader: &Reader,
    request: &Request,
    images: &Images,
    events: &Events,
) -> Result<Snapshot, Failure> {
    let service = match &request.service {
        Some(service) => Some(reader.describe_service(&request.cluster, service).await?),
        None => None,
    };
    let base = base(reader, request, service.as_ref(), events).await?;
    let images = images.resolve(&named(&request.overrides, &base), events).await?.to_vec();
    Ok(Snapshot { service, base, images })
}

async fn base(reader: &Reader, request: &Request, service: Option<&Service>, events: &Events) -> Result<Base, Failure> {
    let name = match (&request.source, service) {
        (Source::Document(document), _) => return Ok(Base::Document(document.clone())),
        (Source::Registered(name), _) => name,
        (Source::Running, Some(service)) => &service.task_definition,
        (Source::Running, None) => {
            return Err(Failure::new(Cause::InvalidInput, "Nothing says what the task is to run.")
                .advise("Give `task-definition`, or a `service` whose task definition is taken."));
        }
    };
    let document = reader.describe_task_definition(name).await?;
    let arn = document.arn().unwrap_or(name).to_owned();
    events.note(format!("The task starts from {}.", last_part(&arn)));
    Ok(Base::Registered { arn, document })
}
