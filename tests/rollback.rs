//! `mode: rollback` to what a commit brought.

mod support;

use serde_json::json;
use simulator::{Scenario, Simulator};
use support::{Report, Step, set_to, task_definition, world, writes};

const FIRST: &str = "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567";
const SECOND: &str = "8c1d2e3faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// `web:2` from the first commit, `web:3` from the second, `web:4` from the first again, and `web:5` from nobody knows where.
async fn history() -> Simulator {
    let simulator = world(Scenario::default());
    for (image, commit) in [("web:good-2", FIRST), ("web:good-3", SECOND), ("web:good-4", FIRST)] {
        Step::deploying(image).variable("GITHUB_SHA", commit).run(&simulator).await.ended("deployed", "");
    }
    let step = Step::deploying("web:good-5").input("deploy-tags", "false");
    step.run(&simulator).await.ended("deployed", "");
    simulator
}

async fn back_to(to: &str, simulator: &Simulator) -> Report {
    Step::bare().input("service", "web").input("mode", "rollback").input("to", to).run(simulator).await
}

#[tokio::test(start_paused = true)]
async fn going_back_to_a_commit_finds_the_newest_revision_that_it_brought() {
    let simulator = history().await;

    for (to, now) in [(format!("sha:{FIRST}"), "web:4"), (format!("sha:{}", SECOND.to_uppercase()), "web:3")] {
        let report = back_to(&to, &simulator).await;

        report.ended("rolled-back", "");
        assert_eq!((report.exit_code, set_to(&simulator).as_str()), (0, now), "{to}");
    }
    back_to("sha:8c1d2e3f4", &simulator).await.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:4");
    assert_eq!(simulator.calls("RegisterTaskDefinition").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_unknown_or_not_one_is_refused_with_what_to_do() {
    let simulator = history().await;
    let before = writes(&simulator);

    let report = back_to("sha:8c1d2e3f", &simulator).await;

    report.ended("refused", "invalid-input");
    for word in [FIRST, SECOND, "more digits"] {
        assert!(report.errors()[0].contains(word), "{word}: {:?}", report.errors());
    }
    let report = back_to("sha:0123456789", &simulator).await;
    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("0123456789"), "{:?}", report.errors());
    assert_eq!((writes(&simulator), set_to(&simulator)), (before, "web:5".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_found_on_the_second_page_and_the_search_ends() {
    let simulator = world(Scenario::instant());
    Step::deploying("web:good-2").run(&simulator).await.ended("deployed", "");
    let tagged = |image: String| {
        let mut document = task_definition(&image);
        document["tags"] = json!([{"key": "ecs-deploy-action:commit", "value": SECOND}]);
        document
    };
    for number in 0..150 {
        simulator.register_task_definition(&tagged(format!("web:filler-{number}")));
    }

    let report = back_to(&format!("sha:{FIRST}"), &simulator).await;
    report.ended("unchanged", "");
    assert_eq!(simulator.calls("ListTaskDefinitions").len(), 2);

    for number in 0..300 {
        simulator.register_task_definition(&tagged(format!("web:more-{number}")));
    }
    let report = back_to(&format!("sha:{FIRST}"), &simulator).await;
    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("the newest 300"), "{:?}", report.errors());
}
