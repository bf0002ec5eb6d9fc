//! `keep-revisions`: what is removed after a deployment, and above all what is not.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use simulator::{Behaviour, Fault, Rule, Scenario, Service, Simulator, When};
use support::{Step, set_to, task_definition, world};

/// The active revisions of `web`, by their numbers.
fn active(simulator: &Simulator) -> BTreeSet<u32> {
    let listed = simulator.look("ListTaskDefinitions", &json!({"familyPrefix": "web"}));
    let arns = listed["taskDefinitionArns"].as_array().into_iter().flatten();
    arns.filter_map(|arn| arn.as_str()?.rsplit(':').next()?.parse().ok()).collect()
}

/// Deploys so often; `web:1` was not registered by this action.
async fn deployed(times: u32, simulator: &Simulator) {
    for number in 2..times + 2 {
        let step = Step::deploying(&format!("web:good-{number}"));
        step.run(simulator).await.ended("deployed", "");
    }
}

#[tokio::test(start_paused = true)]
async fn older_revisions_of_this_action_go_and_those_of_others_stay() {
    let simulator = world(Scenario::default());
    deployed(5, &simulator).await;
    assert_eq!(active(&simulator), (1..=6).collect());

    let report = Step::deploying("web:good-7").input("keep-revisions", "3").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(active(&simulator), [1, 5, 6, 7].into(), "{report:#?}");
    assert!(report.log.contains("web:4, web:3, web:2"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn what_a_service_or_a_rollback_needs_stays() {
    let simulator = world(Scenario::default());
    deployed(4, &simulator).await;
    let other = Service::new("worker").desired_count(1).task_definition(task_definition("web:good-6"));
    simulator.add_service(other);
    Step::bare()
        .input("service", "worker")
        .input("task-definition", "web:3")
        .run(&simulator)
        .await
        .ended("deployed", "");
    Step::bare().input("service", "web").input("mode", "rollback").input("to", "2").run(&simulator).await;
    assert_eq!(set_to(&simulator), "web:2");

    let report = Step::deploying("web:good-7").input("keep-revisions", "1").run(&simulator).await;

    report.ended("deployed", "");
    // 1 and 6 are not this action's, 2 is what ran before, 3 is the worker's, 7 is new.
    assert_eq!(active(&simulator), [1, 2, 3, 6, 7].into(), "{report:#?}");
    let back = Step::bare().input("service", "web").input("mode", "rollback").run(&simulator).await;
    back.ended("rolled-back", "");
    assert_eq!(set_to(&simulator), "web:2");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_after_a_failure_a_rollback_or_a_deployment_of_nothing() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    deployed(2, &simulator).await;
    let tidying = |step: Step| step.input("keep-revisions", "1");

    tidying(Step::deploying("web:bad")).run(&simulator).await.ended("rolled-back", "tasks-failing");
    tidying(Step::deploying("web:good-3")).run(&simulator).await.ended("unchanged", "");
    tidying(Step::bare().input("service", "web").input("mode", "rollback").input("to", "2")).run(&simulator).await;

    assert_eq!(active(&simulator), [1, 2, 3, 4].into());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_warns_and_the_deployment_stays_green() {
    for operation in ["ListTaskDefinitions", "ListServices", "DeregisterTaskDefinition"] {
        let simulator = world(Scenario::default());
        deployed(3, &simulator).await;
        let when = When { operation: Some(operation.to_owned()), ..When::default() };
        let (code, message) = ("AccessDeniedException".to_owned(), "no identity-based policy".to_owned());
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });

        let report = Step::deploying("web:good-5").input("keep-revisions", "1").run(&simulator).await;

        report.ended("deployed", "");
        assert_eq!((report.exit_code, active(&simulator)), (0, (1..=5).collect()), "{operation}");
        let warned = report.log.lines().any(|line| line.starts_with("::warning") && line.contains(operation));
        assert!(warned, "{operation}: {}", report.log);
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_ten_go_in_one_run() {
    let simulator = world(Scenario::instant());
    deployed(14, &simulator).await;

    Step::deploying("web:good-16").input("keep-revisions", "2").run(&simulator).await.ended("deployed", "");

    assert_eq!(simulator.calls("DeregisterTaskDefinition").len(), 10);
    assert_eq!(active(&simulator), [1, 2, 3, 4, 15, 16].into());
}
