//! The images of a request: which ones it names, and what they run on.

use super::Base;
use crate::cycle::{Plan, Shown};
use crate::ecr::{Platform, Resolved};
use crate::spec::{Overrides, TaskDefinition, render};

/// The images that the request names: those of its inputs, and those of its file as far as they are deployed. What only the
/// registered task definition names is nobody's request.
pub(in crate::targets) fn named(overrides: &Overrides, base: &Base) -> Vec<String> {
    // What cannot be rendered is refused by plan, with the reason.
    let Ok(wanted) = render(base.document(), overrides) else { return Vec::new() };
    let Overrides { image, images, .. } = overrides;
    let is_input = |name: &str| image.as_deref() == Some(name) || images.iter().any(|(_, other)| other == name);
    let is_of_a_file = matches!(base, Base::Document(_));
    let all = wanted.images();
    all.iter().filter(|(_, name)| is_of_a_file || is_input(name)).map(|(_, name)| (*name).to_owned()).collect()
}

/// What is deployed instead of an image as it was written.
pub(in crate::targets) fn pinned(resolved: &[Resolved], written: &str) -> String {
    let found = resolved.iter().find(|image| image.written == written);
    found.map_or_else(|| written.to_owned(), Resolved::pinned)
}

/// Shows tags beside the digests that take their places.
pub(in crate::targets) fn show_tags(plan: &mut Plan, resolved: &[Resolved]) {
    for change in &mut plan.changes {
        let Shown::Value(after) = &mut change.after else { continue };
        if let Some(image) = resolved.iter().find(|image| image.pinned() == *after) {
            *after = image.shown();
        }
    }
}

/// What the tasks of a revision run on; `None` when that depends on the machines of the cluster.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>
pub(in crate::targets) fn platform(document: &TaskDefinition) -> Option<Platform> {
    let runtime = document.get("runtimePlatform");
    let word = |member: &str| runtime?.get(member)?.as_str();
    let requires = document.get("requiresCompatibilities").and_then(serde_json::Value::as_array);
    let is_fargate_alone = requires.is_some_and(|all| !all.is_empty() && all.iter().all(|it| it == "FARGATE"));
    let architecture = match word("cpuArchitecture") {
        Some("X86_64") => "amd64",
        Some("ARM64") => "arm64",
        // Fargate's default; elsewhere the machine decides.
        None if is_fargate_alone => "amd64",
        Some(_) | None => return None,
    };
    let os = match word("operatingSystemFamily") {
        None | Some("LINUX") => "linux",
        Some(family) if family.starts_with("WINDOWS_") => "windows",
        Some(_) => return None,
    };
    Some(Platform::new(os, architecture))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_platform_is_known_where_the_task_definition_says_it_or_fargate_has_a_default() {
        let fargate = json!(["FARGATE"]);
        for (runtime, requires, expected) in [
            (json!({"cpuArchitecture": "ARM64"}), json!(["EC2"]), Some("linux/arm64")),
            (json!({"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}), json!(null), Some("linux/amd64")),
            (
                json!({"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
                fargate.clone(),
                Some("windows/amd64"),
            ),
            (json!(null), fargate.clone(), Some("linux/amd64")),
            (json!(null), json!(["FARGATE", "EC2"]), None),
            (json!(null), json!(["EC2"]), None),
            (json!(null), json!(null), None),
            (json!({"cpuArchitecture": "RISCV"}), fargate.clone(), None),
            (json!({"operatingSystemFamily": "PLAN9"}), fargate, None),
        ] {
            let document = json!({"runtimePlatform": runtime, "requiresCompatibilities": requires});
            let document = TaskDefinition::from_described(document, None).unwrap();
            assert_eq!(platform(&document).map(|it| it.to_string()).as_deref(), expected, "{runtime} {requires}");
        }
    }
}
