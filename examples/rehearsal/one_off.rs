//! One-off tasks, alone and before a service.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde_json::json;
use simulator::{Behaviour, ContainerInstance, Scenario, Simulator};

use crate::stage::{
    CRASH, HEALTHY, NEW_IMAGE, OLD_IMAGE, Rehearsal, TASK_DEFINITION, account, new_image, repository, service, world,
};

/// The task definition's own log driver cannot be read.
const LOGS: [(&str, &str); 2] = [
    ("log-configuration-log-driver", "awslogs"),
    ("log-configuration-options", "awslogs-group=/ecs/web\nawslogs-region=eu-west-1\nawslogs-stream-prefix=web"),
];

const RUN_TASK: &[(&str, &str)] = &[
    ("mode", "run-task"),
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    LOGS[0],
    LOGS[1],
    ("run-task-container-overrides", r#"[{"name": "web", "command": ["migrate", "--report"]}]"#),
];

const MIGRATE: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    LOGS[0],
    LOGS[1],
    ("run-task", "true"),
    ("run-task-container-overrides", r#"[{"name": "web", "command": ["migrate"]}]"#),
];

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "run-task",
        story: "A task that does its work and ends: its log is shown while it runs, and its last JSON line is an output.",
        inputs: RUN_TASK,
        world: || Ok(world(ending(0, &["3 migrations to run", "done", r#"{"migrations": 3}"#]), service()?)),
        outcome: "deployed",
    },
    Rehearsal {
        name: "run-task-failed",
        story: "A task that ends with exit code 3.",
        inputs: RUN_TASK,
        world: || Ok(world(ending(3, &["3 migrations to run", "column \"total\" does not exist"]), service()?)),
        outcome: "failed",
    },
    Rehearsal {
        name: "migration-failed",
        story: "A migration before a deployment that fails: the service is left as it is.",
        inputs: MIGRATE,
        world: || Ok(world(account(CRASH).log(NEW_IMAGE, &["1 migration to run", "lock timeout"]), service()?)),
        outcome: "failed",
    },
    Rehearsal {
        name: "no-gpu",
        story: "A service that needs a GPU for each task, on a cluster without one to spare: the warning comes before the \
                rollout that cannot place a task, and the way back needs a GPU just the same.",
        inputs: &[
            ("container-name", "web"),
            ("image", NEW_IMAGE),
            ("cluster", "production"),
            ("service", "web"),
            ("wait-for-minutes", "3"),
        ],
        world: without_spare_gpus,
        outcome: "rollback-failed",
    },
];

fn ending(exit_code: i64, lines: &[&str]) -> Scenario {
    let exit_codes = BTreeMap::from([("web".to_owned(), exit_code)]);
    account(Behaviour::Ends { after: Duration::from_secs(20), exit_codes }).log(NEW_IMAGE, lines)
}

fn without_spare_gpus() -> Result<Simulator, Box<dyn Error>> {
    let simulator = Simulator::new(account(HEALTHY));
    simulator.add_repository(repository(Some(new_image())));
    simulator.add_container_instance("production", ContainerInstance::new("g5.xlarge").gpus(1));
    let container = json!({
        "name": "web", "image": OLD_IMAGE, "memory": 4096, "essential": true,
        "resourceRequirements": [{"type": "GPU", "value": "1"}]
    });
    let definition = json!({"family": "web", "requiresCompatibilities": ["EC2"], "containerDefinitions": [container]});
    let service = service()?.desired_count(1).task_definition(definition).setting("launchType", json!("EC2"));
    simulator.add_service(service);
    Ok(simulator)
}
