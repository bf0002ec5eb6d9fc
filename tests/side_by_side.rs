//! Services that are deployed at the same time, as the jobs of a matrix do.

mod support;

use simulator::{Behaviour, Scenario, Service, Simulator};
use support::{Step, seconds, task_definition};

fn deploying(service: &str, image: &str) -> Step {
    Step::bare().input("service", service).input("image", image)
}

/// The image that the service's tasks run, and how many of them.
fn images(simulator: &Simulator, service: &str) -> Vec<(String, usize)> {
    let image = |arn: &str| {
        let described = simulator.look("DescribeTaskDefinition", &serde_json::json!({"taskDefinition": arn}));
        described["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap_or_default().to_owned()
    };
    let running = simulator.running_task_definitions("default", service);
    running.into_iter().map(|(arn, count)| (image(&arn), count)).collect()
}

#[tokio::test(start_paused = true)]
async fn services_of_one_family_are_deployed_beside_each_other_and_one_that_fails_goes_back_alone() {
    let scenario = Scenario { registration_window: seconds(2), ..Scenario::default() };
    let simulator = Simulator::new(scenario.image("bad", Behaviour::crash_loop()));
    for name in ["web", "worker", "mailer"] {
        simulator.add_service(Service::new(name).task_definition(task_definition("web:good-1")));
        tokio::time::sleep(seconds(3)).await;
    }
    let start = simulator.elapsed();
    let steps = [("web", "web:good-2"), ("worker", "web:bad"), ("mailer", "web:good-2")];

    let [web, worker, mailer] = steps.map(|(service, image)| deploying(service, image));
    // Not `run`, which holds every call that the world gets against the one step's own policy.
    let door = || simulator.http_client();
    let (web, worker, mailer) =
        tokio::join!(web.run_through(door()), worker.run_through(door()), mailer.run_through(door()));

    web.ended("deployed", "");
    worker.ended("rolled-back", "tasks-failing");
    mailer.ended("deployed", "");
    for (service, image) in [("web", "web:good-2"), ("worker", "web:good-1"), ("mailer", "web:good-2")] {
        assert_eq!(images(&simulator, service), [(image.to_owned(), 2)], "{service}");
    }
    assert!(simulator.elapsed() - start < seconds(240), "one after the other: {:?}", simulator.elapsed());
}
