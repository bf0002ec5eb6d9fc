//! `keep-endpoint-configs`: what is deleted after a deployment, and above all what is not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::{Endpoint, Fault, ModelOutcome, Rule, Scenario, Simulator, When};

use crate::stage::{bad, deploying, digest, image, serves, world};
use crate::support::{Report, Step};

/// The endpoint configurations, or the models, that there are.
fn there(simulator: &Simulator) -> (BTreeSet<String>, BTreeSet<String>) {
    let request = json!({"MaxResults": 100});
    let answer = simulator.look_at("sagemaker", "ListEndpointConfigs", &request);
    let name = |member: &Value| member.as_str().unwrap().to_owned();
    let configs: BTreeSet<String> =
        answer["EndpointConfigs"].as_array().unwrap().iter().map(|it| name(&it["EndpointConfigName"])).collect();
    let made = simulator.calls("CreateModel").into_iter().map(|call| name(&call.request["ModelName"]));
    let exists =
        |model: &String| !simulator.look_at("sagemaker", "DescribeModel", &json!({"ModelName": model})).is_null();
    (configs, made.filter(exists).collect())
}

/// Deploys one model data after the other, and gives the configurations and the models that were made, in that order.
async fn deployed(data: std::ops::Range<u32>, simulator: &Simulator) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for number in data {
        let report = brought(number).run(simulator).await;
        report.ended("deployed", "");
        made.push(names(&report));
    }
    made
}

fn brought(number: u32) -> Step {
    deploying("1").input("model-data", &format!("s3://models/{number}.tar.gz"))
}

fn names(report: &Report) -> (String, String) {
    (report.output("endpoint-config-name").to_owned(), report.output("model-name").to_owned())
}

fn sets(made: &[&(String, String)], others: &[&str]) -> (BTreeSet<String>, BTreeSet<String>) {
    let configs = made.iter().map(|(config, _)| config.clone()).chain(others.iter().map(|&it| it.to_owned()));
    (configs.collect(), made.iter().map(|(_, model)| model.clone()).collect())
}

#[tokio::test(start_paused = true)]
async fn older_configurations_go_with_their_models_and_those_of_others_stay() {
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("bikes-9-0123456789ab", &image("1"), "s3://models/other.tar.gz"));
    let made = deployed(1..5, &simulator).await;

    let report = brought(5).input("keep-endpoint-configs", "2").run(&simulator).await;

    report.ended("deployed", "");
    // `bikes` was not made by this action, and what only looks as if it were for `bikes` has no tags that say so.
    let expected = sets(&[&made[3], &names(&report)], &["bikes", "bikes-9-0123456789ab"]);
    assert_eq!(there(&simulator), expected);
    assert!(report.log.contains(&format!("Deleted {}, {}, {}", made[2].0, made[1].0, made[0].0)), "{}", report.log);
    Step::bare()
        .input("endpoint-name", "bikes")
        .input("mode", "rollback")
        .run(&simulator)
        .await
        .ended("rolled-back", "");
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_another_endpoint_serves_or_the_way_back_needs_stays() {
    let simulator = world(Scenario::default());
    let made = deployed(1..5, &simulator).await;
    // Two other endpoints: one serves the first configuration, and the configuration of another names the second model.
    let step = Step::bare().input("endpoint-name", "cars").input("model-name", &made[1].1);
    step.input("instance-type", "ml.m5.large").run(&simulator).await.ended("deployed", "");
    simulator.add_endpoint(Endpoint::new("boats", &image("1"), "s3://models/boats.tar.gz"));
    let boats = Step::bare().input("endpoint-name", "boats").input("mode", "rollback").input("to", &made[0].0);
    boats.run(&simulator).await.ended("rolled-back", "");

    let report = brought(5).input("keep-endpoint-configs", "1").run(&simulator).await;

    report.ended("deployed", "");
    let (configs, models) = there(&simulator);
    let stays = |(config, model): &(String, String)| (configs.contains(config), models.contains(model));
    assert_eq!(stays(&made[0]), (true, true), "another endpoint serves it");
    assert_eq!(stays(&made[1]), (false, true), "another configuration names the model");
    assert_eq!(stays(&made[2]), (false, false));
    assert_eq!(stays(&made[3]), (true, true), "the way back");
    let back = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback").run(&simulator).await;
    back.ended("rolled-back", "");
    assert_eq!(simulator.describe_endpoint("bikes")["EndpointConfigName"], made[3].0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_names_what_would_go_and_deletes_nothing() {
    let simulator = world(Scenario::default());
    let made = deployed(1..5, &simulator).await;
    let before = there(&simulator);

    let plan = brought(5).input("keep-endpoint-configs", "2").input("mode", "plan").run(&simulator).await;

    plan.ended("planned", "");
    for (config, model) in &made[..3] {
        assert!(plan.output("plan").contains(&format!("{config} (and model {model})")), "{}", plan.output("plan"));
    }
    assert!(!plan.output("plan").contains(&made[3].0), "{}", plan.output("plan"));
    assert_eq!(there(&simulator), before);
    // Exactly that goes.
    let report = brought(5).input("keep-endpoint-configs", "2").run(&simulator).await;
    assert_eq!(there(&simulator), sets(&[&made[3], &names(&report)], &["bikes"]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_after_a_failure_a_rollback_or_a_deployment_of_nothing() {
    let simulator = world(bad(ModelOutcome::no_ping()));
    let made = deployed(1..4, &simulator).await;
    let tidying = |step: Step| step.input("keep-endpoint-configs", "1");

    let failed = tidying(deploying("bad")).run(&simulator).await;
    failed.ended("rolled-back", "health-check");
    tidying(brought(3)).run(&simulator).await.ended("unchanged", "");
    let refused = tidying(Step::bare().input("endpoint-name", "bikes").input("mode", "rollback")).run(&simulator).await;
    refused.ended("refused", "invalid-input");

    let all: Vec<&(String, String)> = made.iter().collect();
    let (configs, models) = there(&simulator);
    let (ours, our_models) = sets(&all, &["bikes"]);
    assert!(configs.is_superset(&ours) && models.is_superset(&our_models), "{configs:?} {models:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_warns_and_the_deployment_stays_green() {
    for operation in ["ListEndpointConfigs", "ListEndpoints", "DeleteModel", "DeleteEndpointConfig"] {
        let simulator = world(Scenario::default());
        deployed(1..4, &simulator).await;
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let (code, message) = ("AccessDeniedException".to_owned(), "no identity-based policy".to_owned());
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });

        let report = brought(4).input("keep-endpoint-configs", "1").run(&simulator).await;

        report.ended("deployed", "");
        assert_eq!(report.exit_code, 0, "{operation}");
        assert_eq!(there(&simulator).0.len(), 5, "{operation}");
        let warned = report.log.lines().any(|line| line.starts_with("::warning") && line.contains(operation));
        assert!(warned, "{operation}: {}", report.log);
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_ten_go_in_one_run_and_nothing_goes_that_was_made_without_a_word() {
    let simulator = world(Scenario::instant());
    deployed(1..14, &simulator).await;
    brought(14).input("keep-endpoint-configs", "1").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("DeleteEndpointConfig").len(), 10);

    let simulator = world(Scenario::instant());
    for number in 1..5 {
        let step = brought(number).input("deploy-tags", "false").input("keep-endpoint-configs", "1");
        step.run(&simulator).await.ended("deployed", "");
    }
    assert_eq!(simulator.calls("DeleteEndpointConfig").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_somebody_is_bringing_stays() {
    let simulator = world(Scenario::default());
    let made = deployed(1..5, &simulator).await;
    simulator.add_endpoint(Endpoint::new("boats", &image("1"), "s3://models/boats.tar.gz"));
    let boats = Step::bare().input("endpoint-name", "boats").input("mode", "rollback").input("to", &made[0].0);
    let boats = boats.input("wait-for-service-stability", "false").run(&simulator).await;
    assert_eq!(boats.output("outcome"), "in-progress");

    let report = brought(5).input("keep-endpoint-configs", "1").run(&simulator).await;

    report.ended("deployed", "");
    assert!(there(&simulator).0.contains(&made[0].0));
    assert_eq!(serves(&simulator).1, digest(&simulator, "1"));
}
