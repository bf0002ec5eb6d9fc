//! Makes the new model and the new configuration.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Draft;
use crate::aws::sage_maker::{Document, Made, Reader, Writer};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, send};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::sage_maker::difference::holds;

/// What shall be served.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    pub(super) config: String,
    /// What this run made for it, so that it is this run's to remove.
    made_config: bool,
    made_model: Option<String>,
}

/// Makes the model and then the configuration, as far as they have to be made.
///
/// Idempotent: the names follow from the run, the endpoint and the content, and what has that name already is taken when it is the
/// very same. What was made is removed again when the rest cannot be.
pub(super) async fn register(
    reader: &Reader,
    writer: &Writer,
    draft: &Draft,
    max_retries: u32,
    events: &Events,
) -> Result<Registered, Failure> {
    let mut registered = Registered { config: draft.config.clone(), made_config: false, made_model: None };
    if let Some(model) = &draft.new_model {
        let name = name(model, "ModelName");
        let make = async || writer.create_model(model).await;
        let look = async || reader.describe_model(&name).await;
        let is_made = create(model, &["ModelName", "Tags"], make, look, max_retries, events).await?;
        events.know(Output::ModelName, &name);
        if is_made {
            events.note(format!("Made the model {name}."));
            registered.made_model = Some(name);
        }
    }
    if let Some(config) = &draft.new_config {
        let make = async || writer.create_endpoint_config(config).await;
        let look = async || reader.describe_endpoint_config(&draft.config).await;
        let answered = ["EndpointConfigName", "Tags"];
        match create(config, &answered, make, look, max_retries, events).await {
            Ok(is_made) => registered.made_config = is_made,
            Err(failure) => {
                deregister(writer, &registered, max_retries, events).await.unwrap_or_else(|left| {
                    events.warn(format!("The new model is still there and is used by nothing: {}", left.reason));
                });
                return Err(failure);
            }
        }
        if registered.made_config {
            events.note(format!("Made the endpoint configuration {}.", draft.config));
        }
    }
    events.know(Output::EndpointConfigName, &draft.config);
    Ok(registered)
}

/// Removes what this run made. Idempotent.
pub(super) async fn deregister(
    writer: &Writer,
    registered: &Registered,
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    let attempts = || Attempts::new(max_retries, events);
    if registered.made_config {
        let config = &registered.config;
        gone(send(Again::WhenPassing, attempts(), async || writer.delete_endpoint_config(config).await).await)?;
        events.note(format!("Deleted the endpoint configuration {config} again."));
    }
    if let Some(model) = &registered.made_model {
        gone(send(Again::WhenPassing, attempts(), async || writer.delete_model(model).await).await)?;
        events.note(format!("Deleted the model {model} again."));
    }
    Ok(())
}

/// Deleted, or not there any more.
pub(super) fn gone(deleted: Result<(), CallError>) -> Result<(), CallError> {
    match deleted {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn name(request: &Document, member: &str) -> String {
    request.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Makes something that never changes, or finds it made. Whether this attempt made it: what was there before may be what an
/// endpoint serves, or its way back.
async fn create(
    request: &Document,
    apart: &[&str],
    mut make: impl AsyncFnMut() -> Result<(), CallError>,
    mut look: impl AsyncFnMut() -> Result<Made, CallError>,
    max_retries: u32,
    events: &Events,
) -> Result<bool, Failure> {
    let mut attempts = Attempts::new(max_retries, events);
    let mut may_be_ours = false;
    loop {
        match make().await {
            Ok(()) => return Ok(true),
            Err(error) if error.kind == CallErrorKind::Conflict => {
                let there = look().await?;
                let mut wanted = request.clone();
                wanted.retain(|member, _| !apart.contains(&member.as_str()));
                if holds(&Value::Object(there.document), &Value::Object(wanted)) {
                    return Ok(may_be_ours);
                }
                let reason = format!("There is something else of that name already: {}.", there.arn);
                return Err(Failure::new(Cause::Conflict, reason).because(error));
            }
            Err(error) if error.is_passing() => {
                may_be_ours |= error.may_have_happened();
                attempts.pause_after(error).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
