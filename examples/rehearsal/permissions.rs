//! A role that may not do everything.

use std::error::Error;

use simulator::{Fault, Rule, Simulator, When};

use crate::stage::{DEPLOY, HEALTHY, NEW_IMAGE, Rehearsal, TASK_DEFINITION, account, service, world};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "access-denied",
        story: "A role that may not pass the execution role on. The error has the statement that is missing.",
        inputs: DEPLOY,
        world: denied,
        outcome: "refused",
    },
    Rehearsal {
        name: "iam-policy",
        story: "Nothing is deployed: the policy that these inputs need is printed, and who may assume the role.",
        inputs: POLICY,
        world: || Ok(world(account(HEALTHY), service()?)),
        outcome: "planned",
    },
];

const POLICY: &[(&str, &str)] = &[
    ("mode", "iam-policy"),
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
];

fn denied() -> Result<Simulator, Box<dyn Error>> {
    let simulator = world(account(HEALTHY), service()?);
    let when = When { operation: Some("RegisterTaskDefinition".to_owned()), ..When::default() };
    let message = "User: arn:aws:sts::111122223333:assumed-role/deploy/GitHubActions is not authorized to perform: \
                   iam:PassRole on resource: arn:aws:iam::111122223333:role/web-execution because no identity-based policy \
                   allows the iam:PassRole action";
    let code = "AccessDeniedException".to_owned();
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message: message.to_owned() } });
    Ok(simulator)
}
