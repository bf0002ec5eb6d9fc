//! Whether the cluster has the GPUs that a rolling update needs.

use super::Snapshot;
use super::plan::Draft;
use crate::aws::ecs::{Gpus, Reader};
use crate::cycle::Events;
use crate::targets::ecs::Revision;
use crate::text::count;

/// Warns before a rollout that can never place its first task. What AWS does not tell is no reason to stop.
pub(super) async fn warn(reader: &Reader, before: &Snapshot, draft: &Draft, events: &Events) {
    let (Revision::Existing { document, .. } | Revision::New(document)) = &draft.revision else { return };
    let needs = document.gpus();
    if needs == 0 || before.service.placement.launch_type.as_deref() == Some("FARGATE") {
        return;
    }
    match reader.gpus(&before.service.cluster_arn).await {
        Ok(gpus) => {
            let desired = draft.update.desired_count.and_then(|count| u32::try_from(count).ok());
            let stops_first = stops_first(
                desired.unwrap_or(before.service.desired),
                before.service.placement.minimum_healthy_percent,
            );
            if let Some(warning) = shortage(needs, before.running.gpus(), stops_first, &gpus) {
                events.warn(warning);
            }
        }
        Err(error) => events.note(format!("Whether the cluster has GPUs to spare is not known: {error}")),
    }
}

/// Whether ECS may stop an old task before a new one runs. The minimum is rounded up, and is 100 % when nothing is said.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>
fn stops_first(desired: u32, minimum_healthy_percent: Option<i32>) -> bool {
    let percent = minimum_healthy_percent.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(100);
    desired.saturating_mul(percent).div_ceil(100) < desired
}

/// What is missing for one new task, if it is. Pure.
fn shortage(needs: usize, old: usize, stops_first: bool, gpus: &[Gpus]) -> Option<String> {
    let most = gpus.iter().map(|it| it.registered).max().unwrap_or(0);
    let free = gpus.iter().map(|it| it.free).max().unwrap_or(0);
    let needed = count(needs, "GPU", "GPUs");
    let unless = "Unless a capacity provider adds a container instance, the rollout cannot place a task.";
    if most < needs {
        return Some(format!(
            "A new task needs {needed}, and the cluster's container instances have at most {most}. {unless}"
        ));
    }
    if free >= needs || stops_first && free + old >= needs {
        return None;
    }
    Some(if stops_first {
        format!(
            "A new task needs {needed} on one container instance; with an old task stopped there are {}. {unless}",
            free + old
        )
    } else {
        format!(
            "A new task needs {needed}, at most {free} are free on a container instance, and \
             `minimumHealthyPercent` lets no old task stop first. {unless} Lower `minimumHealthyPercent`, or add an instance."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_that_can_place_no_task_is_seen_before() {
        let of = |list: &[(usize, usize)]| -> Vec<Gpus> {
            list.iter().map(|&(registered, free)| Gpus { registered, free }).collect()
        };
        for (name, needs, old, stops_first, gpus, expected) in [
            ("room", 1, 1, false, of(&[(1, 0), (1, 1)]), None),
            ("no room, and nothing may stop", 1, 1, false, of(&[(1, 0), (1, 0)]), Some("lets no old task stop first")),
            ("no room, and an old task makes some", 1, 1, true, of(&[(1, 0)]), None),
            ("an old task makes too little", 2, 1, true, of(&[(4, 0)]), Some("with an old task stopped there are 1")),
            ("machines too small", 2, 1, true, of(&[(1, 1), (1, 1)]), Some("have at most 1")),
            ("no machines", 1, 1, true, of(&[]), Some("have at most 0")),
        ] {
            let told = shortage(needs, old, stops_first, &gpus);
            assert_eq!(told.is_some(), expected.is_some(), "{name}: {told:?}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{name}");
        }
    }

    #[test]
    fn the_minimum_is_rounded_up() {
        for (desired, percent, expected) in
            [(2, None, false), (2, Some(100), false), (2, Some(50), true), (1, Some(50), false), (1, Some(0), true)]
        {
            assert_eq!(stops_first(desired, percent), expected, "{desired} {percent:?}");
        }
    }
}
