//! AWS Signature Version 4: who calls, and whether the request is the one that was signed.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::HeaderMap;
use jiff::tz::TimeZone;

use crate::exchange::Request;
use crate::wire::Refusal;
use crate::world::{Key, World};

/// Checks the signature by signing the request once more, payload included, and gives the key it was signed with.
///
/// Unlike AWS it does not compare the signing time with its own clock: under a paused clock the two have nothing in common.
pub(crate) fn verify(world: &World, service: Option<&str>, request: &Request) -> Result<Key, Refusal> {
    let headers = &request.headers;
    let authorization = text(headers, "authorization")
        .ok_or_else(|| Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token"))?;
    let authorization = Authorization::parse(authorization)
        .ok_or_else(|| Refusal::new("IncompleteSignatureException", "The Authorization header is not complete."))?;
    let token = text(headers, "x-amz-security-token");
    let key = world.key(authorization.access_key_id).filter(|key| key.token.as_deref() == token).ok_or_else(|| {
        Refusal::new("UnrecognizedClientException", "The security token included in the request is invalid.")
    })?;
    let expected = signature(&key, &authorization, request);
    let meant = service.is_none_or(|service| service == authorization.service);
    if meant && expected.as_deref() == Some(authorization.signature) {
        return Ok(key);
    }
    Err(Refusal::new(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method.",
    )
    .with_status(403))
}

/// The region that a request is signed for; empty without a signature.
pub(crate) fn region(request: &Request) -> String {
    let authorization = text(&request.headers, "authorization").and_then(Authorization::parse);
    authorization.map(|authorization| authorization.region.to_owned()).unwrap_or_default()
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        let mut scope = field("Credential")?.split('/');
        let (access_key_id, _date, region, service) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
        let signed_headers = field("SignedHeaders")?.split(';').collect();
        Some(Self { access_key_id, region, service, signed_headers, signature: field("Signature")? })
    }
}

fn signature(key: &Key, authorization: &Authorization<'_>, request: &Request) -> Option<String> {
    let Request { method, uri, headers, body } = request;
    // The token travels as an ordinary signed header, so it is not a part of the identity here.
    let identity = Credentials::new(&key.id, &key.secret, None, None, "simulator").into();
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    if authorization.service == "s3" {
        // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(authorization.service)
        .time(time(text(headers, "x-amz-date")?)?)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let signed = authorization.signed_headers.iter().filter_map(|name| Some((*name, text(headers, name)?)));
    let request = SignableRequest::new(method, uri, signed, SignableBody::Bytes(body)).ok()?;
    sign(request, &parameters).ok().map(|output| output.into_parts().1)
}

fn time(date: &str) -> Option<SystemTime> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
