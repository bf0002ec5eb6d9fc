//! Members that have to be there, and words that ECS knows. As data, from the API reference of RegisterTaskDefinition.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>

use serde_json::Value;

use super::Complaints;

/// Objects and the members without which ECS refuses them. `[]` stands for each item of a list. Names and images of containers
/// are looked at with the containers.
const REQUIRED: [(&str, &[&str]); 18] = [
    ("containerDefinitions[].repositoryCredentials", &["credentialsParameter"]),
    ("containerDefinitions[].restartPolicy", &["enabled"]),
    ("containerDefinitions[].environmentFiles[]", &["value", "type"]),
    ("containerDefinitions[].secrets[]", &["name", "valueFrom"]),
    ("containerDefinitions[].dependsOn[]", &["containerName", "condition"]),
    ("containerDefinitions[].extraHosts[]", &["hostname", "ipAddress"]),
    ("containerDefinitions[].ulimits[]", &["name", "softLimit", "hardLimit"]),
    ("containerDefinitions[].logConfiguration", &["logDriver"]),
    ("containerDefinitions[].logConfiguration.secretOptions[]", &["name", "valueFrom"]),
    ("containerDefinitions[].healthCheck", &["command"]),
    ("containerDefinitions[].resourceRequirements[]", &["value", "type"]),
    ("containerDefinitions[].firelensConfiguration", &["type"]),
    ("containerDefinitions[].linuxParameters.devices[]", &["hostPath"]),
    ("containerDefinitions[].linuxParameters.tmpfs[]", &["containerPath", "size"]),
    ("volumes[].efsVolumeConfiguration", &["fileSystemId"]),
    ("proxyConfiguration", &["containerName"]),
    ("ephemeralStorage", &["sizeInGiB"]),
    ("inferenceAccelerators[]", &["deviceName", "deviceType"]),
];

/// Texts of which ECS knows only these. New ones come, so another one is a warning.
const WORDS: [(&str, &[&str]); 18] = [
    ("networkMode", &["bridge", "host", "awsvpc", "none"]),
    ("pidMode", &["host", "task"]),
    ("ipcMode", &["host", "task", "none"]),
    ("requiresCompatibilities[]", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]),
    ("placementConstraints[].type", &["memberOf"]),
    ("proxyConfiguration.type", &["APPMESH"]),
    ("runtimePlatform.cpuArchitecture", &["X86_64", "ARM64"]),
    (
        "runtimePlatform.operatingSystemFamily",
        &[
            "LINUX",
            "WINDOWS_SERVER_2016_FULL",
            "WINDOWS_SERVER_2019_CORE",
            "WINDOWS_SERVER_2019_FULL",
            "WINDOWS_SERVER_2004_CORE",
            "WINDOWS_SERVER_20H2_CORE",
            "WINDOWS_SERVER_2022_CORE",
            "WINDOWS_SERVER_2022_FULL",
            "WINDOWS_SERVER_2025_CORE",
            "WINDOWS_SERVER_2025_FULL",
        ],
    ),
    (
        "containerDefinitions[].logConfiguration.logDriver",
        &["json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens"],
    ),
    ("containerDefinitions[].portMappings[].protocol", &["tcp", "udp"]),
    ("containerDefinitions[].portMappings[].appProtocol", &["http", "http2", "grpc"]),
    ("containerDefinitions[].environmentFiles[].type", &["s3"]),
    ("containerDefinitions[].dependsOn[].condition", &["START", "COMPLETE", "SUCCESS", "HEALTHY"]),
    ("containerDefinitions[].versionConsistency", &["enabled", "disabled"]),
    ("containerDefinitions[].resourceRequirements[].type", &["GPU", "InferenceAccelerator", "NeuronDevice"]),
    ("containerDefinitions[].firelensConfiguration.type", &["fluentd", "fluentbit"]),
    (
        "containerDefinitions[].ulimits[].name",
        &[
            "core",
            "cpu",
            "data",
            "fsize",
            "locks",
            "memlock",
            "msgqueue",
            "nice",
            "nofile",
            "nproc",
            "rss",
            "rtprio",
            "rttime",
            "sigpending",
            "stack",
        ],
    ),
    ("volumes[].efsVolumeConfiguration.transitEncryption", &["ENABLED", "DISABLED"]),
];

/// Complains about missing members and unknown words.
pub(super) fn check(document: &Value, complaints: &mut Complaints) {
    for (path, members) in REQUIRED {
        visit(document, path, String::new(), &mut |subject, value| {
            let Some(object) = value.as_object() else { return };
            for member in members.iter().filter(|member| !object.contains_key(**member)) {
                complaints.error(format!("{subject}.{member}"), "is missing");
            }
        });
    }
    for (path, words) in WORDS {
        visit(document, path, String::new(), &mut |subject, value| {
            let Some(word) = value.as_str().filter(|word| !words.contains(word)) else { return };
            let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            complaints.warning(subject, format!("`{word}` was not known; known are {}", known.join(", ")));
        });
    }
}

/// Calls back for every value at a path.
pub(super) fn visit(value: &Value, path: &str, subject: String, found: &mut impl FnMut(String, &Value)) {
    if path.is_empty() {
        return found(subject, value);
    }
    if let Some(rest) = path.strip_prefix("[]") {
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            let key = item.get("name").and_then(Value::as_str).map_or_else(|| number.to_string(), str::to_owned);
            visit(item, rest, format!("{subject}[{key}]"), found);
        }
        return;
    }
    let path = path.trim_start_matches('.');
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (member, rest) = path.split_at(end);
    if let Some(value) = value.get(member) {
        let subject = if subject.is_empty() { member.to_owned() } else { format!("{subject}.{member}") };
        visit(value, rest, subject, found);
    }
}
