//! How AWS is reached: region, credentials, endpoint, time-outs.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;

use super::credentials::{self, Session, SessionError, TokioClock};
use super::{CallError, Objects, Operation, cloudwatch, codedeploy, ecr, ecs, events, logs, sage_maker, scaling};
use crate::cycle::{Cause, Failure};
use crate::runner::id_token::Claims;
use crate::runner::{Console, Environment, IdTokens};
use crate::spec::{Access, Role, Spec, Voucher};

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
    /// The role could not be assumed.
    #[error("no session of the role")]
    Session(#[from] SessionError),
    /// AWS does not say whose credentials these are.
    #[error("whose credentials these are is not known")]
    Identity(#[from] CallError),
    /// The credentials are good, and belong to the wrong account.
    #[error("the credentials belong to account {actual} ({arn}), and `expected-account-id` is {expected}")]
    OtherAccount {
        /// The account that was named.
        expected: String,
        /// The account of the credentials.
        actual: String,
        /// Whose credentials they are.
        arn: String,
    },
}

/// All of them come before anything is changed. The wrong account is a matter of the credentials and not of the preflight,
/// which judges a service: whoever has the wrong key cannot see the service.
impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::NoRegion => Self::new(Cause::InvalidInput, error.to_string()).because(error),
            ConnectionError::Session(session) => Self::new(Cause::Credentials, format!("{}.", session.reason()))
                .advise(session.advice())
                .because(session),
            ConnectionError::Identity(call) => call.into(),
            ConnectionError::OtherAccount { .. } => Self::new(Cause::Credentials, format!("{error}."))
                .advise("Deploy with credentials of that account, or correct `expected-account-id`.")
                .because(error),
        }
    }
}

/// What every client is built from.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Without an endpoint: each service has its own.
    config: SdkConfig,
    environment: Environment,
    region: String,
    /// Whether the credentials are sessions of our own.
    renews: bool,
}

impl Connection {
    /// Reads region, credentials and endpoint from the environment, where blank means unset; assumes the role and makes sure
    /// of the account where `spec` says so.
    ///
    /// `now` is the wall clock's time. `http_client` replaces the network, for tests.
    ///
    /// # Errors
    /// When no region is to be found, when the role cannot be assumed, or when the account is another one.
    pub async fn new(
        environment: &Environment,
        spec: &Spec,
        now: Timestamp,
        console: &Console,
        http_client: Option<SharedHttpClient>,
    ) -> Result<Self, ConnectionError> {
        let region_in_arns = spec.region_in_arns();
        let region = spec
            .region
            .as_deref()
            .or_else(|| environment.get("AWS_REGION"))
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
            .or(region_in_arns.as_deref())
            .ok_or(ConnectionError::NoRegion)?
            .to_owned();
        let clock = TokioClock::starting(now);

        // Bounds the retries of calls that read; calls that write are retried by the cycle, which looks before it sends again.
        let retries = RetryConfig::standard().with_max_attempts(spec.max_retries.saturating_add(1));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .time_source(clock)
            .retry_config(retries)
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
        if let Some(http_client) = http_client.clone() {
            loader = loader.http_client(http_client);
        }
        if let Some(credentials) = credentials::of_the_environment(environment) {
            loader = loader.credentials_provider(credentials);
        }
        let mut config = loader.load().await;
        let asks_sts =
            spec.access.role.is_some() || spec.access.expected_account.is_some() || spec.access.masks_account;
        if let Some(endpoint) = environment.get("AWS_ENDPOINT_URL_STS").filter(|_| asks_sts) {
            let message =
                format!("The environment sends credentials to {endpoint} instead of AWS (AWS_ENDPOINT_URL_STS).");
            console.warn("AWS STS", &message);
        }
        if let Some(role) = &spec.access.role {
            let id_tokens = id_tokens(role, environment, http_client)?;
            let sts = sts(&config, environment);
            let session = Session::begin(role.clone(), id_tokens, sts, clock, console.clone()).await?;
            config = config
                .into_builder()
                .credentials_provider(SharedCredentialsProvider::new(session))
                .identity_cache(IdentityCache::no_cache())
                .build();
        }
        if asks_sts {
            let sts = aws_sdk_sts::Client::from_conf(sts(&config, environment).build());
            identify(&sts, &spec.access, console).await?;
        }
        let renews = spec.access.role.is_some();
        Ok(Self { config, environment: environment.clone(), region, renews })
    }

    /// Calls to Amazon ECS that change nothing.
    pub fn ecs_reader(&self) -> ecs::Reader {
        ecs::Reader::new(&self.of_service("ECS"))
    }

    /// Calls to Amazon ECS that change something.
    pub fn ecs_writer(&self) -> ecs::Writer {
        ecs::Writer::new(&self.of_service("ECS"))
    }

    /// Calls to CloudWatch Logs, which change nothing.
    pub fn logs_reader(&self) -> logs::Reader {
        logs::Reader::new(&self.of_service("CLOUDWATCH_LOGS"))
    }

    /// Calls to AWS CodeDeploy that change nothing.
    pub fn codedeploy_reader(&self) -> codedeploy::Reader {
        codedeploy::Reader::new(&self.of_service("CODEDEPLOY"))
    }

    /// Calls to AWS CodeDeploy that change something.
    pub fn codedeploy_writer(&self) -> codedeploy::Writer {
        codedeploy::Writer::new(&self.of_service("CODEDEPLOY"))
    }

    /// Calls to Amazon CloudWatch, none of which changes anything.
    pub fn cloudwatch_reader(&self) -> cloudwatch::Reader {
        cloudwatch::Reader::new(&self.of_service("CLOUDWATCH"))
    }

    /// Calls to Amazon EventBridge that change nothing.
    pub fn events_reader(&self) -> events::Reader {
        events::Reader::new(&self.of_service("EVENTBRIDGE"))
    }

    /// Calls to Amazon EventBridge that change something.
    pub fn events_writer(&self) -> events::Writer {
        events::Writer::new(&self.of_service("EVENTBRIDGE"))
    }

    /// Calls to Amazon SageMaker that change nothing.
    pub fn sage_maker_reader(&self) -> sage_maker::Reader {
        sage_maker::Reader::new(&self.of_service("SAGEMAKER"))
    }

    /// Calls to Application Auto Scaling that change nothing.
    pub fn scaling_reader(&self) -> scaling::Reader {
        scaling::Reader::new(&self.of_service("APPLICATION_AUTO_SCALING"))
    }

    /// Calls to Application Auto Scaling that change something.
    pub fn scaling_writer(&self) -> scaling::Writer {
        scaling::Writer::new(&self.of_service("APPLICATION_AUTO_SCALING"))
    }

    /// Questions to endpoints of Amazon SageMaker.
    pub fn endpoint_invoker(&self) -> sage_maker::Invoker {
        sage_maker::Invoker::new(&self.of_service("SAGEMAKER_RUNTIME"))
    }

    /// Calls to Amazon SageMaker that change something.
    pub fn sage_maker_writer(&self) -> sage_maker::Writer {
        sage_maker::Writer::new(&self.of_service("SAGEMAKER"))
    }

    /// Objects in Amazon S3, to read.
    pub fn objects(&self) -> Objects {
        Objects::new(self.of_service("S3"), &self.region)
    }

    /// The endpoints that the environment puts in the place of AWS, of the services that are called for `spec`.
    pub fn endpoints(&self, spec: &Spec) -> BTreeSet<String> {
        let called = Operation::ALL
            .iter()
            .filter(|operation| operation.grants().iter().any(|grant| grant.when.holds(spec)))
            .map(|operation| operation.endpoint_id());
        called.filter_map(|service| endpoint(&self.environment, service)).collect()
    }

    /// When the credentials end, where the environment says so and nothing renews them. No variable is set by
    /// aws-actions/configure-aws-credentials; its output `aws-expiration` can be handed on as this one, which the AWS CLI
    /// exports too.
    ///
    /// <https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html>
    pub fn credentials_end(&self) -> Option<Timestamp> {
        if self.renews {
            return None;
        }
        self.environment.get("AWS_CREDENTIAL_EXPIRATION")?.trim_matches('"').parse().ok()
    }

    /// Every registry of Amazon ECR, to read from.
    pub fn registries(&self) -> ecr::Registries {
        ecr::Registries::new(self.of_service("ECR"))
    }

    /// Every registry of Amazon ECR, to write to.
    pub fn writable_registries(&self) -> ecr::WritableRegistries {
        ecr::WritableRegistries::new(self.of_service("ECR"))
    }

    /// The configuration for a service's client. The service is named as in the variables that set endpoints.
    fn of_service(&self, service: &str) -> SdkConfig {
        let mut builder = self.config.to_builder();
        builder.set_endpoint_url(endpoint(&self.environment, service));
        builder.build()
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// The endpoint that the environment puts in the place of one service's, or of every service's.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn endpoint(environment: &Environment, service: &str) -> Option<String> {
    let of_service = format!("AWS_ENDPOINT_URL_{service}");
    environment.get(&of_service).or_else(|| environment.get("AWS_ENDPOINT_URL")).map(str::to_owned)
}

fn sts(config: &SdkConfig, environment: &Environment) -> aws_sdk_sts::config::Builder {
    let mut builder = aws_sdk_sts::config::Builder::from(config);
    builder.set_endpoint_url(endpoint(environment, "STS"));
    builder
}

/// What the job's ID token says of the job, where it may have one.
pub async fn claims(
    spec: &Spec,
    environment: &Environment,
    console: &Console,
    http_client: Option<SharedHttpClient>,
) -> Option<Claims> {
    let audience = match spec.access.role.as_ref().map(|role| &role.voucher) {
        Some(Voucher::IdToken { audience }) => audience,
        Some(Voucher::Environment) => return None,
        None => "sts.amazonaws.com",
    };
    let token = IdTokens::new(environment, audience, http_client).ok()?.fetch().await.ok()?;
    console.mask(token.reveal());
    token.claims()
}

fn id_tokens(
    role: &Role,
    environment: &Environment,
    http_client: Option<SharedHttpClient>,
) -> Result<Option<IdTokens>, SessionError> {
    match &role.voucher {
        Voucher::IdToken { audience } => Ok(Some(IdTokens::new(environment, audience, http_client)?)),
        Voucher::Environment => Ok(None),
    }
}

/// What masking the account's id costs.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs>
const MASKED: &str = "GitHub drops an output of a job that holds a masked value, so other jobs get no output with an ARN or with an \
                      image of Amazon ECR in it. Hand them names, family, revision or `image-digest` instead.";

/// Prints whose credentials these are, and makes sure that they belong to the account that was named.
/// [GetCallerIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html) needs no permission.
async fn identify(sts: &aws_sdk_sts::Client, access: &Access, console: &Console) -> Result<(), ConnectionError> {
    let answer =
        sts.get_caller_identity().send().await.map_err(|error| CallError::new(Operation::GetCallerIdentity, error))?;
    let arn = answer.arn().unwrap_or("an unnamed identity");
    let actual = answer.account().unwrap_or_default();
    if access.masks_account {
        console.mask(actual);
        console.warn("The AWS account's id is masked", MASKED);
    }
    console.text(&format!("AWS is called as {arn}."));
    match &access.expected_account {
        Some(expected) if actual != expected => Err(ConnectionError::OtherAccount {
            expected: expected.clone(),
            actual: actual.to_owned(),
            arn: arn.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}
