//! What containers write to CloudWatch Logs.

use serde_json::{Value, json};

use super::World;
use super::task::Task;
use crate::wire::Refusal;

impl World {
    /// The events of a log stream so far, oldest first.
    pub(crate) fn log_events(&self, group: &str, stream: &str) -> Result<Vec<Value>, Refusal> {
        let of_services = self.services.iter().flat_map(|service| service.tasks.iter().chain(&service.stopped));
        let tasks: Vec<&Task> = of_services.chain(self.one_offs.iter().map(|one| &one.task)).collect();
        let groups = || tasks.iter().flat_map(|task| task.log_streams());
        if !groups().any(|(named, _, _)| named == group) {
            return Err(Refusal::new("ResourceNotFoundException", "The specified log group does not exist."));
        }
        let missing = || Refusal::new("ResourceNotFoundException", "The specified log stream does not exist.");
        let (task, name, image) = tasks
            .iter()
            .find_map(|task| {
                task.log_streams()
                    .find(|(g, s, _)| *g == group && *s == stream)
                    .map(|(.., container)| (task, container))
            })
            .map(|(task, container)| (task, container.name.as_str(), container.image.as_str()))
            .ok_or_else(missing)?;
        let started = task.started_at.ok_or_else(missing)?;
        let until = task.stopping_at.unwrap_or(self.now).min(self.now);
        let of_container = self.scenario.logs.iter().filter(|log| {
            image.contains(&log.image) && log.container.as_ref().is_none_or(|container| container == name)
        });
        let lines = of_container.flat_map(|log| &log.lines).filter(|line| started + line.after <= until);
        let epoch = u64::try_from(self.scenario.epoch.as_millisecond()).unwrap_or_default();
        Ok(lines
            .map(|line| {
                let at = epoch + u64::try_from((started + line.after).as_millis()).unwrap_or_default();
                json!({"timestamp": at, "ingestionTime": at, "message": line.text})
            })
            .collect())
    }
}
