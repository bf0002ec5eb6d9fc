//! A layer, from the signed address that Amazon ECR gives.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use serde_json::Value;

use crate::web::{Web, WebError};

/// How long a few kilobytes from Amazon S3 may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no layer. The address is a key for an hour, and stays out of what is said.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    #[error("the address of the layer is none")]
    NoAddress(#[source] http::Error),
    #[error("the layer's address answered with HTTP status {0}")]
    Refused(u16),
    #[error("the layer is no JSON")]
    Unreadable(#[source] serde_json::Error),
    #[error("the layer's address does not answer")]
    Unreachable(#[source] WebError),
}

/// Downloads a small layer that is JSON.
pub(super) async fn download(address: &str, http_client: Option<SharedHttpClient>) -> Result<Value, LayerError> {
    let request = http::Request::get(address).body(Bytes::new()).map_err(LayerError::NoAddress)?;
    let answer = Web::new(http_client, PATIENCE).send(request).await.map_err(LayerError::Unreachable)?;
    if !answer.status().is_success() {
        return Err(LayerError::Refused(answer.status().as_u16()));
    }
    serde_json::from_slice(answer.body()).map_err(LayerError::Unreadable)
}
