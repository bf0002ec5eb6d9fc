//! After the step: whatever a cancelled, killed or failed job leaves in flight is finished, and a finished deployment is left
//! alone.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use simulator::{Action, Behaviour, Fault, Moment, Rule, Scenario, Simulator, When};
use support::{Step, running, seconds, set_to, world, writes};

/// Runs the step until a call to that operation has taken effect, or not, and kills it there.
async fn killed_at(step: &Step, simulator: &Simulator, operation: &str, after_effect: bool) {
    let when = When { operation: Some(operation.to_owned()), times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Hang { after_effect } });
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(simulator) => unreachable!("it was not killed: {report:#?}"),
    }
}

/// Runs the step and cancels it after 20 seconds, in the middle of its wait.
async fn cancelled(step: &Step, simulator: &Simulator) -> support::Report {
    let (cancel, cancellation) = Cancellation::new();
    let run = step.run_until_cancelled(simulator, cancellation);
    tokio::pin!(run);
    tokio::select! {
        biased;
        report = &mut run => unreachable!("{report:#?}"),
        () = tokio::time::sleep(seconds(20)) => cancel.send_replace(true),
    };
    run.await
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_ended_well_is_left_alone() {
    for (job_status, wanted) in [("success", "true"), ("failure", "false"), ("cancelled", "true")] {
        let simulator = world(Scenario::default());
        let step = Step::deploying("web:good-2")
            .input("rollback-on-job-failure", wanted)
            .variable("AWS_ENDPOINT_URL", "http://elsewhere.example");
        step.run(&simulator).await.ended("deployed", "");
        let calls = simulator.journal().len();

        let report = step.post(&simulator, job_status).await;

        assert_eq!((report.exit_code, simulator.journal().len()), (0, calls), "{job_status}: {report:#?}");
        assert_eq!((report.log.as_str(), report.summary.as_str()), ("", ""), "{job_status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_step_that_fails_takes_the_deployment_back() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");

    let report = step.post(&simulator, "failure").await;

    report.ended("rolled-back", "job-failed");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    assert!(report.summary.contains("web:1 again"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_somebody_followed_is_not_taken_back() {
    // Another revision, or a restart of the same one.
    for (image, revision) in [("web:good-3", "web:3"), ("web:good-2", "web:2")] {
        let simulator = world(Scenario::default());
        let step = Step::deploying("web:good-2").input("rollback-on-job-failure", "true");
        step.run(&simulator).await.ended("deployed", "");
        let theirs = Step::deploying(image).input("force-new-deployment", "true").variable("GITHUB_RUN_ID", "2");
        theirs.run(&simulator).await.ended("deployed", "");

        let report = step.post(&simulator, "failure").await;

        report.ended("superseded", "conflict");
        assert_eq!(set_to(&simulator), revision);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_step_began_is_taken_back() {
    for (operation, after_effect) in
        [("UpdateService", false), ("UpdateService", true), ("DescribeServiceDeployments", false), ("ListTasks", false)]
    {
        let stuck = Behaviour::Stuck;
        let simulator = world(Scenario::default().image("stuck", stuck));
        let step = Step::deploying(if operation == "DescribeServiceDeployments" { "web:good-2" } else { "web:stuck" });
        killed_at(&step, &simulator, operation, after_effect).await;

        let report = step.post(&simulator, "cancelled").await;

        assert!(["rolled-back", "refused"].contains(&report.output("outcome")), "{operation}: {report:#?}");
        simulator.settle().await;
        assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into(), "{operation}: {report:#?}");
        assert_eq!(set_to(&simulator), "web:1", "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owed_for_a_step_that_was_killed_before_it_changed_the_service() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2");
    killed_at(&step, &simulator, "RegisterTaskDefinition", true).await;
    let calls = simulator.journal().len();

    let report = step.post(&simulator, "cancelled").await;

    assert_eq!((report.exit_code, simulator.journal().len()), (0, calls));
}

#[tokio::test(start_paused = true)]
async fn a_killed_step_that_was_to_wait_is_waited_for() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2").input("on-cancel", "wait");
    killed_at(&step, &simulator, "DescribeServiceDeployments", false).await;

    let report = step.post(&simulator, "cancelled").await;

    report.ended("deployed", "");
    assert_eq!(set_to(&simulator), "web:2");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_step_leaves_within_six_seconds_and_its_post_step_sees_the_way_back_through() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2");
    let report = cancelled(&step, &simulator).await;
    report.ended("failed", "cancelled");
    assert!(report.output("message").contains("going back"), "{report:#?}");
    assert!(simulator.elapsed() < seconds(26), "{:?}", simulator.elapsed());

    let report = step.post(&simulator, "cancelled").await;

    report.ended("rolled-back", "cancelled");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    assert_eq!(writes(&simulator).iter().filter(|operation| *operation == "StopServiceDeployment").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_step_leaves_things_as_they_are_when_asked_to() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2").input("on-cancel", "leave");
    cancelled(&step, &simulator).await.ended("failed", "cancelled");

    let report = step.post(&simulator, "cancelled").await;

    assert_eq!((report.exit_code, set_to(&simulator)), (0, "web:2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_state_holds_no_value_of_a_variable() {
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2").input("environment-variables", "LEVEL=very-secret-level");

    step.run(&simulator).await.ended("deployed", "");

    let state = std::fs::read_to_string(step.path().join("state")).unwrap();
    assert!(state.contains("web:2") && !state.contains("very-secret-level"), "{state}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_not_undone() {
    for fault in [
        Fault::Throttle,
        Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "not any more".to_owned() },
    ] {
        let simulator = world(Scenario::default());
        let step = Step::deploying("web:good-2").input("rollback-on-job-failure", "true").input("max-retries", "2");
        step.run(&simulator).await.ended("deployed", "");
        Step::deploying("web:good-3").variable("GITHUB_RUN_ID", "2").run(&simulator).await.ended("deployed", "");
        let when = When { operation: Some("DescribeServices".to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault: fault.clone() });

        let report = step.post(&simulator, "failure").await;

        assert_eq!(report.exit_code, 4, "{fault:?}: {report:#?}");
        assert_eq!(simulator.calls("UpdateService").len(), 2, "{fault:?}: {report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_is_not_taken_back_under_somebody_elses_deployment() {
    let simulator = world(Scenario::default());
    let step =
        Step::bare().input("service", "web").input("desired-count", "4").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    Step::deploying("web:good-2").variable("GITHUB_RUN_ID", "2").run(&simulator).await.ended("deployed", "");

    let report = step.post(&simulator, "failure").await;

    report.ended("superseded", "conflict");
    assert_eq!(running(&simulator), [("web:2".to_owned(), 4)].into());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_taken_back_when_a_later_step_fails() {
    for wait in ["true", "false"] {
        let simulator = world(Scenario::default());
        Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
        let step = Step::bare()
            .input("service", "web")
            .input("mode", "rollback")
            .input("wait-for-service-stability", wait)
            .input("rollback-on-job-failure", "true");
        assert_eq!(step.run(&simulator).await.exit_code, 0);

        let report = step.post(&simulator, "failure").await;

        assert_eq!((report.exit_code, set_to(&simulator)), (0, "web:1".to_owned()), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_that_somebody_changed_is_not_taken_back_by_a_post_step_that_was_to_wait() {
    let scale = Action::Scale { cluster: "default".to_owned(), service: "web".to_owned(), desired_count: 6 };
    let simulator = world(Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(2) }, scale));
    let step = Step::bare().input("service", "web").input("desired-count", "4").input("on-cancel", "wait");
    let (_cancel, cancellation) = Cancellation::new();
    tokio::select! {
        biased;
        report = step.run_until_cancelled(&simulator, cancellation) => unreachable!("it was not killed: {report:#?}"),
        () = tokio::time::sleep(seconds(1)) => {}
    }

    let report = step.post(&simulator, "cancelled").await;

    report.ended("superseded", "conflict");
    simulator.settle().await;
    assert_eq!(running(&simulator), [("web:1".to_owned(), 6)].into());
}

#[tokio::test(start_paused = true)]
async fn the_post_step_finds_the_region_where_the_step_found_it() {
    let simulator = world(Scenario::default());
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    let step = Step::bare()
        .variable("AWS_REGION", "")
        .input("service", "web")
        .input("task-definition", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1")
        .input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");

    let report = step.post(&simulator, "failure").await;

    report.ended("rolled-back", "job-failed");
    assert_eq!(set_to(&simulator), "web:2");
}
