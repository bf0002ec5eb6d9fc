//! The images of models: where they may lie, of which kind they may be, and how changes of them are shown.

use crate::cycle::{Change, Shown};
use crate::ecr::Resolved;

/// AWS documents no kinds of manifests that SageMaker takes. Users report that CreateModel refuses those of OCI, with the words
/// `Unsupported manifest media type`, and what they build instead.
///
/// <https://github.com/aws/amazon-sagemaker-feedback/issues/180>, <https://github.com/mlflow/mlflow/issues/13834>
pub(in crate::targets) fn manifest(media_type: &str) -> Option<String> {
    media_type.starts_with("application/vnd.oci.").then(|| {
        format!(
            "is of the kind {media_type}, which SageMaker is reported to refuse: if it does, build the image for one platform with \
             `docker buildx build --provenance=false --output type=registry,oci-mediatypes=false`."
        )
    })
}

/// SageMaker pulls images only from the region that it runs in. `what` is what lies in that region.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html>
pub(in crate::targets) fn elsewhere(images: &[Resolved], region: &str, what: &str) -> Vec<String> {
    let strange = images.iter().filter(|image| image.registry.region != region);
    let told = |it: &Resolved| {
        format!("{} lies in {}, and {what} in {region}: push it there, too", it.written, it.registry.region)
    };
    strange.map(told).collect()
}

/// Shows tags beside the digests that take their places.
pub(in crate::targets) fn show(images: &[Resolved], changes: &mut [Change]) {
    for change in changes {
        let Shown::Value(after) = &mut change.after else { continue };
        let is = |image: &&Resolved| image.reference.pinned(&image.digest).to_string() == *after;
        if let Some(image) = images.iter().find(is) {
            *after = image.shown();
        }
    }
}
