//! Pages that are not AWS's.

use serde_json::{Value, json};

use super::{Answer, text};
use crate::PageAnswer;
use crate::wire::Refusal;
use crate::world::{State, World};

/// Answers whoever visits the page.
pub(crate) fn get(world: &World, request: &Value) -> Answer {
    let url = text(request, "url").split('?').next().unwrap_or_default();
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|start| &rest[start..])).unwrap_or("/");
    let mut pages = world.scenario.pages.iter().filter(|page| page.url == url || page.url == path);
    let holds = |answer: &&PageAnswer| {
        answer.until.is_none_or(|until| world.now < until)
            && answer.image.as_ref().is_none_or(|image| world.runs_image(image))
    };
    let answer = pages.find_map(|page| page.answers.iter().find(holds));
    let answer = answer.ok_or_else(|| Refusal::new("NotFound", "There is no such page.").with_status(404))?;
    Ok(json!({"status": answer.status, "body": answer.body, "location": answer.location}))
}

/// The HTTP status of such an answer.
pub(crate) fn status(answer: &Value) -> u16 {
    answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200)
}

impl World {
    /// Whether a task runs whose image contains this.
    pub(crate) fn runs_image(&self, image: &str) -> bool {
        let tasks = self.services.iter().flat_map(|service| &service.tasks);
        tasks.filter(|task| task.state == State::Running).any(|task| {
            let containers = self.task_definitions.containers(&task.task_definition);
            containers.iter().any(|it| it["image"].as_str().is_some_and(|it| it.contains(image)))
        })
    }
}
