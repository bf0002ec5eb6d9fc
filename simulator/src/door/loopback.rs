//! The door for other processes: an HTTP server on 127.0.0.1.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Shared;
use crate::cbor;
use crate::exchange::{Reply, Request, exchange};

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Aborts its task when dropped, and with it every connection.
    _accepting: JoinSet<()>,
}

impl Server {
    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the scenario breaks this connection")]
    Broken(#[source] crate::exchange::Broken),
    #[error("the request could not be read")]
    Read(#[source] hyper::Error),
    #[error("the answer could not be made")]
    Answer(#[source] http::Error),
}

pub(crate) async fn serve(shared: &Arc<Shared>, port: u16) -> std::io::Result<Server> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let mut accepting = JoinSet::new();
    accepting.spawn(accept(listener, Arc::clone(shared)));
    Ok(Server { address, _accepting: accepting })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    // A connection that cannot be accepted concerns the client alone.
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let conversation = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // It ends in an error whenever a fault says so; the client sees that, and nobody else has to.
    conversation.await.ok();
}

/// A body that may end before its announced end.
struct Content {
    data: Option<Bytes>,
    announced: u64,
    cut: bool,
}

/// Ends a body before its announced end.
#[derive(Debug, thiserror::Error)]
#[error("the scenario cuts this answer")]
struct Cut;

impl Body for Content {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.data.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None if self.cut => Poll::Ready(Some(Err(Cut))),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

async fn answer(request: http::Request<Incoming>, shared: Arc<Shared>) -> Result<http::Response<Content>, Closed> {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let request = Request {
        method: parts.method.to_string(),
        uri: format!("http://{host}{}", parts.uri),
        body: body.collect().await.map_err(Closed::Read)?.to_bytes(),
        headers: parts.headers,
    };
    let reply = exchange(&shared, request).await.map_err(Closed::Broken)?;
    let mut response = http::Response::builder();
    if reply.content_type == cbor::CONTENT_TYPE {
        response = response.header("smithy-protocol", cbor::PROTOCOL);
    }
    if let Some(location) = &reply.location {
        response = response.header(http::header::LOCATION, location);
    }
    response
        .status(reply.status)
        .header(http::header::CONTENT_TYPE, reply.content_type)
        .header(http::header::CONTENT_LENGTH, reply.body.len())
        .header("x-amzn-requestid", &reply.request_id)
        .body(content(reply))
        .map_err(Closed::Answer)
}

fn content(reply: Reply) -> Content {
    let sent = reply.cut.unwrap_or(reply.body.len());
    Content { announced: reply.body.len() as u64, cut: reply.cut.is_some(), data: Some(reply.body.slice(..sent)) }
}
