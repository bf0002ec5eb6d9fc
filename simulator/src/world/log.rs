//! What containers write to CloudWatch Logs.

use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::sage_maker::Stream;
use super::task::Task;
use crate::Log;
use crate::wire::Refusal;

impl World {
    /// The events of a log stream so far, oldest first.
    pub(crate) fn log_events(&self, group: &str, stream: &str) -> Result<Vec<Value>, Refusal> {
        let of_endpoints = self.sage_maker.streams.iter().find(|it| it.group == group && it.name == stream);
        if let Some(stream) = of_endpoints {
            return Ok(self.endpoint_log(stream));
        }
        let of_services = self.services.iter().flat_map(|service| service.tasks.iter().chain(&service.stopped));
        let tasks: Vec<&Task> = of_services.chain(self.one_offs.iter().map(|one| &one.task)).collect();
        let groups = || tasks.iter().flat_map(|task| task.log_streams());
        if !groups().any(|(named, _, _)| named == group) {
            return Err(no_group());
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
        Ok(self.lines(of_container, started, until))
    }

    /// The streams of an endpoint's log group that were written to, each with its events, oldest first. Those of tasks are not
    /// listed: nobody asked for them yet.
    pub(crate) fn endpoint_logs(&self, group: &str) -> Result<Vec<(&Stream, Vec<Value>)>, Refusal> {
        let of_group = self.sage_maker.streams.iter().filter(|stream| stream.group == group);
        let written: Vec<_> = of_group
            .map(|stream| (stream, self.endpoint_log(stream)))
            .filter(|(_, events)| !events.is_empty())
            .collect();
        // The group is made with the first line.
        if written.is_empty() { Err(no_group()) } else { Ok(written) }
    }

    fn endpoint_log(&self, stream: &Stream) -> Vec<Value> {
        let of_variant =
            self.scenario.logs.iter().filter(|log| stream.texts.iter().any(|text| text.contains(&log.image)));
        self.lines(of_variant, stream.at, self.now)
    }

    fn lines<'a>(&self, logs: impl Iterator<Item = &'a Log>, started: Duration, until: Duration) -> Vec<Value> {
        let lines = logs.flat_map(|log| &log.lines).filter(|line| started + line.after <= until);
        let epoch = u64::try_from(self.scenario.epoch.as_millisecond()).unwrap_or_default();
        lines
            .map(|line| {
                let at = epoch + u64::try_from((started + line.after).as_millis()).unwrap_or_default();
                json!({"timestamp": at, "ingestionTime": at, "message": line.text})
            })
            .collect()
    }
}

fn no_group() -> Refusal {
    Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")
}
