//! After the rollout: an address that has to answer, alarms that must not go off, and what happens meanwhile.

mod support;

use std::time::Duration;

use ecs_deploy_action::cycle::Cancellation;
use simulator::{
    Action, Alarm, AlarmKind, AlarmState, Fault, Moment, Page, PageAnswer, Rule, Scenario, Simulator, When,
};
use support::{Report, Step, running, seconds, set_to, web, world, writes};

const URL: &str = "https://web.example/health";

/// A step that asks the address after the rollout.
fn asking(image: &str, url: &str) -> Step {
    Step::deploying(image).input("health-check-url", url).input("health-check-minutes", "1")
}

/// A step that watches the alarm `errors` for two minutes.
fn watching(image: &str) -> Step {
    Step::deploying(image).input("rollback-alarms", "errors").input("verify-minutes", "2")
}

/// The page is good, except while a bad image runs.
fn page() -> Page {
    Page::new(URL).answer(PageAnswer::status(503).while_runs("bad")).answer(PageAnswer::status(200).body("all is well"))
}

/// The URLs that were asked, and with which authorization.
fn asked(simulator: &Simulator) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    simulator
        .calls("GET")
        .iter()
        .map(|call| (text(&call.request["url"]), text(&call.request["authorization"])))
        .collect()
}

#[track_caller]
fn runs(simulator: &Simulator, revision: &str) {
    assert_eq!(running(simulator), [(revision.to_owned(), 2)].into());
    assert_eq!(set_to(simulator), revision);
}

fn after_update(delay: u64) -> Moment {
    Moment::AfterUpdate { number: 1, delay: seconds(delay) }
}

fn trip(name: &str) -> Action {
    Action::TripAlarm { name: name.to_owned() }
}

fn denied() -> Rule {
    let message = "is not authorized to perform: cloudwatch:DescribeAlarms".to_owned();
    Rule {
        when: When { operation: Some("DescribeAlarms".to_owned()), ..When::default() },
        fault: Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message },
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_answers_three_times_in_a_row_is_a_success() {
    let simulator = world(Scenario::default().page(page()));

    let report = asking("web:good-2", URL).run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(asked(&simulator), vec![(URL.to_owned(), String::new()); 3]);
    assert!(report.log.contains("good answer 3 of 3"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_answer_as_it_should_is_rolled_back_and_its_secrets_are_not_shown() {
    let simulator = world(Scenario::default().page(page()));

    let report = asking("web:bad", "https://me:hunter2@web.example/health?token=hunter3#hunter4").run(&simulator).await;

    report.ended("rolled-back", "health-check-url");
    runs(&simulator, "web:1");
    assert!(
        report.errors()[0].contains("https://web.example/health?… did not give 3 good answers"),
        "{:?}",
        report.errors()
    );
    assert!(report.errors()[0].contains("answered with 503, not with 200-299"), "{:?}", report.errors());
    assert!(!format!("{report:?}").contains("hunter"), "{report:#?}");
    let (url, authorization) = asked(&simulator).remove(0);
    assert_eq!(
        (url.as_str(), authorization.as_str()),
        ("https://web.example/health?token=hunter3", "Basic bWU6aHVudGVyMg==")
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_may_need_time_until_it_answers() {
    let slow = Page::new(URL).answer(PageAnswer::status(503).until(seconds(100))).answer(PageAnswer::status(204));
    let simulator = world(Scenario::default().page(slow));

    asking("web:good-2", URL).run(&simulator).await.ended("deployed", "");

    assert!(simulator.elapsed() > seconds(110), "it was asked until three answers in a row were good");
}

#[tokio::test(start_paused = true)]
async fn nobody_at_the_address_is_a_failure_too() {
    let simulator = world(Scenario::default().page(page()));
    for fault in [Fault::Reset, Fault::TimeoutBeforeEffect, Fault::Slow(seconds(60))] {
        let when = When { operation: Some("GET".to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault });
    }

    let report = asking("web:good-2", URL).run(&simulator).await;

    report.ended("rolled-back", "health-check-url");
    assert!(report.errors()[0].contains("at last it cannot be reached"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn status_body_and_count_are_what_the_user_says() {
    for (inputs, outcome) in [
        (&[("health-check-body", "all .* well")][..], "deployed"),
        (&[("health-check-body", "^not")], "rolled-back"),
        (&[("health-check-status", "200")], "deployed"),
        (&[("health-check-status", "201-299, 401")], "rolled-back"),
        (&[("health-check-successes", "5"), ("health-check-interval-seconds", "1")], "deployed"),
    ] {
        let simulator = world(Scenario::default().page(page()));
        let step = inputs.iter().fold(asking("web:good-2", URL), |step, (name, value)| step.input(name, value));

        let report = step.run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{inputs:?}: {report:#?}");
        if inputs.len() == 2 {
            assert_eq!(asked(&simulator).len(), 5);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_followed_on_the_same_host_and_nobody_else_gets_the_password() {
    for (location, outcome) in [
        ("/healthy", "deployed"),
        ("https://web.example/healthy", "deployed"),
        ("https://evil.example/healthy", "rolled-back"),
        ("https://web.example/health", "rolled-back"),
    ] {
        let good = |host: &str| Page::new(format!("https://{host}/healthy")).answer(PageAnswer::status(200));
        let page = Page::new(URL).answer(PageAnswer::redirect(location));
        let simulator = world(Scenario::default().page(page).page(good("web.example")).page(good("evil.example")));

        let report = asking("web:good-2", "https://me:hunter2@web.example/health").run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{location}: {report:#?}");
        for (url, authorization) in asked(&simulator) {
            assert!(url.starts_with("https://web.example/") && !authorization.is_empty(), "{location}: {url}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_goes_off_after_the_rollout_rolls_back() {
    for kind in [AlarmKind::Metric, AlarmKind::Composite, AlarmKind::Log] {
        let alarm = Alarm::new("errors").kind(kind);
        let simulator = world(Scenario::default().alarm(alarm).other(after_update(120), trip("errors")));

        let report = watching("web:good-2").run(&simulator).await;

        report.ended("rolled-back", "alarm");
        runs(&simulator, "web:1");
        assert!(report.errors()[0].contains("errors (Threshold Crossed"), "{kind:?}: {:?}", report.errors());
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_went_off_during_the_rollout_counts_too() {
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after_update(20), trip("errors")));
    watching("web:good-2").run(&simulator).await.ended("rolled-back", "alarm");
}

#[tokio::test(start_paused = true)]
async fn only_an_alarm_that_went_off_since_the_start_counts() {
    let red = || Alarm::new("errors").state(AlarmState::Alarm);
    let clear = || Action::ClearAlarm { name: "errors".to_owned() };
    for (name, scenario, outcome) in [
        ("calm", Scenario::default().alarm(Alarm::new("errors")), "deployed"),
        (
            "without data",
            Scenario::default().alarm(Alarm::new("errors").state(AlarmState::InsufficientData)),
            "deployed",
        ),
        ("red all the time", Scenario::default().alarm(red()), "deployed"),
        ("red no more", Scenario::default().alarm(red()).other(after_update(90), clear()), "deployed"),
        (
            "red anew",
            Scenario::default().alarm(red()).other(after_update(90), clear()).other(after_update(120), trip("errors")),
            "rolled-back",
        ),
        (
            "red too late",
            Scenario::default().alarm(Alarm::new("errors")).other(after_update(300), trip("errors")),
            "deployed",
        ),
        (
            "another one",
            Scenario::default().alarm(Alarm::new("errors")).other(after_update(90), trip("latency")),
            "deployed",
        ),
    ] {
        let simulator = world(scenario);
        let report = watching("web:good-2").run(&simulator).await;
        assert_eq!(report.output("outcome"), outcome, "{name}: {report:#?}");
        assert_eq!(
            report.log.contains("in ALARM already"),
            name.starts_with("red") && name != "red too late",
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn more_alarms_than_one_call_takes_are_watched() {
    let names: Vec<String> = (0..120).map(|number| format!("alarm {number:03}")).collect();
    let scenario = names.iter().fold(Scenario::default(), |scenario, name| scenario.alarm(Alarm::new(name)));
    let simulator = world(scenario.other(after_update(100), trip("alarm 119")));
    let step = Step::deploying("web:good-2").input("rollback-alarms", &names.join("\n")).input("verify-minutes", "2");

    let report = step.run(&simulator).await;

    report.ended("rolled-back", "alarm");
    assert!(report.errors()[0].contains("alarm 119"), "{:?}", report.errors());
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_rollout_does_not_count_for_what_comes_after() {
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")));
    let step = watching("web:good-2").input("wait-for-minutes", "1.5").input("verify-minutes", "10");

    step.run(&simulator).await.ended("deployed", "");

    assert!(simulator.elapsed() > seconds(660), "{:?}", simulator.elapsed());
    let looks = simulator.calls("DescribeAlarms").len();
    assert!((40..45).contains(&looks), "{looks} looks in 10 minutes");
}

#[tokio::test(start_paused = true)]
async fn a_newer_deployment_during_the_verification_is_not_touched() {
    let (cluster, service) = ("default".to_owned(), "web".to_owned());
    let image = Some("theirs:1".to_owned());
    let update = Action::UpdateService { cluster, service, image, task_definition: None };
    let scenario = Scenario::default().alarm(Alarm::new("errors")).other(after_update(100), update);
    let simulator = world(scenario.other(after_update(104), trip("errors")));

    let report = watching("web:good-2").run(&simulator).await;

    report.ended("superseded", "conflict");
    simulator.settle().await;
    runs(&simulator, "web:3");
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_new_revision_by_somebody_else_is_not_touched_either() {
    let restart = Action::ForceNewDeployment { cluster: "default".to_owned(), service: "web".to_owned() };
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after_update(100), restart));

    let report = watching("web:good-2").run(&simulator).await;

    report.ended("superseded", "conflict");
    assert!(simulator.elapsed() < seconds(130), "at the next look: {:?}", simulator.elapsed());
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "UpdateService"]);
    simulator.settle().await;
    runs(&simulator, "web:2");
}

/// Runs the step, and cancels it after that time.
async fn cancelled(step: &Step, simulator: &Simulator, after: Duration) -> Report {
    let (cancel, cancellation) = Cancellation::new();
    let run = step.run_until_cancelled(simulator, cancellation);
    tokio::pin!(run);
    tokio::select! {
        biased;
        report = &mut run => unreachable!("{report:#?}"),
        () = tokio::time::sleep(after) => cancel.send_replace(true),
    };
    run.await
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_verification_is_rolled_back_left_or_seen_through_as_the_user_says() {
    for (on_cancel, outcome, after_post, revision) in [
        ("rollback", "failed", "rolled-back", "web:1"),
        ("leave", "failed", "", "web:2"),
        ("wait", "deployed", "", "web:2"),
    ] {
        let simulator = world(Scenario::default().alarm(Alarm::new("errors")));
        let step = watching("web:good-2").input("on-cancel", on_cancel);

        let report = cancelled(&step, &simulator, seconds(100)).await;

        assert_eq!(report.output("outcome"), outcome, "{on_cancel}: {report:#?}");
        assert_eq!(simulator.elapsed() < seconds(110), on_cancel != "wait", "{on_cancel}");
        let report = step.post(&simulator, "cancelled").await;
        assert_eq!(report.output("outcome"), after_post, "{on_cancel}: {report:#?}");
        simulator.settle().await;
        runs(&simulator, revision);
    }
}

#[tokio::test(start_paused = true)]
async fn the_post_step_of_a_verification_that_was_killed_rolls_back_or_sees_it_through() {
    let calm = || Scenario::default().alarm(Alarm::new("errors"));
    for (on_cancel, scenario, outcome, cause, revision) in [
        ("rollback", calm(), "rolled-back", "cancelled", "web:1"),
        ("wait", calm(), "deployed", "", "web:2"),
        // Nobody but the post step sees it go off.
        ("wait", calm().other(after_update(150), trip("errors")), "rolled-back", "alarm", "web:1"),
    ] {
        let simulator = world(scenario);
        let step = watching("web:good-2").input("on-cancel", on_cancel);
        // The third look at the alarms: one is before the deployment, one at the end of the rollout.
        let when = When {
            operation: Some("DescribeAlarms".to_owned()),
            from: Some(seconds(70)),
            times: Some(1),
            ..When::default()
        };
        simulator.inject(Rule { when, fault: Fault::Hang { after_effect: false } });
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
        }

        let report = step.post(&simulator, "cancelled").await;

        report.ended(outcome, cause);
        simulator.settle().await;
        runs(&simulator, revision);
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_checks_what_a_killed_one_brought_and_another_run_does_not() {
    for (image, run, outcome, revision) in [
        ("bad", "4711", "rolled-back", "web:1"),
        ("web:good-2", "4711", "deployed", "web:2"),
        ("web:good-2", "4712", "unchanged", "web:2"),
    ] {
        let simulator = world(Scenario::default().alarm(Alarm::new("errors").watching("bad", seconds(60))));
        let step = watching(image);
        let when = When {
            operation: Some("DescribeAlarms".to_owned()),
            from: Some(seconds(70)),
            times: Some(1),
            ..When::default()
        };
        simulator.inject(Rule { when, fault: Fault::Hang { after_effect: false } });
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
        }

        let again = watching(image).variable("GITHUB_RUN_ID", run).variable("GITHUB_RUN_ATTEMPT", "2");
        let report = again.run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{image}, {run}: {report:#?}");
        runs(&simulator, revision);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_keeps_amazon_ecs_from_watching_is_for_alarm_preflight_to_judge() {
    for (policy, outcome, is_said) in
        [("fail", "refused", true), ("warn", "deployed", true), ("", "deployed", true), ("ignore", "deployed", false)]
    {
        let simulator = Simulator::new(Scenario::default().alarm(Alarm::new("errors").state(AlarmState::Alarm)));
        simulator.add_service(web().alarms(&["errors", "latency"], true));

        let report = Step::deploying("web:good-2").input("alarm-preflight", policy).run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{policy}: {report:#?}");
        let said = "the alarm errors is in ALARM already, so Amazon ECS will watch none";
        assert_eq!(report.log.contains(said), is_said, "{policy}: {}", report.log);
        assert_eq!(writes(&simulator).is_empty(), outcome == "refused", "{policy}");
        assert_eq!(simulator.calls("DescribeAlarms").is_empty(), policy == "ignore", "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_does_not_exist_is_an_error() {
    let gone = Action::DeleteAlarm { name: "errors".to_owned() };
    let simulator = Simulator::new(Scenario::default().other(Moment::Elapsed(seconds(1)), gone));
    simulator.add_service(web().alarms(&["errors"], true));
    tokio::time::sleep(seconds(2)).await;
    let report = Step::deploying("web:good-2").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("there is no alarm `errors`, which the deployment names"), "{report:#?}");

    let simulator = world(Scenario::default());
    let report = watching("web:good-2").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("there is no alarm `errors`, which rollback-alarms names"), "{report:#?}");
    assert!(writes(&simulator).is_empty());

    let simulator = world(Scenario::default().alarm(Alarm::new("errors")));
    let report = Step::deploying("web:good-2").input("deployment-alarms", "errors\nlatency").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("there is no alarm `latency`, which the deployment names"), "{report:#?}");
    assert!(writes(&simulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn alarms_that_take_the_place_of_others_are_the_ones_that_are_looked_at() {
    let red = Alarm::new("errors").state(AlarmState::Alarm);
    let simulator = Simulator::new(Scenario::default().alarm(red).alarm(Alarm::new("latency")));
    simulator.add_service(web().alarms(&["errors"], true));

    let step = Step::deploying("web:good-2").input("alarm-preflight", "fail").input("deployment-alarms", "latency");
    step.run(&simulator).await.ended("deployed", "");
}

#[tokio::test(start_paused = true)]
async fn alarms_that_may_not_be_seen_are_a_warning_unless_they_have_to_be_watched() {
    for (policy, is_ours, outcome) in [
        ("warn", false, "deployed"),
        ("ignore", false, "deployed"),
        ("fail", false, "refused"),
        ("warn", true, "refused"),
    ] {
        let simulator = Simulator::new(Scenario::default());
        simulator.add_service(web().alarms(&["errors"], true));
        simulator.inject(denied());
        let step = if is_ours { watching("web:good-2") } else { Step::deploying("web:good-2") };

        let report = step.input("alarm-preflight", policy).run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{policy}, {is_ours}: {report:#?}");
        let is_said = report.log.contains("cloudwatch:DescribeAlarms");
        assert_eq!(is_said, policy != "ignore", "{policy}, {is_ours}: {}", report.log);
        assert_eq!(writes(&simulator).is_empty(), outcome == "refused", "{policy}, {is_ours}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_about_alarms_or_addresses_that_nobody_named() {
    let simulator = world(Scenario::default());
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    assert!(simulator.calls("DescribeAlarms").is_empty() && simulator.calls("GET").is_empty());
}
