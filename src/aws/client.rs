//! How AWS is reached: region, credentials, endpoint, time-outs.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::ecs;
use crate::runner::Environment;

/// How long one attempt of one call may take. Amazon ECS answers in tens of milliseconds; a connection that hangs must not
/// eat the time in which a rollback could start.
const ATTEMPT: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// How long one call may take with all its attempts.
const OPERATION: Duration = Duration::from_secs(60);

/// Why AWS cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nothing says in which region to work.
    #[error(
        "no AWS region: set the input `aws-region`, or AWS_REGION in the environment (aws-actions/configure-aws-credentials \
         does that), or give `service` or `cluster` as an ARN"
    )]
    NoRegion,
}

/// What every client is built from.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
    endpoint: Option<String>,
    region: String,
}

impl Connection {
    /// Reads region, credentials and endpoint from the environment, where blank means unset.
    ///
    /// `region` is the input; `region_in_arns` is what is left when the environment names none either. `max_retries` bounds
    /// the retries of calls that read; calls that write are retried by the cycle, which looks before it sends again.
    /// `http_client` replaces the network, for tests.
    ///
    /// # Errors
    /// When no region is to be found.
    pub async fn new(
        environment: &Environment,
        region: Option<&str>,
        region_in_arns: Option<&str>,
        max_retries: u32,
        http_client: Option<SharedHttpClient>,
    ) -> Result<Self, ConnectionError> {
        let region = region
            .or_else(|| environment.get("AWS_REGION"))
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
            .or(region_in_arns)
            .ok_or(ConnectionError::NoRegion)?
            .to_owned();
        let endpoint =
            environment.get("AWS_ENDPOINT_URL_ECS").or_else(|| environment.get("AWS_ENDPOINT_URL")).map(str::to_owned);

        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(max_retries.saturating_add(1)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(OPERATION)
                    .build(),
            );
        if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
            loader = loader.app_name(name);
        }
        if let Some(endpoint) = &endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(http_client) = http_client {
            loader = loader.http_client(http_client);
        }
        if let Some(credentials) = credentials(environment) {
            loader = loader.credentials_provider(credentials);
        }
        Ok(Self { config: loader.load().await, endpoint, region })
    }

    /// Calls to Amazon ECS that change nothing.
    pub fn ecs_reader(&self) -> ecs::Reader {
        ecs::Reader::new(&self.config)
    }

    /// Calls to Amazon ECS that change something.
    pub fn ecs_writer(&self) -> ecs::Writer {
        ecs::Writer::new(&self.config)
    }

    /// The endpoint that the environment puts in the place of AWS, if any.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// The credentials that aws-actions/configure-aws-credentials exports. Without them the SDK's own chain looks for a web
/// identity, a container's or an instance's role.
fn credentials(environment: &Environment) -> Option<Credentials> {
    let key = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    Some(Credentials::new(key, secret, token, None, "environment"))
}
