//! Autoscaling around a change of the instance type, which SageMaker refuses while Application Auto Scaling has the variant.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html>

use serde_json::Value;

use super::serving::{Serving, variants};
use super::{Readers, Request, Rollout, Writers, memory};
use crate::aws::sage_maker::Endpoint;
use crate::aws::scaling::{Document, Scaling, Writer};
use crate::aws::{Again, Attempts, CallError, CallErrorKind, send};
use crate::cycle::{Events, Failure};
use crate::spec::Mode;
use crate::text::last_part;

/// What scales the variants that are served.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// All of it, also what is away at the moment.
    pub(super) all: Vec<Scaling>,
    /// What a run took away, all or a part of it, that did not live to put it back.
    pub(super) lost: Vec<Scaling>,
}

/// Looks at it, as far as a change of the instance type was asked for.
pub(super) async fn look(
    readers: &Readers,
    request: &Request,
    endpoint: Option<&Endpoint>,
    running: Option<&Serving>,
) -> Result<Seen, Failure> {
    let (Some(endpoint), Some(running)) = (endpoint, running.filter(|_| may_change_instances(request))) else {
        return Ok(Seen::default());
    };
    let remembered = memory::read(&readers.sage_maker.tags(&endpoint.arn).await?);
    let mut seen = Seen::default();
    for variant in variants(&running.document) {
        let name = variant["VariantName"].as_str().unwrap_or_default();
        let live = readers.scaling.scaling(&request.endpoint.name, name).await?;
        let remembered = remembered.iter().filter(|_| variant["InstanceType"].is_string());
        let lost = remembered
            .filter(|it| last_part(it.resource()) == name)
            .find(|it| !live.as_ref().is_some_and(|live| has_all(live, it)));
        seen.lost.extend(lost.cloned());
        seen.all.extend(lost.cloned().or(live));
    }
    Ok(seen)
}

/// Whether all of what is remembered is there, by name. What was for one moment may be over.
fn has_all(live: &Scaling, remembered: &Scaling) -> bool {
    let has = |there: &[Document], member: &str, document: &Document| {
        there.iter().any(|there| there.get(member) == document.get(member))
    };
    remembered.policies.iter().all(|policy| has(&live.policies, "PolicyName", policy))
        && remembered
            .scheduled
            .iter()
            .all(|action| is_for_one_moment(action) || has(&live.scheduled, "ScheduledActionName", action))
}

/// Whether the inputs may bring other instances.
pub(super) fn may_change_instances(request: &Request) -> bool {
    let changes = &request.endpoint.changes;
    changes.instance_type.is_some() || changes.is_serverless() || matches!(request.mode, Mode::Rollback { .. })
}

/// What has to be taken away for the time of the update: of variants that change their instances or go. Pure.
pub(super) fn in_the_way(scaling: &[Scaling], before: &Value, after: &Value) -> Vec<Scaling> {
    let instances = |picture: &Value, resource: &str| {
        let variants = picture["ProductionVariants"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = last_part(resource);
        let found = variants.iter().find(|variant| variant["VariantName"] == name);
        found.map(|variant| variant["InstanceType"].clone())
    };
    let changes = |scaling: &&Scaling| instances(before, scaling.resource()) != instances(after, scaling.resource());
    scaling.iter().filter(changes).cloned().collect()
}

/// Takes it away. Idempotent.
pub(super) async fn take_away(
    writer: &Writer,
    scaling: &[Scaling],
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    for scaling in scaling {
        let resource = scaling.resource();
        let attempts = Attempts::new(max_retries, events);
        match send(Again::WhenPassing, attempts, async || writer.deregister(resource).await).await {
            Err(error) if error.kind != CallErrorKind::NotFound => return Err(error.into()),
            _ => events.note(format!("Autoscaling of {resource} is taken away for the time of the update.")),
        }
    }
    Ok(())
}

/// Puts it back, or as much of it as there are instances for. Idempotent.
pub(super) async fn put_back(
    writers: &Writers,
    rollout: &Rollout,
    scaling: &[Scaling],
    max_retries: u32,
    events: &Events,
) -> Result<(), Failure> {
    if rollout.scaled.is_empty() {
        return Ok(());
    }
    let writer = &writers.scaling;
    send(Again::Whatever, Attempts::new(max_retries, events), async || make(writer, scaling).await).await?;
    for scaling in scaling {
        events.note(format!("Autoscaling of {} is back.", scaling.resource()));
    }
    memory::forget(writers, &rollout.arn, max_retries, events).await;
    Ok(())
}

/// Puts it back on what somebody else deployed, where there is nothing else to put back.
pub(super) async fn give_way(writers: &Writers, rollout: &Rollout, max_retries: u32, events: &Events) {
    if let Err(failure) = put_back(writers, rollout, &rollout.scaled, max_retries, events).await {
        let away = away(&rollout.scaled).unwrap_or_default();
        events.warn(format!("{away} It could not be put back: {}", failure.reason));
    }
}

/// What a person has to know where it may not have been put back; `None` where there is nothing to.
pub(super) fn away(scaling: &[Scaling]) -> Option<String> {
    let resources: Vec<&str> = scaling.iter().map(Scaling::resource).collect();
    (!resources.is_empty()).then(|| {
        format!(
            "Autoscaling of {} may be away: the endpoint remembers it in tags, and the next run that names `instance-type`, or \
             goes back to another configuration, puts it back.",
            resources.join(", ")
        )
    })
}

/// Makes targets, policies and scheduled actions, once. Idempotent.
pub(super) async fn make(writer: &Writer, scaling: &[Scaling]) -> Result<(), CallError> {
    for scaling in scaling {
        writer.register(&scaling.target).await?;
        for policy in &scaling.policies {
            writer.put_policy(policy).await?;
        }
        for action in &scaling.scheduled {
            match writer.put_scheduled_action(action).await {
                // Its moment is over, and it would never come again.
                Err(error) if error.kind == CallErrorKind::Invalid && is_for_one_moment(action) => {}
                put => put?,
            }
        }
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html>
fn is_for_one_moment(action: &Document) -> bool {
    action.get("Schedule").and_then(Value::as_str).is_some_and(|schedule| schedule.starts_with("at("))
}

/// What cannot be taken away without a loss, to be told before anything is changed.
pub(super) fn complaints(scaling: &[Scaling], events: &Events) -> Vec<String> {
    let name =
        |document: &Document, member: &str| document.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut complaints = Vec::new();
    for scaling in scaling {
        let resource = scaling.resource();
        // Whoever deletes one takes it out of the alarms that call it, which are the user's own.
        // https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeleteScalingPolicy.html
        let by_steps = scaling.policies.iter().filter(|policy| name(policy, "PolicyType") == "StepScaling");
        complaints.extend(by_steps.map(|policy| {
            format!(
                "other instances need autoscaling of {resource} taken away, and its step scaling policy {} would lose the alarms \
                 that call it: deregister the scalable target yourself, or change the policy to target tracking",
                name(policy, "PolicyName")
            )
        }));
        for action in scaling.scheduled.iter().filter(|action| is_for_one_moment(action)) {
            events.warn(format!(
                "The scheduled action {} of {resource} is for one moment ({}): if that comes during the update, the action is lost.",
                name(action, "ScheduledActionName"),
                name(action, "Schedule"),
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_variant_that_changes_its_instances_or_goes_is_in_the_way() {
        let scaling = |variant: &str| {
            let resource = format!("endpoint/bikes/variant/{variant}");
            let Value::Object(target) = json!({"ResourceId": resource}) else { unreachable!() };
            Scaling { target, ..Scaling::default() }
        };
        let picture = |variants: &[(&str, &str)]| {
            let variant = |(name, kind): &(&str, &str)| json!({"VariantName": name, "InstanceType": kind});
            json!({"ProductionVariants": variants.iter().map(variant).collect::<Vec<_>>()})
        };
        let before = picture(&[("a", "ml.m5.large"), ("b", "ml.m5.large"), ("c", "ml.m5.large")]);
        let after = picture(&[("a", "ml.m5.large"), ("b", "ml.c5.large")]);
        let all = [scaling("a"), scaling("b"), scaling("c")];

        let found = in_the_way(&all, &before, &after);

        let found: Vec<&str> = found.iter().map(Scaling::resource).collect();
        assert_eq!(found, ["endpoint/bikes/variant/b", "endpoint/bikes/variant/c"]);
    }
}
