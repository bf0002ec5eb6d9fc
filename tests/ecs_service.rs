//! An ECS service, deployed to a world that behaves as AWS does over time: what is sent, and what is said of the result.

mod support;

use serde_json::{Value, json};
use simulator::{Action, Behaviour, Moment, Scenario, ServiceDeployments, Simulator};
use support::{Step, running, seconds, set_to, task_definition, web, world, writes};

#[tokio::test(start_paused = true)]
async fn a_healthy_rollout_registers_once_updates_once_and_is_green_when_its_service_deployment_succeeded() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(report.exit_code, 0);
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
    let sent = &simulator.calls("UpdateService")[0].request;
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2";
    assert_eq!(sent["taskDefinition"], arn);
    let mut members: Vec<&String> = sent.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["cluster", "service", "taskDefinition"]);

    // Green came after the service deployment had succeeded, and not before.
    let seen: Vec<Value> = simulator
        .calls("DescribeServiceDeployments")
        .iter()
        .map(|call| call.response["serviceDeployments"][0]["status"].clone())
        .collect();
    assert_eq!(seen.last(), Some(&json!("SUCCESSFUL")), "{seen:?}");
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());
    assert_eq!(report.output("task-definition-arn"), arn);
    assert_eq!(report.output("task-definition-revision"), "2");
    assert_eq!(report.output("running-count"), "2");
    assert_eq!(report.output("changed"), "true");
    assert!(report.output("service-deployment-arn").contains(":service-deployment/default/web/"));
    assert!(report.output("previous-task-definition-arn").ends_with("/web:1"));
    assert_eq!(report.errors(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_new_revision_carries_the_tags_of_the_run() {
    let simulator = world(Scenario::default());

    Step::deploying("web:good-2").input("tags", "team=shop").run(&simulator).await;

    let tags = simulator.calls("RegisterTaskDefinition")[0].request["tags"].clone();
    assert_eq!(
        tags,
        json!([
            {"key": "team", "value": "shop"},
            {"key": "ecs-deploy-action:commit", "value": "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"},
            {"key": "ecs-deploy-action:repository", "value": "shop/web"},
            {"key": "ecs-deploy-action:run", "value": "4711/1"},
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_without_circuit_breaker_fails_at_the_threshold_and_the_old_revision_runs_again() {
    let behaviour = Behaviour::Crash { after: seconds(3), container: None, exit_code: 17, reason: None };
    let simulator = world(Scenario::default().image("bad", behaviour));

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert_eq!(report.exit_code, 2);
    assert!(
        simulator.elapsed() < seconds(180),
        "red within the threshold, not the time-out: {:?}",
        simulator.elapsed()
    );
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    for fact in ["app", "17", "EssentialContainerExited", "Essential container in task exited"] {
        assert!(report.summary.contains(fact), "{fact} is missing in {}", report.summary);
    }
    assert!(report.output("message").contains("web:1 again"), "{report:#?}");
    assert_eq!(report.errors().len(), 1);
    assert!(report.errors()[0].contains("web:1 again"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_that_rolls_back_by_itself_is_a_failure_and_gets_no_update_of_ours() {
    let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
    simulator.add_service(web().circuit_breaker(true, true));

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rolled-back", "circuit-breaker");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_without_rollback_leaves_the_rollback_to_us() {
    let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
    simulator.add_service(web().circuit_breaker(true, false));

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rolled-back", "circuit-breaker");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_same_verdicts_without_service_deployments() {
    for service_deployments in [ServiceDeployments::Denied, ServiceDeployments::Unsupported] {
        for (image, breaker, outcome, cause, now) in [
            ("web:good-2", false, "deployed", "", "web:2"),
            ("web:bad", false, "rolled-back", "tasks-failing", "web:1"),
            ("web:bad", true, "rolled-back", "circuit-breaker", "web:1"),
        ] {
            let scenario = Scenario { service_deployments, ..Scenario::default() };
            let simulator = Simulator::new(scenario.image("bad", Behaviour::crash_loop()));
            simulator.add_service(web().circuit_breaker(breaker, breaker));

            let report = Step::deploying(image).run(&simulator).await;

            report.ended(outcome, cause);
            assert_eq!((running(&simulator), set_to(&simulator)), ([(now.to_owned(), 2)].into(), now.to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_newer_deployment_is_neither_our_failure_nor_ours_to_roll_back() {
    for service_deployments in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        let theirs = Action::UpdateService {
            cluster: "default".to_owned(),
            service: "web".to_owned(),
            image: Some("web:theirs".to_owned()),
            task_definition: None,
        };
        let scenario = Scenario { service_deployments, ..Scenario::default() };
        let simulator = world(scenario.other(Moment::AfterUpdate { number: 1, delay: seconds(10) }, theirs));

        let report = Step::deploying("web:good-2").run(&simulator).await;

        report.ended("superseded", "conflict");
        assert_eq!(report.exit_code, 5);
        assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
        simulator.settle().await;
        assert_eq!(running(&simulator), [("web:3".to_owned(), 2)].into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_with_keys_from_the_future_arrives_as_it_was_written() {
    let simulator = world(Scenario { accept_unknown_members: true, ..Scenario::default() });
    let mut document = task_definition("web:good-2");
    document["warpDrive"] = json!({"factor": 9, "note": "", "crew": [], "spare": {}, "gone": null});
    document["containerDefinitions"][0]["shields"] = json!([{"up": true, "tuning": null}]);
    document["containerDefinitions"][0]["command"] = json!(["sh", "-c", ""]);
    document["containerDefinitions"][0]["dockerLabels"] = json!({"empty": "", "nested": "a=b"});
    document["containerDefinitions"][0]["environment"] = json!([{"name": "EMPTY", "value": ""}]);
    document["volumes"] = json!([{"name": "scratch", "host": {}}]);
    let mut wanted = document.clone();
    wanted["warpDrive"].as_object_mut().unwrap().remove("gone");
    wanted["containerDefinitions"][0]["shields"][0].as_object_mut().unwrap().remove("tuning");
    for (member, value) in [
        ("taskDefinitionArn", json!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:9")),
        ("revision", json!(9)),
        ("status", json!("ACTIVE")),
        ("requiresAttributes", json!([{"name": "x"}])),
        ("compatibilities", json!(["EC2"])),
        ("registeredAt", json!(1.5)),
        ("registeredBy", json!("arn:aws:iam::123456789012:user/a")),
        ("deregisteredAt", json!(2)),
        ("deleteRequestedAt", json!(3)),
        ("pidMode", Value::Null),
    ] {
        document[member] = value;
    }

    let report = Step::bare()
        .input("service", "web")
        .input("task-definition", "web.json")
        .input("deploy-tags", "false")
        .file("web.json", &document.to_string())
        .run(&simulator)
        .await;

    report.ended("deployed", "");
    assert_eq!(simulator.calls("RegisterTaskDefinition")[0].request.to_string(), wanted.to_string());
}

#[tokio::test(start_paused = true)]
async fn what_is_running_already_is_neither_registered_nor_updated() {
    let simulator = world(Scenario { fill_defaults: true, ..Scenario::default() });

    let report = Step::deploying("web:good-1").run(&simulator).await;

    report.ended("unchanged", "");
    assert_eq!(report.output("changed"), "false");
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_forced_deployment_sends_no_task_definition() {
    let simulator = world(Scenario::default());

    let report = Step::bare().input("service", "web").input("force-new-deployment", "true").run(&simulator).await;

    report.ended("deployed", "");
    let sent = &simulator.calls("UpdateService")[0].request;
    assert_eq!((&sent["forceNewDeployment"], sent.get("taskDefinition")), (&json!(true), None));
}

#[tokio::test(start_paused = true)]
async fn a_new_desired_count_alone_is_waited_for_without_a_deployment() {
    let simulator = world(Scenario::default());

    let report = Step::bare().input("service", "web").input("desired-count", "4").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(running(&simulator), [("web:1".to_owned(), 4)].into());
    assert_eq!(report.output("running-count"), "4");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_puts_changed_settings_back_too() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));

    let report = Step::deploying("web:bad").input("desired-count", "3").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn plan_reads_only_and_prints_what_would_change_without_the_values_of_variables() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2")
        .input("mode", "plan")
        .input("environment-variables", "LEVEL=very-secret-level")
        .run(&simulator)
        .await;

    report.ended("planned", "");
    assert_eq!((report.exit_code, writes(&simulator)), (0, vec![]));
    assert_eq!(report.output("changed"), "false");
    let plan: Value = serde_json::from_str(report.output("plan")).unwrap();
    let subjects: Vec<&str> =
        plan["changes"].as_array().unwrap().iter().filter_map(|change| change["subject"].as_str()).collect();
    assert!(subjects.iter().any(|subject| subject.contains("image")), "{subjects:?}");
    assert!(subjects.iter().any(|subject| subject.contains("LEVEL")), "{subjects:?}");
    let everything = format!("{report:?}");
    assert!(everything.contains("web:good-2") && !everything.contains("very-secret-level"), "{everything}");
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_end_is_said_to_be_unknown() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-2").input("wait-for-service-stability", "false").run(&simulator).await;

    report.ended("in-progress", "");
    assert_eq!(report.exit_code, 0);
}

#[tokio::test(start_paused = true)]
async fn without_rollback_a_failure_stays_and_is_said_to_stay() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));

    let report = Step::deploying("web:bad").input("rollback-on-failure", "false").run(&simulator).await;

    report.ended("failed", "tasks-failing");
    assert_eq!((report.exit_code, set_to(&simulator)), (3, "web:2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_never_ends_is_rolled_back_at_the_time_out() {
    let simulator = world(Scenario::default().image("stuck", Behaviour::Stuck));

    let report = Step::deploying("web:stuck").input("wait-for-minutes", "5").run(&simulator).await;

    report.ended("rolled-back", "timeout");
    assert!(simulator.elapsed() >= seconds(300));
    assert_eq!(set_to(&simulator), "web:1");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_exist_is_told() {
    let simulator = world(Scenario::default().image("missing", Behaviour::ImageMissing { after: seconds(4) }));

    let report = Step::deploying("web:missing").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert!(report.summary.contains("CannotPullContainerError"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn failing_health_checks_have_their_own_cause() {
    let simulator = Simulator::new(Scenario::default().image("sick", Behaviour::Unhealthy { after: seconds(20) }));
    let mut checked = task_definition("web:good-1");
    checked["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"]});
    simulator.add_service(simulator::Service::new("web").desired_count(2).task_definition(checked));

    let report = Step::deploying("web:sick").run(&simulator).await;

    report.ended("rolled-back", "health-check");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_somebody_stops_is_a_failure() {
    let stop = Action::StopServiceDeployment { cluster: "default".to_owned(), service: "web".to_owned() };
    let simulator = world(Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(8) }, stop));

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("rolled-back", "stopped");
    assert_eq!(set_to(&simulator), "web:1");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_in_flight_is_waited_for_refused_or_superseded_as_asked() {
    for (policy, outcome, now) in
        [("wait", "deployed", "web:3"), ("fail", "refused", "web:2"), ("supersede", "deployed", "web:3")]
    {
        let theirs = Action::UpdateService {
            cluster: "default".to_owned(),
            service: "web".to_owned(),
            image: Some("web:theirs".to_owned()),
            task_definition: None,
        };
        let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(5)), theirs));
        tokio::time::advance(seconds(10)).await;

        let report = Step::deploying("web:good-2").input("on-conflict", policy).run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{policy}: {report:#?}");
        simulator.settle().await;
        assert_eq!(running(&simulator), [(now.to_owned(), 2)].into(), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_finds_the_revision_that_last_succeeded_and_not_the_number_before() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    Step::deploying("web:bad").run(&simulator).await.ended("rolled-back", "tasks-failing");
    Step::deploying("web:good-3").run(&simulator).await.ended("deployed", "");
    assert_eq!(set_to(&simulator), "web:3");

    let report =
        Step::bare().input("service", "web").input("mode", "rollback").input("to", "previous").run(&simulator).await;

    report.ended("rolled-back", "");
    assert_eq!((report.exit_code, set_to(&simulator)), (0, "web:1".to_owned()));
    assert_eq!(simulator.calls("RegisterTaskDefinition").len(), 2);

    let report = Step::bare().input("service", "web").input("mode", "rollback").input("to", "3").run(&simulator).await;
    report.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:3");
}

#[tokio::test(start_paused = true)]
async fn throttling_on_half_of_all_calls_changes_the_time_and_not_the_verdict() {
    for (image, outcome, cause) in [("web:good-2", "deployed", ""), ("web:bad", "rolled-back", "tasks-failing")] {
        let scenario = || Scenario::default().image("bad", Behaviour::crash_loop());
        for seed in 0..10 {
            let throttled = world(Scenario { seed, ..scenario() });
            throttled.inject(simulator::Rule {
                when: simulator::When { share: Some(0.5), ..simulator::When::default() },
                fault: simulator::Fault::Throttle,
            });

            Step::deploying(image).run(&throttled).await.ended(outcome, cause);

            assert!(throttled.journal().iter().any(|call| call.fault.is_some()), "nothing was throttled");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_thirty_minutes_takes_milliseconds_and_the_same_course_every_time() {
    let slow = Behaviour::Healthy { start: seconds(29 * 60), healthy: seconds(10) };
    let mut courses = Vec::new();
    for _ in 0..2 {
        fastrand::seed(7);
        let simulator = world(Scenario::default().image("slow", slow.clone()));
        let report = Step::deploying("web:slow").input("wait-for-minutes", "60").run(&simulator).await;
        report.ended("deployed", "");
        assert!(simulator.elapsed() > seconds(29 * 60));
        let calls: Vec<_> = simulator.journal().into_iter().map(|call| (call.at, call.operation)).collect();
        courses.push((calls, report.log));
    }
    assert_eq!(courses[0], courses[1]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_exist_is_told_with_the_nearest_name() {
    let simulator = world(Scenario::default());

    let report = Step::bare().input("service", "wed").input("image", "web:good-2").run(&simulator).await;

    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("`web`"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_ecs_gave_up_is_deployed_again_although_nothing_differs() {
    let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
    simulator.add_service(web().circuit_breaker(true, false));
    let step = || Step::deploying("web:bad").input("rollback-on-failure", "false");
    step().run(&simulator).await.ended("failed", "circuit-breaker");

    step().run(&simulator).await.ended("failed", "circuit-breaker");

    assert_eq!(simulator.calls("RegisterTaskDefinition").len(), 1);
    let sent = &simulator.calls("UpdateService")[1].request;
    assert_eq!((&sent["forceNewDeployment"], sent.get("taskDefinition")), (&json!(true), None));
}

#[tokio::test(start_paused = true)]
async fn a_registered_revision_is_deployed_as_it_is() {
    let simulator = world(Scenario::default());
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";

    for (input, value) in [("task-definition-arn", arn), ("task-definition", "web:2"), ("task-definition", arn)] {
        let report = Step::bare().input("service", "web").input(input, value).run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(set_to(&simulator), value.rsplit('/').next().unwrap());
    }
    assert_eq!(simulator.calls("RegisterTaskDefinition").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_there_already_are_no_change() {
    let simulator = world(Scenario::default());

    let report = Step::bare()
        .input("service", "web")
        .input("desired-count", "2")
        .input("propagate-tags", "NONE")
        .input("enable-execute-command", "false")
        .run(&simulator)
        .await;

    report.ended("unchanged", "");
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_fires_is_the_cause_of_the_rollback() {
    let scenario = Scenario::default()
        .other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, Action::TripAlarm { name: "errors".to_owned() });
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().alarms(&["errors"], true));

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("rolled-back", "alarm");
    assert!(report.errors()[0].contains("errors"), "{:?}", report.errors());
    assert_eq!(set_to(&simulator), "web:1");
}
