//! A service whose deployments shift traffic from the old tasks to the new ones.

use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Action, HookOutcome, Moment, Scenario, Service, Simulator};

use crate::stage::{DEPLOY, HEALTHY, NEW_IMAGE, Rehearsal, TASK_DEFINITION, account, service, world};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "blue-green",
        story: "A service with rolling updates becomes one with blue/green deployments, in the same step: all new tasks start \
                beside the old ones, then traffic shifts, and the old ones stay for another ten minutes.",
        inputs: BLUE_GREEN,
        world: || Ok(world(account(HEALTHY), service()?)),
        outcome: "deployed",
    },
    Rehearsal {
        name: "canary-alarm",
        story: "A canary gets a tenth of the traffic, and an alarm of the service fires. Amazon ECS takes the traffic back.",
        inputs: DEPLOY,
        world: canary_alarm,
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "hook-failed",
        story: "A lifecycle hook tests the new tasks before they get traffic, and finds them wanting.",
        inputs: DEPLOY,
        world: hook_failed,
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "pause-hook",
        story: "The deployment pauses after its test traffic has shifted. The step ends there; a later job continues the \
                deployment, or rolls it back, with `mode: continue`.",
        inputs: RETURN,
        world: pause_hook,
        outcome: "in-progress",
    },
];

const BLUE_GREEN: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("deployment-strategy", "blue-green"),
    ("bake-time-minutes", "10"),
];

const RETURN: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("on-pause-hook", "return"),
];

fn shifting(strategy: &str) -> Result<Service, Box<dyn Error>> {
    Ok(service()?
        .deployment_configuration("strategy", json!(strategy))
        .deployment_configuration("bakeTimeInMinutes", json!(5)))
}

fn hooked(scenario: Scenario, hook: Value) -> Result<Simulator, Box<dyn Error>> {
    Ok(world(scenario, shifting("BLUE_GREEN")?.deployment_configuration("lifecycleHooks", json!([hook]))))
}

fn canary_alarm() -> Result<Simulator, Box<dyn Error>> {
    let alarm = Action::TripAlarm { name: "web-5xx".to_owned() };
    let soon = Moment::AfterUpdate { number: 1, delay: Duration::from_secs(240) };
    let canary = json!({"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10});
    let service = shifting("CANARY")?.deployment_configuration("canaryConfiguration", canary);
    Ok(world(account(HEALTHY).other(soon, alarm), service.alarms(&["web-5xx"], true)))
}

fn hook_failed() -> Result<Simulator, Box<dyn Error>> {
    let scenario = account(HEALTHY).lifecycle_hook("smoke-test", HookOutcome::Fails { after: Duration::from_secs(40) });
    let hook = json!({
        "hookTargetArn": "arn:aws:lambda:eu-west-1:111122223333:function:smoke-test",
        "roleArn": "arn:aws:iam::111122223333:role/hooks",
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    });
    hooked(scenario, hook)
}

fn pause_hook() -> Result<Simulator, Box<dyn Error>> {
    hooked(account(HEALTHY), json!({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}))
}
