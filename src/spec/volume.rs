//! A volume that Amazon ECS makes with Amazon EBS for each task.

use serde_json::{Value, json};

use super::nearest::nearest;
use super::{InputError, field};

/// What ECS knows of such a volume. Members of tomorrow are let through; a slip of the pen in one of today is not, because ECS
/// ignores what it does not know.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceManagedEBSVolumeConfiguration.html>
const MEMBERS: [&str; 11] = [
    "encrypted",
    "kmsKeyId",
    "volumeType",
    "sizeInGiB",
    "snapshotId",
    "volumeInitializationRate",
    "iops",
    "throughput",
    "tagSpecifications",
    "roleArn",
    "filesystemType",
];

/// The names of the two inputs that describe a volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) name: &'static str,
    pub(super) volume: &'static str,
    /// Members that ECS knows besides [`MEMBERS`].
    pub(super) more: &'static [&'static str],
}

/// Reads a volume's name and its JSON, and gives an entry of `volumeConfigurations`. The JSON is sent as it is.
///
/// # Errors
/// When one of the two is missing, when the JSON is none, or when ECS would refuse it for sure.
pub(super) fn parse(inputs: Pair, name: Option<&str>, volume: Option<&str>) -> Result<Option<Value>, InputError> {
    let (name, text) = match (name, volume) {
        (None, None) => return Ok(None),
        (Some(name), Some(text)) => (name, text),
        (Some(_), None) => {
            return Err(InputError::new(
                inputs.name,
                "it names a volume, and nothing says what it is like",
                format!("describe it in `{}`, or leave both out", inputs.volume),
            ));
        }
        (None, Some(_)) => {
            return Err(InputError::new(
                inputs.volume,
                "it describes a volume without a name",
                format!("name it in `{}`, as the task definition does", inputs.name),
            ));
        }
    };
    let wrong = |problem: String| InputError::new(inputs.volume, problem, REMEDY);
    let volume: Value = serde_json::from_str(text)
        .map_err(|error| wrong(format!("it is not JSON (line {}, column {})", error.line(), error.column())))?;
    let members = volume.as_object().ok_or_else(|| wrong("it is not a JSON object".to_owned()))?;
    let known: Vec<&str> = MEMBERS.iter().chain(inputs.more).copied().collect();
    for member in members.keys().filter(|member| !known.contains(&member.as_str())) {
        let meant = known.iter().find(|known| known.eq_ignore_ascii_case(member)).copied();
        if let Some(meant) = meant.or_else(|| nearest(member, known.iter().copied()).first().copied()) {
            return Err(wrong(format!("it has a member `{member}`, and `{meant}` was meant")));
        }
    }
    let role = members.get("roleArn").and_then(Value::as_str);
    let role = role.ok_or_else(|| wrong("it has no `roleArn`".to_owned()))?;
    field::role(inputs.volume, role)?;
    let is_sized = members.get("sizeInGiB").is_some_and(Value::is_u64);
    if !is_sized && !members.get("snapshotId").is_some_and(Value::is_string) {
        return Err(wrong("it says neither `sizeInGiB` (a number) nor `snapshotId`".to_owned()));
    }
    Ok(Some(json!({"name": name, "managedEBSVolume": volume})))
}

const REMEDY: &str = "write a JSON object such as {\"sizeInGiB\": 30, \"volumeType\": \"gp3\", \"roleArn\": \"arn:aws:iam::ACCOUNT:role/NAME\"}";
