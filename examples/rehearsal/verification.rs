//! What is checked before a deployment begins and after its rollout.

use std::error::Error;
use std::time::Duration;

use simulator::{Alarm, AlarmState, Page, PageAnswer, Simulator};

use crate::stage::{HEALTHY, NEW_IMAGE, Rehearsal, TASK_DEFINITION, account, new_image, service, world};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "health-check-url",
        story: "A new image that Amazon ECS is content with, and that answers every visitor with 503.",
        inputs: ASKED,
        world: address,
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "rollback-alarm",
        story: "A new image that works for a while; then the alarm on its errors goes off.",
        inputs: WATCHED,
        world: alarm,
        outcome: "rolled-back",
    },
    Rehearsal {
        name: "alarm-preflight",
        story: "An alarm of the service's deployment configuration is in ALARM already, which keeps Amazon ECS from watching \
                any of them.",
        inputs: STRICT,
        world: red,
        outcome: "refused",
    },
];

const ASKED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("health-check-url", "https://shop.example/health?token=only-the-service-sees-this"),
    ("health-check-minutes", "1"),
];

const WATCHED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("rollback-alarms", "web-errors"),
    ("verify-minutes", "5"),
];

const STRICT: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("alarm-preflight", "fail"),
];

fn address() -> Result<Simulator, Box<dyn Error>> {
    let page = Page::new("https://shop.example/health")
        .answer(PageAnswer::status(503).while_runs(new_image().digest()))
        .answer(PageAnswer::status(200));
    Ok(world(account(HEALTHY).page(page), service()?))
}

fn alarm() -> Result<Simulator, Box<dyn Error>> {
    let alarm = Alarm::new("web-errors").watching(new_image().digest(), Duration::from_secs(150));
    Ok(world(account(HEALTHY).alarm(alarm), service()?))
}

fn red() -> Result<Simulator, Box<dyn Error>> {
    let alarm = Alarm::new("web-latency").state(AlarmState::Alarm);
    Ok(world(account(HEALTHY).alarm(alarm), service()?.alarms(&["web-errors", "web-latency"], true)))
}
