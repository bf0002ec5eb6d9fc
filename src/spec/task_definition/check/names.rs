//! Members that are called a little otherwise than those that ECS knows. As data, from the API reference of RegisterTaskDefinition.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>

use serde_json::Value;

use super::Complaints;
use super::shape::visit;
use crate::spec::nearest::nearest;

/// Objects and their members. `[]` stands for each item of a list.
const MEMBERS: [(&str, &[&str]); 41] = [
    (
        "",
        &[
            "family",
            "taskRoleArn",
            "executionRoleArn",
            "networkMode",
            "containerDefinitions",
            "volumes",
            "placementConstraints",
            "requiresCompatibilities",
            "cpu",
            "memory",
            "tags",
            "pidMode",
            "ipcMode",
            "proxyConfiguration",
            "inferenceAccelerators",
            "ephemeralStorage",
            "runtimePlatform",
            "enableFaultInjection",
            "trustedExecutionConfiguration",
        ],
    ),
    (
        "containerDefinitions[]",
        &[
            "name",
            "image",
            "repositoryCredentials",
            "cpu",
            "memory",
            "memoryReservation",
            "links",
            "portMappings",
            "essential",
            "restartPolicy",
            "entryPoint",
            "command",
            "environment",
            "environmentFiles",
            "mountPoints",
            "volumesFrom",
            "linuxParameters",
            "secrets",
            "dependsOn",
            "startTimeout",
            "stopTimeout",
            "versionConsistency",
            "hostname",
            "user",
            "workingDirectory",
            "disableNetworking",
            "privileged",
            "readonlyRootFilesystem",
            "dnsServers",
            "dnsSearchDomains",
            "extraHosts",
            "dockerSecurityOptions",
            "interactive",
            "pseudoTerminal",
            "dockerLabels",
            "ulimits",
            "logConfiguration",
            "healthCheck",
            "systemControls",
            "resourceRequirements",
            "firelensConfiguration",
            "credentialSpecs",
        ],
    ),
    ("containerDefinitions[].repositoryCredentials", &["credentialsParameter"]),
    (
        "containerDefinitions[].portMappings[]",
        &["containerPort", "hostPort", "protocol", "name", "appProtocol", "containerPortRange"],
    ),
    ("containerDefinitions[].restartPolicy", &["enabled", "ignoredExitCodes", "restartAttemptPeriod"]),
    ("containerDefinitions[].environment[]", &["name", "value"]),
    ("containerDefinitions[].environmentFiles[]", &["value", "type"]),
    ("containerDefinitions[].mountPoints[]", &["sourceVolume", "containerPath", "readOnly"]),
    ("containerDefinitions[].volumesFrom[]", &["sourceContainer", "readOnly"]),
    (
        "containerDefinitions[].linuxParameters",
        &["capabilities", "devices", "initProcessEnabled", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness"],
    ),
    ("containerDefinitions[].linuxParameters.capabilities", &["add", "drop"]),
    ("containerDefinitions[].linuxParameters.devices[]", &["hostPath", "containerPath", "permissions"]),
    ("containerDefinitions[].linuxParameters.tmpfs[]", &["containerPath", "size", "mountOptions"]),
    ("containerDefinitions[].secrets[]", &["name", "valueFrom"]),
    ("containerDefinitions[].dependsOn[]", &["containerName", "condition"]),
    ("containerDefinitions[].extraHosts[]", &["hostname", "ipAddress"]),
    ("containerDefinitions[].ulimits[]", &["name", "softLimit", "hardLimit"]),
    ("containerDefinitions[].logConfiguration", &["logDriver", "options", "secretOptions"]),
    ("containerDefinitions[].logConfiguration.secretOptions[]", &["name", "valueFrom"]),
    ("containerDefinitions[].healthCheck", &["command", "interval", "timeout", "retries", "startPeriod"]),
    ("containerDefinitions[].systemControls[]", &["namespace", "value"]),
    ("containerDefinitions[].resourceRequirements[]", &["value", "type", "sharingStrategy"]),
    ("containerDefinitions[].resourceRequirements[].sharingStrategy", &["nvidiaMps"]),
    ("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps", &["memory", "maxComputePercent"]),
    ("containerDefinitions[].firelensConfiguration", &["type", "options"]),
    (
        "volumes[]",
        &[
            "name",
            "host",
            "dockerVolumeConfiguration",
            "efsVolumeConfiguration",
            "s3filesVolumeConfiguration",
            "fsxWindowsFileServerVolumeConfiguration",
            "configuredAtLaunch",
        ],
    ),
    ("volumes[].host", &["sourcePath"]),
    ("volumes[].dockerVolumeConfiguration", &["scope", "autoprovision", "driver", "driverOpts", "labels"]),
    (
        "volumes[].efsVolumeConfiguration",
        &["fileSystemId", "rootDirectory", "transitEncryption", "transitEncryptionPort", "authorizationConfig"],
    ),
    ("volumes[].efsVolumeConfiguration.authorizationConfig", &["accessPointId", "iam"]),
    (
        "volumes[].s3filesVolumeConfiguration",
        &["fileSystemArn", "rootDirectory", "transitEncryptionPort", "accessPointArn"],
    ),
    ("volumes[].fsxWindowsFileServerVolumeConfiguration", &["fileSystemId", "rootDirectory", "authorizationConfig"]),
    ("volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig", &["credentialsParameter", "domain"]),
    ("placementConstraints[]", &["type", "expression"]),
    ("tags[]", &["key", "value"]),
    ("proxyConfiguration", &["type", "containerName", "properties"]),
    ("proxyConfiguration.properties[]", &["name", "value"]),
    ("inferenceAccelerators[]", &["deviceName", "deviceType"]),
    ("ephemeralStorage", &["sizeInGiB"]),
    ("runtimePlatform", &["cpuArchitecture", "operatingSystemFamily"]),
    ("trustedExecutionConfiguration", &["isolationMode", "attestationPolicy"]),
];

/// Warns of members that are not known and that look like one that is. ECS overlooks a member that it does not know, and may know
/// more tomorrow: so what looks like none is left alone.
pub(super) fn check(document: &Value, complaints: &mut Complaints) {
    for (path, members) in MEMBERS {
        visit(document, path, String::new(), &mut |subject, value| {
            let names = value.as_object().into_iter().flat_map(|object| object.keys());
            for name in names.filter(|name| !members.contains(&name.as_str())) {
                let Some(meant) = nearest(name, members.iter().copied()).first().copied() else { continue };
                let subject = if subject.is_empty() { name.clone() } else { format!("{subject}.{name}") };
                complaints.warning(subject, format!("is not known, and ECS may overlook it; did you mean `{meant}`?"));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subjects(document: &Value) -> Vec<String> {
        let mut complaints = Complaints::default();
        check(document, &mut complaints);
        complaints.0.into_iter().map(|complaint| format!("{}: {}", complaint.subject, complaint.message)).collect()
    }

    #[test]
    fn a_slip_of_the_pen_is_told_and_what_is_new_is_not() {
        let document = json!({
            "familly": "web",
            "future": {"deep": 1},
            "containerDefinitions": [{"name": "web", "evironment": [], "dockerLabels": {"nam": "x"}, "healthCheck": {"comand": []}}],
        });

        let told = subjects(&document);

        let expected = [
            ("familly", "`family`"),
            ("containerDefinitions[web].evironment", "`environment`"),
            ("containerDefinitions[web].healthCheck.comand", "`command`"),
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, (subject, meant)) in told.iter().zip(expected) {
            assert!(told.starts_with(&format!("{subject}: ")) && told.contains(meant), "{told}");
        }
    }
}
