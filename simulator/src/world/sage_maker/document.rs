//! Endpoints, configurations and models as answers show them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Endpoint, Made, Pending, Variant};
use crate::clock::epoch_seconds;
use crate::wire::without_nulls;
use crate::world::World;

impl World {
    fn at(&self, moment: Duration) -> Value {
        json!(epoch_seconds(self.scenario.epoch, moment))
    }

    /// What was made, as it was asked for, with the members that SageMaker adds.
    pub(crate) fn made_document(&self, made: &Made, arn: &str) -> Value {
        let mut document = made.document.clone();
        document.insert(arn.to_owned(), json!(made.arn));
        document.insert("CreationTime".to_owned(), self.at(made.at));
        Value::Object(document)
    }

    /// As a list shows it.
    pub(crate) fn config_summary(&self, made: &Made) -> Value {
        json!({"EndpointConfigName": made.name, "EndpointConfigArn": made.arn, "CreationTime": self.at(made.at)})
    }

    /// As a list shows it.
    pub(crate) fn endpoint_summary(&self, endpoint: &Endpoint) -> Value {
        json!({
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "CreationTime": self.at(endpoint.created),
            "LastModifiedTime": self.at(endpoint.modified),
            "EndpointStatus": endpoint.status.name(),
        })
    }

    /// As DescribeEndpoint shows it. While an update is on its way, the configuration is still the one that serves; the API
    /// reference does not say so, and `PendingDeploymentSummary` would make little sense otherwise.
    pub(crate) fn endpoint_document(&self, endpoint: &Endpoint) -> Value {
        let pending = endpoint.pending.as_ref();
        let creating = pending.filter(|_| endpoint.fleet.is_empty());
        let fleet = creating.map_or(&endpoint.fleet, |pending| &pending.fleet);
        let variants: Value = match creating {
            Some(pending) => fleet.iter().map(|variant| self.variant_document(variant, Some(pending), 0)).collect(),
            None => fleet.iter().map(|variant| self.variant_document(variant, None, variant.count)).collect(),
        };
        without_nulls(&json!({
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config,
            "ProductionVariants": variants,
            "EndpointStatus": endpoint.status.name(),
            "FailureReason": endpoint.failure,
            "CreationTime": self.at(endpoint.created),
            "LastModifiedTime": self.at(endpoint.modified),
            "DataCaptureConfig": capture_document(&endpoint.capture),
            "LastDeploymentConfig": endpoint.last_deployment,
            "PendingDeploymentSummary": pending.map(|pending| self.pending_document(pending)),
        }))
    }

    fn pending_document(&self, pending: &Pending) -> Value {
        let is_up = pending.steps.front().is_some_and(|(step, _)| *step != "Creating");
        let variants: Value = pending
            .fleet
            .iter()
            .map(|variant| {
                let count = if is_up { variant.count } else { 0 };
                let mut document = self.variant_document(variant, Some(pending), count);
                document["InstanceType"] = json!(variant.instance_type);
                document
            })
            .collect();
        json!({
            "EndpointConfigName": pending.config,
            "ProductionVariants": variants,
            "StartTime": self.at(pending.started),
        })
    }

    fn variant_document(&self, variant: &Variant, pending: Option<&Pending>, current: u64) -> Value {
        let since = pending.map_or(Duration::ZERO, |pending| pending.started);
        let images: Value = variant
            .images
            .iter()
            .map(|(specified, resolved)| {
                json!({"SpecifiedImage": specified, "ResolvedImage": resolved, "ResolutionTime": self.at(since)})
            })
            .collect();
        let step = pending.and_then(|pending| pending.steps.front()).map(|(step, _)| *step);
        let counts = variant.serverless.is_none();
        json!({
            "VariantName": variant.name,
            "DeployedImages": images,
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": counts.then_some(current),
            "DesiredInstanceCount": counts.then_some(variant.count),
            "CurrentServerlessConfig": variant.serverless,
            "VariantStatus": step.map(|step| json!([{"Status": step, "StartTime": self.at(self.now)}])),
        })
    }
}

/// `DataCaptureConfigSummary`.
fn capture_document(capture: &Value) -> Value {
    if capture.is_null() {
        return Value::Null;
    }
    let is_on = capture["EnableCapture"] == true;
    json!({
        "EnableCapture": is_on,
        "CaptureStatus": if is_on { "Started" } else { "Stopped" },
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture["KmsKeyId"].as_str().unwrap_or_default(),
    })
}
