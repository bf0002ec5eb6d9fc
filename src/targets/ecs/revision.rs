//! Which revision of a task definition is asked for, and what tells where it comes from.

use super::history::family;
use super::promotion::{self, Promoted};
use super::{Base, Request, images};
use crate::cycle::{Cause, Change, Events, Failure, Output, Plan, Shown};
use crate::ecr::Resolved;
use crate::spec::{Mode, Overrides, Source, Tag, TaskDefinition, difference, render};
use crate::text::{last_part, sentences};

/// How the keys of the tags begin that this action gives to revisions.
const TAGS: &str = "ecs-deploy-action:";
/// The key of the tag that names the workflow run which registered a revision.
pub(in crate::targets) const RUN_TAG: &str = "ecs-deploy-action:run";

/// Which revision the service shall run.
#[derive(Debug, Clone)]
pub(in crate::targets) enum Revision {
    /// The one that it is set to.
    Kept(String),
    /// Another one that is registered.
    Existing { arn: String, document: TaskDefinition },
    /// One that has to be registered.
    New(TaskDefinition),
}

impl Revision {
    pub(in crate::targets) fn family(&self) -> &str {
        match self {
            Self::Kept(arn) | Self::Existing { arn, .. } => family(arn),
            Self::New(document) => document.family().unwrap_or_default(),
        }
    }

    /// In words; a new one has no number before it is registered.
    pub(in crate::targets) fn name(&self) -> String {
        match self {
            Self::Kept(arn) | Self::Existing { arn, .. } => last_part(arn).to_owned(),
            Self::New(document) => format!("a new revision of {}", document.family().unwrap_or("?")),
        }
    }

    /// Its task definition, where that is another than the one that is set.
    pub(in crate::targets) const fn document(&self) -> Option<&TaskDefinition> {
        match self {
            Self::Kept(_) => None,
            Self::Existing { document, .. } | Self::New(document) => Some(document),
        }
    }

    /// Its ARN, if it has one yet.
    pub(in crate::targets) fn arn(&self) -> Option<&str> {
        match self {
            Self::Kept(arn) | Self::Existing { arn, .. } => Some(arn),
            Self::New(_) => None,
        }
    }
}

/// Whether another workflow run than the request's began the rollout to this revision, by the run that the revision's tags
/// name. Attempts of one run are one run: the next one picks up what the one before left.
///
/// The tags name the run that registered the revision. Of one that is asked for by its name that need not be the run that deploys
/// it: at a later attempt it was most likely the attempt before.
pub(in crate::targets) fn is_of_another_run(running: &TaskDefinition, request: &Request) -> bool {
    let is_named = matches!(request.mode, Mode::Rollback { .. }) || matches!(request.source, Source::Registered(_));
    if request.is_later_attempt && is_named && request.overrides.is_empty() {
        return false;
    }
    match (run_of(&running.tags()), run_of(&request.tags)) {
        (Some((theirs, _)), ours) => ours.map(|(run, _)| run) != Some(theirs),
        (None, _) => false,
    }
}

/// Whether the revision's tags name the workflow run that the request's name.
pub(in crate::targets) fn is_of_this_run(running: &TaskDefinition, tags: &[Tag]) -> bool {
    let (theirs, ours) = (run_of(&running.tags()), run_of(tags));
    theirs.is_some_and(|(theirs, _)| ours.is_some_and(|(ours, _)| ours == theirs))
}

/// Whether the revision's tags name an earlier attempt of the workflow run that the request's name.
pub(in crate::targets) fn is_of_an_earlier_attempt(running: &TaskDefinition, tags: &[Tag]) -> bool {
    match (run_of(&running.tags()), run_of(tags)) {
        (Some((their_run, their_attempt)), Some((our_run, our_attempt))) => {
            their_run == our_run && their_attempt != our_attempt
        }
        _ => false,
    }
}

/// The workflow run and its attempt.
fn run_of(tags: &[Tag]) -> Option<(String, String)> {
    let tag = tags.iter().find(|tag| tag.key == RUN_TAG)?;
    let (run, attempt) = tag.value.split_once('/').unwrap_or((&tag.value, ""));
    Some((run.to_owned(), attempt.to_owned()))
}

/// Which revision the request is for. `current` is the ARN of the one that the service is on, or on its way to: `running`.
pub(in crate::targets) fn revision(
    request: &Request,
    current: &str,
    running: &TaskDefinition,
    base: &Base,
    promoted: Option<&Promoted>,
    resolved: &[Resolved],
) -> Result<(Plan, Revision), Failure> {
    let overrides = match promoted {
        Some(promoted) => promotion::overrides(&request.overrides, promoted, base.document())?,
        None => request.overrides.clone(),
    };
    match base {
        Base::Registered { arn, document } if overrides.is_empty() => {
            if arn == current {
                return Ok((Plan::default(), Revision::Kept(current.to_owned())));
            }
            let mut plan = difference(running, document);
            plan.changes.insert(
                0,
                Change {
                    subject: "taskDefinition".to_owned(),
                    before: Shown::Value(last_part(current).to_owned()),
                    after: Shown::Value(last_part(arn).to_owned()),
                },
            );
            Ok((plan, Revision::Existing { arn: arn.clone(), document: document.clone() }))
        }
        base => {
            let wanted = made_of(base, &overrides, resolved)?;
            let mut plan = difference(running, &wanted);
            images::show_tags(&mut plan, resolved);
            let revision = if plan.is_empty() {
                Revision::Kept(current.to_owned())
            } else {
                // Those that a revision inherits from the one before would name a commit and a run that did not make it.
                Revision::New(wanted.without_tags(TAGS).with_tags(&promotion::tags(request, promoted)))
            };
            Ok((plan, revision))
        }
    }
}

/// What the request makes of a task definition, with the digests of images in the place of their tags.
pub(in crate::targets) fn made_of(
    base: &Base,
    overrides: &Overrides,
    resolved: &[Resolved],
) -> Result<TaskDefinition, Failure> {
    let pinned = |image: &str| images::pinned(resolved, image);
    let document = match base {
        Base::Registered { document, .. } => document.clone(),
        Base::Document(document) => document.with_images(pinned),
    };
    render(&document, &overrides.with_images(pinned)).map_err(|errors| {
        Failure::new(Cause::InvalidInput, format!("The task definition cannot be made: {}", sentences(errors)))
    })
}

/// Tells the outputs which revision the service is on, or is about to be.
pub(in crate::targets) fn announce_revision(arn: &str, events: &Events) {
    events.know(Output::TaskDefinitionArn, arn);
    if let Some((family, revision)) = last_part(arn).rsplit_once(':') {
        events.know(Output::TaskDefinitionFamily, family);
        events.know(Output::TaskDefinitionRevision, revision);
    }
}
