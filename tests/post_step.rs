//! After the step: whatever a cancelled, killed or failed job leaves in flight is finished, and a finished deployment is left
//! alone.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use simulator::{Behaviour, Fault, Rule, Scenario, Simulator, When};
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
    let simulator = world(Scenario::default());
    let step = Step::deploying("web:good-2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    Step::deploying("web:good-3").variable("GITHUB_RUN_ID", "2").run(&simulator).await.ended("deployed", "");

    let report = step.post(&simulator, "failure").await;

    report.ended("superseded", "conflict");
    assert_eq!(set_to(&simulator), "web:3");
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
