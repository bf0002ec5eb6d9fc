//! Container instances: the machines of a cluster, and what is left on them.

use serde_json::{Map, Value, json};

use super::Surroundings;
use crate::ContainerInstance;

/// A machine of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) cluster: String,
    pub(crate) arn: String,
    pub(crate) machine: ContainerInstance,
    /// The tasks on it, with what each takes.
    tasks: Vec<(String, Needs)>,
}

/// What a task takes of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Needs {
    cpu: u64,
    memory: u64,
    gpus: u64,
}

impl Needs {
    /// Of a task definition as it was registered: the task's own figures, or else the sum of its containers'.
    pub(crate) fn of(document: &Map<String, Value>) -> Self {
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0);
        let containers = document.get("containerDefinitions").and_then(Value::as_array).cloned().unwrap_or_default();
        let sum = |member: &str| containers.iter().map(|container| number(&container[member])).sum();
        let of_task = |member: &str| document.get(member).map_or_else(|| sum(member), number);
        let gpus = containers
            .iter()
            .flat_map(|container| container["resourceRequirements"].as_array().cloned().unwrap_or_default())
            .filter(|requirement| requirement["type"] == "GPU")
            .map(|requirement| number(&requirement["value"]))
            .sum();
        Self { cpu: of_task("cpu"), memory: of_task("memory"), gpus }
    }
}

impl Instance {
    pub(crate) fn new(cluster: &str, arn: String, machine: ContainerInstance) -> Self {
        Self { cluster: cluster.to_owned(), arn, machine, tasks: Vec::new() }
    }

    fn left(&self) -> Needs {
        let used = |amount: fn(&Needs) -> u64| self.tasks.iter().map(|(_, needs)| amount(needs)).sum();
        Needs {
            cpu: self.machine.cpu.saturating_sub(used(|needs| needs.cpu)),
            memory: self.machine.memory.saturating_sub(used(|needs| needs.memory)),
            gpus: self.machine.gpus.saturating_sub(used(|needs| needs.gpus)),
        }
    }

    /// What is missing for a task, as RunTask names it (developer guide, "API failures messages").
    fn lacks(&self, needs: Needs) -> Option<&'static str> {
        let left = self.left();
        [
            (needs.cpu > left.cpu, "RESOURCE:CPU"),
            (needs.memory > left.memory, "RESOURCE:MEMORY"),
            (needs.gpus > left.gpus, "RESOURCE:GPU"),
        ]
        .into_iter()
        .find_map(|(lacks, reason)| lacks.then_some(reason))
    }

    /// Of the query language only `attribute:NAME == VALUE`, with `and` between: what the simulator does not know holds nowhere.
    fn meets(&self, constraints: &[Value]) -> bool {
        let holds = |term: &str| {
            let Some((name, value)) = term.trim().strip_prefix("attribute:").and_then(|it| it.split_once("==")) else {
                return false;
            };
            self.machine.attributes.iter().any(|(n, v)| n == name.trim() && v == value.trim())
        };
        constraints
            .iter()
            .filter(|constraint| constraint["type"] == "memberOf")
            .all(|constraint| constraint["expression"].as_str().is_some_and(|it| it.split(" and ").all(holds)))
    }

    /// As DescribeContainerInstances shows it.
    pub(crate) fn document(&self) -> Value {
        let resources = |of: Needs, all: bool| {
            let integer = |name: &str, value: u64| json!({"name": name, "type": "INTEGER", "integerValue": value});
            let mut list = vec![integer("CPU", of.cpu), integer("MEMORY", of.memory)];
            if self.machine.gpus > 0 {
                let ids: Vec<String> =
                    (0..if all { self.machine.gpus } else { of.gpus }).map(|n| format!("GPU-{n}")).collect();
                list.push(json!({"name": "GPU", "type": "STRINGSET", "stringSetValue": ids}));
            }
            list
        };
        let whole = Needs { cpu: self.machine.cpu, memory: self.machine.memory, gpus: self.machine.gpus };
        let attribute = |(name, value): &(String, String)| json!({"name": name, "value": value});
        json!({
            "containerInstanceArn": self.arn,
            "status": "ACTIVE",
            "agentConnected": true,
            "registeredResources": resources(whole, true),
            "remainingResources": resources(self.left(), false),
            "runningTasksCount": self.tasks.len(),
            "pendingTasksCount": 0,
            "attributes": self.machine.attributes.iter().map(attribute).collect::<Vec<_>>(),
        })
    }
}

impl Surroundings<'_> {
    /// Finds a machine for a task that needs one: the first with room. None for a task of Fargate, and in a cluster of which
    /// no machines are known.
    ///
    /// # Errors
    /// Why there is none, as RunTask says it.
    pub(crate) fn place(
        &self,
        cluster: &str,
        task_definition: &str,
        constraints: &[Value],
    ) -> Result<Option<(String, Needs)>, String> {
        let Some(revision) = self.task_definitions.find(task_definition) else { return Ok(None) };
        let on_fargate = revision
            .document
            .get("requiresCompatibilities")
            .is_some_and(|it| it.as_array().is_some_and(|list| list.iter().any(|one| one == "FARGATE")));
        let needs = Needs::of(&revision.document);
        let mut lacking = None;
        let mut machines =
            self.instances.iter().filter(|instance| instance.cluster == cluster && !on_fargate).peekable();
        if machines.peek().is_none() {
            return Ok(None);
        }
        for instance in machines.filter(|instance| instance.meets(constraints)) {
            match instance.lacks(needs) {
                None => return Ok(Some((instance.arn.clone(), needs))),
                Some(reason) => lacking = Some(reason),
            }
        }
        Err(lacking.unwrap_or("MemberOf placement constraint unsatisfied.").to_owned())
    }

    pub(crate) fn occupy(&mut self, instance: &str, task: &str, needs: Needs) {
        if let Some(instance) = self.instances.iter_mut().find(|it| it.arn == instance) {
            instance.tasks.push((task.to_owned(), needs));
        }
    }

    pub(crate) fn vacate(&mut self, task: &str) {
        for instance in self.instances.iter_mut() {
            instance.tasks.retain(|(id, _)| id != task);
        }
    }
}
