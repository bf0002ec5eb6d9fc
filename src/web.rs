//! HTTP requests that are not calls to AWS, on the AWS SDK's own HTTP stack: one TLS library, one way through a proxy, and one
//! door for tests.

use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput};
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::DeserializeResponse;
use aws_smithy_types::base64;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;
use url::{Position, Url};

/// So much of an answer's body is read, and no more: whoever answers may send without end.
const BODY: usize = 1024 * 1024;

/// There is no answer. What went wrong underneath stays in the source, which may tell the address.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is none.
    #[error("the address is not a URL")]
    NoAddress(#[source] url::ParseError),
    /// Nothing came back in time, or at all.
    #[error("there is no answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends requests, each once: no redirect is followed and nothing is sent again.
#[derive(Debug, Clone)]
pub struct Web {
    http_client: Option<SharedHttpClient>,
    patience: Duration,
}

impl Web {
    /// Waits so long for an answer. `http_client` replaces the network, for tests.
    pub const fn new(http_client: Option<SharedHttpClient>, patience: Duration) -> Self {
        Self { http_client, patience }
    }

    /// Sends a request to its absolute URL. Every answer is an answer, whatever its status; its body ends after a mebibyte.
    ///
    /// # Errors
    /// When none comes.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, WebError> {
        let url = Url::parse(&request.uri().to_string()).map_err(WebError::NoAddress)?;
        let (parts, body) = request.into_parts();
        let path = url[Position::BeforePath..Position::AfterQuery].to_owned();
        let mut operation = Operation::builder()
            .service_name("web")
            .operation_name("send")
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&url[..Position::BeforePath])
            .no_auth()
            .no_retry()
            .sleep_impl(TokioSleep::new())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(self.patience).operation_timeout(self.patience).build(),
            )
            .runtime_plugin(StaticRuntimePlugin::new().with_config({
                let mut layer = Layer::new("sensitive");
                layer.store_put(SensitiveOutput);
                layer.freeze()
            }));
        if let Some(http_client) = &self.http_client {
            operation = operation.http_client(http_client.clone());
        }
        let operation = operation
            .serializer(move |()| {
                let mut request = HttpRequest::new(SdkBody::from(body.clone()));
                request.set_method(parts.method.as_str())?;
                request.set_uri(path.as_str())?;
                for (name, value) in &parts.headers {
                    request.headers_mut().try_append(name.clone(), value.clone())?;
                }
                Ok(request)
            })
            .deserializer_impl::<http::Response<SdkBody>, std::convert::Infallible>(Head)
            .build();
        let whole = async {
            let (head, body) = operation.invoke(()).await.map_err(unreachable)?.into_parts();
            Ok(http::Response::from_parts(head, beginning(body).await?))
        };
        timeout(self.patience, whole).await.map_err(unreachable)?
    }
}

/// The URL without its user information, and what the header `Authorization` is to hold instead.
pub fn without_user(url: &Url) -> (Url, Option<String>) {
    let user = (!url.username().is_empty() || url.password().is_some()).then(|| {
        let password = url.password().unwrap_or_default();
        let pair = format!("{}:{}", percent_decoded(url.username()), percent_decoded(password));
        format!("Basic {}", base64::encode(pair))
    });
    let mut url = url.clone();
    // Only a URL without a host refuses, and that has no user either.
    url.set_username("").and_then(|()| url.set_password(None)).ok();
    (url, user)
}

fn percent_decoded(text: &str) -> String {
    // These are nothing special in user information, and they are in the forms that this decoder is made for.
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WebError {
    WebError::Unreachable(error.into())
}

async fn beginning(body: SdkBody) -> Result<Bytes, WebError> {
    let mut stream = ByteStream::new(body);
    let mut read = BytesMut::new();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(unreachable)?;
        read.extend_from_slice(&bytes[..bytes.len().min(BODY - read.len())]);
        if read.len() == BODY {
            break;
        }
    }
    Ok(read.freeze())
}

/// Takes an answer before its body has come.
#[derive(Debug)]
struct Head;

impl DeserializeResponse for Head {
    fn deserialize_streaming_with_config(
        &self,
        response: &mut HttpResponse,
        _: &ConfigBag,
    ) -> Option<Result<Output, OrchestratorError<Error>>> {
        let mut answer = http::Response::builder().status(response.status().as_u16());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        Some(answer.body(response.take_body()).map(Output::erase).map_err(OrchestratorError::other))
    }
}
