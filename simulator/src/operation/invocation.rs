//! An endpoint of Amazon SageMaker is asked: InvokeEndpoint of `sagemaker-runtime`.

use serde_json::{Value, json};

use super::{Answer, text};
use crate::Invocation;
use crate::wire::Refusal;
use crate::world::World;

/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
pub(crate) fn invoke(world: &World, request: &Value) -> Answer {
    let name = text(request, "EndpointName");
    let refuse = |message: String| Err(Refusal::new("ValidationError", message));
    let Ok(endpoint) = world.endpoint(name) else {
        return refuse(format!("Endpoint {name} of account {} not found.", world.scenario.account));
    };
    let wanted = text(request, "TargetVariant");
    let serving = endpoint.fleet.iter().find(|variant| wanted.is_empty() || variant.name == wanted);
    let Some(variant) = serving else {
        return refuse(format!("Variant {wanted} not found for Request"));
    };
    match world.scenario.invocation(&variant.texts) {
        Invocation::Answers { body, after } => {
            Ok(json!({"Body": body, "InvokedProductionVariant": variant.name, "Latency": after.as_secs_f64()}))
        }
        Invocation::Fails { status, message } => {
            let log = format!(
                "arn:{}:logs:{}:{}:log-group:/aws/sagemaker/Endpoints/{name}",
                world.scenario.partition(),
                world.scenario.region,
                world.scenario.account
            );
            let told = format!(
                "Received server error ({status}) from primary with message \"{message}\". See {log} for more information."
            );
            Err(Refusal::new("ModelError", told)
                .with_status(424)
                .with("OriginalStatusCode", json!(status))
                .with("OriginalMessage", json!(message))
                .with("LogStreamArn", json!(log)))
        }
        Invocation::NotReady { until } if world.now < until => {
            Err(Refusal::new("ModelNotReadyException", "The model is not ready to serve requests.").with_status(429))
        }
        Invocation::NotReady { .. } => {
            Ok(json!({"Body": "{}", "InvokedProductionVariant": variant.name, "Latency": 0.0}))
        }
    }
}
