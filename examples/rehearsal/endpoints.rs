//! Endpoints of Amazon SageMaker: a staging endpoint, its promotion to production, and the way back. The inputs are those of
//! the workflows in `examples/workflows/`.

use std::time::Duration;

use serde_json::json;
use simulator::{Action, Alarm, Endpoint, Image, Invocation, ModelOutcome, Moment, Repository, Scenario, Simulator};

use crate::stage::Rehearsal;

const OLD_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/bikeshare:v4";
const NEW_IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/bikeshare:v5";
const ROLE: &str = "arn:aws:iam::111122223333:role/sagemaker-execution";
const QUESTION: &str =
    r#"{"dataframe_split": {"columns": ["station_id", "hour", "temp_c", "dow"], "data": [["72", 8, 20.5, 2]]}}"#;
const ANSWER: &str = r#"{"predictions": [11.8]}"#;

const STAGING: &[(&str, &str)] = &[
    ("endpoint-name", "bikeshare-staging"),
    ("model-image", NEW_IMAGE),
    ("model-data", "s3://bikeshare-models/v5/model.tar.gz"),
    ("model-role-arn", ROLE),
    ("instance-type", "ml.m5.large"),
    ("smoke-test-payload", QUESTION),
    ("smoke-test-expect", "predictions[0] > 0"),
];

const PROMOTE: &[(&str, &str)] = &[
    ("mode", "promote"),
    ("endpoint-name", "bikeshare-prod"),
    ("from-endpoint", "bikeshare-staging"),
    ("deployment-strategy", "canary"),
    ("canary-percent", "10"),
    ("canary-bake-time-minutes", "5"),
    ("rollback-alarms", "bikeshare-prod-5xx, bikeshare-prod-latency"),
    ("smoke-test-payload", QUESTION),
    ("smoke-test-expect", "predictions[0] > 0"),
];

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "sagemaker-staging",
        story: "A new model for the staging endpoint, which is asked a question before it counts as deployed.",
        inputs: STAGING,
        world: || Ok(world(account())),
        outcome: "deployed",
    },
    Rehearsal {
        name: "sagemaker-first",
        story: "The same for the first time: there is no endpoint yet.",
        inputs: STAGING,
        world: || Ok(without_endpoints(account())),
        outcome: "deployed",
    },
    Rehearsal {
        name: "sagemaker-smoke-test-failed",
        story: "The new model comes up, and does not understand the question: what served before serves again, and is asked \
                the same.",
        inputs: STAGING,
        world: || {
            let message = "KeyError: 'temp_c'".to_owned();
            let scenario = account().invocation_of(image("v5").digest(), Invocation::Fails { status: 500, message });
            let written = [
                "INFO  loading /opt/ml/model/model.tar.gz",
                "INFO  listening on 0.0.0.0:8080",
                "ERROR predict.py, line 14, in features: row['temp_c'] / 40",
            ];
            Ok(world(scenario.log(image("v5").digest(), &written)))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "sagemaker-silent-rollback",
        story: "The container does not answer its pings, and SageMaker goes back without a word: the endpoint is in service \
                again, and the deployment has failed all the same. The container's log says why.",
        inputs: STAGING,
        world: || {
            let scenario = Scenario { silent_endpoint_rollbacks: true, ..account() };
            let written =
                ["INFO  loading /opt/ml/model/model.tar.gz", "ModuleNotFoundError: No module named 'sklearn'"];
            Ok(world(scenario.model(image("v5").digest(), ModelOutcome::no_ping()).log(image("v5").digest(), &written)))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "sagemaker-promote",
        story: "What staging serves goes to production, the very same image, with a canary that bakes under two alarms.",
        inputs: PROMOTE,
        world: || Ok(world(account())),
        outcome: "deployed",
    },
    Rehearsal {
        name: "sagemaker-promote-alarm",
        story: "The same, and an alarm goes off while the canary bakes.",
        inputs: PROMOTE,
        world: || {
            let trip = Action::TripAlarm { name: "bikeshare-prod-5xx".to_owned() };
            Ok(world(account().other(Moment::AfterUpdate { number: 1, delay: Duration::from_secs(300) }, trip)))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "sagemaker-rollback",
        story: "Production goes back by hand, to the configuration that it served before.",
        inputs: &[("mode", "rollback"), ("endpoint-name", "bikeshare-prod"), ("to", "bikeshare-staging")],
        world: || Ok(world(account())),
        outcome: "rolled-back",
    },
];

fn image(tag: &str) -> Image {
    Image::new(tag, "linux", "amd64").docker().tag(tag)
}

fn account() -> Scenario {
    Scenario { region: "eu-west-1".to_owned(), account: "111122223333".to_owned(), ..Scenario::default() }
        .alarm(Alarm::new("bikeshare-prod-5xx"))
        .alarm(Alarm::new("bikeshare-prod-latency"))
}

fn without_endpoints(scenario: Scenario) -> Simulator {
    // What says otherwise stands before it.
    let answer = Invocation::Answers { body: ANSWER.to_owned(), after: Duration::from_millis(80) };
    let simulator = Simulator::new(scenario.invocation_of("model.tar.gz", answer));
    simulator.add_repository(Repository::new("bikeshare").image(image("v4")).image(image("v5")));
    simulator
}

/// Both endpoints with the old image; staging with newer model data.
fn world(scenario: Scenario) -> Simulator {
    let simulator = without_endpoints(scenario);
    let endpoint = |name: &str, data: &str| {
        Endpoint::new(name, OLD_IMAGE, data)
            .model("ExecutionRoleArn", json!(ROLE))
            .container("Environment", json!({"MLFLOW_DEPLOYMENT_FLAVOR_NAME": "python_function"}))
    };
    simulator.add_endpoint(endpoint("bikeshare-staging", "s3://bikeshare-models/v4.1/model.tar.gz"));
    simulator.add_endpoint(endpoint("bikeshare-prod", "s3://bikeshare-models/v4/model.tar.gz").scaled_to(3));
    simulator
}
