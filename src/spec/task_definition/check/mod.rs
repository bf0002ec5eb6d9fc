//! What ECS would refuse, before it is asked.

mod container;
mod fargate;
mod shape;

use serde_json::{Map, Value};

use super::TaskDefinition;
use super::place::DOCUMENT;
use super::size;
use crate::spec::Arn;

/// One thing that is wrong with a document, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Whether ECS would refuse it.
    pub severity: Severity,
    /// Where: `containerDefinitions[web].image`.
    pub subject: String,
    /// What is wrong, and what would be right. Holds no value of a variable or a secret.
    pub message: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// ECS would refuse it.
    Error,
    /// It is unusual, or new; ECS decides.
    Warning,
}

/// Everything that is wrong with a document, not only the first of it. What nobody here knows is not complained about: ECS
/// learns faster than this program.
pub fn check(document: &TaskDefinition) -> Vec<Complaint> {
    let members = document.register_input();
    let Some(task) = members.as_object() else { return Vec::new() };
    let mut complaints = Complaints::default();
    DOCUMENT.find_other_types(&members, "", &mut |subject| {
        complaints.error(subject, "has to be a text; put it in quotes");
    });
    shape::check(&members, &mut complaints);
    family(task, &mut complaints);
    sizes(task, &mut complaints);
    roles(task, &mut complaints);
    volumes(task, &mut complaints);
    container::check(task, &mut complaints);
    fargate::check(task, &mut complaints);
    complaints.0
}

#[derive(Default)]
struct Complaints(Vec<Complaint>);

impl Complaints {
    fn error(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.0.push(Complaint { severity: Severity::Error, subject: subject.into(), message: message.into() });
    }

    fn warning(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.0.push(Complaint { severity: Severity::Warning, subject: subject.into(), message: message.into() });
    }
}

fn text<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

fn objects<'a>(object: &'a Map<String, Value>, member: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    object.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The names in a list of objects that occur a second time.
fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    let mut twice = Vec::new();
    for name in names {
        if seen.contains(&name) && !twice.contains(&name) {
            twice.push(name);
        }
        seen.push(name);
    }
    twice
}

/// Families and containers are called alike: up to 255 letters, digits, hyphens and underscores.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn family(task: &Map<String, Value>, complaints: &mut Complaints) {
    match task.get("family") {
        None => complaints.error("family", "is missing; every task definition belongs to a family"),
        Some(Value::String(family)) if !is_name(family) => {
            complaints.error("family", "has to be 1 to 255 letters, digits, hyphens and underscores");
        }
        Some(_) => {}
    }
}

fn sizes(task: &Map<String, Value>, complaints: &mut Complaints) {
    for (member, parse, forms) in [
        ("cpu", size::cpu_units as fn(&str) -> Option<u32>, "CPU units (`256`) or vCPUs (`0.25 vCPU`)"),
        ("memory", size::mebibytes, "MiB (`512`) or GB (`1 GB`)"),
    ] {
        if let Some(amount) = text(task, member).filter(|amount| parse(amount).is_none()) {
            complaints.error(member, format!("`{amount}` is not an amount; ECS takes {forms}"));
        }
    }
}

/// ECS takes a role's short name for its ARN.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
fn roles(task: &Map<String, Value>, complaints: &mut Complaints) {
    for member in ["taskRoleArn", "executionRoleArn"] {
        let Some(role) = text(task, member).filter(|role| !role.is_empty()) else { continue };
        if role.parse::<Arn>().is_ok_and(|arn| arn.is_role()) {
            continue;
        }
        let is_role_name =
            role.len() <= 64 && role.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
        if is_role_name {
            complaints.warning(member, format!("`{role}` is a name; ECS looks for a role of that name without a path"));
        } else {
            complaints.error(member, format!("`{role}` is neither the ARN of an IAM role nor the name of one"));
        }
    }
}

fn volumes(task: &Map<String, Value>, complaints: &mut Complaints) {
    for name in repeated(objects(task, "volumes").filter_map(|volume| text(volume, "name"))) {
        complaints.error(format!("volumes[{name}]"), "is there twice; a volume's name has to be its own");
    }
}
