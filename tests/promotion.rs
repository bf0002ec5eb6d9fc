//! `mode: promote`: what runs in one service is deployed to another, by digest.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use simulator::{Action, Behaviour, Moment, Scenario, Service, Simulator};
use support::{Step, running, seconds, task_definition, web, writes};

/// A task definition of that family with these containers.
fn document(family: &str, containers: &[(&str, &str)]) -> Value {
    let mut document = task_definition("");
    let container = document["containerDefinitions"][0].clone();
    document["family"] = json!(family);
    document["containerDefinitions"] = containers
        .iter()
        .map(|(name, image)| {
            let mut container = container.clone();
            (container["name"], container["image"]) = (json!(name), json!(image));
            container["portMappings"] = json!([]);
            container
        })
        .collect();
    document
}

/// Production as ever, and staging with that task definition.
fn world(scenario: Scenario, staging: Value) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(web());
    simulator.add_service(Service::new("web").cluster("staging").desired_count(3).task_definition(staging));
    simulator
}

fn promoting() -> Step {
    Step::bare()
        .input("service", "web")
        .input("mode", "promote")
        .input("from-service", "web")
        .input("from-cluster", "staging")
}

/// What the container `app` of the newest revision of `web` runs.
fn image(simulator: &Simulator) -> String {
    let described = simulator.look("DescribeTaskDefinition", &json!({"taskDefinition": "web"}));
    described["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_digests_that_run_there_are_deployed_here() {
    let simulator = world(Scenario::default(), document("staging", &[("app", "registry:5000/shop/web:latest")]));
    let arns = simulator.look("ListTasks", &json!({"cluster": "staging", "serviceName": "web"}))["taskArns"].clone();
    let tasks = simulator.look("DescribeTasks", &json!({"cluster": "staging", "tasks": arns}));
    let digest = tasks["tasks"][0]["containers"][0]["imageDigest"].as_str().unwrap_or_default().to_owned();
    assert!(digest.starts_with("sha256:"), "{tasks}");

    let plan = promoting().input("mode", "plan").run(&simulator).await;
    plan.ended("planned", "");
    assert!(plan.output("plan").contains(&digest), "{plan:#?}");
    assert_eq!(writes(&simulator), [""; 0]);

    let report = promoting().run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(image(&simulator), format!("registry:5000/shop/web@{digest}"));
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());
    promoting().run(&simulator).await.ended("unchanged", "");
}

#[tokio::test(start_paused = true)]
async fn what_is_promoted_keeps_the_commit_that_it_was_deployed_from() {
    const TRIED: &str = "1111111111111111111111111111111111111111";
    const PROMOTING: &str = "2222222222222222222222222222222222222222";
    let mut staging = document("staging", &[("app", "web:2")]);
    staging["tags"] = json!([{"key": "ecs-deploy-action:commit", "value": TRIED}]);
    let simulator = world(Scenario::default(), staging);

    let report = promoting().variable("GITHUB_SHA", PROMOTING).run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(report.output("commit"), TRIED);
    Step::deploying("web:good-3").run(&simulator).await.ended("deployed", "");
    let back = |to: &str| Step::bare().input("service", "web").input("mode", "rollback").input("to", to);
    back(&format!("sha:{PROMOTING}")).run(&simulator).await.ended("refused", "not-found");
    back(&format!("sha:{TRIED}")).run(&simulator).await.ended("rolled-back", "");
    assert_eq!(running(&simulator), [("web:2".to_owned(), 2)].into());

    // Who does not say where it comes from is not said to come from the commit that promotes it.
    let simulator = world(Scenario::default(), document("staging", &[("app", "web:1")]));
    let report = promoting().run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(report.output("commit"), "");
    let registered = simulator.calls("RegisterTaskDefinition")[0].request.to_string();
    assert!(registered.contains("ecs-deploy-action:run"), "{registered}");
    assert!(!registered.contains("ecs-deploy-action:commit"), "{registered}");
}

#[tokio::test(start_paused = true)]
async fn what_moves_or_failed_there_is_not_promoted() {
    for (image, breaker, after, word) in
        [("good-2", false, 10, "in flight"), ("bad", true, 600, "failed"), ("bad", false, 600, "in flight")]
    {
        let theirs = Action::UpdateService {
            cluster: "staging".to_owned(),
            service: "web".to_owned(),
            image: Some(format!("web:{image}")),
            task_definition: None,
        };
        let scenario = Scenario::default().image("bad", Behaviour::crash_loop());
        let simulator = Simulator::new(scenario.other(Moment::Elapsed(seconds(5)), theirs));
        simulator.add_service(web());
        let staging = document("staging", &[("app", "web:1")]);
        let staging = Service::new("web").cluster("staging").desired_count(2).task_definition(staging);
        simulator.add_service(staging.circuit_breaker(breaker, false));
        tokio::time::advance(seconds(after)).await;

        let report = promoting().run(&simulator).await;

        report.ended("refused", "preflight");
        assert!(report.errors()[0].contains(word), "{image}: {:?}", report.errors());
        assert_eq!(writes(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_without_tasks_or_that_is_not_there_is_told() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(web());
    let staging = document("staging", &[("app", "web:1")]);
    simulator.add_service(Service::new("web").cluster("staging").desired_count(0).task_definition(staging));

    let report = promoting().run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("no task"), "{:?}", report.errors());

    let report = promoting().input("from-service", "api").run(&simulator).await;
    report.ended("refused", "not-found");
    for word in ["`from-service`", "same account and region", "digest"] {
        assert!(report.errors()[0].contains(word), "{word}: {:?}", report.errors());
    }
}

#[tokio::test(start_paused = true)]
async fn containers_that_only_one_of_the_two_has_are_named_unless_the_others_are() {
    let staging = document("staging", &[("app", "web:7"), ("router", "router:1")]);
    let simulator = world(Scenario::default(), staging);

    let report = promoting().run(&simulator).await;
    report.ended("refused", "preflight");
    for word in ["router", "container-name"] {
        assert!(report.errors()[0].contains(word), "{word}: {:?}", report.errors());
    }
    assert_eq!(writes(&simulator), [""; 0]);

    let report = promoting().input("container-name", "app").run(&simulator).await;
    report.ended("deployed", "");
    assert!(image(&simulator).starts_with("web@sha256:"), "{}", image(&simulator));

    let report = promoting().input("container-name", "sidecar").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.errors()[0].contains("sidecar"), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_fails_here_is_taken_back_here() {
    let scenario = Scenario::default().image("web@sha256", Behaviour::crash_loop());
    let simulator = world(scenario, document("staging", &[("app", "web:7")]));

    let report = promoting().run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert_eq!(running(&simulator), [("web:1".to_owned(), 2)].into());
}
