//! Deployments by AWS CodeDeploy that are cancelled, killed, or met by somebody else's.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use simulator::{Action, Fault, Moment, Rule, Scenario, Simulator, When};
use support::codedeploy::{APPSPEC, checked, checking, deploying, group, only, world};
use support::{Report, Step, faults, running, seconds, set_to, writes};

#[tokio::test(start_paused = true)]
async fn a_cancelled_deployment_is_taken_back_and_the_post_step_sees_to_it() {
    let simulator = world(Scenario::default(), group());
    let step = deploying("good:2");
    let (cancel, cancellation) = Cancellation::new();
    let cancelled = async {
        tokio::time::sleep(seconds(12)).await;
        cancel.send(true).unwrap();
        std::future::pending::<()>().await
    };
    let report = tokio::select! {
        report = step.run_until_cancelled(&simulator, cancellation) => report,
        () = cancelled => unreachable!(),
    };
    assert_eq!(report.output("cause"), "cancelled", "{report:#?}");
    assert_eq!(simulator.calls("StopDeployment").len(), 1);

    if report.output("outcome") != "rolled-back" {
        let report = step.post(&simulator, "cancelled").await;
        report.ended("rolled-back", "cancelled");
    }
    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
}

/// Runs the step, and cancels it after that time.
async fn cancelled(step: &Step, simulator: &Simulator, after: u64) -> Report {
    let (cancel, cancellation) = Cancellation::new();
    let run = step.run_until_cancelled(simulator, cancellation);
    tokio::pin!(run);
    tokio::select! {
        biased;
        report = &mut run => unreachable!("{report:#?}"),
        () = tokio::time::sleep(seconds(after)) => cancel.send_replace(true),
    };
    run.await
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_traffic_shifts_stops_the_deployment_with_rollback_and_the_post_step_sees_to_the_end() {
    for (on_cancel, outcome, after_post, stops, revision) in [
        ("rollback", "failed", "rolled-back", 1, "web:1"),
        ("leave", "failed", "", 0, "web:2"),
        ("wait", "deployed", "", 0, "web:2"),
    ] {
        let simulator = world(Scenario::default(), group().config("CodeDeployDefault.ECSLinear10PercentEvery1Minutes"));
        let step = deploying("good:2").input("on-cancel", on_cancel);

        let report = cancelled(&step, &simulator, 200).await;

        report.ended(outcome, if outcome == "failed" { "cancelled" } else { "" });
        assert!(report.log.contains("AllowTraffic, 30 % of traffic"), "{on_cancel}: {report:#?}");
        assert_eq!(simulator.elapsed() < seconds(206), on_cancel != "wait", "{on_cancel}: {:?}", simulator.elapsed());
        assert_eq!(simulator.calls("StopDeployment").len(), stops, "{on_cancel}");
        let report = step.post(&simulator, "cancelled").await;
        assert_eq!(report.output("outcome"), after_post, "{on_cancel}: {report:#?}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only(revision), revision.to_owned()), "{on_cancel}");
        assert_eq!(simulator.calls("CreateDeployment").len(), 1, "{on_cancel}");
    }
}

/// Runs a step that is killed half a minute after the old tasks are gone.
async fn kill_after_success(simulator: &Simulator, step: &Step) {
    let gone = async {
        while running(simulator) != only("web:2") {
            tokio::time::sleep(seconds(1)).await;
        }
        tokio::time::sleep(seconds(30)).await;
    };
    tokio::select! {
        biased;
        report = step.run(simulator) => unreachable!("{report:#?}"),
        () = gone => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_checks_what_a_killed_one_brought_and_knows_where_to_go_back() {
    for (image, outcome, revision) in [("good:2", "deployed", "web:2"), ("slow:2", "rolled-back", "web:1")] {
        let simulator = world(checked(), group());
        kill_after_success(&simulator, &checking(image)).await;

        let report = checking(image).variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert!(report.log.contains("brought by an earlier attempt of this run"), "{report:#?}");
        simulator.settle().await;
        assert_eq!((running(&simulator), set_to(&simulator)), (only(revision), revision.to_owned()));
        assert_eq!(simulator.calls("RegisterTaskDefinition").len(), 1);

        // What another run brought is that run's to check.
        if outcome == "deployed" {
            let report = checking(image).variable("GITHUB_RUN_ID", "4712").run(&simulator).await;
            report.ended("unchanged", "");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_has_nothing_to_do_when_there_is_nothing_to_check() {
    let simulator = world(Scenario::default(), group());
    deploying("good:2").run(&simulator).await.ended("deployed", "");

    let report = deploying("good:2").variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await;

    report.ended("unchanged", "");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "CreateDeployment"]);
}

#[tokio::test(start_paused = true)]
async fn a_later_step_that_fails_takes_a_finished_deployment_back() {
    let simulator = world(Scenario::default(), group());
    let step = deploying("good:2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");

    let report = step.post(&simulator, "failure").await;

    report.ended("rolled-back", "job-failed");
    simulator.settle().await;
    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
    assert_eq!(simulator.calls("CreateDeployment").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_after_one_that_was_killed_joins_its_deployment() {
    let simulator = world(Scenario::default(), group());
    let rule = When { operation: Some("GetDeployment".to_owned()), ..When::default() };
    simulator.inject(Rule { when: When { times: Some(1), ..rule }, fault: Fault::Hang { after_effect: false } });
    let step = deploying("good:2");
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        _ = step.run(&simulator) => unreachable!(),
    }

    let report = deploying("good:2").variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "CreateDeployment"]);
    assert_eq!(running(&simulator), only("web:2"));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_deployment_is_waited_for_refused_or_superseded() {
    for (on_conflict, expected) in [("wait", "deployed"), ("fail", "refused"), ("supersede", "deployed")] {
        let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "theirs:2".to_owned() };
        let scenario = Scenario::default().other(Moment::Elapsed(seconds(1)), theirs);
        let simulator = world(scenario, group());
        tokio::time::sleep(seconds(5)).await;

        let report = deploying("good:3").input("on-conflict", on_conflict).run(&simulator).await;

        assert_eq!(report.output("outcome"), expected, "{on_conflict}: {report:#?}");
        assert_eq!(simulator.calls("StopDeployment").len(), usize::from(on_conflict == "supersede"));
        simulator.settle().await;
        let ours = only("web:3");
        assert_eq!(running(&simulator) == ours, expected == "deployed", "{on_conflict}: {report:#?}");
    }
}

/// Supersedes a deployment of somebody else, which is stopped, and meets this fault after it.
async fn superseding(operation: &str, fault: Fault) -> (Simulator, Report) {
    let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "theirs:2".to_owned() };
    let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(1)), theirs), group());
    tokio::time::sleep(seconds(5)).await;
    let (operation, from) = (Some(operation.to_owned()), Some(seconds(8)));
    simulator.inject(Rule { when: When { operation, from, ..When::default() }, fault });
    let step = deploying("good:3").input("on-conflict", "supersede").input("wait-for-minutes", "1");
    let report = step.run(&simulator).await;
    assert_eq!(simulator.calls("StopDeployment").len(), 1);
    (simulator, report)
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_to_be_superseded_is_not_said_to_be_unchanged() {
    let denied = faults::refuse("AccessDeniedException");
    for (operation, fault, cause) in [
        ("CreateDeployment", denied, "access-denied"),
        // It does not seem to end.
        ("GetDeploymentGroup", Fault::StaleRead(seconds(3600)), "conflict"),
    ] {
        let (simulator, report) = superseding(operation, fault).await;

        report.ended("failed", cause);
        assert_eq!((report.exit_code, report.output("changed")), (3, "true"));
        let message = report.output("message");
        assert!(message.contains("was not updated") && message.contains("was stopped, as asked"), "{message}");
        assert!(simulator.elapsed() < seconds(90), "as long as asked: {:?}", simulator.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_deployment_during_the_checks_is_not_touched() {
    let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "theirs:3".to_owned() };
    let scenario = checked().other(Moment::AfterUpdate { number: 1, delay: seconds(110) }, theirs);
    let simulator = world(scenario, group());

    let report = checking("good:2").run(&simulator).await;

    report.ended("superseded", "conflict");
    simulator.settle().await;
    assert_eq!(running(&simulator), only("web:3"));
    assert_eq!(simulator.calls("CreateDeployment").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_somebody_stops_and_follows_with_theirs_is_superseded() {
    let stop = Action::StopCodeDeployment { service: "web".to_owned(), rolls_back: false };
    let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "theirs:3".to_owned() };
    let scenario = Scenario::default()
        .other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, stop)
        .other(Moment::AfterUpdate { number: 1, delay: seconds(22) }, theirs);
    let simulator = world(scenario, group().rollback_events(&[]));

    let report = deploying("good:2").run(&simulator).await;

    report.ended("superseded", "conflict");
    assert_eq!(writes(&simulator), ["RegisterTaskDefinition", "CreateDeployment"]);
    simulator.settle().await;
    assert_eq!(running(&simulator), only("web:3"));
}

/// The step that goes back, in an attempt of the run.
fn going_back(run: &str, attempt: &str) -> Step {
    let step = Step::bare().file("appspec.yaml", APPSPEC).input("service", "web").input("mode", "rollback");
    step.input("on-conflict", "supersede").variable("GITHUB_RUN_ID", run).variable("GITHUB_RUN_ATTEMPT", attempt)
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_run_again_never_brings_back_what_was_taken_back() {
    let simulator = world(Scenario::default(), group());
    for image in ["good:2", "good:3"] {
        deploying(image).run(&simulator).await.ended("deployed", "");
    }
    going_back("5000", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:2");

    let report = going_back("5000", "2").run(&simulator).await;
    report.ended("unchanged", "");
    assert!(report.log.contains("web:2 was put back in place of web:3 already"), "{report:#?}");

    going_back("5001", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:1"), "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_in_flight_is_joined_by_the_next_attempt() {
    let simulator = world(Scenario::default(), group());
    for image in ["good:2", "good:3"] {
        deploying(image).run(&simulator).await.ended("deployed", "");
    }
    let when = When { operation: Some("CreateDeployment".to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Hang { after_effect: true } });
    let step = going_back("5000", "1");
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(&simulator) => unreachable!("{report:#?}"),
    }

    going_back("5000", "2").run(&simulator).await.ended("rolled-back", "");

    assert_eq!((running(&simulator), set_to(&simulator)), (only("web:2"), "web:2".to_owned()));
    assert_eq!((simulator.calls("CreateDeployment").len(), simulator.calls("StopDeployment").len()), (3, 0));
}
