//! A container as requests name it: its model data, and its environment.

use serde_json::{Map, Value, json};

use crate::aws::sage_maker::Document;
use crate::text::{one_line, shorten};

/// The most that a container's environment may hold.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html>
const VARIABLES: usize = 100;
const VARIABLE_BYTES: usize = 1024;
/// So much of a name is shown.
const SHOWN: usize = 100;

/// An archive, or everything under a prefix as it lies there.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html>
pub(in crate::targets) fn set_data(container: &mut Document, uri: &str) {
    container.remove("ModelDataSource");
    container.remove("ModelDataUrl");
    if uri.ends_with('/') {
        let source = json!({"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"});
        container.insert("ModelDataSource".to_owned(), json!({"S3DataSource": source}));
    } else {
        container.insert("ModelDataUrl".to_owned(), json!(uri));
    }
}

/// What SageMaker would refuse of the environment of a container. It may quote the values when it does.
pub(in crate::targets) fn complaints(container: &Map<String, Value>) -> Vec<String> {
    let Some(variables) = container.get("Environment").and_then(Value::as_object) else { return Vec::new() };
    let mut errors = Vec::new();
    if variables.len() > VARIABLES {
        errors.push(format!("the model has {} environment variables, and {VARIABLES} is the most", variables.len()));
    }
    let strange = variables.keys().filter(|name| !is_variable(name));
    errors.extend(strange.map(|name| {
        let name = shorten(&one_line(name), SHOWN);
        format!("`{name}` is no name that SageMaker takes for an environment variable: letters, digits and underscores")
    }));
    let long = variables.iter().filter(|(_, value)| value.as_str().is_some_and(|text| text.len() > VARIABLE_BYTES));
    errors.extend(long.map(|(name, _)| {
        let name = shorten(&one_line(name), SHOWN);
        format!("the environment variable {name} is longer than {VARIABLE_BYTES} bytes")
    }));
    errors
}

/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html>
fn is_variable(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= VARIABLE_BYTES
        && name.bytes().all(is_inside)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
