//! Somebody else changes the endpoint, too.

use simulator::{Action, Alarm, Moment, Scenario};

use crate::stage::{MAKING, as_before, deploying, digest, image, request, serves, world, writes};
use crate::support::{Step, seconds};

#[tokio::test(start_paused = true)]
async fn maintenance_is_waited_for() {
    let maintain = Action::MaintainEndpoint { endpoint: "bikes".to_owned(), lasts: seconds(300) };
    let scenario = || Scenario::default().other(Moment::Elapsed(seconds(1)), maintain.clone());
    let simulator = world(scenario());
    tokio::time::sleep(seconds(2)).await;
    deploying("2").run(&simulator).await.ended("deployed", "");
    assert_eq!(serves(&simulator).1, digest(&simulator, "2"));

    let simulator = world(scenario());
    tokio::time::sleep(seconds(2)).await;
    let report = deploying("2").input("on-conflict", "fail").run(&simulator).await;
    report.ended("refused", "conflict");
    assert!(report.log.contains("Another rollout of endpoint bikes is in flight"), "{}", report.log);
    assert!(!report.log.contains("supersede"), "an update in flight cannot be superseded: {}", report.log);
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_update_is_waited_for_and_built_upon() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("2") };
    let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(1)), theirs));
    tokio::time::sleep(seconds(2)).await;
    let step = Step::bare().input("endpoint-name", "bikes").input("model-data", "s3://models/bikes-2.tar.gz");
    let report = step.run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(report.output("previous-endpoint-config-name"), "theirs");
    let container = request(&simulator, "CreateModel")["PrimaryContainer"].clone();
    assert_eq!(container["ModelDataUrl"], "s3://models/bikes-2.tar.gz");
    // The image that they brought, by the digest that runs.
    assert_eq!(container["Image"], digest(&simulator, "2"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_during_an_update_goes_back_to_what_is_served_until_then() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("2") };
    let simulator = world(Scenario::default().other(Moment::Elapsed(seconds(1)), theirs));
    tokio::time::sleep(seconds(2)).await;

    let report = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback").run(&simulator).await;

    report.ended("rolled-back", "");
    assert_eq!(report.output("previous-endpoint-config-name"), "theirs");
    assert_eq!(serves(&simulator).1, as_before(&simulator).1);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_newer_update_is_neither_our_failure_nor_ours_to_undo() {
    let theirs =
        Action::UpdateEndpoint { endpoint: "bikes".to_owned(), config: "theirs".to_owned(), image: image("1") };
    // Ours is over, and its alarms are still watched.
    let after = Moment::AfterUpdate { number: 1, delay: seconds(300) };
    let simulator = world(Scenario::default().alarm(Alarm::new("errors")).other(after, theirs));
    let report = deploying("2").input("rollback-alarms", "errors").run(&simulator).await;
    report.ended("superseded", "conflict");
    assert!(!report.summary.contains("service"), "it is an endpoint: {}", report.summary);
    assert_eq!(writes(&simulator), MAKING);
}
