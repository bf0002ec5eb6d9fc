//! What shall be served: what is served, with what was asked for in its place.

use serde_json::{Value, json};

use super::Request;
use super::capture::{Origin, Snapshot};
use super::serving::{Model, Serving, containers, picture};
use crate::aws::sage_maker::Document;
use crate::cycle::{Cause, Failure};
use crate::ecr::Resolved;
use crate::spec::{DataCapture, Edit, Endpoint, VariantChanges};
use crate::targets::sage_maker::container::set_data;

/// What AWS's own SDK and its samples call the only variant.
const VARIANT: &str = "AllTraffic";
/// Members of a variant that only make sense with instances.
const OF_INSTANCES: [&str; 9] = [
    "InstanceType",
    "InitialInstanceCount",
    "AcceleratorType",
    "VolumeSizeInGB",
    "EnableSSMAccess",
    "ManagedInstanceScaling",
    "RoutingConfig",
    "InferenceAmiVersion",
    "CapacityReservationConfig",
];

/// What shall be served.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The configuration. The variant that changes names its model, if that exists already.
    pub(super) config: Document,
    /// The place of the variant that changes.
    pub(super) variant: usize,
    /// The model that has to be made for it.
    pub(super) model: Option<Document>,
    /// What all of it is as one document, to be compared with what is served.
    pub(super) picture: Value,
}

pub(super) fn wanted(request: &Request, before: &Snapshot) -> Result<Wanted, Failure> {
    let endpoint = &request.endpoint;
    let base = before.running.as_ref();
    let (position, mut variant) = variant(endpoint, before)?;
    if base.is_some() && variant["ModelName"].is_null() {
        return Err(Failure::new(Cause::Preflight, "The endpoint's models are inference components.")
            .advise("This action deploys endpoints whose variants name their models."));
    }
    let mut config = base.map(|base| base.document.clone()).unwrap_or_default();
    change_variant(&mut variant, &endpoint.changes);
    if let Some(key) = &endpoint.kms_key {
        config.insert("KmsKeyId".to_owned(), json!(key));
    }
    capture_data(&mut config, &endpoint.data_capture)?;
    let there = base.and_then(|base| base.model_of(&variant));
    let model = model(endpoint, before, there)?;
    let members = variant.as_object_mut().into_iter();
    let (model, shown) = match (&before.origin, there) {
        (Origin::Model(name, document), _) => {
            members.for_each(|members| drop(members.insert("ModelName".to_owned(), json!(name))));
            (None, document.clone())
        }
        (_, Some(there)) if there.document == model => (None, model),
        _ => {
            members.for_each(|members| drop(members.remove("ModelName")));
            (Some(model.clone()), model)
        }
    };
    check(&variant, &shown)?;
    let mut shown_variant = variant.clone();
    shown_variant["ModelName"] = json!("");
    let put = |config: &Document, variant: &Value| {
        let mut config = config.clone();
        let variants = config.entry("ProductionVariants").or_insert_with(|| json!([]));
        match variants.get_mut(position) {
            Some(there) => *there = variant.clone(),
            None => *variants = json!([variant]),
        }
        config
    };
    let picture = picture(&put(&config, &shown_variant), |name| match name {
        "" => Some(&shown),
        name => base?.models.get(name).map(|model| &model.document),
    });
    Ok(Wanted { config: put(&config, &variant), variant: position, model, picture })
}

/// The variant to start from, and its place.
fn variant(endpoint: &Endpoint, before: &Snapshot) -> Result<(usize, Value), Failure> {
    let name = endpoint.variant.as_deref();
    if let Some(running) = &before.running {
        let found = running.variant(name).map(|(position, variant)| (position, variant.clone()));
        return found.ok_or_else(|| {
            let variants = super::serving::variants(&running.document).iter();
            let names: Vec<&str> = variants.filter_map(|variant| variant["VariantName"].as_str()).collect();
            let reason = format!("Which variant is meant is not clear: the endpoint has {}.", names.join(", "));
            Failure::new(Cause::InvalidInput, reason).advise("Name one of them with `variant-name`.")
        });
    }
    // A new one is like the one that is promoted, where one is.
    let staged = match &before.origin {
        Origin::Endpoint(staging) => staging.variant(None).map(|(_, variant)| variant.clone()),
        _ => None,
    };
    let mut variant = staged.unwrap_or_else(|| json!({"VariantName": VARIANT, "InitialVariantWeight": 1.0}));
    if let Some(name) = name {
        variant["VariantName"] = json!(name);
    }
    Ok((0, variant))
}

fn change_variant(variant: &mut Value, changes: &VariantChanges) {
    let Some(members) = variant.as_object_mut() else { return };
    if changes.is_serverless() {
        members.retain(|member, _| !OF_INSTANCES.contains(&member.as_str()));
        let serverless = members.entry("ServerlessConfig").or_insert_with(|| json!({}));
        for (member, value) in [
            ("MemorySizeInMB", changes.serverless_memory),
            ("MaxConcurrency", changes.serverless_concurrency),
            ("ProvisionedConcurrency", changes.provisioned_concurrency),
        ] {
            if let Some(value) = value {
                serverless[member] = json!(value);
            }
        }
    }
    if changes.instance_type.is_some() {
        members.remove("ServerlessConfig");
    }
    let mut set = |member: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(member.to_owned(), value);
        }
    };
    set("InstanceType", changes.instance_type.as_ref().map(|value| json!(value)));
    set("InitialInstanceCount", changes.instance_count.map(|value| json!(value)));
    set("ModelDataDownloadTimeoutInSeconds", changes.download_timeout.map(|value| json!(value)));
    set("ContainerStartupHealthCheckTimeoutInSeconds", changes.startup_timeout.map(|value| json!(value)));
    set("InferenceAmiVersion", changes.ami_version.as_ref().map(|value| json!(value)));
    if members.contains_key("InstanceType") {
        members.entry("InitialInstanceCount").or_insert_with(|| json!(1));
    }
}

fn capture_data(config: &mut Document, asked: &DataCapture) -> Result<(), Failure> {
    let there = config.get("DataCaptureConfig");
    let has_destination = asked.s3_uri.is_some() || there.is_some_and(|there| there["DestinationS3Uri"].is_string());
    match asked.percent {
        None if asked.s3_uri.is_none() => return Ok(()),
        // What is not captured need not be turned off.
        Some(0) if there.is_none() && asked.s3_uri.is_none() => return Ok(()),
        _ if has_destination => {}
        _ => {
            let reason =
                "`data-capture-percent` is given, and nothing says where to: the endpoint captures nothing yet.";
            return Err(Failure::new(Cause::InvalidInput, reason)
                .advise("Write `data-capture-s3-uri: s3://BUCKET/PREFIX` as well, or leave both out."));
        }
    }
    let capture = config.entry("DataCaptureConfig").or_insert_with(|| {
        json!({"InitialSamplingPercentage": 100, "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]})
    });
    capture["EnableCapture"] = json!(asked.percent != Some(0));
    if let Some(percent) = asked.percent {
        capture["InitialSamplingPercentage"] = json!(percent);
    }
    if let Some(uri) = &asked.s3_uri {
        capture["DestinationS3Uri"] = json!(uri);
    }
    Ok(())
}

/// The model that is wanted, as a document.
fn model(endpoint: &Endpoint, before: &Snapshot, there: Option<&Model>) -> Result<Document, Failure> {
    let mut model = there.map(|there| there.document.clone()).unwrap_or_default();
    let changes = &endpoint.model;
    let is_of_packages = |container: &Document| container.contains_key("ModelPackageName");
    let mut container = match &before.origin {
        Origin::Model(_, document) => return Ok(document.clone()),
        Origin::Endpoint(staging) => {
            let (document, container) = of_promoted(staging, endpoint)?;
            // A first endpoint has nothing else to take these from.
            if there.is_none() {
                model = document;
            }
            container
        }
        Origin::Package { arn, .. } => {
            // What was set beside a package before stays beside it; what belongs to another kind of model does not.
            let beside = single(&model).filter(|container| is_of_packages(container)).unwrap_or_default();
            let mut container = beside;
            container.insert("ModelPackageName".to_owned(), json!(arn));
            container
        }
        Origin::Running => match (single(&model), containers(&model).len()) {
            (Some(container), _) => container,
            (None, 0) => Document::new(),
            (None, several) => {
                let asks = changes.image.is_some() || changes.data.is_some() || !changes.environment.is_empty();
                if asks {
                    let reason = format!("The model has {several} containers, and which one is meant cannot be said.");
                    return Err(Failure::new(Cause::InvalidInput, reason)
                        .advise("Make the new model yourself, and name it with `model-name`."));
                }
                return Ok(of_the_whole(model, endpoint));
            }
        },
    };
    if let Some(image) = &changes.image {
        container.insert("Image".to_owned(), json!(pinned(&before.images, image)));
        container.remove("ModelPackageName");
    }
    if let Some(data) = &changes.data {
        set_data(&mut container, data);
    }
    edit(&mut container, &changes.environment);
    model.remove("Containers");
    model.insert("PrimaryContainer".to_owned(), Value::Object(container));
    Ok(of_the_whole(model, endpoint))
}

/// The members of a model that belong to no container.
fn of_the_whole(mut model: Document, endpoint: &Endpoint) -> Document {
    let changes = &endpoint.model;
    if let Some(role) = &changes.role {
        model.insert("ExecutionRoleArn".to_owned(), json!(role));
    }
    if !changes.subnets.is_empty() {
        let network = json!({"SecurityGroupIds": changes.security_groups, "Subnets": changes.subnets});
        model.insert("VpcConfig".to_owned(), network);
    }
    model
}

/// The model of the endpoint that is promoted.
pub(super) fn promoted<'a>(staging: &'a Serving, endpoint: &Endpoint) -> Option<&'a Model> {
    let found = staging.variant(None).or_else(|| staging.variant(endpoint.variant.as_deref()));
    found.and_then(|(_, variant)| staging.model_of(variant))
}

/// The same as a document, and its only container.
fn of_promoted(staging: &Serving, endpoint: &Endpoint) -> Result<(Document, Document), Failure> {
    let model = promoted(staging, endpoint);
    let container = model.and_then(|model| single(&model.document));
    match (model, container) {
        (Some(model), Some(container)) => Ok((model.document.clone(), container)),
        _ => Err(Failure::new(
            Cause::InvalidInput,
            "What the endpoint of `from-endpoint` serves is not one model of one container.",
        )
        .advise("Name the model with `model-name` instead.")),
    }
}

/// The only container of a model.
fn single(model: &Document) -> Option<Document> {
    match containers(model)[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn pinned(resolved: &[Resolved], written: &str) -> String {
    let found = resolved.iter().find(|image| image.written == written);
    // A tag beside a digest is nothing that SageMaker's documentation knows.
    found.map_or_else(|| written.to_owned(), |image| image.reference.pinned(&image.digest).to_string())
}

fn edit(container: &mut Document, edits: &[Edit]) {
    if edits.is_empty() {
        return;
    }
    let environment = container.entry("Environment").or_insert_with(|| json!({}));
    for edit in edits {
        match (edit, environment.as_object_mut()) {
            (Edit::Set { name, value }, Some(variables)) => drop(variables.insert(name.clone(), json!(value))),
            (Edit::Remove { name }, Some(variables)) => drop(variables.remove(name)),
            (_, None) => {}
        }
    }
}

/// What a new endpoint cannot do without, all at once, and what only shows with what was taken over.
fn check(variant: &Value, model: &Document) -> Result<(), Failure> {
    let serverless = |member: &str| variant["ServerlessConfig"][member].as_u64();
    if let (Some(provisioned), Some(most)) = (serverless("ProvisionedConcurrency"), serverless("MaxConcurrency"))
        && provisioned > most
    {
        let reason = format!(
            "`serverless-provisioned-concurrency` is {provisioned}, and can be at most the {most} of \
             `serverless-max-concurrency`, as given or as served."
        );
        return Err(Failure::new(Cause::InvalidInput, reason).advise("Lower the one, or raise the other."));
    }
    let mut missing = Vec::new();
    if variant["InstanceType"].is_null() && variant["ServerlessConfig"].is_null() && variant["InstancePools"].is_null()
    {
        missing.push("`instance-type` (or `serverless-memory-mb` and `serverless-max-concurrency`)");
    }
    let serverless = &variant["ServerlessConfig"];
    if serverless.is_object() && (serverless["MemorySizeInMB"].is_null() || serverless["MaxConcurrency"].is_null()) {
        missing.push("`serverless-memory-mb` and `serverless-max-concurrency`");
    }
    let has_image =
        |container: &&Document| container.contains_key("Image") || container.contains_key("ModelPackageName");
    if containers(model).iter().any(|container| !has_image(container)) || containers(model).is_empty() {
        missing.push("`model-image` (or `model-name`, `model-package-group`, `from-endpoint`)");
    }
    if model.get("ExecutionRoleArn").is_none() {
        missing.push("`model-role-arn`");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!("There is no endpoint to take it over from, so it has to be said: {}.", missing.join(", "));
    Err(Failure::new(Cause::InvalidInput, reason))
}
