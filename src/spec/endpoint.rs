//! What is asked for an endpoint of Amazon SageMaker. Whatever was not asked for stays as it is.

use std::path::Path;

use super::edit::Edit;
use super::field;
use super::from_inputs::Reader;
use super::quality_gate::quality_gates;
use super::smoke_test::{SmokeTest, smoke_test};
use super::{InputError, Mode, QualityGate, RollbackTo};
use crate::runner::Inputs;

/// An endpoint, as it was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Where its model comes from.
    pub source: ModelSource,
    /// What to change in the model.
    pub model: ModelChanges,
    /// The name of the variant; the only one, unless it was said.
    pub variant: Option<String>,
    /// What to change in the variant.
    pub changes: VariantChanges,
    /// What to capture of requests and answers.
    pub data_capture: DataCapture,
    /// The KMS key of its instances' volumes.
    pub kms_key: Option<String>,
    /// The share of the fleet that a rolling update replaces at a time, in percent.
    pub rolling_batch_percent: Option<u32>,
    /// Whether an endpoint that never served is deleted and made again.
    pub recreate_failed: bool,
    /// What becomes of an endpoint that is new and fails.
    pub on_first_failure: OnFirstFailure,
    /// How many of the configurations that this action made for it are kept; all of them, where that was not said.
    pub keep_configs: Option<u32>,
    /// What is asked of it before its deployment counts as a success.
    pub smoke_test: Option<SmokeTest>,
    /// What the metrics of its model package have to be.
    pub gates: Vec<QualityGate>,
    /// The stage of its life cycle that its model package gets after the deployment.
    pub life_cycle_stage: Option<String>,
}

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelSource {
    /// The model that the endpoint serves, or nothing.
    #[default]
    Running,
    /// A model that exists.
    Model(String),
    /// A version of a model package group.
    Package {
        /// The group's name.
        group: String,
        /// Which one.
        version: ModelVersion,
    },
    /// What another endpoint serves.
    Endpoint(String),
}

/// A version of a model package group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ModelVersion {
    /// The highest that is approved and complete.
    #[default]
    LatestApproved,
    /// This one.
    Number(i32),
}

/// Changes to a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChanges {
    /// The image of its container.
    pub image: Option<String>,
    /// Where its data lies.
    pub data: Option<String>,
    /// Environment variables.
    pub environment: Vec<Edit>,
    /// The role with which SageMaker reads both.
    pub role: Option<String>,
    /// The subnets that it reaches; with security groups.
    pub subnets: Vec<String>,
    /// The security groups there.
    pub security_groups: Vec<String>,
}

/// Changes to a production variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantChanges {
    /// Such as `ml.m5.large`.
    pub instance_type: Option<String>,
    /// How many instances.
    pub instance_count: Option<u32>,
    /// Memory of a serverless variant, in MB.
    pub serverless_memory: Option<u32>,
    /// How many requests a serverless variant takes at a time.
    pub serverless_concurrency: Option<u32>,
    /// How many of them it is always ready for.
    pub provisioned_concurrency: Option<u32>,
    /// How long the model's data may take to arrive, in seconds.
    pub download_timeout: Option<u32>,
    /// How long the container may take to answer its pings, in seconds.
    pub startup_timeout: Option<u32>,
    /// The machine image of the instances, which decides their GPU driver.
    pub ami_version: Option<String>,
}

impl VariantChanges {
    /// Whether a variant without instances is asked for.
    pub const fn is_serverless(&self) -> bool {
        self.serverless_memory.is_some()
            || self.serverless_concurrency.is_some()
            || self.provisioned_concurrency.is_some()
    }
}

/// What to capture of requests and answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataCapture {
    /// Where to.
    pub s3_uri: Option<String>,
    /// How many in a hundred; 0 turns it off.
    pub percent: Option<u32>,
}

/// What becomes of an endpoint that is new and fails: the input `on-first-failure`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFirstFailure {
    /// It stays, to be looked at.
    #[default]
    Keep,
    /// It is deleted.
    Delete,
}

/// Reads the inputs of an endpoint; `None` when none is named. `promotes` is whether the mode is `promote`.
pub(super) fn endpoint(inputs: &Inputs, workspace: &Path, promotes: bool, reader: &mut Reader) -> Option<Endpoint> {
    let endpoint = inputs.endpoint_name.as_deref()?;
    let name = reader.keep(name("endpoint-name", endpoint)).unwrap_or_default();
    let source = reader.keep(source(inputs, &name, promotes)).unwrap_or_default();
    let model = model(inputs, &source, reader);
    let variant = inputs.variant_name.as_deref().and_then(|text| reader.keep(self::name("variant-name", text)));
    let changes = variant_changes(inputs, reader);
    let on_first_failure = inputs.on_first_failure.as_deref().and_then(|text| {
        let choices = [("keep", OnFirstFailure::Keep), ("delete", OnFirstFailure::Delete)];
        reader.keep(field::choice("on-first-failure", text, &choices))
    });
    let waits = inputs.wait_for_service_stability.as_deref().is_none_or(|text| text.eq_ignore_ascii_case("true"));
    let smoke_test = smoke_test(inputs, workspace, waits, reader);
    let gates = inputs.quality_gates.as_deref().and_then(|text| reader.keep(quality_gates(text))).unwrap_or_default();
    if inputs.quality_gates.is_some() && !matches!(source, ModelSource::Package { .. }) {
        let remedy = "name the group in `model-package-group`, or leave this input out";
        let problem = "metrics belong to a version of a model package group, and none is deployed";
        reader.errors.push(InputError::new("quality-gates", problem, remedy));
    }
    let life_cycle_stage = inputs.model_life_cycle_stage.as_deref();
    let life_cycle_stage = life_cycle_stage.and_then(|text| reader.keep(self::name("model-life-cycle-stage", text)));
    if life_cycle_stage.is_some() && !waits {
        let remedy = "wait, or leave this input out";
        let problem = "nobody is there to see the success, because `wait-for-service-stability` is false";
        reader.errors.push(InputError::new("model-life-cycle-stage", problem, remedy));
    }
    Some(Endpoint {
        name,
        source,
        model,
        variant,
        changes,
        data_capture: DataCapture {
            s3_uri: inputs
                .data_capture_s3_uri
                .as_deref()
                .and_then(|text| reader.keep(s3_uri("data-capture-s3-uri", text))),
            percent: number(inputs.data_capture_percent.as_deref(), "data-capture-percent", 0, 100, reader),
        },
        kms_key: inputs.endpoint_kms_key_id.clone(),
        rolling_batch_percent: number(inputs.rolling_batch_percent.as_deref(), "rolling-batch-percent", 5, 50, reader),
        recreate_failed: reader.flag("recreate-failed", inputs.recreate_failed.as_deref()).unwrap_or(false),
        on_first_failure: on_first_failure.unwrap_or_default(),
        keep_configs: number(inputs.keep_endpoint_configs.as_deref(), "keep-endpoint-configs", 1, 1000, reader),
        smoke_test,
        gates,
        life_cycle_stage,
    })
}

/// What an endpoint has no use for.
pub(super) fn wrong_mode(mode: &Mode) -> Option<InputError> {
    match mode {
        Mode::Deploy | Mode::Plan | Mode::Rollback { .. } => None,
        Mode::RunTask | Mode::RegisterModel | Mode::Continue { .. } => {
            let remedy = "set `deploy`, `plan`, `promote` or `rollback`";
            Some(InputError::new("mode", "an endpoint of Amazon SageMaker has nothing of the kind", remedy))
        }
    }
}

/// Names of endpoints, of configurations, of models and of variants: letters and digits, with hyphens between them, 63 at most.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>
pub(super) fn name(input: &'static str, text: &str) -> Result<String, InputError> {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = text.len() <= 63
        && text.bytes().all(is_inside)
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-');
    if is_name {
        return Ok(text.to_owned());
    }
    let remedy = "write letters and digits, with hyphens between them, 63 characters at most";
    Err(InputError::new(input, format!("`{text}` is not a name that Amazon SageMaker takes"), remedy))
}

/// Where `mode: rollback` goes: `previous`, or the name of a configuration.
pub(super) fn rollback_to(text: &str) -> Result<RollbackTo, InputError> {
    if text.eq_ignore_ascii_case("previous") {
        return Ok(RollbackTo::Previous);
    }
    name("to", text).map(RollbackTo::EndpointConfig)
}

fn source(inputs: &Inputs, endpoint: &str, promotes: bool) -> Result<ModelSource, InputError> {
    let given = [
        ("model-name", &inputs.model_name),
        ("model-package-group", &inputs.model_package_group),
        ("from-endpoint", &inputs.from_endpoint),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, value)| value.is_some()).map(|(input, _)| input).collect();
    if let [first, second, ..] = given[..] {
        let problem = format!("`{second}` says where the model comes from, too");
        let input = if first == "model-name" { "model-name" } else { "model-package-group" };
        return Err(InputError::new(input, problem, "leave one of the two out"));
    }
    if promotes && inputs.from_endpoint.is_none() {
        let remedy = "name the endpoint whose model shall be deployed";
        return Err(InputError::new("from-endpoint", "`mode: promote` needs to know from where", remedy));
    }
    if inputs.model_version.is_some() && inputs.model_package_group.is_none() {
        let remedy = "name the group in `model-package-group`, or leave this input out";
        return Err(InputError::new("model-version", "it is a version of a group, and none is named", remedy));
    }
    if let Some(model) = inputs.model_name.as_deref() {
        return name("model-name", model).map(ModelSource::Model);
    }
    if let Some(group) = inputs.model_package_group.as_deref() {
        let version = inputs.model_version.as_deref().map_or(Ok(ModelVersion::default()), version)?;
        return Ok(ModelSource::Package { group: name("model-package-group", group)?, version });
    }
    if let Some(from) = inputs.from_endpoint.as_deref() {
        if from == endpoint {
            let problem = "it is the very endpoint that is deployed to";
            return Err(InputError::new("from-endpoint", problem, "name another endpoint"));
        }
        return name("from-endpoint", from).map(ModelSource::Endpoint);
    }
    Ok(ModelSource::Running)
}

fn version(text: &str) -> Result<ModelVersion, InputError> {
    if text.eq_ignore_ascii_case("latest-approved") {
        return Ok(ModelVersion::LatestApproved);
    }
    let remedy = "write `latest-approved`, or the number of a version";
    let number: u16 = field::number("model-version", text, remedy)?;
    Ok(ModelVersion::Number(number.into()))
}

fn model(inputs: &Inputs, source: &ModelSource, reader: &mut Reader) -> ModelChanges {
    let changes = ModelChanges {
        image: inputs.model_image.as_deref().and_then(|text| reader.keep(image(text))),
        data: inputs.model_data.as_deref().and_then(|text| reader.keep(s3_uri("model-data", text))),
        environment: reader.edits("model-environment", inputs.model_environment.as_deref()),
        role: inputs.model_role_arn.as_deref().and_then(|text| reader.keep(field::role("model-role-arn", text))),
        subnets: inputs.model_subnets.as_deref().map(field::list).unwrap_or_default(),
        security_groups: inputs.model_security_groups.as_deref().map(field::list).unwrap_or_default(),
    };
    if changes.subnets.is_empty() != changes.security_groups.is_empty() {
        let remedy = "name both `model-subnets` and `model-security-groups`, or neither";
        reader.errors.push(InputError::new("model-subnets", "subnets and security groups go together", remedy));
    }
    let out_of_place: &[(&'static str, bool)] = match source {
        ModelSource::Running => &[],
        ModelSource::Package { .. } => {
            &[("model-image", changes.image.is_some()), ("model-data", changes.data.is_some())]
        }
        ModelSource::Endpoint(_) => &[("model-image", changes.image.is_some())],
        ModelSource::Model(_) => &[
            ("model-image", changes.image.is_some()),
            ("model-data", changes.data.is_some()),
            ("model-environment", !changes.environment.is_empty()),
            ("model-role-arn", changes.role.is_some()),
            ("model-subnets", !changes.subnets.is_empty()),
        ],
    };
    for (input, _) in out_of_place.iter().filter(|(_, is_given)| *is_given) {
        let problem = "the model has its own, where it comes from";
        reader.errors.push(InputError::new(
            input,
            problem,
            "leave it out, or name the parts of a model instead of one",
        ));
    }
    changes
}

/// 255 characters without white space at most.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html>
pub(super) fn image(text: &str) -> Result<String, InputError> {
    let remedy = "write one image, as registry/name:tag or registry/name@digest, of 255 characters at most";
    let is_image = text.parse::<super::ImageReference>().is_ok();
    if is_image && text.len() <= 255 && !text.contains(char::is_whitespace) {
        return Ok(text.to_owned());
    }
    Err(InputError::new("model-image", format!("`{text}` is not an image"), remedy))
}

pub(super) fn s3_uri(input: &'static str, text: &str) -> Result<String, InputError> {
    let inside = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let is_uri = inside.is_some_and(|(bucket, _)| !bucket.is_empty()) && text.len() <= 1024;
    if is_uri && !text.contains(char::is_whitespace) {
        return Ok(text.to_owned());
    }
    Err(InputError::new(input, format!("`{text}` is not an address in Amazon S3"), "write s3://BUCKET/KEY"))
}

fn variant_changes(inputs: &Inputs, reader: &mut Reader) -> VariantChanges {
    let instance_type = inputs.instance_type.clone();
    if let Some(text) = instance_type.as_deref().filter(|text| !text.starts_with("ml.")) {
        let problem = format!("`{text}` is not an instance type of Amazon SageMaker");
        reader.errors.push(InputError::new("instance-type", problem, "write one such as `ml.m5.large`"));
    }
    let mut seconds = |text: Option<&String>, input| number(text.map(String::as_str), input, 60, 3600, reader);
    let download_timeout = seconds(inputs.model_download_timeout_seconds.as_ref(), "model-download-timeout-seconds");
    let startup_timeout =
        seconds(inputs.container_startup_timeout_seconds.as_ref(), "container-startup-timeout-seconds");
    let changes = VariantChanges {
        instance_type,
        instance_count: number(inputs.instance_count.as_deref(), "instance-count", 1, 1000, reader),
        serverless_memory: number(inputs.serverless_memory_mb.as_deref(), "serverless-memory-mb", 1024, 6144, reader),
        serverless_concurrency: number(
            inputs.serverless_max_concurrency.as_deref(),
            "serverless-max-concurrency",
            1,
            200,
            reader,
        ),
        provisioned_concurrency: number(
            inputs.serverless_provisioned_concurrency.as_deref(),
            "serverless-provisioned-concurrency",
            1,
            200,
            reader,
        ),
        download_timeout,
        startup_timeout,
        ami_version: inputs.inference_ami_version.clone(),
    };
    if let Some(odd) = changes.serverless_memory.filter(|memory| memory % 1024 != 0) {
        let problem = format!("`{odd}` is not a step of 1024");
        let remedy = "write 1024, 2048, 3072, 4096, 5120 or 6144";
        reader.errors.push(InputError::new("serverless-memory-mb", problem, remedy));
    }
    if let (Some(provisioned), Some(most)) = (changes.provisioned_concurrency, changes.serverless_concurrency)
        && provisioned > most
    {
        let problem = format!("`{provisioned}` is more than the {most} of `serverless-max-concurrency`");
        let remedy = "write a number that is not larger";
        reader.errors.push(InputError::new("serverless-provisioned-concurrency", problem, remedy));
    }
    if changes.is_serverless() && (changes.instance_type.is_some() || changes.instance_count.is_some()) {
        let problem = "a serverless variant has no instances";
        let remedy = "leave out either the `instance-…` or the `serverless-…` inputs";
        reader.errors.push(InputError::new("instance-type", problem, remedy));
    }
    changes
}

fn number(text: Option<&str>, input: &'static str, least: u32, most: u32, reader: &mut Reader) -> Option<u32> {
    let remedy = format!("write a whole number from {least} to {most}");
    reader.keep(field::within(input, text?, least..=most, &remedy))
}
