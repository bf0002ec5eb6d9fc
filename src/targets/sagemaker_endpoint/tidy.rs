//! Deletes older configurations, and their models, that nobody needs any more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::naming::is_for;
use super::plan::is_made_for;
use super::register::gone;
use super::{Rollout, Writers};
use crate::aws::sage_maker::{Document, Reader};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, send};
use crate::cycle::Events;

/// How many pages of a hundred configurations are looked through, and of how many old ones the tags are read, each by a call.
const MOST_PAGES: usize = 20;
const MOST_LOOKS: usize = 60;
/// What is left over is for the next deployment.
const MOST_DELETED: usize = 10;
/// Among more endpoints it is not found out what they serve, and so nothing is deleted.
const MOST_ENDPOINTS: usize = 200;
/// Among more configurations it is not found out which models they name, and so no model is deleted.
const MOST_DESCRIBED: usize = 300;

/// A configuration that nobody needs any more, and those of its models that nobody needs without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superfluous {
    pub(super) config: String,
    pub(super) models: Vec<String>,
}

/// Keeps the newest configurations of this action for the endpoint, those that any endpoint serves or is being updated to, and
/// the one that the way back leads to. Of the others, deletes those that carry this action's tags for this endpoint.
///
/// Idempotent. Never fails: it is no reason to call a deployment that succeeded anything else.
pub(super) async fn tidy(writers: &Writers, rollout: &Rollout, keep: usize, max_retries: u32, events: &Events) {
    let pin = &rollout.pin;
    let needed: Vec<&str> =
        [Some(&pin.config), pin.previous.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let mut deleted = Vec::new();
    let tidied = async {
        for superfluous in superfluous(&rollout.reader, &rollout.endpoint, keep, &needed, events).await? {
            delete(writers, &superfluous, max_retries, events).await?;
            deleted.push(superfluous.config);
        }
        Ok::<(), CallError>(())
    };
    let tidied = tidied.await;
    if !deleted.is_empty() {
        events.note(format!("Deleted {}, as `keep-endpoint-configs: {keep}` asks for.", deleted.join(", ")));
    }
    if let Err(error) = tidied {
        events.warn(format!(
            "Older endpoint configurations are left that `keep-endpoint-configs: {keep}` would have removed: {error}"
        ));
    }
}

/// The models go first: a configuration without them is found again by whoever comes after this run was killed.
async fn delete(
    writers: &Writers,
    superfluous: &Superfluous,
    max_retries: u32,
    events: &Events,
) -> Result<(), CallError> {
    let (writer, attempts) = (&writers.sage_maker, || Attempts::new(max_retries, events));
    for model in &superfluous.models {
        gone(send(Again::WhenPassing, attempts(), async || writer.delete_model(model).await).await)?;
    }
    let config = &superfluous.config;
    gone(send(Again::WhenPassing, attempts(), async || writer.delete_endpoint_config(config).await).await)
}

/// What would be deleted, the newest first. `needed` are configurations that stay, however old they are.
///
/// # Errors
/// When it cannot be known.
pub(super) async fn superfluous(
    reader: &Reader,
    endpoint: &str,
    keep: usize,
    needed: &[&str],
    events: &Events,
) -> Result<Vec<Superfluous>, CallError> {
    let (all, are_all) = reader.endpoint_configs(MOST_PAGES).await?;
    let ours = all.iter().filter(|(name, _)| is_for(endpoint, name));
    let old: Vec<&(String, String)> = ours.skip(keep).filter(|(name, _)| !needed.contains(&name.as_str())).collect();
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let Some(in_use) = reader.endpoint_configs_in_use(MOST_ENDPOINTS).await? else {
        events.warn(format!(
            "There are more than {MOST_ENDPOINTS} endpoints: what they serve was not looked at, so no configuration is deleted."
        ));
        return Ok(Vec::new());
    };
    let mut configs: Vec<&str> = Vec::new();
    for (name, arn) in old.into_iter().filter(|(name, _)| !in_use.contains(name)).take(MOST_LOOKS) {
        if is_made_for(endpoint, &reader.tags(arn).await?) {
            configs.push(name);
        }
        if configs.len() == MOST_DELETED {
            break;
        }
    }
    let others: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).filter(|name| !configs.contains(name)).collect();
    let mut found = Vec::new();
    for config in configs {
        let mut models = Vec::new();
        for model in models_of(reader, config).await? {
            if is_ours(reader, endpoint, &model).await? {
                models.push(model);
            }
        }
        found.push(Superfluous { config: config.to_owned(), models });
    }
    keep_models(reader, &mut found, &others, are_all, events).await?;
    Ok(found)
}

/// Leaves models out that another configuration names, or may name.
async fn keep_models(
    reader: &Reader,
    found: &mut [Superfluous],
    others: &[&str],
    are_all: bool,
    events: &Events,
) -> Result<(), CallError> {
    if found.iter().all(|superfluous| superfluous.models.is_empty()) {
        return Ok(());
    }
    if !are_all || others.len() > MOST_DESCRIBED {
        events.warn(format!(
            "There are more than {MOST_DESCRIBED} endpoint configurations: which models they name was not looked at, so no model \
             is deleted."
        ));
        found.iter_mut().for_each(|superfluous| superfluous.models.clear());
        return Ok(());
    }
    let mut named = BTreeSet::new();
    for other in others {
        named.extend(models_of(reader, other).await?);
    }
    for superfluous in found {
        superfluous.models.retain(|model| !named.contains(model));
    }
    Ok(())
}

/// The models that a configuration names; none when it was deleted meanwhile.
async fn models_of(reader: &Reader, config: &str) -> Result<Vec<String>, CallError> {
    match reader.describe_endpoint_config(config).await {
        Ok(made) => Ok(models(&made.document)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn models(config: &Document) -> Vec<String> {
    let lists = ["ProductionVariants", "ShadowProductionVariants"].map(|member| config.get(member));
    let variants = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    variants.filter_map(|variant| variant["ModelName"].as_str().map(str::to_owned)).collect()
}

async fn is_ours(reader: &Reader, endpoint: &str, model: &str) -> Result<bool, CallError> {
    match reader.describe_model(model).await {
        Ok(made) => Ok(is_made_for(endpoint, &reader.tags(&made.arn).await?)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
