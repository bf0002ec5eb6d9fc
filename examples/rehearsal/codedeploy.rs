//! A service that AWS CodeDeploy deploys.

use std::error::Error;
use std::time::Duration;

use simulator::{DeploymentGroup, Simulator};

use crate::stage::{HEALTHY, NEW_IMAGE, Rehearsal, TASK_DEFINITION, account, service, world};

/// The inputs of a deployment through CodeDeploy.
const DEPLOY: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("codedeploy-appspec", "examples/appspec.yaml"),
];

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "codedeploy",
        story: "A service that AWS CodeDeploy deploys: a second set of tasks comes up, a tenth of the traffic shifts to it, after \
                five minutes the rest, and the old tasks go.",
        inputs: DEPLOY,
        world: || shop(|group| group.config("CodeDeployDefault.ECSCanary10Percent5Minutes")),
        outcome: "deployed",
    },
    Rehearsal {
        name: "codedeploy-hook-failed",
        story: "The same, with a Lambda function that examines the new tasks over the test listener and finds them wanting.",
        inputs: DEPLOY,
        world: || shop(|group| group.failing_hook("validate-test-traffic")),
        outcome: "rolled-back",
    },
];

fn shop(group: fn(DeploymentGroup) -> DeploymentGroup) -> Result<Simulator, Box<dyn Error>> {
    let simulator = world(account(HEALTHY), service()?.controller("CODE_DEPLOY"));
    let usual =
        DeploymentGroup::of("web").cluster("production").named("AppECS-production-web", "DgpECS-production-web");
    simulator.add_deployment_group(group(usual.termination_wait(Duration::from_secs(60))));
    Ok(simulator)
}
