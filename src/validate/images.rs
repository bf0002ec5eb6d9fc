//! Images that are named by what can be another image tomorrow.

use super::workflow::{Step, Workflow};
use super::{File, Finding, expression};
use crate::text::last_part;

/// Warns of the images that inputs name.
pub(super) fn check(workflow: &Workflow<'_>) -> Vec<Finding> {
    workflow.steps().flat_map(|(_, step)| of_step(workflow.file, step)).collect()
}

fn of_step(file: File<'_>, step: &Step<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for input in ["image", "model-image", "images"] {
        let Some((_, value)) = step.entry(input) else { continue };
        let Some(text) = value.text() else { continue };
        let image_of = |line: &str| match (input, line.split_once('=')) {
            ("images", Some((_, image))) => image.trim().to_owned(),
            _ => line.trim().to_owned(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some((problem, remedy)) = movable(&image_of(line)) {
                findings.push(file.warning(value.line_of(line, file.source), problem, remedy));
            }
        }
    }
    findings
}

/// What is wrong with naming an image so, as far as it is known.
pub(super) fn movable(image: &str) -> Option<(String, &'static str)> {
    const UNKNOWN: &str = "\0";
    let known = expression::filled(image, UNKNOWN);
    let name = last_part(&known);
    if name.is_empty() || name.contains('@') {
        return None;
    }
    let remedy = "name a version, such as the commit's, or a digest";
    match name.rsplit_once(':') {
        Some((_, "latest")) => Some((format!("the tag of `{image}` can be on another image tomorrow"), remedy)),
        Some(_) => None,
        None if name.contains(UNKNOWN) => None,
        None => Some((format!("`{image}` has no tag, which means `latest`, another image tomorrow"), remedy)),
    }
}

#[cfg(test)]
mod tests {
    use super::movable;

    #[test]
    fn only_what_is_known_to_move_is_told() {
        for image in
            ["web:latest", "web", "localhost:5000/web", "${{ env.R }}/web", "${{ env.R }}:latest", "${{ a }}/b:latest"]
        {
            assert!(movable(image).is_some(), "{image}");
        }
        for image in [
            "web:1",
            "r:5000/web:1",
            "web@sha256:0",
            "web:latest@sha256:0",
            "${{ x }}",
            "web:${{ x }}",
            "a/${{ x }}",
            "",
        ] {
            assert!(movable(image).is_none(), "{image}");
        }
    }
}
