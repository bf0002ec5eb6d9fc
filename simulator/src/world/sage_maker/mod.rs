//! Amazon SageMaker's inference, as far as it is endpoints, and its model registry: what exists. How an endpoint goes on is in
//! `course`, what answers show in `document`, what the registry holds in `registry`.
//!
//! SageMaker has one error for everything, `ValidationException`, and tells in words what it means. The words are those that
//! users report; where none were found, a comment says so.

mod course;
mod document;
mod registry;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) use self::course::Asked;

use super::World;
use crate::wire::Refusal;
use crate::{Endpoint as Described, ModelOutcome};

/// Everything of Amazon SageMaker in the account.
#[derive(Clone, Debug, Default)]
pub(crate) struct SageMaker {
    pub(crate) models: BTreeMap<String, Made>,
    pub(crate) configs: BTreeMap<String, Made>,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    /// Groups of model packages.
    pub(crate) groups: BTreeMap<String, Made>,
    /// Their versions.
    pub(crate) packages: Vec<Made>,
    /// What Application Auto Scaling has, by resource: `endpoint/NAME/variant/NAME`.
    pub(crate) scaling: BTreeMap<String, Scaled>,
    /// Client tokens, with the moment, the request and the version of their first use.
    pub(crate) tokens: BTreeMap<String, (Duration, Value, String)>,
    /// By ARN.
    pub(crate) tags: BTreeMap<String, Vec<Value>>,
    /// The log streams of instances, oldest first.
    pub(crate) streams: Vec<Stream>,
}

/// What the container on an instance writes to CloudWatch Logs.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// The log group.
    pub(crate) group: String,
    /// The log stream.
    pub(crate) name: String,
    /// When its instance was started.
    pub(crate) at: Duration,
    /// What tells which lines it writes: the variant's image, model data and instance type.
    pub(crate) texts: Vec<String>,
}

/// A scalable target, its policies and its scheduled actions, as the requests that made them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scaled {
    pub(crate) target: Map<String, Value>,
    pub(crate) policies: Vec<Map<String, Value>>,
    pub(crate) scheduled: Vec<Map<String, Value>>,
}

/// Something that is as it was made: a model, an endpoint configuration, a model package.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The request that made it, without tags.
    pub(crate) document: Map<String, Value>,
    pub(crate) at: Duration,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The configuration that it serves.
    pub(crate) config: String,
    pub(crate) status: Status,
    pub(crate) failure: Option<String>,
    /// What serves.
    pub(crate) fleet: Vec<Variant>,
    pub(crate) pending: Option<Pending>,
    /// The `DataCaptureConfig` that is in force, which may be that of an earlier configuration.
    pub(crate) capture: Value,
    pub(crate) last_deployment: Option<Value>,
    pub(crate) created: Duration,
    pub(crate) modified: Duration,
    /// Counts what was planned, so that what is overtaken does not happen.
    turn: u32,
}

/// `EndpointStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Updating,
    SystemUpdating,
    InService,
    Deleting,
    Failed,
    UpdateRollbackFailed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::SystemUpdating => "SystemUpdating",
            Self::InService => "InService",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::UpdateRollbackFailed => "UpdateRollbackFailed",
        }
    }
}

/// A variant on its instances.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    /// Images as the model names them, and by their digests.
    pub(crate) images: Vec<(String, String)>,
    pub(crate) weight: f64,
    pub(crate) count: u64,
    pub(crate) instance_type: Option<String>,
    pub(crate) serverless: Option<Value>,
    /// The image, the model data and the instance type.
    pub(crate) texts: Vec<String>,
    /// How its start ends.
    outcome: ModelOutcome,
}

/// A change that SageMaker carries out.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) config: String,
    pub(crate) fleet: Vec<Variant>,
    /// What is left to do, by the status that variants show meanwhile, and how long it takes. The first is under way.
    pub(crate) steps: VecDeque<(&'static str, Duration)>,
    pub(crate) started: Duration,
    capture: Value,
    deployment: Value,
    goes_back: Option<String>,
}

impl World {
    /// The ARN of something of Amazon SageMaker.
    pub(crate) fn sage_maker_arn(&self, kind: &str, name: &str) -> String {
        let scenario = &self.scenario;
        format!("arn:{}:sagemaker:{}:{}:{kind}/{name}", scenario.partition(), scenario.region, scenario.account)
    }

    pub(crate) fn model(&self, name: &str) -> Result<&Made, Refusal> {
        self.sage_maker.models.get(name).ok_or_else(|| self.not_found("model", "model", name))
    }

    pub(crate) fn endpoint_config(&self, name: &str) -> Result<&Made, Refusal> {
        let missing = || self.not_found("endpoint configuration", "endpoint-config", name);
        self.sage_maker.configs.get(name).ok_or_else(missing)
    }

    pub(crate) fn endpoint(&self, name: &str) -> Result<&Endpoint, Refusal> {
        self.sage_maker.endpoints.get(name).ok_or_else(|| self.not_found("endpoint", "endpoint", name))
    }

    fn not_found(&self, words: &str, kind: &str, name: &str) -> Refusal {
        invalid(format!("Could not find {words} \"{}\".", self.sage_maker_arn(kind, name)))
    }

    /// What a configuration's variants would be if they were started now. A tag is resolved when instances start.
    pub(crate) fn fleet(&self, config: &str) -> Result<Vec<Variant>, Refusal> {
        let config = self.endpoint_config(config)?;
        let variants = config.document["ProductionVariants"].as_array().into_iter().flatten();
        variants.map(|variant| self.variant(variant)).collect()
    }

    /// What a configuration says of data capture; null where it says nothing.
    fn capture(&self, config: &str) -> Result<Value, Refusal> {
        Ok(self.endpoint_config(config)?.document.get("DataCaptureConfig").cloned().unwrap_or_default())
    }

    fn variant(&self, variant: &Value) -> Result<Variant, Refusal> {
        // Inference components come with their own models.
        let model = variant["ModelName"].as_str().map(|name| self.model(name)).transpose()?;
        let containers = model.map(|model| containers(&model.document)).unwrap_or_default();
        let instance_type = variant["InstanceType"].as_str().map(str::to_owned);
        let images = containers.iter().filter_map(|container| container["Image"].as_str());
        let images: Vec<(String, String)> = images.map(|image| (image.to_owned(), self.resolved(image))).collect();
        let data = containers.iter().filter_map(|container| container["ModelDataUrl"].as_str());
        // An image is known by its tag and by its digest.
        let texts =
            images.iter().flat_map(|(tag, digest)| [tag.as_str(), digest]).chain(data).chain(instance_type.as_deref());
        let texts: Vec<String> = texts.map(str::to_owned).collect();
        Ok(Variant {
            name: variant["VariantName"].as_str().unwrap_or_default().to_owned(),
            weight: variant["InitialVariantWeight"].as_f64().unwrap_or(1.0),
            count: variant["InitialInstanceCount"].as_u64().unwrap_or_default(),
            serverless: variant.get("ServerlessConfig").cloned(),
            outcome: self.scenario.model_outcome(&texts),
            images,
            texts,
            instance_type,
        })
    }

    /// An image by its digest: the one in Amazon ECR, or one that follows from its name where it is nobody's.
    fn resolved(&self, image: &str) -> String {
        if image.contains('@') {
            return image.to_owned();
        }
        let (path, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, "latest"));
        let (registry, repository) = path.split_once('/').unwrap_or(("", path));
        let account = registry.split('.').next().unwrap_or_default();
        let known = self.registries.get(account, repository).and_then(|repository| repository.tagged(tag));
        let digest = known.map(str::to_owned).unwrap_or_else(|| {
            let hash: String = Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{hash}")
        });
        format!("{path}@{digest}")
    }

    /// An endpoint that has been in service for long.
    pub(crate) fn add_steady_endpoint(&mut self, described: Described) -> Result<(), Refusal> {
        let Described { name, container, mut model, mut variant, mut config, live_count, failure, tags, .. } =
            described;
        model.insert("ModelName".to_owned(), json!(name));
        model.insert("PrimaryContainer".to_owned(), Value::Object(container));
        if !described.is_of_components {
            variant.insert("ModelName".to_owned(), json!(name));
        }
        config.insert("EndpointConfigName".to_owned(), json!(name));
        config.insert("ProductionVariants".to_owned(), json!([variant]));
        let models = self.sage_maker_arn("model", &name);
        let configs = self.sage_maker_arn("endpoint-config", &name);
        let endpoints = self.sage_maker_arn("endpoint", &name);
        for arn in [&models, &configs, &endpoints] {
            self.sage_maker.tags.insert(arn.clone(), tags.clone());
        }
        let made = |arn, document| Made { name: name.clone(), arn, document, at: Duration::ZERO };
        self.sage_maker.models.insert(name.clone(), made(models, model));
        self.sage_maker.configs.insert(name.clone(), made(configs, config));
        let mut fleet = self.fleet(&name)?;
        for variant in &mut fleet {
            variant.count = live_count.unwrap_or(variant.count);
        }
        self.begin_logs(&name, &fleet);
        let endpoint = Endpoint {
            capture: self.capture(&name)?,
            arn: endpoints,
            config: name.clone(),
            status: if failure.is_some() { Status::Failed } else { Status::InService },
            failure,
            fleet,
            pending: None,
            last_deployment: described.last_deployment,
            created: Duration::ZERO,
            modified: Duration::ZERO,
            turn: 0,
            name: name.clone(),
        };
        self.sage_maker.endpoints.insert(name, endpoint);
        Ok(())
    }

    /// Each variant gets a log stream, as if it had one instance: `VARIANT/INSTANCE` in a group of the endpoint's.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html>
    fn begin_logs(&mut self, endpoint: &str, fleet: &[Variant]) {
        for variant in fleet {
            let name = format!("{}/i-{:017x}", variant.name, self.sage_maker.streams.len());
            let group = format!("/aws/sagemaker/Endpoints/{endpoint}");
            self.sage_maker.streams.push(Stream { group, name, at: self.now, texts: variant.texts.clone() });
        }
    }
}

/// SageMaker's one error.
pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

fn containers(model: &Map<String, Value>) -> Vec<&Value> {
    match (model.get("PrimaryContainer"), model.get("Containers")) {
        (Some(primary), _) => vec![primary],
        (None, several) => several.and_then(Value::as_array).into_iter().flatten().collect(),
    }
}
