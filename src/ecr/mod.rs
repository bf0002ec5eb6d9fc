//! The images that a request names: which version a tag is on, whether it can run, what scanning found in it, and the tags it
//! gets once it runs. Knows what Amazon ECR is, and no target.

mod gate;
mod images;
mod platform;
mod promote;
mod resolved;
mod scan;

pub use images::{Images, Place};
pub use platform::{Child, Content, Platform, content, fits, platforms};
pub use promote::Promotion;
pub use resolved::Resolved;

use crate::aws::{CallError, CallErrorKind};
use crate::cycle::Failure;

/// A call to Amazon ECR that failed, as the reason why something else cannot be done.
fn advised(error: CallError) -> Failure {
    let denied = (error.kind == CallErrorKind::Denied).then_some(error.operation);
    let passing = error.is_passing();
    let failure = Failure::from(error);
    match denied {
        Some(operation) => failure.advise(format!(
            "Allow the credentials' role to call ecr:{operation} on this repository; for a repository of another account, its \
             own policy has to allow it too."
        )),
        None if passing => failure.advise(
            "Run the job again. Where the runner cannot reach Amazon ECR at all, set `resolve-image-digest: false`.",
        ),
        None => failure,
    }
}

/// What AWS said, for the middle of a sentence.
fn said(error: &CallError) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}
