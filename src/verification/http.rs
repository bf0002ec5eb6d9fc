//! One question to an address.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};

use crate::spec::Address;
use crate::web::{Web, without_user};

/// Why there is no answer. Not a word of it is from the address.
#[derive(Debug, thiserror::Error)]
#[error("cannot be reached")]
pub(super) struct Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Asks once, and follows nothing.
pub(super) async fn get(address: &Address, web: &Web) -> Result<http::Response<Bytes>, Unanswered> {
    let (url, user) = without_user(address.reveal());
    let mut request = http::Request::get(url.as_str())
        .header(ACCEPT, "*/*")
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if let Some(user) = user {
        request = request.header(AUTHORIZATION, user);
    }
    let request = request.body(Bytes::new()).map_err(|error| Unanswered(error.into()))?;
    web.send(request).await.map_err(|error| Unanswered(error.into()))
}
