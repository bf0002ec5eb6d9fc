//! Small documents in Amazon S3: one signed request, for which a whole client would be too much.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;

use super::{CallError, Operation};
use crate::web::Web;

/// How long a few kilobytes may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest document that is read: an answer is cut after that.
const LARGEST: usize = 1024 * 1024;
const OPERATION: Operation = Operation::GetObject;

/// Reads objects.
#[derive(Debug, Clone)]
pub struct Objects {
    config: SdkConfig,
    region: String,
}

impl Objects {
    pub(super) fn new(config: SdkConfig, region: &str) -> Self {
        Self { config, region: region.to_owned() }
    }

    /// [GetObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html) of `s3://BUCKET/KEY`, as text. A bucket of
    /// another region says which, and is asked there.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn text(&self, uri: &str) -> Result<String, CallError> {
        let wrong = |problem: &str| CallError::refused(OPERATION, format!("{uri} {problem}"));
        let address = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let (bucket, key) = address.ok_or_else(|| wrong("is not s3://BUCKET/KEY"))?;
        let answer = match self.get(bucket, key, &self.region).await? {
            (Some(region), _) if region != self.region => self.get(bucket, key, &region).await?.1,
            (_, answer) => answer,
        };
        let status = answer.status().as_u16();
        if !answer.status().is_success() {
            let text = String::from_utf8_lossy(answer.body());
            let (code, message) = (element(&text, "Code"), element(&text, "Message"));
            return Err(CallError::answered(OPERATION, status, code, message));
        }
        if answer.body().len() >= LARGEST {
            return Err(wrong("is larger than 1 MB"));
        }
        std::str::from_utf8(answer.body()).map(str::to_owned).map_err(|_not_text| wrong("is not text"))
    }

    /// The answer, and the region of the bucket where S3 says that it is another one.
    async fn get(
        &self,
        bucket: &str,
        key: &str,
        region: &str,
    ) -> Result<(Option<String>, http::Response<Bytes>), CallError> {
        let endpoint =
            self.config.endpoint_url().map_or_else(|| endpoint(region), |url| url.trim_end_matches('/').to_owned());
        let url = format!("{endpoint}/{}/{}", encoded(bucket), encoded(key));
        let request = self.signed(&url, region).await.map_err(|error| CallError::unsent(OPERATION, error))?;
        let web = Web::new(self.config.http_client(), PATIENCE);
        let answer = web.send(request).await.map_err(|error| CallError::unreadable(OPERATION, error))?;
        Ok((elsewhere(&answer), answer))
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    async fn signed(
        &self,
        url: &str,
        region: &str,
    ) -> Result<http::Request<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| CredentialsError::not_loaded("there is nothing that gives any"))?;
        let identity = provider.provide_credentials().await?.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let now = self.config.time_source().unwrap_or_default().now();
        let parameters = SigningParams::builder().identity(&identity).region(region).name("s3").time(now);
        let parameters = parameters.settings(settings).build()?.into();
        let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut request = http::Request::get(url);
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        Ok(request.body(Bytes::new())?)
    }
}

/// The region that a refusal names. It becomes a part of a host's name, and is taken only where it can be no more than that.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
fn elsewhere(answer: &http::Response<Bytes>) -> Option<String> {
    let region = answer.headers().get("x-amz-bucket-region")?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_region = !region.is_empty() && region.bytes().all(is_plain);
    (is_region && !answer.status().is_success()).then(|| region.to_owned())
}

/// Where S3 is, with the bucket as the first part of the path: a bucket's name with dots in it fits no certificate.
///
/// <https://docs.aws.amazon.com/general/latest/gr/s3.html>
fn endpoint(region: &str) -> String {
    let suffix = match super::permissions::partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("https://s3.{region}.{suffix}")
}

/// Everything in a key that is no letter, no digit and none of `-._~/` as `%XX`.
fn encoded(key: &str) -> String {
    key.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => encoded.push(byte.into()),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// The text of an element; nothing where there is none.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let begin = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    begin.and_then(|rest| rest.split_once(&format!("</{name}>"))).map_or("", |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;
    use crate::aws::CallErrorKind;

    #[test]
    fn an_address_is_of_its_partition_and_encoded_once() {
        assert_eq!(endpoint("eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!(endpoint("cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
        assert_eq!(encoded("runs/a b+c/ä.json"), "runs/a%20b%2Bc/%C3%A4.json");
    }

    #[test]
    fn a_refusal_names_a_region_and_no_other_host() {
        let answer = |status: u16, region: &str| {
            let answer = http::Response::builder().status(status).header("x-amz-bucket-region", region);
            elsewhere(&answer.body(Bytes::new()).unwrap())
        };
        assert_eq!(answer(301, "eu-west-1").as_deref(), Some("eu-west-1"));
        for region in ["", "evil.example/", "eu-west-1.evil.example", "a@evil.example:443", "EU"] {
            assert_eq!(answer(301, region), None, "{region}");
        }
        assert_eq!(answer(200, "eu-west-1"), None);
    }

    #[tokio::test]
    async fn without_credentials_nothing_is_asked_and_that_is_what_is_said() {
        let failing = provide_credentials_fn(async || Err(CredentialsError::provider_error("the token is worn out")));
        let builder = || SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest());
        for (config, told) in [
            (builder().build(), "no usable AWS credentials: there is nothing that gives any"),
            (
                builder().credentials_provider(SharedCredentialsProvider::new(failing)).build(),
                "no usable AWS credentials: the token is worn out",
            ),
        ] {
            let error = Objects::new(config, "eu-west-1").text("s3://models/evaluation.json").await.unwrap_err();
            assert_eq!((error.kind, error.explanation.as_str()), (CallErrorKind::Credentials, told));
            assert!(!error.is_passing() && !error.may_have_happened());
        }
    }

    #[test]
    fn an_error_is_read_from_its_elements() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
        assert_eq!((element(xml, "Code"), element(xml, "Message")), ("NoSuchKey", "The specified key does not exist."));
        assert_eq!(element("<html>", "Code"), "");
    }
}
