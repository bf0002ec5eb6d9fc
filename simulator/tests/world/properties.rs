//! What holds whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use simulator::{Behaviour, Happening, Scenario, Service, Simulator};

use crate::client::{client, deploy};

#[derive(Clone, Debug)]
struct World {
    breaker: (bool, bool),
    desired: usize,
    limits: (u64, u64),
    deployments: Vec<(&'static str, u64)>,
}

fn worlds() -> impl Strategy<Value = World> {
    let images = prop::sample::select(vec!["good", "crash", "missing", "unhealthy"]);
    let limits = prop::sample::select(vec![(100, 200), (50, 150), (50, 100), (0, 100)]);
    (any::<(bool, bool)>(), 1..5_usize, limits, prop::collection::vec((images, 0..400_u64), 1..5))
        .prop_map(|(breaker, desired, limits, deployments)| World { breaker, desired, limits, deployments })
}

async fn holds(world: World) {
    let scenario = Scenario::default()
        .image("crash", Behaviour::crash_loop())
        .image("missing", Behaviour::ImageMissing { after: Duration::from_secs(3) })
        .image("unhealthy", Behaviour::Unhealthy { after: Duration::from_secs(20) });
    let simulator = Simulator::new(scenario);
    simulator.add_service(
        Service::new("web")
            .desired_count(world.desired)
            .circuit_breaker(world.breaker.0, world.breaker.1)
            .minimum_healthy_percent(world.limits.0)
            .maximum_percent(world.limits.1),
    );
    let client = client(&simulator);
    for (image, pause) in &world.deployments {
        deploy(&client, image).await;
        tokio::time::sleep(Duration::from_secs(*pause)).await;
    }
    let (last, arn) = deploy(&client, "good").await;
    simulator.settle().await;

    // Limits that leave no room in either direction block every rollout, in ECS as here.
    let desired = world.desired as u64;
    let blocked = desired * world.limits.1 / 100 <= desired && (desired * world.limits.0).div_ceil(100) >= desired;
    if blocked {
        let events = simulator.describe_service("default", "web")["events"].to_string();
        assert!(events.contains("was unable to stop or start tasks during a deployment"), "{world:?}: {events}");
    } else {
        let running = simulator.running_task_definitions("default", "web");
        assert_eq!(running, BTreeMap::from([(last, world.desired)]), "{world:?}");
        let service = simulator.describe_service("default", "web");
        assert_eq!(service["currentServiceDeployment"], arn.as_str());
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    }
    let mut statuses = BTreeMap::new();
    for fact in simulator.facts() {
        if let Happening::ServiceDeployment { arn, status } = fact.what {
            let finished = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"];
            let before = statuses.insert(arn, status);
            assert!(before.is_none_or(|before| !finished.contains(&before.as_str())), "{world:?}: an end is final");
        }
    }
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_good_deployment_ends_well_whatever_came_before(world in worlds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(holds(world));
    }
}
