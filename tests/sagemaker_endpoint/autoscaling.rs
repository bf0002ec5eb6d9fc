//! Autoscaling around another instance type.

use serde_json::{Value, json};
use simulator::{Fault, ModelOutcome, Rule, Scenario, Simulator, When};

use crate::stage::{answering, as_before, asking, bad, deploying, scored, serves, world};

/// What Application Auto Scaling has: the bounds of the target, and the names of its policies.
fn scaling(simulator: &Simulator) -> Vec<(u64, u64, Vec<String>)> {
    let resource = "endpoint/bikes/variant/AllTraffic";
    let look = |operation: &str, request: Value| simulator.look_at("application-autoscaling", operation, &request);
    let targets = look("DescribeScalableTargets", json!({"ServiceNamespace": "sagemaker", "ResourceIds": [resource]}));
    let policies = look("DescribeScalingPolicies", json!({"ServiceNamespace": "sagemaker", "ResourceId": resource}));
    let name = |policy: &Value| policy["PolicyName"].as_str().unwrap().to_owned();
    let names: Vec<String> = policies["ScalingPolicies"].as_array().unwrap().iter().map(name).collect();
    let number = |value: &Value| value.as_u64().unwrap();
    let targets = targets["ScalableTargets"].as_array().unwrap().clone();
    targets.iter().map(|it| (number(&it["MinCapacity"]), number(&it["MaxCapacity"]), names.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn another_instance_type_takes_autoscaling_away_for_the_time_of_the_update() {
    for (tag, outcome) in [("2", "deployed"), ("bad", "rolled-back")] {
        let simulator = world(bad(ModelOutcome::no_ping()));
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        assert_eq!(before, [(2, 8, vec!["load".to_owned()])]);

        let report = deploying(tag).input("instance-type", "ml.m5.xlarge").run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert_eq!(scaling(&simulator), before, "it is back");
        assert_eq!(simulator.calls("DeregisterScalableTarget").len(), 1);
        let order: Vec<String> = simulator.journal().into_iter().map(|call| call.operation).collect();
        let at = |operation: &str| order.iter().position(|it| it == operation).unwrap();
        assert!(at("DeregisterScalableTarget") < at("UpdateEndpoint") && at("UpdateEndpoint") < at("PutScalingPolicy"));
    }
}

#[tokio::test(start_paused = true)]
async fn autoscaling_is_left_alone_where_the_instances_stay() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    deploying("2").run(&simulator).await.ended("deployed", "");
    deploying("1").input("instance-type", "ml.m5.large").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("DeregisterScalableTarget").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_refuses_leaves_autoscaling_as_it_was() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let when = When { operation: Some("UpdateEndpoint".to_owned()), ..When::default() };
    let (code, message) = ("AccessDeniedException".to_owned(), "is not authorized".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    let step = deploying("2").input("instance-type", "ml.m5.xlarge");
    step.run(&simulator).await.ended("refused", "access-denied");
    assert_eq!(scaling(&simulator), before);
}

#[tokio::test(start_paused = true)]
async fn a_smoke_test_that_fails_on_other_instances_brings_back_the_old_ones_and_their_autoscaling() {
    let simulator = world(answering(Scenario::default(), "2", scored("0.1", 0)));
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let report = asking("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await;
    report.ended("rolled-back", "smoke-test");
    assert_eq!(serves(&simulator), as_before(&simulator));
    assert_eq!(scaling(&simulator), before);
}
