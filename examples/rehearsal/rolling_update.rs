//! A service with rolling updates.

use std::error::Error;
use std::time::Duration;

use simulator::{Action, Behaviour, Fault, Moment, Rule, Simulator, When};

use crate::stage::{
    CRASH, DEPLOY, HEALTHY, NEW_IMAGE, OLD_IMAGE, Rehearsal, TASK_DEFINITION, account, fails_to_start, service, world,
};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "healthy",
        story: "A new image that works.",
        inputs: DEPLOY,
        world: || web(HEALTHY),
        outcome: "deployed",
    },
    Rehearsal {
        name: "crash-loop",
        story: "A new image that exits with code 1 as soon as it runs. The service has no circuit breaker, so Amazon ECS \
                would try for ever; the action gives up at the same threshold and puts the old revision back.",
        inputs: DEPLOY,
        world: || web(CRASH),
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "circuit-breaker",
        story: "The same image, with Amazon ECS's own circuit breaker: ECS rolls back by itself, the service is stable \
                again, and the action still says that the deployment failed.",
        inputs: DEPLOY,
        world: || Ok(world(account(CRASH), service()?.circuit_breaker(true, true))),
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "image-missing",
        story: "An image that nobody pushed, of which Amazon ECR was not asked beforehand.",
        inputs: UNASKED,
        world: || web(Behaviour::ImageMissing { after: Duration::from_secs(4) }),
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "wrong-platform",
        story: "An image that was built for x86 only, for tasks that run on ARM; Amazon ECR was not asked beforehand.",
        inputs: UNASKED,
        world: || {
            web(fails_to_start(
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain \
                 descriptor matching platform 'linux/arm64'",
            ))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "image-denied",
        story: "An execution role that may not ask Amazon ECR for anything.",
        inputs: DEPLOY,
        world: || {
            web(fails_to_start(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable \
                 to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: User: \
                 arn:aws:sts::123456789012:assumed-role/web-execution/0f9a is not authorized to perform: ecr:GetAuthorizationToken on \
                 resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action",
            ))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "secret-missing",
        story: "A task definition that names a secret which does not exist.",
        inputs: DEPLOY,
        world: || {
            web(fails_to_start(
                "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: The task can't \
                 retrieve the secret with ARN 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/database-url-a1b2c3' from \
                 AWS Secrets Manager. Check whether the secret exists in the specified Region",
            ))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "role-denied",
        story: "An execution role that Amazon ECS may not assume.",
        inputs: DEPLOY,
        world: || {
            web(fails_to_start(
                "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-execution' that was provided for this \
                 task. Please verify that the role being passed has the proper trust relationship and permissions and that your \
                 IAM user has permissions to pass this role.",
            ))
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "out-of-memory",
        story: "A new image that needs more memory than its task has: the kernel kills it a while after it runs.",
        inputs: DEPLOY,
        world: || {
            web(Behaviour::Crash {
                after: Duration::from_secs(12),
                container: None,
                exit_code: 137,
                reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
            })
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "health-check",
        story: "A new image that runs and never becomes healthy.",
        inputs: DEPLOY,
        world: || web(Behaviour::Unhealthy { after: Duration::from_secs(30) }),
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "port-not-listening",
        story: "A new image whose program listens on another port than the load balancer asks.",
        inputs: DEPLOY,
        world: || {
            let reason = "Request timed out".to_owned();
            web(Behaviour::NotAnswering { after: Duration::from_secs(20), reason })
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "target-group",
        story: "A new image that does not know the path which the target group's health check asks for.",
        inputs: DEPLOY,
        world: || {
            let reason = "Health checks failed with these codes: [404]".to_owned();
            web(Behaviour::NotAnswering { after: Duration::from_secs(20), reason })
        },
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "no-capacity",
        story: "A cluster without a machine for one more task.",
        inputs: DEPLOY,
        world: || web(Behaviour::NoCapacity),
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "superseded",
        story: "A colleague deploys to the same service while this deployment is in flight.",
        inputs: DEPLOY,
        world: superseded,
        outcome: "superseded",
    },
    Rehearsal {
        name: "throttled",
        story: "AWS answers \"Rate exceeded\" to every second call. It takes longer, and ends the same.",
        inputs: DEPLOY,
        world: throttled,
        outcome: "deployed",
    },
    Rehearsal {
        name: "unchanged",
        story: "The image that runs already: nothing is registered, and nothing is updated.",
        inputs: UNCHANGED,
        world: || web(HEALTHY),
        outcome: "unchanged",
    },
];

const UNCHANGED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", OLD_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
];

/// [`DEPLOY`], without a look at the image.
const UNASKED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("resolve-image-digest", "false"),
];

/// The new image does that, and nothing else happens.
fn web(behaviour: Behaviour) -> Result<Simulator, Box<dyn Error>> {
    Ok(world(account(behaviour), service()?))
}

fn superseded() -> Result<Simulator, Box<dyn Error>> {
    let colleague = Action::UpdateService {
        cluster: "production".to_owned(),
        service: "web".to_owned(),
        image: Some("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:hotfix".to_owned()),
        task_definition: None,
    };
    let soon = Moment::AfterUpdate { number: 1, delay: Duration::from_secs(20) };
    Ok(world(account(HEALTHY).other(soon, colleague), service()?))
}

fn throttled() -> Result<Simulator, Box<dyn Error>> {
    let simulator = web(HEALTHY)?;
    let when = When { share: Some(0.5), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Throttle });
    Ok(simulator)
}
