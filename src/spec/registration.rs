//! What is asked for a new version of a model: `mode: register-model`.

use std::path::Path;

use serde_json::Value;

use super::edit::Edit;
use super::endpoint::{image, name, s3_uri};
use super::field;
use super::from_inputs::Reader;
use super::quality_gate::{metrics, quality_gates};
use super::{InputError, Mode, QualityGate};
use crate::runner::Inputs;

/// What models take and give, unless the user says.
const MEDIA_TYPE: &str = "application/json";
/// The largest file of metrics that is read, here and in Amazon S3: an evaluation is some kilobytes.
const LARGEST: usize = 1024 * 1024;

/// A version of a model package group, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registration {
    /// The group's name.
    pub group: String,
    /// The image with the inference code.
    pub image: String,
    /// Where the model's data lies.
    pub data: Option<String>,
    /// Environment variables of the container.
    pub environment: Vec<Edit>,
    /// Its metrics.
    pub metrics: Option<Metrics>,
    /// What its metrics have to be for it to be registered.
    pub gates: Vec<QualityGate>,
    /// Who approves it.
    pub approve: Approve,
    /// The media types that it takes.
    pub content_types: Vec<String>,
    /// The media types that it gives.
    pub response_types: Vec<String>,
    /// The instance types that it can be served on; not said, unless it was.
    pub instance_types: Vec<String>,
}

/// Where the metrics of a model are.
#[derive(Clone, Debug, PartialEq)]
pub enum Metrics {
    /// In a file of the workspace, which says this.
    Document(Value),
    /// In Amazon S3.
    S3(String),
}

/// Who approves a version: the input `approve`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approve {
    /// A person: it is `PendingManualApproval`.
    #[default]
    Manual,
    /// The quality gates: it is `Approved`.
    IfGatesPass,
    /// Nobody: it is `Rejected`, and there for the record.
    Never,
}

/// Reads the inputs; `None` when something else is asked for.
pub(super) fn registration(
    inputs: &Inputs,
    workspace: &Path,
    mode: &Mode,
    reader: &mut Reader,
) -> Option<Registration> {
    let is_planned = *mode == Mode::Plan && inputs.model_package_group.is_some() && inputs.endpoint_name.is_none();
    if *mode != Mode::RegisterModel && !is_planned {
        return None;
    }
    let mut needed = |input, value: &Option<String>, remedy: &str| {
        if value.is_none() {
            reader.errors.push(InputError::new(input, "it is empty", remedy));
        }
        value.clone()
    };
    let group = needed("model-package-group", &inputs.model_package_group, "name the group to register the model in");
    let model = needed("model-image", &inputs.model_image, "name the image that serves the model");
    let metrics = inputs.model_metrics.as_deref().and_then(|text| reader.keep(read(text, workspace)));
    let gates = inputs.quality_gates.as_deref().and_then(|text| reader.keep(quality_gates(text))).unwrap_or_default();
    let approve = inputs.approve.as_deref().and_then(|text| {
        let choices = [("manual", Approve::Manual), ("if-gates-pass", Approve::IfGatesPass), ("never", Approve::Never)];
        reader.keep(field::choice("approve", text, &choices))
    });
    if inputs.quality_gates.is_some() && inputs.model_metrics.is_none() {
        let remedy = "say where the metrics are in `model-metrics`, or leave this input out";
        reader.errors.push(InputError::new("quality-gates", "there is nothing to measure them by", remedy));
    }
    if approve == Some(Approve::IfGatesPass) && inputs.quality_gates.is_none() {
        let remedy = "write the gates in `quality-gates`, or set `approve: manual`";
        reader.errors.push(InputError::new("approve", "there are no gates that could pass", remedy));
    }
    let list = |text: &Option<String>| text.as_deref().map(field::list).unwrap_or_default();
    let instance_types = list(&inputs.model_instance_types);
    if let Some(text) = instance_types.iter().find(|text| !text.starts_with("ml.")) {
        let problem = format!("`{text}` is not an instance type of Amazon SageMaker");
        reader.errors.push(InputError::new("model-instance-types", problem, "write some such as `ml.m5.large`"));
    }
    let environment = reader.edits("model-environment", inputs.model_environment.as_deref());
    if environment.iter().any(|edit| matches!(edit, Edit::Remove { .. })) {
        let problem = "`-NAME` removes nothing: a new version begins without variables";
        reader.errors.push(InputError::new("model-environment", problem, "leave the line out, or write `NAME=value`"));
    }
    Some(Registration {
        group: group.and_then(|text| reader.keep(name("model-package-group", &text))).unwrap_or_default(),
        image: model.and_then(|text| reader.keep(image(&text))).unwrap_or_default(),
        data: inputs.model_data.as_deref().and_then(|text| reader.keep(s3_uri("model-data", text))),
        environment,
        metrics,
        gates,
        approve: approve.unwrap_or_default(),
        content_types: media_types("model-content-types", &list(&inputs.model_content_types), reader),
        response_types: media_types("model-response-types", &list(&inputs.model_response_types), reader),
        instance_types,
    })
}

/// 256 characters at most, and a slash between two parts.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceSpecification.html>
fn media_types(input: &'static str, given: &[String], reader: &mut Reader) -> Vec<String> {
    let is_one = |text: &&String| text.len() <= 256 && text.contains('/') && !text.contains(char::is_whitespace);
    if let Some(text) = given.iter().find(|text| !is_one(text)) {
        let problem = format!("`{text}` is not a media type");
        reader.errors.push(InputError::new(input, problem, "write some such as `text/csv`"));
    }
    if given.is_empty() { vec![MEDIA_TYPE.to_owned()] } else { given.to_vec() }
}

/// An address in Amazon S3, or a file of the workspace.
fn read(text: &str, workspace: &Path) -> Result<Metrics, InputError> {
    const INPUT: &str = "model-metrics";
    if text.starts_with("s3://") {
        let uri = s3_uri(INPUT, text)?;
        // Such a part does not survive in an address of the web: another object would be asked for.
        if uri.split('/').any(|part| part == "." || part == "..") {
            let problem = format!("`{text}` has `.` or `..` between its slashes");
            return Err(InputError::new(INPUT, problem, "give the file a key without them"));
        }
        return Ok(Metrics::S3(uri));
    }
    let remedy = "write the path of a file, relative to the workspace, or s3://BUCKET/KEY";
    let content = std::fs::read_to_string(workspace.join(text))
        .map_err(|error| InputError::new(INPUT, format!("`{text}` cannot be read: {error}"), remedy))?;
    if content.len() > LARGEST {
        return Err(InputError::new(INPUT, format!("`{text}` is larger than 1 MB"), "give the metrics alone"));
    }
    metrics(&content).map(Metrics::Document).map_err(|error| {
        let problem = format!("`{text}` is not a JSON object: {error}");
        InputError::new(INPUT, problem, "write an object of names and numbers, such as {\"accuracy\": 0.91}")
    })
}
