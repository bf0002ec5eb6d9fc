//! Endpoints of Amazon SageMaker that exist when a test begins, and what models do.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::scenario::seconds;

/// Describes an endpoint for [`Simulator::add_endpoint`](crate::Simulator::add_endpoint): in service, with one variant
/// `AllTraffic` of one `ml.m5.large`. Its configuration and its model are named after it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Endpoint {
    pub(crate) name: String,
    pub(crate) container: Map<String, Value>,
    pub(crate) model: Map<String, Value>,
    pub(crate) variant: Map<String, Value>,
    pub(crate) config: Map<String, Value>,
    pub(crate) is_of_components: bool,
    pub(crate) live_count: Option<u64>,
    pub(crate) failure: Option<String>,
    pub(crate) last_deployment: Option<Value>,
    pub(crate) tags: Vec<Value>,
}

impl Endpoint {
    /// An endpoint of that name, whose model has that image and that model data.
    pub fn new(name: impl Into<String>, image: &str, model_data: &str) -> Self {
        let members = |value: Value| if let Value::Object(members) = value { members } else { Map::new() };
        Self {
            name: name.into(),
            container: members(json!({"Image": image, "ModelDataUrl": model_data})),
            model: members(json!({"ExecutionRoleArn": "arn:aws:iam::123456789012:role/model"})),
            variant: members(json!({
                "VariantName": "AllTraffic",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
            })),
            config: Map::new(),
            is_of_components: false,
            live_count: None,
            failure: None,
            last_deployment: None,
            tags: Vec::new(),
        }
    }

    /// A member of the container definition of its model; null removes it.
    pub fn container(mut self, member: &str, value: Value) -> Self {
        set(&mut self.container, member, value);
        self
    }

    /// Another member of its model, such as `VpcConfig`.
    pub fn model(mut self, member: &str, value: Value) -> Self {
        set(&mut self.model, member, value);
        self
    }

    /// A member of its production variant; null removes it.
    pub fn variant(mut self, member: &str, value: Value) -> Self {
        set(&mut self.variant, member, value);
        self
    }

    /// Another member of its configuration, such as `DataCaptureConfig`.
    pub fn config(mut self, member: &str, value: Value) -> Self {
        set(&mut self.config, member, value);
        self
    }

    /// Its models are inference components, so that its variant names no model.
    pub fn of_components(self) -> Self {
        Self { is_of_components: true, ..self }
    }

    /// How many instances it has been scaled to, whatever its configuration says.
    pub fn scaled_to(self, count: u64) -> Self {
        Self { live_count: Some(count), ..self }
    }

    /// It is not in service but `Failed`, for this reason.
    pub fn failed(self, reason: impl Into<String>) -> Self {
        Self { failure: Some(reason.into()), ..self }
    }

    /// What its last update was told about deployments: `LastDeploymentConfig`.
    pub fn last_deployment(self, configuration: Value) -> Self {
        Self { last_deployment: Some(configuration), ..self }
    }

    /// The tags of the endpoint, of its configuration and of its model, as `{"Key": ..., "Value": ...}`.
    pub fn tags(self, tags: Vec<Value>) -> Self {
        Self { tags, ..self }
    }
}

fn set(members: &mut Map<String, Value>, member: &str, value: Value) {
    match value {
        Value::Null => members.remove(member),
        value => members.insert(member.to_owned(), value),
    };
}

/// What a variant of a model does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelBehaviour {
    /// A part of the image, of the model data or of the instance type.
    pub part: String,
    /// What it does.
    pub outcome: ModelOutcome,
}

/// How the start of a variant ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelOutcome {
    /// It answers its pings.
    Serves {
        /// From the start of its instances on.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// It never does.
    Fails {
        /// From the start of its instances to the end of SageMaker's patience.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
        /// The endpoint's `FailureReason`, in which `{variant}` is the variant's name.
        reason: String,
    },
}

impl ModelOutcome {
    /// A container that does not answer `GET /ping`.
    pub fn no_ping() -> Self {
        Self::fails(
            900,
            "The primary container for production variant {variant} did not pass the ping health check. Please check \
             CloudWatch logs for this endpoint.",
        )
    }

    /// An image that cannot be started.
    pub fn cannot_start() -> Self {
        Self::fails(
            240,
            "CannotStartContainerError. Please ensure the model container for variant {variant} starts correctly when \
             invoked with 'docker run <image> serve'",
        )
    }

    /// An instance type that is not to be had.
    pub fn no_capacity() -> Self {
        Self::fails(
            600,
            "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using \
             a different ML instance type or after some time.",
        )
    }

    fn fails(after: u64, reason: &str) -> Self {
        Self::Fails { after: Duration::from_secs(after), reason: reason.to_owned() }
    }
}

/// What a model answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelAnswer {
    /// A part of the image, of the model data or of the instance type.
    pub part: String,
    /// Its answer.
    pub invocation: Invocation,
}

/// How a request to a model ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Invocation {
    /// With an answer.
    Answers {
        /// The answer.
        body: String,
        /// How long it takes.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// With an error of the container's own: `ModelError`.
    Fails {
        /// The container's status.
        status: u16,
        /// The container's message.
        message: String,
    },
    /// With `ModelNotReadyException`, and then with an empty object.
    NotReady {
        /// Until when, by the world's time.
        #[serde(deserialize_with = "seconds")]
        until: Duration,
    },
}
