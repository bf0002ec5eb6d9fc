//! Says in the model registry where a model is in its life cycle, once it serves.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::serving::containers;
use crate::aws::sage_maker::{Document, Writer};
use crate::aws::{Again, Attempts, send};
use crate::cycle::Events;

/// The status that a stage gets: one of those that SageMaker Studio offers.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-staging-construct-set-up.html>
const STATUS: &str = "Approved";

/// A stage, and what is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LifeCycle {
    stage: String,
    /// ARNs of the versions that are served.
    packages: Vec<String>,
    /// Where and by whom.
    description: String,
}

impl LifeCycle {
    /// Of what a picture of a configuration shows.
    pub(super) fn of(stage: &str, picture: &Value, endpoint: &str, run: &str) -> Self {
        let variants = picture["ProductionVariants"].as_array().into_iter().flatten();
        let models = variants.filter_map(|variant| variant["Model"].as_object());
        let packages = models.flat_map(|model| {
            let package = |container: &Document| container.get("ModelPackageName")?.as_str().map(str::to_owned);
            containers(model).into_iter().filter_map(package).collect::<Vec<_>>()
        });
        // What is updated is named by its ARN.
        let mut packages: Vec<String> = packages.filter(|package| package.starts_with("arn:")).collect();
        packages.dedup();
        let by = if run.is_empty() { String::new() } else { format!(" by workflow run {run}") };
        Self { stage: stage.to_owned(), packages, description: format!("Deployed to endpoint {endpoint}{by}.") }
    }

    /// Says it. Nothing that serves changes by it, so what goes wrong is a warning. Idempotent.
    pub(super) async fn say(&self, writer: &Writer, max_retries: u32, events: &Events) {
        let Self { stage, packages, description } = self;
        if packages.is_empty() {
            events.warn(format!(
                "What the endpoint serves is no version of the model registry: none is said to be at the stage {stage}."
            ));
        }
        for package in packages {
            let life_cycle = json!({"Stage": stage, "StageStatus": STATUS, "StageDescription": description});
            let mut request = Document::new();
            request.insert("ModelPackageArn".to_owned(), json!(package));
            request.insert("ModelLifeCycle".to_owned(), life_cycle);
            let attempts = Attempts::new(max_retries, events);
            match send(Again::WhenPassing, attempts, async || writer.update_model_package(&request).await).await {
                Ok(()) => events.note(format!("{package} is at the stage {stage}.")),
                Err(error) => events
                    .warn(format!("{package} is deployed, and could not be said to be at the stage {stage}: {error}.")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_that_the_models_are_made_of() {
        let arn = |version: u32| format!("arn:aws:sagemaker:us-east-1:123456789012:model-package/bikes/{version}");
        let variant = |containers: Value| json!({"Model": {"Containers": containers}});
        let picture = json!({"ProductionVariants": [
            variant(json!([{"ModelPackageName": arn(1)}, {"Image": "x"}])),
            variant(json!([{"ModelPackageName": arn(1)}, {"ModelPackageName": "named"}, {"ModelPackageName": arn(2)}])),
        ]});
        let life_cycle = LifeCycle::of("Production", &picture, "bikes", "4711");
        assert_eq!(life_cycle.packages, [arn(1), arn(2)]);
        assert_eq!(life_cycle.description, "Deployed to endpoint bikes by workflow run 4711.");
        assert!(LifeCycle::of("Production", &json!({}), "bikes", "").packages.is_empty());
    }
}
