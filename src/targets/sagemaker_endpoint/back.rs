//! What UpdateEndpoint is asked for on the way back. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Snapshot;
use super::plan::{Draft, Start};
use super::serving::variants;
use crate::aws::sage_maker::{Document, Endpoint};
use crate::text::count;

/// The members that say what is kept.
const KEPT: &str = "RetainAllVariantProperties";
const REPLACED: &str = "ExcludeRetainedVariantProperties";
const COUNT: &str = "DesiredInstanceCount";

/// What was replaced on the way there is replaced on the way back, and what was kept is kept: otherwise the old configuration
/// would serve with the counts and the data capture of the one that failed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Back {
    /// What is kept and what is replaced, as UpdateEndpoint is told.
    kept: Document,
    /// How many instances each variant was to have, where the way there did not keep that. UpdateEndpoint brings back those of
    /// the configuration, and nothing else.
    counts: BTreeMap<String, u32>,
}

impl Back {
    pub(super) fn new(before: &Snapshot, draft: &Draft) -> Self {
        let mut kept = draft.request.clone();
        kept.retain(|member, _| member == KEPT || member == REPLACED);
        let live = before.endpoint.as_ref().filter(|_| matches!(draft.start, Start::Update | Start::Join));
        if retains_counts(&kept) || live.is_none() {
            return Self { kept, counts: BTreeMap::new() };
        }
        let counts: BTreeMap<String, u32> = live
            .map(|live| &live.variants[..])
            .unwrap_or_default()
            .iter()
            .filter_map(|variant| Some((variant.name.clone(), variant.desired?)))
            .collect();
        let wanted: u64 = counts.values().copied().map(u64::from).sum();
        let own = before.running.as_ref().map(|running| initial(&running.document)).unwrap_or_default();
        let new = draft.picture.as_object().map(initial).unwrap_or_default();
        // Rather too many than too few for what they have to serve.
        if own < wanted && new > own && kept.contains_key(KEPT) {
            retain_counts(&mut kept);
        }
        Self { kept, counts }
    }

    pub(super) fn request(&self, endpoint: &str, config: &str) -> Document {
        let mut request = self.kept.clone();
        request.insert("EndpointName".to_owned(), json!(endpoint));
        request.insert("EndpointConfigName".to_owned(), json!(config));
        request
    }

    /// What is not as it was, in words.
    pub(super) fn missed(&self, there: &Endpoint) -> Option<String> {
        let counts = there.variants.iter().filter_map(|variant| {
            let (before, now) = (self.counts.get(&variant.name)?, variant.desired?);
            (*before != now).then(|| {
                let had = count(*before, "instance", "instances");
                format!("variant {} had {had} and now has {now}", variant.name)
            })
        });
        let counts: Vec<String> = counts.collect();
        (!counts.is_empty()).then(|| {
            format!(
                "Going back does not bring back a count that was set outside of the configuration: {}. Set it with \
                 UpdateEndpointWeightsAndCapacities, or leave it to autoscaling.",
                counts.join(", ")
            )
        })
    }
}

/// How many instances a configuration begins with.
fn initial(config: &Document) -> u64 {
    variants(config).iter().filter_map(|variant| variant["InitialInstanceCount"].as_u64()).sum()
}

fn is_count(property: &Value) -> bool {
    property["VariantPropertyType"] == COUNT
}

fn retains_counts(kept: &Document) -> bool {
    let replaced = kept.get(REPLACED).and_then(Value::as_array);
    kept.contains_key(KEPT) && !replaced.into_iter().flatten().any(is_count)
}

fn retain_counts(kept: &mut Document) {
    let Some(replaced) = kept.get_mut(REPLACED).and_then(Value::as_array_mut) else { return };
    replaced.retain(|property| !is_count(property));
    if replaced.is_empty() {
        kept.remove(REPLACED);
    }
}
