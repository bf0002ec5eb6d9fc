//! The images that run in another service, by their digests.

use super::Request;
use super::service::{is_moving, primary};
use crate::aws::CallErrorKind;
use crate::aws::ecs::{Reader, RolloutState, RunningTask};
use crate::cycle::{Cause, Failure};
use crate::spec::{ImageReference, InvalidReference, Origin, Overrides, Tag, TaskDefinition};
use crate::targets::commit::{commit, tags_of_promoted};
use crate::text::last_part;

/// What runs in the service that is promoted from.
#[derive(Debug, Clone)]
pub(in crate::targets) struct Promoted {
    /// The service and the revision that it runs, for people: `web:7 of service web in cluster staging`.
    pub(in crate::targets) from: String,
    /// Each container of the task definition with its image and digest.
    pub(in crate::targets) images: Vec<(String, String)>,
    /// The commit that the revision was deployed from, where its tags tell.
    commit: Option<String>,
}

/// Looks at what runs there. Only what has proved itself is taken: neither a rollout in flight nor one that failed.
pub(in crate::targets) async fn look(reader: &Reader, origin: &Origin) -> Result<Promoted, Failure> {
    let looked = reader.describe_service(&origin.cluster, &origin.service).await;
    let service = looked.map_err(|error| {
        let is_missing = error.kind == CallErrorKind::NotFound;
        let failure = Failure::from(error);
        if !is_missing {
            return failure;
        }
        failure.advise(
            "Check the inputs `from-service` and `from-cluster`: they name a service of the same account and region as the one \
             that is deployed to. Across accounts or regions, name the image by its digest in `image` instead.",
        )
    })?;
    let name = format!("service {} in cluster {}", service.name, last_part(&service.cluster_arn));
    let refuse = |why: &str| {
        Failure::new(Cause::Preflight, format!("Nothing can be promoted from {name}: {why}."))
            .advise("Run the job again when that service runs, unmoved, what is to be promoted.")
    };
    if service.status != "ACTIVE" {
        return Err(refuse(&format!("it is {}", service.status)));
    }
    let Some(primary) = primary(&service) else {
        return Err(refuse("Amazon ECS does not list its deployments, so it is not known whether one is in flight"));
    };
    if primary.rollout == RolloutState::Failed {
        return Err(refuse(&format!("its last rollout, to {}, failed", last_part(&primary.task_definition))));
    }
    if is_moving(primary) || service.deployments.len() > 1 {
        return Err(refuse(&format!("its rollout to {} is in flight", last_part(&primary.task_definition))));
    }
    let stable = &service.task_definition;
    let document = reader.describe_task_definition(stable).await?;
    let tasks = reader.running_tasks(&origin.cluster, &service.name).await?;
    let tasks: Vec<RunningTask> = tasks.into_iter().filter(|task| task.task_definition == *stable).collect();
    if tasks.is_empty() {
        return Err(refuse("no task of it runs, so it is not known which images it would run"));
    }
    let images = images(&document, &tasks).map_err(|why| refuse(&why))?;
    let commit = commit(&document.tags()).map(str::to_owned);
    Ok(Promoted { from: format!("{} of {name}", last_part(stable)), images, commit })
}

/// The tags of a revision that is registered for the request. Pure.
pub(in crate::targets) fn tags(request: &Request, promoted: Option<&Promoted>) -> Vec<Tag> {
    match promoted {
        Some(promoted) => tags_of_promoted(&request.tags, promoted.commit.as_deref()),
        None => request.tags.clone(),
    }
}

/// Each container of the document with the image that all tasks run. Containers that are not in it were put into the tasks by
/// AWS. Pure.
fn images(document: &TaskDefinition, tasks: &[RunningTask]) -> Result<Vec<(String, String)>, String> {
    let mut images = Vec::new();
    for name in document.container_names() {
        let mut found: Option<String> = None;
        for container in tasks.iter().flat_map(|task| &task.containers).filter(|container| container.name == name) {
            let Some(digest) = &container.digest else {
                return Err(format!("the digest of container {name} is not known in each of its tasks"));
            };
            let pinned = pinned(&container.image, digest)
                .map_err(|error| format!("container {name} runs {}: {error}", container.image))?;
            match &found {
                Some(other) if *other != pinned => {
                    return Err(format!("its tasks run different images in container {name}: {other} and {pinned}"));
                }
                Some(_) => {}
                None => found = Some(pinned),
            }
        }
        images.push((name.to_owned(), found.ok_or_else(|| format!("no task of it has the container {name}"))?));
    }
    Ok(images)
}

/// The image of that digest, whatever its tag points to by now.
fn pinned(image: &str, digest: &str) -> Result<String, InvalidReference> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    Ok(name.parse::<ImageReference>()?.pinned(digest).to_string())
}

/// The overrides with the promoted images: those of the containers that were named, or else of all, which both task
/// definitions have to have then. Pure.
pub(in crate::targets) fn overrides(
    overrides: &Overrides,
    promoted: &Promoted,
    document: &TaskDefinition,
) -> Result<Overrides, Failure> {
    let here = document.container_names();
    let there: Vec<&str> = promoted.images.iter().map(|(name, _)| name.as_str()).collect();
    let wanted: Vec<&str> = if overrides.containers.is_empty() {
        here.iter().chain(there.iter().filter(|name| !here.contains(name))).copied().collect()
    } else {
        overrides.containers.iter().map(String::as_str).collect()
    };
    let lacking =
        |names: &[&str]| -> Vec<&str> { wanted.iter().filter(|name| !names.contains(name)).copied().collect() };
    let complaints: Vec<String> = [("here", lacking(&here)), ("there", lacking(&there))]
        .into_iter()
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(place, missing)| format!("{} is not {place}", missing.join(", ")))
        .collect();
    if !complaints.is_empty() {
        return Err(Failure::new(
            Cause::Preflight,
            format!(
                "The containers of {} do not fit the task definition here: {}.",
                promoted.from,
                complaints.join("; ")
            ),
        )
        .advise("Name the containers whose images shall be promoted in `container-name`."));
    }
    let images = promoted.images.iter().filter(|(name, _)| wanted.contains(&name.as_str())).cloned().collect();
    let mut overrides = Overrides { images, ..overrides.clone() };
    // Named for the images alone, they have nothing else to be the containers of.
    let containers = std::mem::take(&mut overrides.containers);
    if overrides.concern_a_container() {
        overrides.containers = containers;
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_takes_the_place_of_tag_and_digest_and_a_port_is_no_tag() {
        for (image, expected) in [
            ("web", "web@sha256:1"),
            ("web:2", "web@sha256:1"),
            ("registry:5000/shop/web", "registry:5000/shop/web@sha256:1"),
            ("registry:5000/shop/web:2", "registry:5000/shop/web@sha256:1"),
            ("shop/web:2@sha256:0", "shop/web@sha256:1"),
            ("shop/web@sha256:0", "shop/web@sha256:1"),
        ] {
            assert_eq!(pinned(image, "sha256:1").unwrap(), expected);
        }
    }
}
