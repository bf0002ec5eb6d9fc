//! `mode: rollback`: to what ran before, once and again, and to what a commit brought.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::{Behaviour, Fault, Rule, Scenario, Simulator, When};
use support::{Report, Step, running, seconds, set_to, task_definition, world, writes};

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

/// `web:3` after `web:2` after `web:1`.
async fn third() -> Simulator {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    for image in ["web:good-2", "web:good-3"] {
        Step::deploying(image).run(&simulator).await.ended("deployed", "");
    }
    simulator
}

/// The step that goes back, in an attempt of a run.
fn going_back(run: &str, attempt: &str) -> Step {
    let step = Step::bare().input("service", "web").input("mode", "rollback");
    step.variable("GITHUB_RUN_ID", run).variable("GITHUB_RUN_ATTEMPT", attempt)
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_run_again_never_brings_back_what_was_taken_back() {
    let simulator = third().await;
    going_back("5000", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:2");

    let report = going_back("5000", "2").run(&simulator).await;
    report.ended("unchanged", "");
    assert!(report.log.contains("web:2 was put back in place of web:3 already"), "{report:#?}");
    assert_eq!(set_to(&simulator), "web:2");

    going_back("5001", "1").run(&simulator).await.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:1");
    let report = going_back("5002", "1").run(&simulator).await;
    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("nothing is known to have run before web:1"), "{:?}", report.errors());
    assert_eq!(set_to(&simulator), "web:1");
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_whose_first_one_did_nothing_goes_back() {
    let simulator = third().await;

    going_back("5000", "2").run(&simulator).await.ended("rolled-back", "");

    assert_eq!(set_to(&simulator), "web:2");
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_that_cannot_know_what_the_first_one_did_is_refused() {
    let simulator = third().await;
    let when = When { operation: Some("ListServiceDeployments".to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault: support::faults::refuse("AccessDeniedException") });

    let report = going_back("5000", "2").run(&simulator).await;

    report.ended("refused", "not-found");
    assert!(report.errors()[0].contains("Name the revision with `to`"), "{:?}", report.errors());
    going_back("5000", "1").run(&simulator).await.ended("rolled-back", "");
}

/// Runs that step up to the first call of that name, which takes effect and is not answered.
async fn killed_at_the_first(operation: &str, simulator: &Simulator, step: &Step) {
    let when = When { operation: Some(operation.to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Hang { after_effect: true } });
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(simulator) => unreachable!("{report:#?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_in_flight_is_joined_by_the_next_attempt() {
    let simulator = third().await;
    killed_at_the_first("UpdateService", &simulator, &going_back("5000", "1")).await;
    let updates = simulator.calls("UpdateService").len();

    let again = going_back("5000", "2").input("on-conflict", "supersede").run(&simulator).await;

    again.ended("rolled-back", "");
    assert_eq!((set_to(&simulator), simulator.calls("UpdateService").len()), ("web:2".to_owned(), updates));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_cancelled_goes_on_and_the_post_step_watches_it() {
    for after in [1, 5, 20] {
        let simulator = third().await;
        let step = going_back("5000", "1");
        let before = simulator.calls("UpdateService").len();
        let (cancel, cancellation) = Cancellation::new();
        let report = {
            let run = step.run_until_cancelled(&simulator, cancellation);
            tokio::pin!(run);
            let begun = async {
                while simulator.calls("UpdateService").len() == before {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                tokio::time::sleep(seconds(after)).await;
            };
            tokio::select! {
                biased;
                report = &mut run => unreachable!("{report:#?}"),
                () = begun => cancel.send_replace(true),
            };
            run.await
        };

        report.ended("failed", "cancelled");
        assert!(report.log.contains("watches the rollback to its end"), "{report:#?}");
        assert!(simulator.calls("StopServiceDeployment").is_empty(), "{after}");
        let report = step.post(&simulator, "cancelled").await;
        report.ended("rolled-back", "");
        assert_eq!(simulator.calls("UpdateService").len(), before + 1);
        assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into(), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_killed_before_it_began_is_not_waited_for() {
    let simulator = third().await;
    let step = going_back("5000", "1");
    simulator.inject(Rule {
        when: When { operation: Some("UpdateService".to_owned()), times: Some(1), ..When::default() },
        fault: Fault::Hang { after_effect: false },
    });
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(&simulator) => panic!("it was not killed: {report:#?}"),
    }
    let killed = simulator.elapsed();

    let report = step.post(&simulator, "cancelled").await;
    report.ended("refused", "cancelled");
    assert!(simulator.elapsed() - killed < seconds(90), "{:?}", simulator.elapsed() - killed);
    assert_eq!(running(&simulator), [("web:3".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn restarts_do_not_use_up_what_is_remembered() {
    let simulator = third().await;
    // web:4 never ran; web:5 was restarted for a month.
    simulator.register_task_definition(&task_definition("web:good-4"));
    Step::deploying("web:good-5").run(&simulator).await.ended("deployed", "");
    for _ in 0..30 {
        let restart = Step::bare().input("service", "web").input("force-new-deployment", "true");
        restart.run(&simulator).await.ended("deployed", "");
    }

    going_back("5000", "1").run(&simulator).await.ended("rolled-back", "");

    assert_eq!(set_to(&simulator), "web:3");
}

#[tokio::test(start_paused = true)]
async fn what_another_run_registered_and_this_one_deployed_by_its_name_is_taken_back_by_the_next_attempt() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    Step::deploying("web:bad")
        .variable("GITHUB_RUN_ID", "100")
        .run(&simulator)
        .await
        .ended("rolled-back", "tasks-failing");
    let attempt = |attempt: &str| {
        let step = Step::bare().input("service", "web").input("task-definition", "web:2");
        step.variable("GITHUB_RUN_ID", "200").variable("GITHUB_RUN_ATTEMPT", attempt)
    };
    killed_at_the_first("UpdateService", &simulator, &attempt("1")).await;

    attempt("2").run(&simulator).await.ended("rolled-back", "tasks-failing");

    assert_eq!((set_to(&simulator), running(&simulator)), ("web:1".to_owned(), [("web:1".to_owned(), 2)].into()));
}

#[tokio::test(start_paused = true)]
async fn a_repair_over_a_hopeless_rollout_does_not_trust_ecs_with_the_way_back() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    let left = Step::deploying("web:bad-2").input("wait-for-service-stability", "false");
    left.run(&simulator).await.ended("in-progress", "");
    tokio::time::advance(seconds(900)).await;

    let report = Step::deploying("web:bad-3").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert!(report.log.contains("Its end is not waited for"), "{report:#?}");
    assert!(simulator.calls("StopServiceDeployment").is_empty());
    assert_eq!((set_to(&simulator), running(&simulator)), ("web:1".to_owned(), [("web:1".to_owned(), 2)].into()));
}
