//! Amazon SageMaker: models, endpoint configurations and endpoints as documents, so that members arrive and are carried over
//! that the SDK does not know.

mod package;
mod reader;
mod refusal;
mod runtime;
mod state;
mod writer;

use serde_json::{Map, Value};

pub use package::ModelPackage;
pub use reader::Reader;
pub(in crate::aws) use refusal::{advice, kind};
pub use runtime::{Answer, Invoker, Question};
pub use state::{DeployedImage, Endpoint, EndpointStatus, Pending, Variant};
pub use writer::Writer;

/// A request of SageMaker's, or what can be made into one again.
pub type Document = Map<String, Value>;

/// A model or an endpoint configuration as it was made. Neither ever changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    /// Its ARN.
    pub arn: String,
    /// The request that made it, without its name and its tags.
    pub document: Document,
}
