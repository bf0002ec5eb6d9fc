//! What is found out before anything is changed.

use simulator::Scenario;

use crate::stage::{deploying, world};
use crate::support::Step;

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_run_there_is_refused() {
    let simulator = world(Scenario::default());
    let report = deploying("arm").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("is for linux/arm64, and the endpoint runs on linux/amd64"), "{}", report.log);
    let graviton = deploying("arm").input("instance-type", "ml.c7g.large");
    graviton.run(&simulator).await.ended("deployed", "");

    let missing = deploying("none").run(&simulator).await;
    missing.ended("refused", "not-found");
    let elsewhere = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/bikes:2";
    let report = Step::bare().input("endpoint-name", "bikes").input("model-image", elsewhere).run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("lies in eu-west-1"), "{}", report.log);
}
