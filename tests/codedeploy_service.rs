//! Services that AWS CodeDeploy deploys, through the whole program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::Value;
use simulator::{
    Action, Alarm, AlarmState, Behaviour, DeploymentGroup, Fault, Moment, Rule, Scenario, Simulator, When,
};
use support::codedeploy::{APPSPEC, checked, checking, deploying, group, only, world};
use support::{Step, running, seconds, set_to, web, writes};

fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}

/// The AppSpec that was sent with the n-th CreateDeployment.
fn appspec(simulator: &Simulator, number: usize) -> Value {
    let request = &simulator.calls("CreateDeployment")[number].request;
    serde_json::from_str(request["revision"]["appSpecContent"]["content"].as_str().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_green_when_the_new_tasks_have_the_traffic_and_the_old_ones_are_gone() {
    let simulator = world(Scenario::default(), group().termination_wait(seconds(300)));
    let step = deploying("good:2").input("codedeploy-deployment-description", "from CI");

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:2"), "web:2".to_owned()));
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "CreateDeployment"]);
    let create = &simulator.calls("CreateDeployment")[0].request;
    assert_eq!(create["applicationName"], "AppECS-default-web");
    assert_eq!(create["deploymentGroupName"], "DgpECS-default-web");
    assert_eq!(create["description"], "from CI");
    assert!(create.get("deploymentConfigName").is_none());
    let properties = &appspec(&simulator, 0)["Resources"][0]["TargetService"]["Properties"];
    assert_eq!(properties["TaskDefinition"], report.output("task-definition-arn"));
    assert_eq!(properties["LoadBalancerInfo"]["ContainerPort"], 8080);
    assert!(report.output("codedeploy-deployment-id").starts_with("d-"));
    for word in ["Install: Succeeded", "AllowTraffic: Succeeded", "100 % of traffic"] {
        assert!(report.log.contains(word), "{word}: {report:#?}");
    }
    assert!(simulator.malformed_answers().is_empty(), "{:?}", simulator.malformed_answers());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_first_decides_whether_there_is_a_deployment() {
    for (exit_code, outcome, cause, revision) in [(0, "deployed", "", "web:2"), (1, "failed", "task-failed", "web:1")] {
        let ends = Behaviour::Ends { after: seconds(20), exit_codes: [("app".to_owned(), exit_code)].into() };
        let simulator = world(Scenario::default().one_off("good:2", ends), group());

        let report = deploying("good:2").input("run-task", "true").run(&simulator).await;

        report.ended(outcome, cause);
        assert_eq!(simulator.calls("CreateDeployment").is_empty(), revision == "web:1", "{exit_code}");
        assert_eq!((running(&simulator), set_to(&simulator)), (only(revision), revision.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_the_file_and_the_configuration_are_those_that_the_user_gives() {
    let simulator = world(Scenario::default(), group().named("shop", "shop-web"));
    let json = r#"{"resources": [{"T": {"type": "AWS::ECS::Service", "properties": {"taskdefinition": "x"}}}]}"#;
    let step = Step::deploying("good:2")
        .file("deploy.json", json)
        .input("codedeploy-appspec", "deploy.json")
        .input("codedeploy-application", "shop")
        .input("codedeploy-deployment-group", "shop-web")
        .input("codedeploy-deployment-config", "CodeDeployDefault.ECSCanary10Percent5Minutes");

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    assert!(report.log.contains("10 % of traffic"), "{report:#?}");
    assert_eq!(
        appspec(&simulator, 0)["resources"][0]["T"]["properties"]["taskdefinition"],
        report.output("task-definition-arn")
    );
}

#[tokio::test(start_paused = true)]
async fn tasks_that_keep_failing_are_taken_back_long_before_codedeploy_gives_up() {
    let simulator = world(crashing(), group());

    let report = deploying("bad:2").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
    assert!(simulator.elapsed() < seconds(300), "{:?}", simulator.elapsed());
    assert_eq!(simulator.calls("StopDeployment")[0].request["autoRollbackEnabled"], true);
    assert!(report.output("diagnosis").contains("EssentialContainerExited"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_named_and_the_service_ends_on_the_old_version() {
    for (group, creations) in [(group(), 1), (group().rollback_events(&[]), 2)] {
        let simulator = world(Scenario::default(), group.failing_hook("validate"));

        let report = deploying("good:2").run(&simulator).await;

        report.ended("rolled-back", "hook");
        assert!(report.errors()[0].contains("AfterAllowTestTraffic"), "{report:#?}");
        for word in ["HOOK_EXECUTION_FAILURE", "AfterAllowTestTraffic: The Lambda function validate reported Failed."] {
            assert!(report.output("diagnosis").contains(word), "{word}: {report:#?}");
        }
        assert!(report.summary.contains("PutLifecycleEventHookExecutionStatus"), "{report:#?}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()), "{report:#?}");
        // Where CodeDeploy does not go back by itself, another deployment does, and no hook can keep it from that.
        assert_eq!(simulator.calls("CreateDeployment").len(), creations);
        if creations == 2 {
            assert!(appspec(&simulator, 1).get("Hooks").is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_the_cause() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    let scenario = Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, trip);
    let simulator = world(scenario, group().alarms(&["errors"]).rollback_events(&["DEPLOYMENT_STOP_ON_ALARM"]));

    let report = deploying("good:2").run(&simulator).await;

    report.ended("rolled-back", "alarm");
    assert_eq!(running(&simulator), only("web:1"));
}

#[tokio::test(start_paused = true)]
async fn what_an_alarm_stopped_is_taken_back_although_the_alarm_is_still_red() {
    for is_allowed in [true, false] {
        let trip = Action::TripAlarm { name: "errors".to_owned() };
        let clear = Action::ClearAlarm { name: "errors".to_owned() };
        let at = |delay| Moment::AfterUpdate { number: 1, delay: seconds(delay) };
        // Where the alarms may not be switched off, going back has to wait for the alarm to calm down.
        let calm = if is_allowed { 10_000 } else { 21 };
        let scenario = Scenario::default().other(at(20), trip).other(at(calm), clear);
        let simulator = world(scenario, group().alarms(&["errors"]).rollback_events(&[]));
        if !is_allowed {
            let message = "is not authorized to perform: codedeploy:UpdateDeploymentGroup".to_owned();
            let from = Some(seconds(20));
            let when = When { operation: Some("CreateDeployment".to_owned()), from, times: Some(1), ..When::default() };
            let fault = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message };
            simulator.inject(Rule { when, fault });
        }

        let report = deploying("good:2").run(&simulator).await;

        report.ended("rolled-back", "alarm");
        let overrides: Vec<bool> = simulator
            .calls("CreateDeployment")
            .iter()
            .map(|call| call.request["overrideAlarmConfiguration"]["enabled"] == false)
            .collect();
        assert_eq!(overrides, if is_allowed { vec![false, true] } else { vec![false, true, false] });
        assert_eq!(report.log.contains("codedeploy:UpdateDeploymentGroup"), !is_allowed, "{report:#?}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_group_that_is_red_or_missing_is_told_before_anything_is_changed() {
    let red = || Scenario::default().alarm(Alarm::new("errors").state(AlarmState::Alarm));
    let missing =
        || Scenario::default().other(Moment::Elapsed(seconds(1)), Action::DeleteAlarm { name: "errors".to_owned() });
    type Case = (fn() -> Scenario, &'static str, &'static str, &'static str);
    let cases: [Case; 4] = [
        (red, "fail", "refused", "AWS CodeDeploy stops a deployment while an alarm of its group is"),
        (red, "warn", "rolled-back", "AWS CodeDeploy stops a deployment while an alarm of its group is"),
        (red, "ignore", "rolled-back", "ALARM_ACTIVE"),
        (missing, "warn", "refused", "there is no alarm `errors`"),
    ];
    for (scenario, policy, outcome, word) in cases {
        let simulator = world(scenario(), group().alarms(&["errors"]));
        tokio::time::sleep(seconds(2)).await;

        let report = deploying("good:2").input("alarm-preflight", policy).run(&simulator).await;

        let cause = if outcome == "refused" { "preflight" } else { "alarm" };
        report.ended(outcome, cause);
        assert!(report.log.contains(word), "{policy}: {report:#?}");
        assert_eq!(writes(&simulator).is_empty(), outcome == "refused", "{policy}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_step_ends_when_the_traffic_has_shifted_if_that_is_all_that_it_was_to_wait_for() {
    for (group, word) in [
        (group(), "nobody watches"),
        (group().alarms(&["errors"]), "nobody watches"),
        (
            group().alarms(&["errors"]).rollback_events(&["DEPLOYMENT_STOP_ON_ALARM"]),
            "rolls back when the alarm errors fires",
        ),
    ] {
        let simulator = world(Scenario::default(), group.termination_wait(seconds(3600)));

        let report = deploying("good:2").input("wait-until", "traffic-shifted").run(&simulator).await;

        report.ended("in-progress", "");
        assert_eq!(report.exit_code, 0);
        assert!(report.summary.contains("has shifted all of its traffic to the new tasks"), "{report:#?}");
        assert!(report.summary.contains(word), "{word}: {report:#?}");
        assert!(simulator.elapsed() < seconds(180), "{:?}", simulator.elapsed());
        assert_eq!(running(&simulator), [("web:1".to_owned(), 2), ("web:2".to_owned(), 2)].into());
        assert_eq!(set_to(&simulator), "web:2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_before_the_traffic_has_shifted_is_taken_back_whatever_was_to_be_waited_for() {
    let simulator = world(crashing(), group().termination_wait(seconds(3600)));

    let report = deploying("bad:2").input("wait-until", "traffic-shifted").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert_eq!(running(&simulator), only("web:1"));
}

#[tokio::test(start_paused = true)]
async fn what_can_be_waited_for_depends_on_who_deploys_the_service() {
    let ecs = || {
        let simulator = Simulator::new(Scenario::default());
        simulator.add_service(web());
        simulator
    };
    let codedeploy = || world(Scenario::default(), group());
    type Case = (fn() -> Simulator, &'static str, [&'static str; 2]);
    let cases: [Case; 2] = [
        (codedeploy, "bake-time", ["BAKE_TIME", "`traffic-shifted`"]),
        (ecs, "traffic-shifted", ["AWS CodeDeploy", "`bake-time`"]),
    ];
    for (world, value, words) in cases {
        let simulator = world();

        let report = deploying("good:2").input("wait-until", value).run(&simulator).await;

        report.ended("refused", "invalid-input");
        assert_eq!(report.errors().len(), 1, "{report:#?}");
        for word in words {
            assert!(report.log.contains(word), "{word}: {report:#?}");
        }
        assert!(writes(&simulator).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_the_checks_after_the_rollout_is_taken_back_by_another_deployment() {
    for (image, cause, creations, revision) in
        [("good:2", "", 1, "web:2"), ("bad:2", "health-check-url", 2, "web:1"), ("slow:2", "alarm", 2, "web:1")]
    {
        let simulator = world(checked(), group());

        let report = checking(image).run(&simulator).await;

        report.ended(if cause.is_empty() { "deployed" } else { "rolled-back" }, cause);
        assert_eq!(simulator.calls("CreateDeployment").len(), creations, "{image}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only(revision), revision.to_owned()), "{image}");
        if creations == 2 {
            let back = &appspec(&simulator, 1);
            assert!(back.get("Hooks").is_none() && back.to_string().contains(":task-definition/web:1"), "{back}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_changes_nothing_and_what_runs_already_is_unchanged() {
    let simulator = world(Scenario::default(), group());

    deploying("good:2").input("mode", "plan").run(&simulator).await.ended("planned", "");
    deploying("web:good-1").run(&simulator).await.ended("unchanged", "");

    assert!(writes(&simulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_to_what_codedeploy_deployed_before() {
    let simulator = world(Scenario::default(), group());
    for image in ["good:2", "good:3"] {
        deploying(image).run(&simulator).await.ended("deployed", "");
    }
    let step = Step::bare().file("appspec.yaml", APPSPEC).input("service", "web").input("mode", "rollback");

    let report = step.run(&simulator).await;

    report.ended("rolled-back", "");
    assert_eq!((report.exit_code, running(&simulator)), (0, only("web:2")));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_first_deployment_goes_to_what_the_service_began_with_also_while_the_old_tasks_leave() {
    for pause in [60, 70, 80, 90, 300] {
        let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "theirs:2".to_owned() };
        let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(1)), theirs), group());
        tokio::time::sleep(seconds(pause)).await;
        let step = Step::bare().file("appspec.yaml", APPSPEC).input("service", "web").input("mode", "rollback");

        let report = step.run(&simulator).await;

        report.ended("rolled-back", "");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()), "{pause}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_refused_before_anything_is_changed() {
    let foreign = || group().named("AppECS-default-web", "DgpECS-default-web");
    type Case = (DeploymentGroup, fn() -> Step, &'static str, &'static str);
    let cases: [Case; 6] = [
        (
            DeploymentGroup::of("api").named("AppECS-default-web", "DgpECS-default-web"),
            || deploying("good:2"),
            "preflight",
            "for api",
        ),
        (foreign().compute_platform("Lambda"), || deploying("good:2"), "preflight", "compute platform Lambda"),
        (group().named("a", "b"), || deploying("good:2"), "not-found", "AppECS-default-web"),
        (group(), || Step::deploying("good:2"), "invalid-input", "appspec.yaml"),
        (
            group(),
            || deploying("good:2").file("bad.yaml", "Resources: []").input("codedeploy-appspec", "bad.yaml"),
            "invalid-input",
            "`codedeploy-appspec`",
        ),
        (group(), || deploying("good:2").input("desired-count", "3"), "invalid-input", "`desired-count`"),
    ];
    for (group, step, cause, word) in cases {
        let simulator = world(Scenario::default(), group);

        let report = step().run(&simulator).await;

        report.ended("refused", cause);
        assert!(report.errors()[0].contains(word), "{word}: {report:#?}");
        assert!(writes(&simulator).is_empty(), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_with_the_controller_external_is_refused() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(web().controller("EXTERNAL"));

    let report = deploying("good:2").run(&simulator).await;

    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("EXTERNAL"), "{report:#?}");
    assert!(writes(&simulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_with_the_controller_ecs_costs_no_further_call() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(web());

    Step::deploying("good:2").input("mode", "plan").run(&simulator).await.ended("planned", "");

    assert_eq!(simulator.calls("DescribeServices").len(), 1);
    assert!(simulator.journal().iter().all(|call| call.service == "ecs"));
}
