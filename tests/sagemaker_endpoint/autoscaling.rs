//! Autoscaling around another instance type.

use ecs_deploy_action::cycle::Cancellation;
use serde_json::{Value, json};
use simulator::{Action, Alarm, Fault, ModelOutcome, Moment, Rule, Scenario, Simulator, When};

use crate::stage::{answering, as_before, asking, bad, deploying, image, scored, serves, world, writes};
use crate::support::{Step, seconds};

/// Everything that Application Auto Scaling has of the variant: the target, its policies and its scheduled actions.
fn scaling(simulator: &Simulator) -> Value {
    let resource = "endpoint/bikes/variant/AllTraffic";
    let look = |operation: &str, request: Value| simulator.look_at("application-autoscaling", operation, &request);
    let of_one = || json!({"ServiceNamespace": "sagemaker", "ResourceId": resource});
    json!([
        look("DescribeScalableTargets", json!({"ServiceNamespace": "sagemaker", "ResourceIds": [resource]})),
        look("DescribeScalingPolicies", of_one()),
        look("DescribeScheduledActions", of_one()),
    ])
}

/// How many tags of the endpoint are about autoscaling.
fn remembered(simulator: &Simulator) -> usize {
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/bikes";
    let tags = simulator.look_at("sagemaker", "ListTags", &json!({"ResourceArn": arn}))["Tags"].clone();
    let is_ours = |tag: &&Value| tag["Key"].as_str().unwrap().starts_with("ecs-deploy-action:autoscaling-");
    tags.as_array().unwrap().iter().filter(is_ours).count()
}

fn names(simulator: &Simulator, operation: &str, member: &str) -> Vec<Value> {
    simulator.calls(operation).into_iter().map(|call| call.request[member].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn another_instance_type_takes_autoscaling_away_for_the_time_of_the_update() {
    for (tag, outcome) in [("2", "deployed"), ("bad", "rolled-back")] {
        let simulator = world(bad(ModelOutcome::no_ping()));
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        let bounds = &before[0]["ScalableTargets"][0];
        assert_eq!((&bounds["MinCapacity"], &bounds["MaxCapacity"]), (&json!(2), &json!(8)));

        let report = deploying(tag).input("instance-type", "ml.m5.xlarge").run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert_eq!(scaling(&simulator), before, "it is back");
        assert_eq!(remembered(&simulator), 0, "nothing of it is left in tags");
        assert_eq!(simulator.calls("AddTags").len(), 1);
        assert_eq!(simulator.calls("DeregisterScalableTarget").len(), 1);
        let order: Vec<String> = simulator.journal().into_iter().map(|call| call.operation).collect();
        let at = |operation: &str| order.iter().position(|it| it == operation).unwrap();
        assert!(at("DeregisterScalableTarget") < at("UpdateEndpoint") && at("UpdateEndpoint") < at("PutScalingPolicy"));
        assert_eq!(names(&simulator, "PutScheduledAction", "ScheduledActionName"), ["morning"]);
        // Who names a role has to be allowed to pass it.
        assert!(simulator.calls("RegisterScalableTarget")[0].request.get("RoleARN").is_none());
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

#[tokio::test(start_paused = true)]
async fn scheduled_actions_come_back_from_every_page() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    for number in 0..60 {
        let action = json!({
            "ScheduledActionName": format!("action-{number}"),
            "Schedule": "rate(1 day)",
            "StartTime": 1_900_000_000.0,
            "ScalableTargetAction": {"MaxCapacity": number},
        });
        simulator.change_scaling("bikes", "PutScheduledAction", &action);
    }
    let before = scaling(&simulator);
    deploying("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("PutScheduledAction").len(), 61);
    assert_eq!(scaling(&simulator), before);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_action_whose_moment_is_over_is_let_go_and_told_of_before() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    for (name, schedule) in [("launch", "at(2026-01-05T12:01:00)"), ("sale", "at(2031-01-05T12:00:00)")] {
        let action =
            json!({"ScheduledActionName": name, "Schedule": schedule, "ScalableTargetAction": {"MinCapacity": 8}});
        simulator.change_scaling("bikes", "PutScheduledAction", &action);
    }
    let report = deploying("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await;
    report.ended("deployed", "");
    assert!(report.log.contains("The scheduled action launch"), "{}", report.log);
    let left = scaling(&simulator)[2]["ScheduledActions"].clone();
    let left: Vec<&Value> = left.as_array().unwrap().iter().map(|action| &action["ScheduledActionName"]).collect();
    assert_eq!(left, ["morning", "sale"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_scaling_policy_that_would_lose_its_alarms_is_not_touched() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    simulator.change_scaling("bikes", "PutScalingPolicy", &json!({"PolicyName": "steps", "PolicyType": "StepScaling"}));
    let before = scaling(&simulator);
    let report = deploying("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("its step scaling policy steps would lose the alarms"), "{}", report.log);
    assert_eq!(scaling(&simulator), before);

    // Where the instances stay, nothing is in its way.
    deploying("2").run(&simulator).await.ended("deployed", "");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_leaves_autoscaling_to_the_next_one() {
    for operation in ["UpdateEndpoint", "RegisterScalableTarget", "PutScheduledAction"] {
        let simulator = world(Scenario::default());
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        let when = When { operation: Some(operation.to_owned()), times: Some(1), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Hang { after_effect: false } });
        let step = deploying("2").input("instance-type", "ml.m5.xlarge");
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            _ = step.run(&simulator) => unreachable!("it hangs"),
        }
        assert_ne!(scaling(&simulator), before, "{operation}");
        assert!(remembered(&simulator) > 0, "{operation}");

        // Also when it is another run, of another commit.
        let report = step.variable("GITHUB_RUN_ID", "4712").run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(scaling(&simulator), before, "{operation}");
        assert_eq!(remembered(&simulator), 0, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_may_not_be_tagged_is_deployed_all_the_same() {
    for operation in ["AddTags", "DeleteTags"] {
        let simulator = world(Scenario::default());
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let (code, message) = ("AccessDeniedException".to_owned(), "is not authorized".to_owned());
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
        let report = deploying("2").input("instance-type", "ml.m5.xlarge").run(&simulator).await;
        report.ended("deployed", "");
        assert!(report.log.contains(operation), "{}", report.log);
        assert_eq!(scaling(&simulator), before);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_as_it_is_gets_its_autoscaling_back_from_the_next_run() {
    let unhealthy = || bad(ModelOutcome::no_ping());
    for (tag, scenario) in [("2", answering(Scenario::default(), "2", scored("0.1", 0))), ("bad", unhealthy())] {
        let simulator = world(scenario);
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        let step = || asking(tag).input("instance-type", "ml.m5.xlarge").input("rollback-on-failure", "false");
        let report = step().run(&simulator).await;
        assert!(["failed", "rolled-back"].contains(&report.output("outcome")), "{report:#?}");
        assert_ne!(scaling(&simulator), before, "{tag}");

        // Whichever instances serve now: these are named, and nothing else changes about them.
        let served = simulator.describe_endpoint("bikes")["EndpointConfigName"].clone();
        let config = simulator.look_at("sagemaker", "DescribeEndpointConfig", &json!({"EndpointConfigName": served}));
        let instance_type = config["ProductionVariants"][0]["InstanceType"].as_str().unwrap().to_owned();
        let next = Step::bare().input("endpoint-name", "bikes").input("instance-type", &instance_type);
        let plan = next.input("mode", "plan");
        let report = plan.run(&simulator).await;
        assert!(report.output("plan").contains("autoscaled again"), "{report:#?}");
        plan.input("mode", "deploy").run(&simulator).await.ended("deployed", "");
        assert_eq!(scaling(&simulator), before, "{tag}");
        assert_eq!(remembered(&simulator), 0, "{tag}");
    }
}

#[tokio::test(start_paused = true)]
async fn autoscaling_is_not_taken_away_when_nobody_waits_to_put_it_back() {
    let step = || deploying("2").input("instance-type", "ml.m5.xlarge").input("wait-for-service-stability", "false");
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let report = step().run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("nobody is there to put it back"), "{}", report.log);
    assert_eq!((scaling(&simulator), writes(&simulator)), (before, Vec::new()));

    // Where there is none, or the instances stay, nobody has to.
    step().run(&world(Scenario::default())).await.ended("in-progress", "");
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    step().input("instance-type", "ml.m5.large").run(&simulator).await.ended("in-progress", "");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_over_gets_autoscaling_back() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("1") };
    let after = Moment::AfterUpdate { number: 1, delay: seconds(300) };
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after, theirs));
    simulator.add_scaling("bikes");
    let before = scaling(&simulator);
    let step = deploying("2").input("rollback-alarms", "errors").input("instance-type", "ml.m5.xlarge");
    step.run(&simulator).await.ended("superseded", "conflict");
    assert_eq!(scaling(&simulator), before);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_leaves_everything_says_what_becomes_of_autoscaling() {
    let simulator = world(Scenario::default());
    simulator.add_scaling("bikes");
    let (cancel, cancellation) = Cancellation::new();
    let step = deploying("2").input("instance-type", "ml.m5.xlarge").input("on-cancel", "leave");
    let cancelled = async {
        tokio::time::sleep(seconds(30)).await;
        cancel.send_replace(true);
        std::future::pending::<()>().await
    };
    let report = tokio::select! {
        report = step.run_until_cancelled(&simulator, cancellation) => report,
        () = cancelled => unreachable!("it waits for ever"),
    };
    report.ended("failed", "cancelled");
    let told = "Autoscaling of endpoint/bikes/variant/AllTraffic may be away";
    assert!(report.summary.contains(told), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn autoscaling_that_was_back_already_is_remembered_on_the_way_back() {
    for fault in [
        Fault::Hang { after_effect: false },
        Fault::Refuse { status: 400, code: "ValidationException".to_owned(), message: "It cannot be done.".to_owned() },
    ] {
        let simulator = world(Scenario::default());
        simulator.add_scaling("bikes");
        let before = scaling(&simulator);
        let step = deploying("2").input("instance-type", "ml.m5.xlarge").input("rollback-on-job-failure", "true");
        step.run(&simulator).await.ended("deployed", "");
        assert_eq!(scaling(&simulator), before);
        let (operation, from) = (Some("UpdateEndpoint".to_owned()), Some(simulator.elapsed()));
        simulator.inject(Rule { when: When { operation, from, ..When::default() }, fault });
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.post(&simulator, "failure") => {
                report.ended("rollback-failed", "job-failed");
                let told = "Autoscaling of endpoint/bikes/variant/AllTraffic may be away";
                assert!(report.summary.contains(told), "{}", report.summary);
            }
        }
        assert_ne!(scaling(&simulator), before);
        assert!(remembered(&simulator) > 0);

        let next = Step::bare().input("endpoint-name", "bikes").input("instance-type", "ml.m5.xlarge");
        next.variable("GITHUB_RUN_ID", "4712").run(&simulator).await.ended("deployed", "");
        assert_eq!(scaling(&simulator), before);
    }
}
