//! Deployments that shift traffic: what is configured, what is seen while waiting, what pauses, and what goes back.

mod support;

use serde_json::{Value, json};
use simulator::{
    Action, Alarm, Behaviour, Fault, HookOutcome, Moment, Page, PageAnswer, Rule, Scenario, Service, Simulator, When,
};
use support::{Report, Step, running, seconds, set_to, web, writes};

fn shifting(strategy: &str) -> Service {
    web().deployment_configuration("strategy", json!(strategy)).deployment_configuration("bakeTimeInMinutes", json!(5))
}

fn pausing(stage: &str) -> Service {
    let timeout = json!({"timeoutInMinutes": 60, "action": "ROLLBACK"});
    let hook = json!({"targetType": "PAUSE", "lifecycleStages": [stage], "timeoutConfiguration": timeout});
    shifting("BLUE_GREEN").deployment_configuration("lifecycleHooks", json!([hook]))
}

fn world(service: Service, scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(service);
    simulator
}

fn configuration(simulator: &Simulator) -> Value {
    simulator.describe_service("default", "web")["deploymentConfiguration"].clone()
}

/// The report is green, and two tasks of `web:2` are all there is.
#[track_caller]
fn is_deployed(simulator: &Simulator, report: &Report) {
    report.ended("deployed", "");
    assert_eq!((running(simulator), set_to(simulator)), ([("web:2".to_owned(), 2)].into(), "web:2".to_owned()));
}

#[track_caller]
fn is_back(simulator: &Simulator, report: &Report, cause: &str) {
    report.ended("rolled-back", cause);
    assert_eq!((running(simulator), set_to(simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn blue_green_shows_its_stages_and_its_bake_time_uses_up_no_patience() {
    let simulator = world(shifting("BLUE_GREEN"), Scenario::default());

    let report = Step::deploying("web:good-2").input("wait-for-minutes", "2").run(&simulator).await;

    is_deployed(&simulator, &report);
    assert!(simulator.elapsed() > seconds(300), "{:?}", simulator.elapsed());
    for word in [
        "SCALE_UP · 0 % of traffic",
        "PRODUCTION_TRAFFIC_SHIFT · 100 % of traffic",
        "BAKE_TIME · 100 % of traffic · at most 5 min to bake",
    ] {
        assert!(report.log.contains(word), "{word} is not in {}", report.log);
    }
    assert!(report.log.contains("4 min"), "the bake time runs down: {}", report.log);
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn patience_ends_all_the_same_where_nothing_rests() {
    let scenario = Scenario::default().image("bad", Behaviour::Stuck);
    let simulator = world(shifting("BLUE_GREEN"), scenario);

    let report = Step::deploying("web:bad").input("wait-for-minutes", "2").run(&simulator).await;

    is_back(&simulator, &report, "timeout");
    assert!(writes(&simulator).contains(&"StopServiceDeployment".to_owned()));
    assert!(simulator.elapsed() < seconds(180), "{:?}", simulator.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_is_moved_to_canary_member_by_member_and_the_plan_says_so() {
    let service = web()
        .deployment_configuration(
            "deploymentCircuitBreaker",
            json!({"enable": true, "rollback": true, "resetOnHealthyTask": false}),
        )
        .deployment_configuration("fromTheFuture", json!({"kept": [1]}));
    let scenario = Scenario { accept_unknown_members: true, ..Scenario::default() };
    let simulator = world(service, scenario.alarm(Alarm::new("errors")).alarm(Alarm::new("latency")));

    let report = Step::deploying("web:good-2")
        .input("deployment-strategy", "canary")
        .input("canary-percent", "12.5")
        .input("canary-bake-time-minutes", "1")
        .input("bake-time-minutes", "1")
        .input("deployment-alarms", "errors\nlatency")
        .input("deployment-circuit-breaker-threshold", "25%")
        .run(&simulator)
        .await;

    is_deployed(&simulator, &report);
    let expected = json!({
        "deploymentCircuitBreaker": {
            "enable": true, "rollback": true, "resetOnHealthyTask": false,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 25},
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "CANARY",
        "fromTheFuture": {"kept": [1]},
        "bakeTimeInMinutes": 1,
        "canaryConfiguration": {"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 1},
        "alarms": {"alarmNames": ["errors", "latency"], "enable": true, "rollback": true},
    });
    assert_eq!(simulator.calls("UpdateService")[0].request["deploymentConfiguration"], expected);
    assert!(report.log.contains("deploymentConfiguration.strategy: ROLLING → CANARY"), "{}", report.log);
    assert!(report.log.contains("12.5 % of traffic"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn what_is_configured_already_is_neither_sent_nor_a_change() {
    let simulator = world(shifting("BLUE_GREEN"), Scenario::default());
    let step = || {
        Step::bare().input("service", "web").input("deployment-strategy", "blue-green").input("bake-time-minutes", "5")
    };

    step().run(&simulator).await.ended("unchanged", "");
    assert_eq!(writes(&simulator), [""; 0]);
    step().input("image", "web:good-2").run(&simulator).await.ended("deployed", "");
    assert_eq!(simulator.calls("UpdateService")[0].request["deploymentConfiguration"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_alone_is_changed_without_a_deployment() {
    let simulator = world(web(), Scenario::default());

    let report = Step::bare().input("service", "web").input("deployment-circuit-breaker", "on").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["UpdateService"]);
    assert_eq!(configuration(&simulator)["deploymentCircuitBreaker"], json!({"enable": true, "rollback": true}));
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_puts_the_configuration_back_too() {
    let simulator = world(web(), Scenario::default().image("bad", Behaviour::crash_loop()));
    let before = configuration(&simulator);

    let report = Step::deploying("web:bad")
        .input("deployment-strategy", "linear")
        .input("maximum-percent", "150")
        .input("deployment-circuit-breaker", "on")
        .run(&simulator)
        .await;

    is_back(&simulator, &report, "circuit-breaker");
    assert_eq!(configuration(&simulator), before);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_while_a_canary_bakes_is_a_rollback_by_alarm() {
    let alarm = Action::TripAlarm { name: "errors".to_owned() };
    let scenario = Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(200) }, alarm);
    let simulator = world(shifting("CANARY").alarms(&["errors"], true), scenario);

    let report = Step::deploying("web:good-2").run(&simulator).await;

    is_back(&simulator, &report, "alarm");
    assert!(report.errors()[0].contains("errors"), "{:?}", report.errors());
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_named() {
    let hooks = json!([{"hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:smoke-test",
        "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}]);
    let scenario = Scenario::default().lifecycle_hook("smoke-test", HookOutcome::Fails { after: seconds(10) });
    let simulator = world(shifting("BLUE_GREEN").deployment_configuration("lifecycleHooks", hooks), scenario);

    let report = Step::deploying("web:good-2").run(&simulator).await;

    is_back(&simulator, &report, "hook");
    assert!(report.errors()[0].contains("smoke-test (FAILED)"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn tasks_that_keep_failing_are_rolled_back_without_a_breaker() {
    let simulator = world(shifting("CANARY"), Scenario::default().image("bad", Behaviour::crash_loop()));

    let report = Step::deploying("web:bad").run(&simulator).await;

    is_back(&simulator, &report, "tasks-failing");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "StopServiceDeployment"]);
}

#[tokio::test(start_paused = true)]
async fn the_step_ends_at_the_stage_that_it_was_to_wait_for_and_says_who_watches_then() {
    let service = shifting("BLUE_GREEN").circuit_breaker(true, true).alarms(&["errors"], true);
    let simulator = world(service, Scenario::default());

    let report = Step::deploying("web:good-2").input("wait-until", "bake-time").run(&simulator).await;

    report.ended("in-progress", "");
    assert_eq!(report.exit_code, 0);
    assert!(report.output("message").contains("has reached BAKE_TIME"), "{report:#?}");
    assert!(report.log.contains("only Amazon ECS watches") && report.log.contains("errors"), "{}", report.log);
    assert!(simulator.elapsed() < seconds(150), "{:?}", simulator.elapsed());
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_before_the_stage_is_a_failure() {
    let simulator = world(shifting("BLUE_GREEN"), Scenario::default().image("bad", Behaviour::crash_loop()));

    let report = Step::deploying("web:bad").input("wait-until", "bake-time").run(&simulator).await;

    is_back(&simulator, &report, "tasks-failing");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_waited_at_until_somebody_answers() {
    for (rollback, outcome) in [(false, ("deployed", "")), (true, ("rolled-back", "stopped"))] {
        let answer =
            Action::ContinueServiceDeployment { cluster: "default".to_owned(), service: "web".to_owned(), rollback };
        let scenario = Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(300) }, answer);
        let simulator = world(pausing("POST_TEST_TRAFFIC_SHIFT"), scenario);

        let report = Step::deploying("web:good-2").run(&simulator).await;

        report.ended(outcome.0, outcome.1);
        assert!(report.output("pause-hook").starts_with("ecs-pause-"), "{report:#?}");
        assert!(report.log.contains("It waits at the pause ecs-pause-"), "{}", report.log);
        assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_answered_as_the_user_says() {
    let simulator = world(pausing("PRE_SCALE_UP"), Scenario::default());
    let report = Step::deploying("web:good-2").input("on-pause-hook", "continue").run(&simulator).await;
    is_deployed(&simulator, &report);
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "ContinueServiceDeployment"]);

    let simulator = world(pausing("POST_SCALE_UP"), Scenario::default());
    let report = Step::deploying("web:good-2").input("on-pause-hook", "rollback").run(&simulator).await;
    is_back(&simulator, &report, "hook");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "StopServiceDeployment"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_nobody_answers_is_rolled_back_by_ecs_for_that_reason() {
    let simulator = world(pausing("POST_SCALE_UP"), Scenario::default());

    let report = Step::deploying("web:good-2").input("wait-for-minutes", "120").run(&simulator).await;

    is_back(&simulator, &report, "hook");
    assert!(report.errors()[0].contains("TIMED_OUT"), "{:?}", report.errors());
}

/// A deployment that was left at its pause.
async fn left_at_a_pause() -> (Simulator, Report) {
    let simulator = world(pausing("POST_TEST_TRAFFIC_SHIFT"), Scenario::default());
    let report = Step::deploying("web:good-2").input("on-pause-hook", "return").run(&simulator).await;
    report.ended("in-progress", "");
    assert!(report.output("message").contains(report.output("pause-hook")), "{report:#?}");
    (simulator, report)
}

fn continuing() -> Step {
    Step::bare().input("service", "web").input("mode", "continue").variable("GITHUB_RUN_ID", "4712")
}

#[tokio::test(start_paused = true)]
async fn a_later_job_continues_what_was_left_at_a_pause_and_sees_it_through() {
    let (simulator, left) = left_at_a_pause().await;

    let step = || continuing().input("pause-hook", left.output("pause-hook"));
    let report = step().run(&simulator).await;

    is_deployed(&simulator, &report);
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "ContinueServiceDeployment"]);
    step().variable("GITHUB_RUN_ID", "4711").run(&simulator).await.ended("unchanged", "");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_was_just_answered_is_not_met_again_in_an_old_answer() {
    // Older than all looks at first, and old for so long that the pause is answered once more.
    for (age, answers) in [(4, 1..=1), (9, 2..=3)] {
        for on_pause in ["return", "rollback"] {
            let (simulator, _) = left_at_a_pause().await;
            let when = When { operation: Some("DescribeServiceDeployments".to_owned()), ..When::default() };
            simulator.inject(Rule { when, fault: Fault::StaleRead(seconds(age)) });
            tokio::time::sleep(seconds(60)).await;

            let report = continuing().input("on-pause-hook", on_pause).run(&simulator).await;

            is_deployed(&simulator, &report);
            let calls = simulator.calls("ContinueServiceDeployment").len();
            assert!(answers.contains(&calls), "{age} s, {on_pause}: {calls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_pause_does_not_reach_the_deployment_that_took_its_place() {
    let (simulator, left) = left_at_a_pause().await;
    let hotfix = |step: Step| step.variable("GITHUB_RUN_ID", "4713").input("on-pause-hook", "return");
    let theirs = hotfix(Step::deploying("web:hotfix").input("on-conflict", "supersede"));
    theirs.run(&simulator).await.ended("in-progress", "");

    for is_over in [false, true] {
        if is_over {
            continuing().run(&simulator).await.ended("deployed", "");
        }
        let before = writes(&simulator);
        for answer in ["rollback", "continue"] {
            let step = continuing().input("pause-hook", left.output("pause-hook")).input("pause-hook-action", answer);
            let report = step.run(&simulator).await;

            report.ended("refused", "conflict");
            assert!(report.errors()[0].contains("is not the current one"), "{:?}", report.errors());
        }
        assert_eq!(writes(&simulator), before);
    }
    assert_eq!(running(&simulator), [("web:3".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_later_job_rolls_back_what_was_left_at_a_pause() {
    let (simulator, _) = left_at_a_pause().await;

    let report = continuing().input("pause-hook-action", "rollback").run(&simulator).await;

    is_back(&simulator, &report, "");
    assert_eq!(report.exit_code, 0, "it was asked for");
    assert_eq!(report.errors(), [""; 0]);
    continuing().input("pause-hook-action", "rollback").run(&simulator).await.ended("unchanged", "");
    let late = continuing().run(&simulator).await;
    late.ended("refused", "preflight");
    assert!(late.errors()[0].contains("ROLLBACK_SUCCESSFUL"), "{:?}", late.errors());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_after_its_pause_is_rolled_back_by_the_job_that_continued_it() {
    let scenario = Scenario::default().image("bad", Behaviour::crash_loop());
    let simulator = world(pausing("PRE_SCALE_UP"), scenario);
    Step::deploying("web:bad").input("on-pause-hook", "return").run(&simulator).await.ended("in-progress", "");

    let report = continuing().run(&simulator).await;

    is_back(&simulator, &report, "tasks-failing");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_goes_on_from_its_pauses_by_itself() {
    let page = Page::new("https://web.example/").answer(PageAnswer::status(500));
    let simulator = world(pausing("POST_SCALE_UP"), Scenario::default().page(page));
    Step::deploying("web:good-2").input("on-pause-hook", "return").run(&simulator).await.ended("in-progress", "");

    let step = continuing().input("health-check-url", "https://web.example/").input("health-check-minutes", "1");
    let report = step.run(&simulator).await;

    is_back(&simulator, &report, "health-check-url");
    let answers = ["UpdateService", "ContinueServiceDeployment", "UpdateService", "ContinueServiceDeployment"];
    assert_eq!(writes(&simulator)[1..], answers);
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_may_not_go_on_from_its_pause_says_so_and_waits() {
    let simulator = world(pausing("POST_SCALE_UP"), Scenario::default());
    for operation in ["StopServiceDeployment", "ContinueServiceDeployment"] {
        let (status, code, message) = (400, "AccessDeniedException".to_owned(), "no".to_owned());
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Refuse { status, code, message } });
    }

    let report = Step::deploying("web:good-2").input("on-pause-hook", "rollback").run(&simulator).await;

    report.ended("rollback-failed", "hook");
    assert!(report.log.contains("has to be continued by hand"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn the_post_step_takes_back_a_deployment_that_was_left_at_its_bake_time() {
    let simulator = world(shifting("BLUE_GREEN"), Scenario::default());
    let step = Step::deploying("web:good-2").input("wait-until", "bake-time").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("in-progress", "");

    let report = step.post(&simulator, "failure").await;

    assert_eq!(report.exit_code, 2, "{report:#?}");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_for_service_deployments_the_end_is_still_known() {
    for (image, outcome, cause) in [("web:good-2", "deployed", ""), ("web:bad", "rolled-back", "tasks-failing")] {
        let scenario = Scenario { service_deployments: simulator::ServiceDeployments::Denied, ..Scenario::default() };
        let simulator = world(shifting("BLUE_GREEN"), scenario.image("bad", Behaviour::crash_loop()));

        let report = Step::deploying(image).run(&simulator).await;

        report.ended(outcome, cause);
    }
}
