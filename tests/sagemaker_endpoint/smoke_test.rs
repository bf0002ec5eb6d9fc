//! The endpoint is asked before its deployment counts.

use serde_json::json;
use simulator::{Invocation, Scenario};

use crate::stage::{answering, as_before, asking, bikes, deploying, digest, empty, scored, serves, world, writing};
use crate::support::{Step, seconds};

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_answers_as_expected_is_a_success() {
    let simulator = world(answering(Scenario::default(), "2", scored("0.7", 1)));
    let report = asking("2").input("smoke-test-repetitions", "3").run(&simulator).await;
    report.ended("deployed", "");
    let asked = simulator.calls("InvokeEndpoint");
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].request["Body"], "{\"inputs\": [1, 2]}");
    assert_eq!(asked[0].request["ContentType"], "application/json");
}

#[tokio::test(start_paused = true)]
async fn where_questions_go_instead_of_aws_is_said() {
    let (variable, elsewhere) = ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://elsewhere.example");
    for (step, is_said) in [(asking("2"), true), (deploying("2"), false)] {
        let simulator = world(answering(Scenario::default(), "2", scored("0.7", 1)));
        let report = step.variable(variable, elsewhere).run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(report.log.contains(elsewhere), is_said, "{}", report.log);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_as_expected_takes_the_deployment_back_and_what_serves_again_is_asked_too() {
    let broken = Invocation::Fails { status: 500, message: "\u{1b}[31mKeyError: 'temp_c'\n::error::x".to_owned() };
    for (invocation, told) in [
        (scored("0.4", 1), "`predictions[0].score >= 0.5` is not so (it is 0.4)"),
        (scored("0.7", 9), "`latency < 3000 ms` is not so"),
        (scored("null", 1), "is not so (it is null)"),
        (broken, "The model answered with status 500"),
    ] {
        let scenario = answering(Scenario::default(), "2", invocation);
        let simulator = world(answering(scenario, "1", scored("0.9", 0)));
        let report = asking("2").run(&simulator).await;
        report.ended("rolled-back", "smoke-test");
        assert!(report.summary.contains(told), "{told}: {}", report.summary);
        assert_eq!(report.log.lines().filter(|line| line.starts_with("::error")).count(), 1, "{}", report.log);
        assert_eq!(serves(&simulator), as_before(&simulator));
        assert_eq!(simulator.calls("InvokeEndpoint").len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_serves_again_and_does_not_pass_either_is_told() {
    let scenario = answering(Scenario::default(), "2", scored("0.1", 0));
    let simulator = world(answering(scenario, "1", scored("0.2", 0)));
    let report = asking("2").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert!(report.summary.contains("What serves again does not pass either"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_ready_is_asked_again() {
    let not_ready = |until| answering(Scenario::default(), "2", Invocation::NotReady { until: seconds(until) });
    let step = || deploying("2").input("smoke-test-payload", "1,2").input("smoke-test-content-type", "text/csv");
    let simulator = world(not_ready(300));
    step().run(&simulator).await.ended("deployed", "");
    assert!(simulator.calls("InvokeEndpoint").len() > 3);

    let simulator = world(not_ready(100_000));
    let report = step().input("smoke-test-minutes", "1").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert!(report.log.contains("within 1 minutes"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn the_payload_may_be_a_file_and_an_asynchronous_endpoint_is_not_asked() {
    let simulator = world(Scenario::default());
    let step = deploying("2").file("payload.csv", "1,2,3").input("smoke-test-payload-file", "payload.csv");
    step.run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("InvokeEndpoint")[0].request["Body"], "1,2,3");

    let simulator = empty(Scenario::default());
    let output = json!({"OutputConfig": {"S3OutputPath": "s3://answers/bikes"}});
    simulator.add_endpoint(bikes().config("AsyncInferenceConfig", output));
    let report = deploying("2").input("smoke-test-payload", "{}").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("asynchronous"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_asked_for_is_asked_too() {
    let simulator = world(answering(Scenario::default(), "1", scored("0.1", 0)));
    deploying("2").run(&simulator).await.ended("deployed", "");
    let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
    let step = step.input("smoke-test-payload", "{}").input("smoke-test-expect", "predictions[0].score >= 0.5");
    step.run(&simulator).await.ended("rolled-back", "smoke-test");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"), "back from where it was going back to");
}

#[tokio::test(start_paused = true)]
async fn what_the_container_wrote_stands_beside_the_models_own_error() {
    let broken = Invocation::Fails { status: 500, message: "KeyError: 'temp_c'".to_owned() };
    let scenario = answering(Scenario::default(), "2", broken);
    let simulator = world(writing(scenario, "2", &["predict.py, line 14: KeyError"]));
    let report = asking("2").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    for told in ["The model answered with status 500 after 20 ms: KeyError", "predict.py, line 14"] {
        assert!(report.summary.contains(told), "{}", report.summary);
    }
}
