//! The calls to Amazon ECR that read.

use aws_config::SdkConfig;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::ImageIdentifier;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::layer;
use super::{Described, Finding, Manifest, Mutability, Scan};
use crate::aws::{CallError, Operation};

/// Every kind of manifest that Amazon ECR keeps: for one that is not named it may answer with another one, converted.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html>
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The most that one page holds.
const PAGE: i32 = 1000;

/// Calls to one registry of Amazon ECR that change nothing. The SDK retries them.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
    account: String,
    /// For the layers, which are not at AWS's own address.
    http_client: Option<SharedHttpClient>,
}

impl Reader {
    pub(super) fn new(config: &SdkConfig, account: String) -> Self {
        Self { client: Client::new(config), account, http_client: config.http_client() }
    }

    /// [DescribeImages](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html) for one.
    async fn describe_image(&self, repository: &str, id: ImageIdentifier) -> Result<Described, CallError> {
        const OPERATION: Operation = Operation::DescribeImages;
        let answer = self
            .client
            .describe_images()
            .registry_id(&self.account)
            .repository_name(repository)
            .image_ids(id)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let digest = answer.image_details().first().and_then(|image| image.image_digest());
        let digest = digest.ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no digest"))?;
        Ok(Described { digest: digest.to_owned() })
    }

    /// The image that a tag is on.
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`](crate::aws::CallErrorKind::NotFound) when the repository or the image does not exist.
    pub async fn describe_tag(&self, repository: &str, tag: &str) -> Result<Described, CallError> {
        self.describe_image(repository, ImageIdentifier::builder().image_tag(tag).build()).await
    }

    /// The image of a digest.
    ///
    /// # Errors
    /// As [`Reader::describe_tag`].
    pub async fn describe_digest(&self, repository: &str, digest: &str) -> Result<Described, CallError> {
        self.describe_image(repository, ImageIdentifier::builder().image_digest(digest).build()).await
    }

    /// [BatchGetImage](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html) for one. What cannot
    /// be had is listed there in an answer that is otherwise a success.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn manifest(&self, repository: &str, digest: &str) -> Result<Manifest, CallError> {
        const OPERATION: Operation = Operation::BatchGetImage;
        let answer = self
            .client
            .batch_get_image()
            .registry_id(&self.account)
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_digest(digest).build())
            .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let image = answer.images().first();
        if let Some(document) = image.and_then(|image| image.image_manifest()) {
            let media_type = image.and_then(|image| image.image_manifest_media_type()).map(str::to_owned);
            return Ok(Manifest { document: document.to_owned(), media_type });
        }
        let failure = answer.failures().first();
        let code = failure.and_then(|failure| failure.failure_code()).map_or("no image", |code| code.as_str());
        let reason = failure.and_then(|failure| failure.failure_reason()).unwrap_or_default();
        Err(CallError::not_found(OPERATION, format!("{code}: {reason}")))
    }

    /// The document in a layer, such as an image's configuration:
    /// [GetDownloadUrlForLayer](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html),
    /// and a look at that address, which is one of Amazon S3.
    ///
    /// # Errors
    /// As AWS answers; when the address does not answer, or not with JSON.
    pub async fn layer(&self, repository: &str, digest: &str) -> Result<serde_json::Value, CallError> {
        const OPERATION: Operation = Operation::GetDownloadUrlForLayer;
        let answer = self
            .client
            .get_download_url_for_layer()
            .registry_id(&self.account)
            .repository_name(repository)
            .layer_digest(digest)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let url = answer.download_url().unwrap_or_default();
        layer::download(url, self.http_client.clone()).await.map_err(|error| CallError::unreadable(OPERATION, error))
    }

    /// Whether a pull-through cache fills repositories of that name, so that an image that is not there may still come:
    /// [DescribePullThroughCacheRules](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribePullThroughCacheRules.html).
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn is_pulled_through(&self, repository: &str) -> Result<bool, CallError> {
        let mut token = None;
        loop {
            let answer = self
                .client
                .describe_pull_through_cache_rules()
                .registry_id(&self.account)
                .max_results(PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::DescribePullThroughCacheRules, error))?;
            let prefixes = answer.pull_through_cache_rules().iter().filter_map(|rule| rule.ecr_repository_prefix());
            // `ROOT` is the rule for every name that no other rule is for.
            let is_for = |prefix: &str| {
                prefix == "ROOT" || repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
            };
            if prefixes.into_iter().any(is_for) {
                return Ok(true);
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(false);
            }
        }
    }

    /// Whether tags can be moved:
    /// [DescribeRepositories](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html).
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn mutability(&self, repository: &str) -> Result<Mutability, CallError> {
        const OPERATION: Operation = Operation::DescribeRepositories;
        let answer = self
            .client
            .describe_repositories()
            .registry_id(&self.account)
            .repository_names(repository)
            .send()
            .await
            .map_err(|error| CallError::new(OPERATION, error))?;
        let found = answer.repositories().first();
        found.map(Mutability::from).ok_or_else(|| CallError::unreadable(OPERATION, "the answer holds no repository"))
    }

    /// Everything that the scan of an image found so far, on all pages:
    /// [DescribeImageScanFindings](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html).
    ///
    /// # Errors
    /// [`CallErrorKind::NotFound`](crate::aws::CallErrorKind::NotFound) when there is no scan.
    pub async fn scan(&self, repository: &str, digest: &str) -> Result<Scan, CallError> {
        let mut scan = Scan::default();
        let mut token = None;
        loop {
            let answer = self
                .client
                .describe_image_scan_findings()
                .registry_id(&self.account)
                .repository_name(repository)
                .image_id(ImageIdentifier::builder().image_digest(digest).build())
                .max_results(PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::DescribeImageScanFindings, error))?;
            if let Some(status) = answer.image_scan_status() {
                scan.status = status.status().map(|word| word.as_str().to_owned()).unwrap_or_default();
                scan.explanation = status.description().map(str::to_owned);
            }
            if let Some(found) = answer.image_scan_findings() {
                let counts = found.finding_severity_counts().into_iter().flat_map(|counts| counts.values());
                scan.counted = counts.filter_map(|count| u64::try_from(*count).ok()).sum();
                scan.listed += found.findings().len() + found.enhanced_findings().len();
                scan.findings.extend(found.findings().iter().map(Finding::from));
                scan.findings.extend(found.enhanced_findings().iter().filter_map(Finding::enhanced));
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(scan);
            }
        }
    }
}
