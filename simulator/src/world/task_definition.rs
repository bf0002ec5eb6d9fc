//! Task definitions: documents that come back as they were registered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::epoch_seconds;
use crate::scenario::{Behaviour, ImageBehaviour, Scenario};
use crate::wire::{Refusal, without_nulls};

/// Every revision of every family.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskDefinitions {
    families: BTreeMap<String, Vec<Revision>>,
}

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) number: usize,
    pub(crate) active: bool,
    pub(crate) tags: Vec<Value>,
    pub(crate) document: Map<String, Value>,
    registered_at: Duration,
    deregistered_at: Option<Duration>,
}

impl Revision {
    /// As DescribeTaskDefinition shows it: what was registered, and what only answers have.
    pub(crate) fn document(&self, scenario: &Scenario) -> Value {
        let timestamp = |moment| json!(epoch_seconds(scenario.epoch, moment));
        let mut document = self.document.clone();
        document.insert("taskDefinitionArn".to_owned(), json!(self.arn));
        document.insert("revision".to_owned(), json!(self.number));
        document.insert("status".to_owned(), json!(if self.active { "ACTIVE" } else { "INACTIVE" }));
        document.insert(
            "requiresAttributes".to_owned(),
            json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}]),
        );
        document.insert("compatibilities".to_owned(), compatibilities(&self.document));
        document.insert("registeredAt".to_owned(), timestamp(self.registered_at));
        document.insert("registeredBy".to_owned(), json!(caller(scenario)));
        if let Some(moment) = self.deregistered_at {
            document.insert("deregisteredAt".to_owned(), timestamp(moment));
        }
        Value::Object(document)
    }
}

fn compatibilities(document: &Map<String, Value>) -> Value {
    match document.get("requiresCompatibilities").and_then(Value::as_array) {
        Some(required) if required.contains(&json!("FARGATE")) => json!(["EC2", "FARGATE"]),
        _ => json!(["EC2"]),
    }
}

/// Who makes every call.
pub(crate) fn caller(scenario: &Scenario) -> String {
    format!("arn:{}:iam::{}:role/deploy", scenario.partition(), scenario.account)
}

/// The digest that an image's name resolves to.
pub(crate) fn digest(image: &str) -> String {
    let number = image.bytes().fold(0_u64, |sum, byte| super::mix(sum ^ u64::from(byte)));
    let part = |index: u64| format!("{:016x}", super::mix(number ^ index));
    format!("sha256:{}", (0..4).map(part).collect::<String>())
}

impl TaskDefinitions {
    /// Adds a revision. The request has passed the model; here are the checks that the model cannot express.
    pub(crate) fn register(
        &mut self,
        request: &Value,
        now: Duration,
        scenario: &Scenario,
    ) -> Result<&Revision, Refusal> {
        let mut document = match without_nulls(request) {
            Value::Object(document) => document,
            _ => Map::new(),
        };
        let tags = document.shift_remove("tags").and_then(|tags| tags.as_array().cloned()).unwrap_or_default();
        super::task_definition_rules::check(&document)?;
        if scenario.fill_defaults {
            fill_defaults(&mut document);
        }
        let family = document.get("family").and_then(Value::as_str).unwrap_or_default().to_owned();
        let revisions = self.families.entry(family.clone()).or_default();
        if let Some(last) = revisions.last()
            && now < last.registered_at + scenario.registration_window
        {
            return Err(Refusal::client(
                "Too many concurrent attempts to create a new revision of the specified family.",
            ));
        }
        let number = revisions.len() + 1;
        revisions.push(Revision {
            arn: scenario.arn(&format!("task-definition/{family}:{number}")),
            number,
            active: true,
            tags,
            document,
            registered_at: now,
            deregistered_at: None,
        });
        Ok(&revisions[number - 1])
    }

    /// Finds a revision by ARN, `family:revision`, or `family` (its newest active one).
    pub(crate) fn find(&self, name: &str) -> Option<&Revision> {
        let (family, number) = parse(name)?;
        let revisions = self.families.get(family)?;
        match number {
            Some(number) => revisions.get(number.checked_sub(1)?),
            None => revisions.iter().rev().find(|revision| revision.active),
        }
    }

    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut Revision> {
        let (family, number) = parse(name)?;
        self.families.get_mut(family)?.get_mut(number?.checked_sub(1)?)
    }

    /// Deregistering twice is the same as once.
    pub(crate) fn deregister(&mut self, name: &str, now: Duration) -> Option<&Revision> {
        let revision = self.find_mut(name)?;
        revision.active = false;
        revision.deregistered_at.get_or_insert(now);
        Some(revision)
    }

    /// Every revision of the families that pass, by family and number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Revision)> {
        self.families
            .iter()
            .flat_map(|(family, revisions)| revisions.iter().map(move |revision| (family.as_str(), revision)))
    }

    /// The container definitions of a revision.
    pub(crate) fn containers(&self, arn: &str) -> Vec<Value> {
        let containers = self.find(arn).and_then(|revision| revision.document.get("containerDefinitions"));
        containers.and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The revision as a request that would register it once more.
    pub(crate) fn request(&self, arn: &str) -> Option<Value> {
        self.find(arn).map(|revision| Value::Object(revision.document.clone()))
    }

    /// What a new task of the revision does, when so many were started before it.
    pub(crate) fn behaviour(&self, arn: &str, started: usize, scenario: &Scenario) -> Behaviour {
        match self.told(arn, &scenario.images) {
            Some(Behaviour::CrashAtFirst { times, .. }) if started >= times => Behaviour::usual(scenario),
            Some(behaviour) => behaviour,
            None => Behaviour::usual(scenario),
        }
    }

    /// What a task of the revision does that RunTask starts, when so many were started before it.
    pub(crate) fn behaviour_alone(&self, arn: &str, started: usize, scenario: &Scenario) -> Behaviour {
        self.told(arn, &scenario.one_offs).unwrap_or_else(|| self.behaviour(arn, started, scenario))
    }

    fn told(&self, arn: &str, entries: &[ImageBehaviour]) -> Option<Behaviour> {
        let containers = self.containers(arn);
        let matches =
            |image: &str| containers.iter().any(|c| c["image"].as_str().is_some_and(|name| name.contains(image)));
        entries.iter().find(|entry| matches(&entry.image)).map(|entry| entry.behaviour.clone())
    }
}

/// The family, and the revision's number when there is one.
fn parse(name: &str) -> Option<(&str, Option<usize>)> {
    let name = match name.split_once(":task-definition/") {
        Some((_, name)) => name,
        None => name,
    };
    match name.split_once(':') {
        Some((family, number)) => Some((family, Some(number.parse().ok()?))),
        None => Some((name, None)),
    }
}

/// What ECS adds to a container definition that leaves it out; seen in the answers of DescribeTaskDefinition.
fn fill_defaults(document: &mut Map<String, Value>) {
    let Some(Value::Array(containers)) = document.get_mut("containerDefinitions") else { return };
    for container in containers.iter_mut().filter_map(Value::as_object_mut) {
        for (member, value) in [
            ("cpu", json!(0)),
            ("portMappings", json!([])),
            ("essential", json!(true)),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ] {
            container.entry(member).or_insert(value);
        }
    }
    for member in ["volumes", "placementConstraints"] {
        document.entry(member).or_insert(json!([]));
    }
}
