//! The task while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Request;
use super::judge::{judge, progress};
use super::plan::Draft;
use crate::aws::ecs::{Reader, Task};
use crate::aws::{CallErrorKind, logs};
use crate::cycle::{Failure, Look, Said, Watch};
use crate::ecr::Promotion;
use crate::targets::ecs::Container;
use crate::text::last_part;

/// The pages of a log that one look reads at most: a container that writes faster is read on at the next one.
const PAGES: usize = 5;

/// A run on paper: names and numbers, no values of variables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memo {
    pub(super) cluster: String,
    /// The ARN of the revision.
    pub(super) task_definition: String,
    /// Their ARNs, once AWS told them.
    pub(super) tasks: Vec<String>,
    pub(super) started_by: String,
    /// Whether nothing but this run has that `startedBy`, so that what carries it is ours.
    pub(super) is_found_by_it: bool,
    pub(super) containers: Vec<Container>,
    pub(super) count: u8,
    /// Tags for images once the task has ended well.
    #[serde(default)]
    pub(super) promotions: Vec<Promotion>,
}

/// Tasks while they run.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) reader: Reader,
    pub(super) logs: logs::Reader,
    pub(super) memo: Memo,
    /// RunTask's members; nothing in the post step, which starts no task.
    pub(super) request: Map<String, Value>,
    pub(super) token: String,
    pub(super) placement: std::time::Duration,
    /// The last look.
    pub(super) seen: Vec<Task>,
    /// Looks in a row at which a task was missing.
    pub(super) missing: u32,
    pub(super) read: Read,
}

/// How far the logs were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    /// By task and container.
    tokens: BTreeMap<(String, String), String>,
    /// The last line that is a JSON object or list.
    pub(super) result: Option<String>,
    /// Why the logs cannot be read.
    pub(super) trouble: Option<String>,
}

impl Rollout {
    pub(super) fn new(reader: Reader, logs: logs::Reader, request: &Request, draft: &Draft, arn: &str) -> Self {
        let mut members = draft.request.clone();
        members.insert("taskDefinition".to_owned(), Value::from(arn));
        let token = request.identity.token(&Value::Object(members.clone()).to_string());
        let named = request.one_off.started_by.clone();
        let is_found_by_it = named.is_none();
        let started_by = named.unwrap_or_else(|| format!("GitHub-Actions/{token}"));
        members.insert("startedBy".to_owned(), Value::from(started_by.clone()));
        let memo = Memo {
            cluster: request.cluster.clone(),
            task_definition: arn.to_owned(),
            tasks: Vec::new(),
            started_by,
            is_found_by_it,
            containers: draft.revision.document().map(|it| Container::all(&it.register_input())).unwrap_or_default(),
            count: draft.count,
            promotions: Vec::new(),
        };
        let placement = request.one_off.placement;
        Self { request: members, token, placement, ..Self::recall(reader, logs, memo) }
    }

    pub(super) fn recall(reader: Reader, logs: logs::Reader, memo: Memo) -> Self {
        Self {
            reader,
            logs,
            memo,
            request: Map::new(),
            token: String::new(),
            placement: std::time::Duration::ZERO,
            seen: Vec::new(),
            missing: 0,
            read: Read::default(),
        }
    }

    pub(super) fn name(&self) -> String {
        format!("task {}", last_part(&self.memo.task_definition))
    }

    /// Looks for tasks of which only the mark is known.
    pub(super) async fn find(&mut self) -> Result<(), Failure> {
        if self.memo.tasks.is_empty() && self.memo.is_found_by_it {
            self.memo.tasks = self.reader.tasks_started_by(&self.memo.cluster, &self.memo.started_by).await?;
        }
        Ok(())
    }

    /// Reads what the containers wrote since the last time.
    pub(super) async fn news(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        let mut streams = Vec::new();
        for task in &self.memo.tasks {
            for container in &self.memo.containers {
                if let Some(stream) = container.stream(task) {
                    streams.push(((task.clone(), container.name.clone()), container.essential, stream));
                }
            }
        }
        for (key, essential, stream) in streams {
            for _ in 0..PAGES {
                if self.read.trouble.is_some() {
                    return said;
                }
                let token = self.read.tokens.get(&key).cloned();
                let (lines, next) = match self.logs.after(&stream, token.as_deref()).await {
                    Ok(answer) => answer,
                    // Nothing was written yet, or AWS is busy: there is another look.
                    Err(error) if error.kind == CallErrorKind::NotFound || error.is_passing() => break,
                    Err(error) => {
                        self.read.trouble =
                            Some(format!("The log {}/{} cannot be read: {error}", stream.group, stream.name));
                        break;
                    }
                };
                for line in lines {
                    if essential && is_result(&line.text) {
                        self.read.result = Some(line.text.trim().to_owned());
                    }
                    said.push(Said { at: line.at, message: format!("{}: {}", key.1, line.text) });
                }
                let is_end = next.is_none() || next == token;
                if let Some(next) = next {
                    self.read.tokens.insert(key.clone(), next);
                }
                if is_end {
                    break;
                }
            }
        }
        said.sort_by_key(|said| said.at);
        said
    }
}

fn is_result(line: &str) -> bool {
    matches!(serde_json::from_str(line), Ok(Value::Object(_) | Value::Array(_)))
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        self.find().await?;
        if !self.memo.tasks.is_empty() {
            self.seen = self.reader.describe_tasks(&self.memo.cluster, &self.memo.tasks).await?;
            self.missing = if self.seen.len() < self.memo.tasks.len() { self.missing + 1 } else { 0 };
        } else {
            self.missing += 1;
        }
        let said = self.news().await;
        Ok(Look {
            verdict: judge(&self.memo, &self.seen, self.missing),
            progress: progress(&self.memo, &self.seen),
            said,
            rest: None,
        })
    }
}
