//! The model registry of Amazon SageMaker: a trained model is judged by its metrics, registered, approved, and deployed. The inputs
//! are those of `examples/workflows/sagemaker-register.yml`.

use serde_json::json;
use simulator::{Endpoint, Image, Repository, Scenario, Simulator};

use crate::stage::Rehearsal;

const IMAGE: &str = "111122223333.dkr.ecr.ap-southeast-1.amazonaws.com/mlops/retail-api:build-42-8c1d2e3";

const REGISTER: &[(&str, &str)] = &[
    ("mode", "register-model"),
    ("aws-region", "ap-southeast-1"),
    ("model-package-group", "retail-price-sensitivity-models"),
    ("model-image", IMAGE),
    ("model-data", "s3://retail-forecast-artifacts/42/model.tar.gz"),
    ("model-metrics", "examples/evaluation.json"),
    ("quality-gates", "accuracy >= 0.80\nf1 >= 0.7"),
    ("approve", "if-gates-pass"),
];

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "sagemaker-register",
        story: "A model that passes its quality gates becomes a new version of the model registry, and is approved.",
        inputs: REGISTER,
        world: || Ok(world()),
        outcome: "deployed",
    },
    Rehearsal {
        name: "sagemaker-register-gates-failed",
        story: "The same with another gate, which the model does not pass: nothing is registered.",
        inputs: &[
            REGISTER[0],
            REGISTER[1],
            REGISTER[2],
            REGISTER[3],
            REGISTER[4],
            REGISTER[5],
            ("quality-gates", "accuracy >= 0.80\nf1 >= 0.7\nroc_auc > 0.95\nrecall >= 0.5"),
            REGISTER[7],
        ],
        world: || Ok(world()),
        outcome: "refused",
    },
    Rehearsal {
        name: "sagemaker-register-plan",
        story: "What would be registered, and how the gates stand.",
        inputs: &[
            ("mode", "plan"),
            REGISTER[1],
            REGISTER[2],
            REGISTER[3],
            REGISTER[4],
            REGISTER[5],
            REGISTER[6],
            REGISTER[7],
        ],
        world: || Ok(world()),
        outcome: "planned",
    },
    Rehearsal {
        name: "sagemaker-latest-approved",
        story: "The latest approved version goes to the staging endpoint, and its life cycle says so.",
        inputs: &[
            ("endpoint-name", "retail-staging"),
            ("aws-region", "ap-southeast-1"),
            ("model-package-group", "retail-price-sensitivity-models"),
            ("model-version", "latest-approved"),
            ("quality-gates", "accuracy >= 0.80\nf1 >= 0.7"),
            ("model-life-cycle-stage", "Staging"),
        ],
        world: || {
            let simulator = world();
            let metrics = json!({"accuracy": "0.87", "f1": "0.79"});
            let approved = json!({"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": metrics});
            simulator.add_model_package("retail-price-sensitivity-models", 3, &approved);
            simulator.add_model_package("retail-price-sensitivity-models", 4, &json!({}));
            simulator.add_endpoint(Endpoint::new(
                "retail-staging",
                IMAGE,
                "s3://retail-forecast-artifacts/41/model.tar.gz",
            ));
            Ok(simulator)
        },
        outcome: "deployed",
    },
];

fn world() -> Simulator {
    let simulator = Simulator::new(Scenario {
        region: "ap-southeast-1".to_owned(),
        account: "111122223333".to_owned(),
        ..Scenario::default()
    });
    let image = Image::new("build-42-8c1d2e3", "linux", "amd64").tag("build-42-8c1d2e3");
    simulator.add_repository(Repository::new("mlops/retail-api").image(image));
    simulator.add_model_package(
        "retail-price-sensitivity-models",
        1,
        &json!({"ModelApprovalStatus": "Rejected", "ApprovalDescription": "Accuracy fell."}),
    );
    simulator
}
