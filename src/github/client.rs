//! The way to GitHub's REST API: octocrab, over the HTTP stack of everything else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt as _, Full};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use secrecy::SecretString;
use serde_json::Value;
use tower_service::Service;

use super::GitHubError;
use crate::web::{Web, WebError};

/// The API of one repository.
#[derive(Debug, Clone)]
pub struct Client {
    octocrab: Octocrab,
    /// `owner/name`.
    repository: String,
}

impl Client {
    /// For the repository `owner/name`, at `api_url`, which is GitHub's or a company's own.
    ///
    /// Has to be called inside of a runtime.
    ///
    /// # Errors
    /// When `api_url` is none.
    pub fn new(api_url: &str, repository: &str, token: SecretString, web: Web) -> Result<Self, GitHubError> {
        let base: http::Uri = api_url.parse().map_err(GitHubError::NoAddress)?;
        let headers: Vec<(HeaderName, HeaderValue)> = vec![
            (USER_AGENT, HeaderValue::from_static(env!("CARGO_PKG_NAME"))),
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
        ];
        let Ok(octocrab) = OctocrabBuilder::new_empty()
            .with_service(Transport(web))
            .with_layer(&BaseUriLayer::new(base))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
            .with_auth(AuthState::AccessToken { token })
            .build();
        Ok(Self { octocrab, repository: repository.to_owned() })
    }

    /// Reads `/repos/{owner}/{name}/{path}`.
    pub(super) async fn get(&self, what: &'static str, path: &str) -> Result<Value, GitHubError> {
        let answer = self.octocrab.get(self.route(path), None::<&()>).await;
        answer.map_err(|error| GitHubError::new(what, error))
    }

    /// Makes something, once.
    pub(super) async fn post(&self, what: &'static str, path: &str, body: &Value) -> Result<Value, GitHubError> {
        let answer = self.octocrab.post(self.route(path), Some(body)).await;
        answer.map_err(|error| GitHubError::new(what, error))
    }

    /// Changes something, once.
    pub(super) async fn patch(&self, what: &'static str, path: &str, body: &Value) -> Result<Value, GitHubError> {
        let answer = self.octocrab.patch(self.route(path), Some(body)).await;
        answer.map_err(|error| GitHubError::new(what, error))
    }

    fn route(&self, path: &str) -> String {
        format!("/repos/{}/{path}", self.repository)
    }
}

/// Lets octocrab's requests out.
#[derive(Clone)]
struct Transport(Web);

impl Service<http::Request<OctoBody>> for Transport {
    type Response = http::Response<Full<Bytes>>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let web = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| TransportError::Body(Box::new(error)))?.to_bytes();
            let answer = web.send(http::Request::from_parts(parts, body)).await?;
            Ok(answer.map(Full::new))
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error("the request's body cannot be read")]
    Body(#[source] Box<octocrab::Error>),
    #[error("the request was not answered")]
    Web(#[from] WebError),
}
