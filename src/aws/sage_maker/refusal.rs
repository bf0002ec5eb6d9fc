//! What SageMaker means when it refuses. It has one code, `ValidationException`, and says the rest in words: this is the one
//! place that reads them.

use crate::aws::CallErrorKind;

/// What kind of trouble a `ValidationException` is, by its message.
///
/// No list of these messages is published: these are the ones that users report. Any other one is a request that SageMaker does
/// not take, so that nothing is ever taken for absent by mistake.
pub(in crate::aws) fn kind(message: &str) -> CallErrorKind {
    let message = message.to_ascii_lowercase();
    let is_missing_package = message.starts_with("modelpackage") && message.ends_with(" does not exist.");
    if message.starts_with("could not find ") || is_missing_package {
        CallErrorKind::NotFound
    } else if message.starts_with("cannot create already existing ")
        || message.starts_with("cannot update in-progress ")
        || message.starts_with("model package group already exists")
    {
        CallErrorKind::Conflict
    } else {
        CallErrorKind::Invalid
    }
}

/// What can be done about a request that SageMaker does not take, where something is known to help.
pub(in crate::aws) fn advice(message: &str) -> Option<&'static str> {
    // https://github.com/aws/amazon-sagemaker-feedback/issues/180
    message.contains("Unsupported manifest media type").then_some(
        "SageMaker takes images of Docker's own kind for one platform: build the image with `docker buildx build \
         --provenance=false --output type=registry,oci-mediatypes=false`, with one `--platform`, and push it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_means_one_thing() {
        let arn = "\"arn:aws:sagemaker:us-east-1:123456789012:endpoint/bikes\".";
        for (message, expected) in [
            (format!("Could not find endpoint {arn}"), CallErrorKind::NotFound),
            (format!("Could not find endpoint configuration {arn}"), CallErrorKind::NotFound),
            (format!("Could not find model '{arn}'"), CallErrorKind::NotFound),
            (format!("could not find model package group {arn}"), CallErrorKind::NotFound),
            (
                "ModelPackageGroup arn:aws:sagemaker:us-east-1:123456789012:model-package-group/a does not exist."
                    .to_owned(),
                CallErrorKind::NotFound,
            ),
            (
                "ModelPackage arn:aws:sagemaker:us-east-1:123456789012:model-package/a/1 does not exist.".to_owned(),
                CallErrorKind::NotFound,
            ),
            ("Model Package Group already exists: arn:aws:sagemaker:x".to_owned(), CallErrorKind::Conflict),
            (format!("Cannot create already existing endpoint {arn}"), CallErrorKind::Conflict),
            (format!("Cannot create already existing endpoint configuration {arn}"), CallErrorKind::Conflict),
            (format!("Cannot create already existing model {arn}"), CallErrorKind::Conflict),
            (format!("Cannot update in-progress endpoint {arn}"), CallErrorKind::Conflict),
            (
                "1 validation error detected: Value 'x ' at 'primaryContainer.image' failed".to_owned(),
                CallErrorKind::Invalid,
            ),
            ("Could not access model data at s3://models/a.tar.gz.".to_owned(), CallErrorKind::Invalid),
            ("Could not assume role arn:aws:iam::123456789012:role/model.".to_owned(), CallErrorKind::Invalid),
            ("User could not find anything".to_owned(), CallErrorKind::Invalid),
            ("The role for the ModelPackage does not exist.".to_owned(), CallErrorKind::Invalid),
            (String::new(), CallErrorKind::Invalid),
        ] {
            assert_eq!(kind(&message), expected, "{message}");
        }
    }
}
