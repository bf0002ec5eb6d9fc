//! The policy that is generated for an endpoint allows what is needed, which `Step::run` holds in every test, and nothing else.

use std::collections::BTreeSet;

use simulator::{Alarm, Endpoint, Fault, ModelOutcome, Repository, Rule, Scenario, Simulator, When};

use crate::stage::{DATA, creating, deploying, empty, image, world};
use crate::support::Step;
use crate::support::permissions::unused;

/// Where the image `bad` does not come up, and says why.
fn scenario() -> Scenario {
    let digest = empty(Scenario::default()).tagged("bikes", "bad").unwrap();
    let bad =
        |scenario: Scenario, part: String| scenario.model(part.clone(), ModelOutcome::no_ping()).log(part, &["no"]);
    bad(bad(Scenario::default().alarm(Alarm::new("errors")), digest), image("bad"))
}

fn scaled(simulator: Simulator) -> Simulator {
    simulator.add_scaling("bikes");
    simulator
}

fn refusing(simulator: Simulator, operation: &str) -> Simulator {
    let when = When { operation: Some(operation.to_owned()), ..When::default() };
    let (code, message) = ("AccessDeniedException".to_owned(), "is not authorized".to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    simulator
}

/// Where this action deployed before, to other instances and with an alarm.
async fn deployed(simulator: Simulator) -> Simulator {
    let step = deploying("2").input("instance-type", "ml.m5.xlarge").input("rollback-alarms", "errors");
    step.run(&simulator).await.ended("deployed", "");
    simulator
}

async fn worlds() -> Vec<Simulator> {
    let without_image = empty(scenario());
    without_image.add_repository(Repository::new("bikes"));
    let was_bad = empty(scenario());
    was_bad.add_endpoint(Endpoint::new("bikes", &image("bad"), DATA));
    vec![
        scaled(world(scenario())),
        empty(scenario()),
        refusing(world(scenario()), "UpdateEndpoint"),
        without_image,
        scaled(deployed(world(scenario())).await),
        deployed(was_bad).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn nothing_is_granted_that_is_never_used() {
    type Make = fn() -> Step;
    let steps: [(&str, Make); 6] = [
        ("a model that fails", || creating("bad")),
        ("a new endpoint that fails", || creating("bad").input("on-first-failure", "delete")),
        ("a plan", || creating("2").input("mode", "plan")),
        ("a way back", || Step::bare().input("endpoint-name", "bikes").input("mode", "rollback")),
        ("a way back with alarms", || {
            let step = Step::bare().input("endpoint-name", "bikes").input("mode", "rollback");
            step.input("rollback-alarms", "errors")
        }),
        ("a smoke test", || creating("bad").input("smoke-test-payload", "{}")),
    ];
    for (name, step) in steps {
        assert_eq!(unused(step, worlds().await).await, BTreeSet::new(), "{name}");
    }
}
