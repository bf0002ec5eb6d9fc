//! The door for an SDK in the same process: an HTTP client without a network, which works under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::Shared;
use crate::cbor;
use crate::exchange::{Broken, Reply, Request, exchange};

/// An HTTP client whose every request goes to this world, whatever its host.
pub(crate) fn http_client(shared: &Arc<Shared>) -> SharedHttpClient {
    let shared = Arc::clone(shared);
    http_client_fn(move |settings, _| {
        SharedHttpConnector::new(Connector { shared: Arc::clone(&shared), patience: settings.read_timeout() })
    })
}

#[derive(Debug)]
struct Connector {
    shared: Arc<Shared>,
    /// The read timeout that the client is configured with.
    patience: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (shared, patience) = (Arc::clone(&self.shared), self.patience);
        HttpConnectorFuture::new(async move {
            let answer = exchange(&shared, taken_in(request)?);
            let reply = match patience {
                Some(patience) => tokio::time::timeout(patience, answer).await.unwrap_or(Err(Broken::TimedOut)),
                None => answer.await,
            };
            match reply {
                Ok(reply) => given_out(reply),
                Err(broken @ Broken::TimedOut) => Err(ConnectorError::timeout(broken.into())),
                Err(broken @ Broken::Reset) => Err(ConnectorError::io(broken.into())),
            }
        })
    }
}

fn taken_in(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.bytes().map(Bytes::copy_from_slice);
    Ok(Request {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: body.ok_or_else(|| ConnectorError::user("no operation here has streams".into()))?,
    })
}

fn given_out(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(reply.status).map_err(|error| ConnectorError::user(error.into()))?;
    let sent = reply.cut.unwrap_or(reply.body.len());
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body.slice(..sent)));
    response.headers_mut().insert("content-type", reply.content_type);
    if reply.content_type == cbor::CONTENT_TYPE {
        response.headers_mut().insert("smithy-protocol", cbor::PROTOCOL);
    }
    if let Some(location) = reply.location {
        response.headers_mut().insert("location", location);
    }
    response.headers_mut().insert("x-amzn-requestid", reply.request_id);
    Ok(response)
}
