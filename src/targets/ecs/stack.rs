//! What ran before a revision, by the history of what ran.
//!
//! What ran is a stack: a revision that comes back takes away what came after it. After web:1, web:2, web:3 and web:2 again,
//! web:1 is what ran before; web:3 was taken back, and must not come again. That holds whoever brought it back, and for whatever
//! reason: after web:1, web:2 and web:1 again, nothing is known to have run before.

use super::history::family;
use crate::cycle::{Cause, Events, Failure};
use crate::text::last_part;

/// What ran before a revision.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::targets) enum Before {
    /// This revision.
    Revision(String),
    /// The history begins with this revision, which is newer than the current one: most likely it was taken back, and how the
    /// current one came the first time is forgotten.
    Newer(String),
    /// Nothing else is remembered.
    Unknown,
}

/// The first other revision below the lowest entry of the current one. `next` tells what ran, newest first, and is asked no
/// further than needed: an older revision of the same family cannot have been taken back for the current one.
pub(in crate::targets) async fn before(
    current: &str,
    mut next: impl AsyncFnMut() -> Result<Option<String>, Failure>,
) -> Result<Before, Failure> {
    let mut found: Option<String> = None;
    while let Some(revision) = next().await? {
        if last_part(&revision) == last_part(current) {
            found = None;
        } else if is_newer(current, found.get_or_insert(revision)) {
            break;
        }
    }
    Ok(match found {
        Some(newer) if is_newer(&newer, current) => Before::Newer(newer),
        Some(revision) => Before::Revision(revision),
        None => Before::Unknown,
    })
}

/// The revision in whose place the current one was put back, if that was the last that happened. `next` tells what was deployed,
/// newest first, whether it came to a good end or not.
pub(in crate::targets) async fn put_back_over(
    current: &str,
    mut next: impl AsyncFnMut() -> Result<Option<String>, Failure>,
) -> Result<Option<String>, Failure> {
    let is_current = |revision: &String| last_part(revision) == last_part(current);
    if !next().await?.is_some_and(|newest| is_current(&newest)) {
        return Ok(None);
    }
    let mut over = None;
    while let Some(revision) = next().await? {
        match &over {
            None if is_current(&revision) => {}
            None if family(&revision) == family(current) => {
                return Ok(Some(revision).filter(|revision| is_newer(revision, current)));
            }
            None => over = Some(revision),
            Some(_) if is_current(&revision) => return Ok(over),
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Says why a rollback to "previous" goes no further.
pub(in crate::targets) fn announce_put_back(current: &str, over: &str, events: &Events) {
    let (current, over) = (last_part(current), last_part(over));
    events.warn(format!(
        "{current} was put back in place of {over} already, and this is not the first attempt of this workflow run: an earlier one \
         is taken to have done it. To go back further, name a revision with `to`."
    ));
}

/// Why it is not known where "previous" is.
pub(in crate::targets) fn only_newer(current: &str, newer: &str) -> Failure {
    let (current, newer) = (last_part(current), last_part(newer));
    let reason = format!(
        "What ran before {current} is not remembered: only {newer}, which is newer and may have been taken back for it."
    );
    Failure::new(Cause::NotFound, reason).advise("Name a revision with `to`: its number or its ARN.")
}

fn is_newer(revision: &str, than: &str) -> bool {
    let is_later = number(revision).zip(number(than)).is_some_and(|(number, than)| number > than);
    family(revision) == family(than) && is_later
}

pub(super) fn number(revision: &str) -> Option<u32> {
    revision.rsplit(':').next().and_then(|number| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn told(history: &str) -> impl AsyncFnMut() -> Result<Option<String>, Failure> {
        let history: Vec<String> = history.split_whitespace().rev().map(str::to_owned).collect();
        let mut history = history.into_iter();
        async move || Ok(history.next())
    }

    #[test]
    fn what_was_taken_back_is_never_what_ran_before() {
        // Oldest first; the current one is the last, or else the one named.
        for (history, current, expected) in [
            ("web:1 web:2 web:3", "web:3", "web:2"),
            ("web:1 web:2 web:3 web:3 web:3", "web:3", "web:2"),
            ("web:1 web:2", "web:3", "web:2"),
            ("web:1 web:2 web:3 web:2", "web:2", "web:1"),
            ("web:1 web:2 web:3 web:2 web:3 web:2 web:2", "web:2", "web:1"),
            ("web:1 web:2 web:3 web:2 web:4 web:2", "web:2", "web:1"),
            ("web:1 web:2 web:3 web:2 web:4", "web:4", "web:2"),
            ("web:1 web:2 web:1", "web:1", "unknown"),
            ("web:3 web:2", "web:2", "newer than web:3"),
            ("web:3 web:4 web:2", "web:2", "newer than web:4"),
            ("web:2", "web:2", "unknown"),
            ("", "web:2", "unknown"),
            // What AWS CodeDeploy brings may be named by its family alone.
            ("web:1", "web", "web:1"),
            ("web:40 web:42 web:41", "web:41", "newer than web:42"),
            ("web:9 shop:1", "shop:1", "web:9"),
            ("web:8 web:9 shop:1 web:9", "web:9", "web:8"),
            ("web:9 shop:1 shop:2", "shop:2", "shop:1"),
        ] {
            let found = match before(current, told(history)).now_or_never().unwrap().unwrap() {
                Before::Revision(revision) => revision,
                Before::Newer(than) => format!("newer than {than}"),
                Before::Unknown => "unknown".to_owned(),
            };
            assert_eq!(found, expected, "{history}");
        }
    }

    #[test]
    fn a_revision_that_was_put_back_is_told_from_one_that_was_deployed() {
        for (history, current, expected) in [
            ("web:1 web:2 web:3 web:2", "web:2", Some("web:3")),
            ("web:3 web:2 web:2", "web:2", Some("web:3")),
            ("web:1 web:2 web:3", "web:3", None),
            ("web:1 web:2 web:3", "web:2", None),
            ("web:1 web:2 web:2", "web:2", None),
            ("web:9 shop:1", "shop:1", None),
            ("web:9 shop:1 web:9", "web:9", Some("shop:1")),
            ("", "web:2", None),
        ] {
            let found = put_back_over(current, told(history)).now_or_never().unwrap().unwrap();
            assert_eq!(found.as_deref(), expected, "{history}");
        }
    }
}
