//! The way back.

use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::{Action, Alarm, ModelOutcome, Moment, Scenario};

use crate::stage::{MAKING, as_before, bad, creating, deploying, digest, empty, serves, world, writes};
use crate::support::{Step, seconds};

#[tokio::test(start_paused = true)]
async fn an_alarm_after_the_rollout_takes_it_back_and_keeps_the_live_count() {
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    let scale = Action::ScaleEndpoint { endpoint: "bikes".to_owned(), count: 7 };
    let scenario = Scenario::default()
        .alarm(Alarm::new("errors"))
        .other(Moment::AfterUpdate { number: 1, delay: seconds(200) }, scale)
        .other(Moment::AfterUpdate { number: 1, delay: seconds(260) }, trip);
    let simulator = world(scenario);
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("rolled-back", "alarm");
    assert_eq!(writes(&simulator), [&MAKING[..], &["UpdateEndpoint"]].concat());
    let back = simulator.calls("UpdateEndpoint")[1].request.clone();
    assert_eq!(
        back,
        json!({"EndpointName": "bikes", "EndpointConfigName": "bikes", "RetainAllVariantProperties": true})
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "1"), 7));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_to_what_was_served_before_or_to_what_is_named() {
    let simulator = world(Scenario::default());
    deploying("2").run(&simulator).await.ended("deployed", "");
    let rollback = |to: Option<&str>| {
        let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
        to.map_or_else(
            || Step::bare().input("endpoint-name", "bikes").input("mode", "rollback"),
            |to| step.input("to", to),
        )
    };
    let report = rollback(None).run(&simulator).await;
    report.ended("rolled-back", "");
    assert_eq!(report.exit_code, 0);
    assert_eq!(serves(&simulator), as_before(&simulator));

    // Nothing says what was before that one.
    rollback(Some("previous")).run(&simulator).await.ended("refused", "not-found");
    let config = simulator.calls("CreateEndpointConfig")[0].request["EndpointConfigName"].as_str().unwrap().to_owned();
    rollback(Some(&config)).run(&simulator).await.ended("rolled-back", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));
    rollback(Some(&config)).run(&simulator).await.ended("unchanged", "");
    rollback(Some("none")).run(&simulator).await.ended("refused", "not-found");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_update_goes_back_in_the_post_step_because_nothing_can_stop_it() {
    let simulator = world(Scenario::default());
    let (cancel, cancellation) = Cancellation::new();
    let step = deploying("2");
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
    assert!(simulator.elapsed() < seconds(40), "gone before it is killed: {:?}", simulator.elapsed());
    let post = step.post(&simulator, "cancelled").await;
    post.ended("rolled-back", "cancelled");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_later_step_that_fails_takes_the_deployment_back() {
    let simulator = world(Scenario::default());
    let step = deploying("2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");
    step.post(&simulator, "failure").await.ended("rolled-back", "job-failed");
    assert_eq!(serves(&simulator), as_before(&simulator));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_takes_too_long_is_taken_back_once_sagemaker_is_through_with_it() {
    for outlasts in [seconds(3 * 3600), seconds(7 * 3600)] {
        let simulator = world(bad(ModelOutcome::Serves { after: outlasts }));
        let report = deploying("bad").input("wait-for-minutes", "5").run(&simulator).await;
        report.ended("rolled-back", "timeout");
        assert_eq!(serves(&simulator), as_before(&simulator));
        assert_eq!(simulator.calls("UpdateEndpoint").len(), 2);
    }

    let simulator = empty(bad(ModelOutcome::Serves { after: seconds(3 * 3600) }));
    let step = creating("bad").input("wait-for-minutes", "5").input("on-first-failure", "delete");
    step.run(&simulator).await.ended("rolled-back", "timeout");
    assert_eq!(simulator.describe_endpoint("bikes"), json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_run_again_goes_no_further_back() {
    let simulator = world(Scenario::default());
    deploying("2").run(&simulator).await.ended("deployed", "");
    deploying("bad").variable("GITHUB_RUN_ID", "4712").run(&simulator).await.ended("deployed", "");
    let rollback = |run: &str, attempt: &str| {
        let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
        step.variable("GITHUB_RUN_ID", run).variable("GITHUB_RUN_ATTEMPT", attempt)
    };
    rollback("4713", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));

    rollback("4713", "2").run(&simulator).await.ended("unchanged", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));

    // Whoever asks once more goes back once more, and what was asked for before is forgotten.
    rollback("4714", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "1"));
}
