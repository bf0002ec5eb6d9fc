//! Deployments that concern more than one service: promotion, and rules that move along.

use std::error::Error;

use simulator::{Fault, Rule, Service, When};

use crate::stage::{DEPLOY, HEALTHY, NEW_IMAGE, Rehearsal, account, document, service, world};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "promote",
        story: "What runs in staging is deployed to production: the very digest, whatever the tag points to by now.",
        inputs: &[
            ("mode", "promote"),
            ("cluster", "production"),
            ("service", "web"),
            ("from-cluster", "staging"),
            ("from-service", "web"),
        ],
        world: || {
            let simulator = world(account(HEALTHY), service()?);
            simulator.add_service(staging()?);
            Ok(simulator)
        },
        outcome: "deployed",
    },
    Rehearsal {
        name: "scheduled-rules",
        story: "A nightly job runs the same code as the service: its EventBridge rule moves to the new revision once that has \
                proved itself.",
        inputs: RULES,
        world: || Ok(world(account(HEALTHY).rule("nightly", "web:1"), service()?)),
        outcome: "deployed",
    },
    Rehearsal {
        name: "rule-refused",
        story: "The role may not change the rule. Service and schedule would run different code, so the service goes back.",
        inputs: RULES,
        world: || {
            let simulator = world(account(HEALTHY).rule("nightly", "web:1"), service()?);
            let when = When { operation: Some("PutTargets".to_owned()), times: Some(1), ..When::default() };
            let code = "AccessDeniedException".to_owned();
            let message = "no identity-based policy allows the events:PutTargets action".to_owned();
            simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
            Ok(simulator)
        },
        outcome: "rolled-back",
    },
];

const RULES: &[(&str, &str)] = &[DEPLOY[0], DEPLOY[1], DEPLOY[2], DEPLOY[3], DEPLOY[4], ("scheduled-rules", "nightly")];

/// Staging, where the new image has run for a while.
fn staging() -> Result<Service, Box<dyn Error>> {
    let mut running = document()?;
    running["family"] = "web-staging".into();
    running["containerDefinitions"][0]["image"] = NEW_IMAGE.into();
    Ok(Service::new("web").cluster("staging").desired_count(1).task_definition(running))
}
