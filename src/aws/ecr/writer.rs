//! The calls to Amazon ECR that change something.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_ecr::Client;

use super::Manifest;
use crate::aws::{CallError, Operation};

/// Calls to one registry of Amazon ECR that change something. Each is sent once.
#[derive(Debug, Clone)]
pub struct Writer {
    client: Client,
    account: String,
}

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is on the image.
    Done,
    /// It is on another image, and the repository does not let it move.
    Immutable,
}

impl Writer {
    pub(super) fn new(config: &SdkConfig, account: String) -> Self {
        let once = aws_sdk_ecr::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once), account }
    }

    /// [PutImage](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html): puts a tag on an image of the
    /// same repository, wherever it was before.
    ///
    /// Idempotent: a tag that is on the image already is an error of AWS, and a success here.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn tag(&self, repository: &str, manifest: &Manifest, digest: &str, tag: &str) -> Result<Put, CallError> {
        let put = self
            .client
            .put_image()
            .registry_id(&self.account)
            .repository_name(repository)
            .image_manifest(&manifest.document)
            .set_image_manifest_media_type(manifest.media_type.clone())
            .image_digest(digest)
            .image_tag(tag)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Put::Done),
            Err(error) if error.as_service_error().is_some_and(|it| it.is_image_already_exists_exception()) => {
                Ok(Put::Done)
            }
            Err(error) if error.as_service_error().is_some_and(|it| it.is_image_tag_already_exists_exception()) => {
                Ok(Put::Immutable)
            }
            Err(error) => Err(CallError::new(Operation::PutImage, error)),
        }
    }
}
