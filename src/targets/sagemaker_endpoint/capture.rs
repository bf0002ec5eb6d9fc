//! Looks at what is served.

use std::cell::OnceCell;

use super::serving::Serving;
use super::{Readers, Request, memory, plan, scaling, tidy};
use crate::aws::sage_maker::{Endpoint, EndpointStatus, Reader};
use crate::aws::{CallError, CallErrorKind};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::ecr::{Images, Resolved};
use crate::spec::{self, Judgement, Mode, ModelSource, ModelVersion, RollbackTo};
use crate::targets::sage_maker::gates;
use crate::verification::{Checks, SeenAlarms};

/// What was served before, and what the request starts from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The endpoint; `None` when there is none.
    pub(super) endpoint: Option<Endpoint>,
    /// What it serves.
    pub(super) running: Option<Serving>,
    /// What scales its variants, where that may be in the way.
    pub(super) scaling: scaling::Seen,
    /// What the update in flight brings.
    pub(super) pending: Option<Serving>,
    /// Where the new model comes from.
    pub(super) origin: Origin,
    /// Where a rollback goes.
    pub(super) destination: Option<Serving>,
    /// The images that the request names, as far as their digests are known.
    pub(super) images: Vec<Resolved>,
    /// The alarms that matter, as they are now.
    pub(super) alarms: SeenAlarms,
    /// What would be deleted after a success, where that is only to be said.
    pub(super) superfluous: Vec<String>,
}

/// Where a model comes from, once that was looked at.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The one that is served, changed.
    Running,
    /// One that exists.
    Model(String, crate::aws::sage_maker::Document),
    /// A version of a model package group.
    Package {
        /// Its ARN.
        arn: String,
        /// What the quality gates say of its metrics.
        judgements: Vec<Judgement>,
    },
    /// What another endpoint serves.
    Endpoint(Box<Serving>),
}

impl Snapshot {
    /// The change in flight that has to be waited for, in words.
    pub(super) fn in_flight(&self) -> Option<String> {
        let endpoint = self.endpoint.as_ref().filter(|endpoint| endpoint.status.is_moving())?;
        let status = endpoint.status.as_str();
        Some(match &endpoint.pending {
            Some(pending) => format!("{status}, to configuration {}", pending.config),
            None => status.to_owned(),
        })
    }

    /// Whether it is there and has not served yet.
    pub(super) fn is_being_created(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.status == EndpointStatus::Creating)
    }

    /// Whether it is there and never served.
    pub(super) fn has_failed(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.status == EndpointStatus::Failed)
    }
}

pub(super) async fn capture(
    readers: &Readers,
    checks: &Checks,
    request: &Request,
    images: &Images,
    destination: &OnceCell<String>,
    events: &Events,
) -> Result<Snapshot, Failure> {
    let reader = &readers.sage_maker;
    let wanted = &request.endpoint;
    let endpoint = find(reader, &wanted.name).await?;
    let is_new = |endpoint: &Endpoint| matches!(endpoint.status, EndpointStatus::Failed | EndpointStatus::Deleting);
    let running = match &endpoint {
        // What never served, or will not any more, is nothing to start from.
        Some(endpoint) if !is_new(endpoint) => {
            Some(Serving::look(reader, &endpoint.config, &endpoint.variants).await.map_err(|failure| {
                if failure.cause != Cause::NotFound {
                    return failure;
                }
                failure.advise(
                    "The endpoint serves a configuration of which a part was deleted. What is left of it is not known, and \
                     nothing can be taken over from it: create the endpoint anew under another name.",
                )
            })?)
        }
        Some(_) | None => None,
    };
    let pending = endpoint.as_ref().and_then(|endpoint| endpoint.pending.as_ref());
    let pending_config = pending.map(|pending| pending.config.as_str());
    let pending = match pending {
        Some(pending) => Serving::look(reader, &pending.config, &pending.variants).await.ok(),
        None => None,
    };
    let destination = match (&request.mode, &running) {
        (Mode::Rollback { to }, Some(running)) => {
            // Once: what is "previous" is another one when the endpoint is captured again after a wait.
            let name = match destination.get() {
                Some(name) => name.clone(),
                None => {
                    let begun = match &endpoint {
                        Some(endpoint) if request.is_later_attempt && *to == RollbackTo::Previous => {
                            memory::way_back(&reader.tags(&endpoint.arn).await?, &request.run)
                        }
                        _ => None,
                    };
                    let goal = match begun {
                        Some(begun) => begun,
                        None => goal(to, running, pending_config)?,
                    };
                    destination.get_or_init(|| goal).clone()
                }
            };
            Some(Serving::look(reader, &name, &[]).await?)
        }
        (Mode::Rollback { .. }, None) => {
            return Err(Failure::new(Cause::NotFound, format!("There is no endpoint {} to roll back.", wanted.name)));
        }
        _ => None,
    };
    let origin = origin(reader, wanted, events).await?;
    let named: Vec<String> = wanted.model.image.iter().cloned().collect();
    let images = images.resolve(&named, events).await?.to_vec();
    let alarms = checks.see_alarms(&plan::alarms(request, endpoint.as_ref())).await;
    let scaling = scaling::look(readers, request, endpoint.as_ref(), running.as_ref()).await?;
    let superfluous = superfluous(reader, request, running.as_ref(), events).await;
    let snapshot = Snapshot { endpoint, running, scaling, pending, origin, destination, images, alarms, superfluous };
    announce(&snapshot, events);
    Ok(snapshot)
}

/// What `keep-endpoint-configs` would delete once the deployment that is planned has succeeded: its configuration is then the
/// newest, and the one that is served is the way back. Configurations and models, in words.
async fn superfluous(reader: &Reader, request: &Request, running: Option<&Serving>, events: &Events) -> Vec<String> {
    let (Mode::Plan, Some(keep), Some(running)) = (&request.mode, request.endpoint.keep_configs, running) else {
        return Vec::new();
    };
    let kept = usize::try_from(keep - 1).unwrap_or_default();
    match tidy::superfluous(reader, &request.endpoint.name, kept, &[running.config.as_str()], events).await {
        Ok(found) => found
            .into_iter()
            .map(|it| match &it.models[..] {
                [] => it.config,
                models => format!("{} (and model {})", it.config, models.join(", ")),
            })
            .collect(),
        Err(error) => {
            events.warn(format!("What `keep-endpoint-configs: {keep}` would delete is not known: {error}"));
            Vec::new()
        }
    }
}

/// The endpoint; `None` only when AWS says that there is none.
pub(super) async fn find(reader: &Reader, name: &str) -> Result<Option<Endpoint>, CallError> {
    match reader.describe_endpoint(name).await {
        Ok(endpoint) => Ok(Some(endpoint)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the endpoint has come to rest, or is gone.
pub(super) async fn is_at_rest(reader: &Reader, name: &str) -> Result<bool, Failure> {
    Ok(find(reader, name).await?.is_none_or(|endpoint| !endpoint.status.is_moving()))
}

/// The configuration to go back to. In the middle of an update, what is served is already the one before.
fn goal(to: &RollbackTo, running: &Serving, pending: Option<&str>) -> Result<String, Failure> {
    match to {
        RollbackTo::EndpointConfig(name) => Ok(name.clone()),
        _ if pending.is_some_and(|pending| pending != running.config) => Ok(running.config.clone()),
        _ => plan::previous(&running.tags).ok_or_else(|| {
            let reason = format!("Nothing says which configuration was served before {}.", running.config);
            Failure::new(Cause::NotFound, reason).advise(
                "This action says so in a tag of each configuration that it makes. Name the configuration with `to`.",
            )
        }),
    }
}

async fn origin(reader: &Reader, wanted: &spec::Endpoint, events: &Events) -> Result<Origin, Failure> {
    match &wanted.source {
        ModelSource::Running => Ok(Origin::Running),
        ModelSource::Model(name) => Ok(Origin::Model(name.clone(), reader.describe_model(name).await?.document)),
        ModelSource::Package { group, version } => {
            let packages = reader.model_packages(group).await?;
            let found = match version {
                ModelVersion::LatestApproved => packages.iter().find(|package| package.is_deployable()),
                ModelVersion::Number(number) => packages.iter().find(|package| package.version == *number),
            };
            let Some(found) = found else {
                let (reason, advice) = match version {
                    ModelVersion::LatestApproved => (
                        format!("No version of the model package group {group} is approved and complete."),
                        "Approve one, or name a version with `model-version`.",
                    ),
                    ModelVersion::Number(number) => {
                        (format!("The model package group {group} has no version {number}."), "Check `model-version`.")
                    }
                };
                return Err(Failure::new(Cause::NotFound, reason).advise(advice));
            };
            if !found.is_deployable() {
                let reason =
                    format!("Version {} of {group} is {} and {}.", found.version, found.approval, found.status);
                return Err(Failure::new(Cause::Preflight, reason).advise("Approve it, or name another version."));
            }
            events.note(format!("The model is version {} of {group}.", found.version));
            events.know(Output::ModelPackageArn, &found.arn);
            events.know(Output::ModelPackageVersion, found.version);
            events.know(Output::ModelApprovalStatus, &found.approval);
            let judgements = match wanted.gates.as_slice() {
                [] => Vec::new(),
                asked => {
                    let package = reader.describe_model_package(&found.arn).await?;
                    gates::judge(asked, &gates::registered(&package.document))
                }
            };
            Ok(Origin::Package { arn: found.arn.clone(), judgements })
        }
        ModelSource::Endpoint(name) => {
            let staging = reader.describe_endpoint(name).await?;
            if staging.status != EndpointStatus::InService || staging.pending.is_some() {
                let status = staging.status.as_str();
                let reason =
                    format!("Endpoint {name}, whose model shall be taken, is {status} and not at rest in service.");
                return Err(Failure::new(Cause::Preflight, reason)
                    .advise("Only what serves is promoted: wait until it does, or repair it."));
            }
            Ok(Origin::Endpoint(Box::new(Serving::look(reader, &staging.config, &staging.variants).await?)))
        }
    }
}

fn announce(snapshot: &Snapshot, events: &Events) {
    let Some(endpoint) = &snapshot.endpoint else { return };
    events.know(Output::EndpointArn, &endpoint.arn);
    if snapshot.running.is_some() {
        events.know(Output::PreviousEndpointConfigName, &endpoint.config);
        events.know(Output::EndpointConfigName, &endpoint.config);
    }
}
