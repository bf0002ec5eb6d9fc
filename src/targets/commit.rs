//! The tag that names the commit which something was deployed from.

use crate::spec::Tag;

/// Its key.
pub(super) const COMMIT_TAG: &str = "ecs-deploy-action:commit";

/// The commit, as far as the tags tell.
pub(super) fn commit(tags: &[Tag]) -> Option<&str> {
    tags.iter().find(|tag| tag.key == COMMIT_TAG).map(|tag| tag.value.as_str())
}

/// The tags of a workflow run for what it promotes: that comes from the commit it was deployed from where it was tried, and not
/// from the one that the run is of. Where `origin` does not tell, nothing is said.
pub(super) fn tags_of_promoted(tags: &[Tag], origin: Option<&str>) -> Vec<Tag> {
    let mut tags = tags.to_vec();
    tags.retain_mut(|tag| match origin {
        _ if tag.key != COMMIT_TAG => true,
        Some(origin) => {
            origin.clone_into(&mut tag.value);
            true
        }
        None => false,
    });
    tags
}
