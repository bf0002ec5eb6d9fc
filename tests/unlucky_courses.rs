//! Courses of events in which somebody, or something, is in the way: no wrong green, no wrong "runs again", and nobody else's
//! work undone.

mod support;

use std::time::Duration;

use ecs_deploy_action::cycle::Cancellation;
use simulator::{Action, Behaviour, Fault, Moment, Rule, Scenario, ServiceDeployments, Simulator, When};
use support::{Report, Step, running, seconds, set_to, web, world, writes};

fn theirs(image: &str) -> Action {
    Action::UpdateService {
        cluster: "default".to_owned(),
        service: "web".to_owned(),
        image: Some(image.to_owned()),
        task_definition: None,
    }
}

fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}

fn without_service_deployments() -> Scenario {
    Scenario { service_deployments: ServiceDeployments::Unsupported, ..crashing() }
}

fn on(operation: &str, fault: Fault) -> Rule {
    Rule { when: When { operation: Some(operation.to_owned()), ..When::default() }, fault }
}

fn rolling_back() -> Step {
    Step::bare().input("service", "web").input("mode", "rollback")
}

async fn cancelled_after(step: &Step, simulator: &Simulator, after: Duration) -> Report {
    let (cancel, cancellation) = Cancellation::new();
    let run = step.run_until_cancelled(simulator, cancellation);
    tokio::pin!(run);
    tokio::select! {
        biased;
        report = &mut run => return report,
        () = tokio::time::sleep(after) => cancel.send_replace(true),
    };
    run.await
}

#[tokio::test(start_paused = true)]
async fn going_back_while_ecs_is_going_back_ends_where_ecs_goes() {
    let simulator = Simulator::new(crashing());
    simulator.add_service(web().circuit_breaker(true, true));
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    Step::deploying("web:bad").input("wait-for-service-stability", "false").run(&simulator).await;
    tokio::time::advance(seconds(60)).await;

    let report = rolling_back().run(&simulator).await;

    assert_eq!((report.exit_code, set_to(&simulator)), (0, "web:2".to_owned()), "{report:#?}");
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_unchanged_while_a_way_back_is_in_flight() {
    let scenario = crashing().other(Moment::Elapsed(seconds(5)), theirs("web:bad"));
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().circuit_breaker(true, true).minimum_healthy_percent(0).maximum_percent(100));
    tokio::time::advance(seconds(62)).await;

    let report = rolling_back().input("to", "1").run(&simulator).await;

    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into(), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_unchanged_while_its_tasks_are_gone() {
    let behaviour = Behaviour::Crash { after: seconds(60), container: None, exit_code: 1, reason: None };
    let simulator = world(Scenario::default().image("good-2", behaviour));
    Step::deploying("web:good-2").run(&simulator).await;
    while !running(&simulator).is_empty() {
        tokio::time::advance(seconds(1)).await;
    }

    let report = Step::deploying("web:good-2").run(&simulator).await;

    assert_ne!(report.output("outcome"), "unchanged", "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_does_not_make_a_new_count_true() {
    let simulator = world(Scenario::default());
    tokio::time::advance(seconds(120)).await;
    let when = When {
        operation: Some("DescribeServices".to_owned()),
        from: Some(seconds(120) + Duration::from_millis(60)),
        until: Some(seconds(121)),
        ..When::default()
    };
    simulator.inject(Rule { when, fault: Fault::StaleRead(seconds(1)) });

    let report = Step::bare().input("service", "web").input("desired-count", "4").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(report.output("running-count"), "4");
}

#[tokio::test(start_paused = true)]
async fn a_count_that_somebody_changes_meanwhile_is_theirs() {
    let scale = Action::Scale { cluster: "default".to_owned(), service: "web".to_owned(), desired_count: 2 };
    let simulator = world(Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(5) }, scale));

    let report = Step::bare().input("service", "web").input("desired-count", "4").run(&simulator).await;

    report.ended("superseded", "conflict");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_starts_nothing_is_not_believed_because_of_an_old_answer() {
    let scenario = without_service_deployments().image("web:good-1", Behaviour::ImageMissing { after: seconds(2) });
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().minimum_healthy_percent(0).maximum_percent(100));
    tokio::time::advance(seconds(300)).await;
    simulator.inject(on("DescribeServices", Fault::StaleRead(seconds(10))));

    let report = cancelled_after(&Step::deploying("web:good-2"), &simulator, seconds(6)).await;

    assert_ne!(report.output("outcome"), "rolled-back", "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_theirs_that_began_while_our_calls_failed_is_left_alone() {
    for fault in [Fault::TimeoutBeforeEffect, Fault::Throttle] {
        let simulator =
            world(Scenario::default().other(Moment::Elapsed(Duration::from_millis(200)), theirs("web:theirs")));
        let when = When { operation: Some("UpdateService".to_owned()), times: Some(2), ..When::default() };
        simulator.inject(Rule { when, fault: fault.clone() });

        let report = Step::deploying("web:good-2").input("max-retries", "2").run(&simulator).await;

        assert!(["superseded", "refused"].contains(&report.output("outcome")), "{fault:?}: {report:#?}");
        simulator.settle().await;
        assert!(running(&simulator).contains_key("web:3") || running(&simulator).contains_key("web:2"), "{fault:?}");
        assert!(simulator.calls("UpdateService").iter().all(|call| call.fault.is_some()), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_deployment_of_theirs_between_our_look_and_our_update_is_noticed() {
    let scenario = without_service_deployments().other(Moment::Elapsed(seconds(2)), theirs("web:theirs"));
    let simulator = world(scenario);
    let when =
        When { operation: Some("RegisterTaskDefinition".to_owned()), until: Some(seconds(120)), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Throttle });

    let report = Step::deploying("web:bad").input("max-retries", "30").run(&simulator).await;

    report.ended("refused", "conflict");
    assert_eq!(set_to(&simulator), "web:2");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_being_stopped_for_theirs_is_superseded_and_has_not_failed() {
    let moment = Moment::AfterUpdate { number: 1, delay: seconds(45) };
    let simulator = world(Scenario { pending: seconds(30), ..Scenario::default() }.other(moment, theirs("theirs:1")));

    let report = Step::deploying("web:good-2").input("rollback-on-failure", "false").run(&simulator).await;

    report.ended("superseded", "conflict");
    assert!(simulator.elapsed() < seconds(75), "while it is being stopped: {:?}", simulator.elapsed());
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:3".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_another_run_that_we_joined_is_not_ours_to_take_back() {
    let simulator = world(Scenario::default().image("stuck", Behaviour::Stuck));
    let other_run =
        Step::deploying("web:stuck").variable("GITHUB_RUN_ID", "1").input("wait-for-service-stability", "false");
    other_run.run(&simulator).await.ended("in-progress", "");
    tokio::time::advance(seconds(5)).await;

    let report = cancelled_after(&Step::deploying("web:stuck"), &simulator, seconds(20)).await;

    report.ended("failed", "cancelled");
    assert_eq!((set_to(&simulator), writes(&simulator).len()), ("web:2".to_owned(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_count_that_autoscaling_changed_stays_when_the_revision_goes_back() {
    let scale = Action::Scale { cluster: "default".to_owned(), service: "web".to_owned(), desired_count: 6 };
    let simulator = world(crashing().other(Moment::AfterUpdate { number: 1, delay: seconds(10) }, scale));

    let report = Step::deploying("web:bad").input("desired-count", "2").run(&simulator).await;

    assert_eq!(report.output("outcome"), "rolled-back", "{report:#?}");
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:1".to_owned(), 6)].into());
}

#[tokio::test(start_paused = true)]
async fn what_aws_called_successful_is_not_torn_down_because_nobody_answers_afterwards() {
    for fault in [
        Fault::StaleRead(seconds(70)),
        Fault::ExpiredToken,
        Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "no".to_owned() },
    ] {
        fastrand::seed(1);
        let calm = world(Scenario::default());
        Step::deploying("web:good-2").run(&calm).await.ended("deployed", "");
        fastrand::seed(1);
        let simulator = world(Scenario::default());
        tokio::time::advance(seconds(600)).await;
        let success = calm.calls("DescribeServiceDeployments").last().map(|call| call.at).unwrap_or_default();
        let when = When {
            operation: Some("DescribeServices".to_owned()),
            from: Some(seconds(600) + success + Duration::from_millis(10)),
            until: Some(seconds(600) + success + seconds(6)),
            ..When::default()
        };
        simulator.inject(Rule { when, fault });

        Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");

        assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_looked_at_any_more_is_rolled_back_all_the_same() {
    let simulator = world(crashing());
    let when = When { operation: Some("DescribeServices".to_owned()), from: Some(seconds(20)), ..When::default() };
    let denied =
        Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "not any more".to_owned() };
    simulator.inject(Rule { when, fault: denied });

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rollback-failed", "access-denied");
    assert_eq!(simulator.calls("StopServiceDeployment").len(), 1, "nobody can watch it, but it is under way");
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_even_when_no_answer_comes() {
    let simulator = world(Scenario::default());
    let when = When { operation: Some("DescribeServices".to_owned()), from: Some(seconds(5)), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::TimeoutBeforeEffect });

    let report = Step::deploying("web:good-2").input("wait-for-minutes", "1").run(&simulator).await;

    report.ended("rollback-failed", "timeout");
    let put_back = simulator.calls("StopServiceDeployment")[0].at;
    assert!(put_back < seconds(60 + 300), "{put_back:?}: {report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_whose_tasks_fail_too_is_red_early() {
    let scenario = crashing().image("good-1", Behaviour::ImageMissing { after: seconds(2) });
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().minimum_healthy_percent(0).maximum_percent(100));

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rollback-failed", "tasks-failing");
    assert!(simulator.elapsed() < seconds(600), "{:?}", simulator.elapsed());
    assert!(report.errors()[0].contains("`to: 1`"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn the_repair_of_a_crash_loop_that_nobody_ends_goes_out_at_once() {
    let simulator = world(crashing());
    Step::deploying("web:bad").input("wait-for-service-stability", "false").run(&simulator).await;
    tokio::time::advance(seconds(600)).await;

    let report = Step::deploying("web:good-3").run(&simulator).await;

    report.ended("deployed", "");
    assert!(report.log.contains("keeps failing"), "{}", report.log);
    assert!(simulator.elapsed() < seconds(900), "{:?}", simulator.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_deleted_meanwhile_is_said_to_be_deleted() {
    let delete = Action::DeleteService { cluster: "default".to_owned(), service: "web".to_owned() };
    let simulator = world(Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(10) }, delete));

    let report = Step::deploying("web:good-2").run(&simulator).await;

    assert_eq!(report.output("outcome"), "failed", "{report:#?}");
    assert!(report.output("message").contains("was deleted"), "{report:#?}");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn forced_tasks_that_fail_are_not_said_to_be_a_mix_of_a_revision_and_itself() {
    for scenario in
        [Scenario::default(), Scenario { service_deployments: ServiceDeployments::Unsupported, ..Scenario::default() }]
    {
        let simulator = Simulator::new(scenario.image("good-1", Behaviour::crash_loop()));
        simulator.add_service(web());

        let report = Step::bare().input("service", "web").input("force-new-deployment", "true").run(&simulator).await;

        assert_ne!(report.exit_code, 0);
        assert!(!report.output("message").contains("mix of web:1 and web:1"), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ecs_puts_back_by_itself_is_said_to_be_put_back() {
    let simulator = Simulator::new(crashing());
    simulator.add_service(web().circuit_breaker(true, true));

    let report = Step::deploying("web:bad").input("rollback-on-failure", "false").run(&simulator).await;

    report.ended("rolled-back", "circuit-breaker");
    assert_eq!(set_to(&simulator), "web:1");
}

#[tokio::test(start_paused = true)]
async fn what_ecs_does_not_put_back_by_itself_is_not_said_to_be_as_before() {
    for (image, stays) in [("web:bad", "desiredCount, enableExecuteCommand"), ("web:bad-2", "desiredCount")] {
        let simulator = Simulator::new(crashing());
        simulator.add_service(web().circuit_breaker(true, true));
        let step = Step::deploying(image).input("rollback-on-failure", "false").input("desired-count", "6");
        let step = if stays.contains("Execute") { step.input("enable-execute-command", "true") } else { step };

        let report = step.run(&simulator).await;

        report.ended("failed", "circuit-breaker");
        assert!(report.output("message").contains(&format!("is on web:1 again, with the new {stays}:")), "{report:#?}");
        assert_eq!((set_to(&simulator).as_str(), report.exit_code), ("web:1", 3));
        simulator.settle().await;
        assert_eq!(running(&simulator), [("web:1".to_owned(), 6)].into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_without_tasks_is_not_said_to_run_anything() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(web().desired_count(0));

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("deployed", "");
    assert!(report.output("message").contains("nothing runs"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_outputs_of_an_unchanged_service_say_what_it_runs() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("web:good-1").run(&simulator).await;

    report.ended("unchanged", "");
    assert!(report.output("task-definition-arn").ends_with("/web:1"), "{report:#?}");
    assert_eq!((report.output("running-count"), report.output("desired-count")), ("2", "2"));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_heard_while_calls_are_throttled() {
    for operation in ["DescribeServices", "RegisterTaskDefinition", "UpdateService"] {
        let simulator = world(Scenario::default());
        simulator.inject(on(operation, Fault::Throttle));

        let report = cancelled_after(&Step::deploying("web:good-2"), &simulator, seconds(3)).await;

        assert_eq!(report.output("cause"), "cancelled", "{operation}: {report:#?}");
        if operation != "UpdateService" {
            assert!(simulator.elapsed() < seconds(9), "{operation}: {:?}", simulator.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn values_under_a_misspelt_key_are_not_shown_either() {
    let simulator = world(Scenario { accept_unknown_members: true, ..Scenario::default() });
    let mut document = support::task_definition("web:good-2");
    for (key, value) in [("Environment", "marked-a"), ("env", "marked-b"), ("SECRETS", "marked-c")] {
        document["containerDefinitions"][0][key] = serde_json::json!([{"name": "LEVEL", "value": value}]);
    }

    let report = Step::bare()
        .input("service", "web")
        .input("task-definition", "web.json")
        .file("web.json", &document.to_string())
        .run(&simulator)
        .await;

    let everything = format!("{report:?}");
    assert!(!everything.contains("marked-"), "{everything}");
}

#[tokio::test(start_paused = true)]
async fn the_outputs_of_a_refused_update_name_the_revision_that_the_service_is_on() {
    let simulator = world(Scenario::default());
    let denied = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "no".to_owned() };
    simulator.inject(on("UpdateService", denied));

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("refused", "access-denied");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService", "DeregisterTaskDefinition"]);
    assert!(report.output("task-definition-arn").ends_with("/web:1"), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_took_effect_unheard_and_was_followed_by_theirs_is_superseded_and_not_refused() {
    let at = Moment::AfterUpdate { number: 1, delay: Duration::from_millis(100) };
    let simulator = world(Scenario::default().other(at, theirs("web:theirs")));
    let when = When { operation: Some("UpdateService".to_owned()), times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::TimeoutAfterEffect });

    let report = Step::deploying("web:good-2").run(&simulator).await;

    report.ended("superseded", "conflict");
    assert_eq!((writes(&simulator).len(), set_to(&simulator)), (2, "web:3".to_owned()));
}
