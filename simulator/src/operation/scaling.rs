//! Application Auto Scaling, as far as it scales endpoints.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Answer, text, texts, unknown};
use crate::clock::epoch_seconds;
use crate::wire::{Refusal, without_nulls};
use crate::world::{Scaled, World};

pub(super) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    let resource = text(request, "ResourceId").to_owned();
    match operation {
        "DescribeScalableTargets" => {
            let wanted = texts(request, "ResourceIds");
            let is_wanted = |resource: &str| wanted.is_empty() || wanted.contains(&resource);
            let targets = world.sage_maker.scaling.iter().filter(|(resource, _)| is_wanted(resource));
            let targets: Value =
                targets.map(|(_, scaled)| described(world, &scaled.target, "ScalableTargetARN")).collect();
            Ok(json!({"ScalableTargets": targets}))
        }
        "DescribeScalingPolicies" => {
            let scaled = world.sage_maker.scaling.get(&resource);
            let policies = scaled.into_iter().flat_map(|scaled| &scaled.policies);
            let policies = policies.map(|policy| described(world, policy, "PolicyARN")).collect();
            Ok(page("ScalingPolicies", policies, request))
        }
        "DescribeScheduledActions" => {
            let scaled = world.sage_maker.scaling.get(&resource);
            let scheduled = scaled.into_iter().flat_map(|scaled| &scaled.scheduled);
            let scheduled = scheduled.map(|action| described(world, action, "ScheduledActionARN")).collect();
            Ok(page("ScheduledActions", scheduled, request))
        }
        "RegisterScalableTarget" => {
            let variant = resource.split('/').collect::<Vec<_>>();
            let [_, endpoint, _, variant] = variant[..] else { return missing(&resource) };
            let is_there = world.endpoint(endpoint).is_ok_and(|it| it.fleet.iter().any(|live| live.name == variant));
            if !is_there {
                return Err(Refusal::new(
                    "ValidationException",
                    format!("ECS service or endpoint doesn't exist: {resource}"),
                ));
            }
            let target = request.as_object().cloned().unwrap_or_default();
            world.sage_maker.scaling.entry(resource).or_default().target = target;
            Ok(json!({"ScalableTargetARN": "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/1"}))
        }
        "DeregisterScalableTarget" => match world.sage_maker.scaling.remove(&resource) {
            Some(_) => Ok(json!({})),
            None => missing(&resource),
        },
        "PutScalingPolicy" => {
            let Some(scaled) = world.sage_maker.scaling.get_mut(&resource) else { return missing(&resource) };
            scaled.policies.retain(|policy| policy["PolicyName"] != request["PolicyName"]);
            scaled.policies.push(request.as_object().cloned().unwrap_or_default());
            Ok(json!({"PolicyARN": "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1"}))
        }
        "PutScheduledAction" => {
            let at = text(request, "Schedule").strip_prefix("at(").and_then(|at| at.strip_suffix(')'));
            let at = at.and_then(|at| format!("{at}Z").parse::<Timestamp>().ok());
            // Not documented; no wording of it was found.
            if at.is_some_and(|at| at < world.scenario.epoch + world.now) {
                return Err(Refusal::new("ValidationException", "The scheduled time is in the past."));
            }
            let Some(scaled) = world.sage_maker.scaling.get_mut(&resource) else { return missing(&resource) };
            scaled.scheduled.retain(|action| action["ScheduledActionName"] != request["ScheduledActionName"]);
            scaled.scheduled.push(request.as_object().cloned().unwrap_or_default());
            Ok(json!({}))
        }
        _ => unknown(operation),
    }
}

/// A page of as many as AWS gives without being asked for more.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html>
fn page(member: &str, items: Vec<Value>, request: &Value) -> Value {
    const SIZE: usize = 50;
    let start = request["NextToken"].as_str().and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let next = (start + SIZE < items.len()).then(|| (start + SIZE).to_string());
    let items: Vec<Value> = items.into_iter().skip(start).take(SIZE).collect();
    without_nulls(&json!({member: items, "NextToken": next}))
}

fn missing(resource: &str) -> Answer {
    let message = format!("No scalable target found for service namespace: sagemaker, resource ID: {resource}");
    Err(Refusal::new("ObjectNotFoundException", message))
}

fn described(world: &World, request: &Map<String, Value>, arn: &str) -> Value {
    let mut document = request.clone();
    document.insert("CreationTime".to_owned(), json!(epoch_seconds(world.scenario.epoch, std::time::Duration::ZERO)));
    document.insert(arn.to_owned(), json!("arn:aws:autoscaling:us-east-1:123456789012:x:1"));
    if arn == "ScalableTargetARN" {
        document.entry("RoleARN").or_insert_with(|| json!("arn:aws:iam::123456789012:role/scaling"));
    }
    Value::Object(document)
}

impl World {
    /// Whether a variant that changes its instances, or goes, is in the hands of autoscaling.
    pub(crate) fn is_scaled_away(&self, endpoint: &str, config: &str) -> Option<&Scaled> {
        let live = &self.endpoint(endpoint).ok()?.fleet;
        let next = self.fleet(config).ok()?;
        live.iter().find_map(|live| {
            let stays = next.iter().any(|next| next.name == live.name && next.instance_type == live.instance_type);
            let scaled = self.sage_maker.scaling.get(&format!("endpoint/{endpoint}/variant/{}", live.name))?;
            (!stays).then_some(scaled)
        })
    }
}
