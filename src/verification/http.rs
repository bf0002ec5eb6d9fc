//! One question to an address.

use aws_smithy_types::base64;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};

use crate::spec::Address;
use crate::web::Web;

/// Why there is no answer. Not a word of it is from the address.
#[derive(Debug, thiserror::Error)]
#[error("cannot be reached")]
pub(super) struct Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Asks once, and follows nothing.
pub(super) async fn get(address: &Address, web: &Web) -> Result<http::Response<Bytes>, Unanswered> {
    let mut url = address.reveal().clone();
    let user = (!url.username().is_empty() || url.password().is_some()).then(|| {
        let password = url.password().unwrap_or_default();
        let pair = format!("{}:{}", percent_decoded(url.username()), percent_decoded(password));
        format!("Basic {}", base64::encode(pair))
    });
    // A URL of http or https has a host, and so can have user information or none.
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| Unanswered("there is no host".into()))?;
    let mut request = http::Request::get(url.as_str())
        .header(ACCEPT, "*/*")
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if let Some(user) = user {
        request = request.header(AUTHORIZATION, user);
    }
    let request = request.body(Bytes::new()).map_err(|error| Unanswered(error.into()))?;
    web.send(request).await.map_err(|error| Unanswered(error.into()))
}

fn percent_decoded(text: &str) -> String {
    // These are nothing special in user information, and they are in the forms that this decoder is made for.
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}
