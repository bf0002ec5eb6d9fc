//! Makes sure, by identity, that what serves is what was asked for.

use super::Rollout;
use super::serving::digest;
use crate::aws::sage_maker::{Endpoint, EndpointStatus};
use crate::cycle::{Cause, Events, Failure, Output};
use crate::targets::eventually::eventually;

/// The configuration has to be ours, nothing may be pending, and the images have to be the ones that were asked for. An answer
/// that cannot be had, or that is older than the rollout, says nothing.
pub(super) async fn verify(rollout: &Rollout, events: &Events) -> Result<(), Failure> {
    let mut difference = None;
    let right = eventually(async || {
        let endpoint = rollout.reader.describe_endpoint(&rollout.endpoint).await.ok()?;
        if rollout.pin.is_as_before(&endpoint) {
            return None;
        }
        difference = compare(rollout, &endpoint);
        difference.is_none().then_some(endpoint)
    });
    if let Some(endpoint) = right.await {
        announce(&endpoint, events);
        return Ok(());
    }
    match difference {
        Some(reason) => Err(Failure::new(Cause::Conflict, reason)),
        None => {
            events.warn("The rollout succeeded; after that, SageMaker did not say any more what the endpoint serves.");
            Ok(())
        }
    }
}

fn announce(endpoint: &Endpoint, events: &Events) {
    let sum = |count: fn(&crate::aws::sage_maker::Variant) -> Option<u32>| {
        endpoint.variants.iter().filter_map(count).sum::<u32>()
    };
    events.know(Output::EndpointArn, &endpoint.arn);
    events.know(Output::EndpointConfigName, &endpoint.config);
    events.know(Output::RunningCount, sum(|variant| variant.current));
    events.know(Output::DesiredCount, sum(|variant| variant.desired));
}

/// What is not as it was asked for.
fn compare(rollout: &Rollout, endpoint: &Endpoint) -> Option<String> {
    let pin = &rollout.pin;
    if endpoint.config != pin.config {
        return Some(format!(
            "The rollout succeeded, and the endpoint serves configuration {}, not {}.",
            endpoint.config, pin.config
        ));
    }
    if endpoint.status != EndpointStatus::InService || endpoint.pending.is_some() {
        return Some(format!("The rollout succeeded, and the endpoint is {} again.", endpoint.status.as_str()));
    }
    rollout.digests.iter().find_map(|(variant, wanted)| {
        let variant = endpoint.variants.iter().find(|there| there.name == *variant)?;
        let running: Vec<&str> = variant.images.iter().filter_map(|image| digest(&image.resolved)).collect();
        // Where AWS does not tell, there is nothing to compare.
        (!running.is_empty() && !running.contains(&wanted.as_str())).then(|| {
            format!("Variant {} runs {}, and not {wanted}, which was asked for.", variant.name, running.join(", "))
        })
    })
}
