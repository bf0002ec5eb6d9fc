//! What ECS would refuse, before it is asked.

mod container;
mod fargate;
mod names;
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
    names::check(&members, &mut complaints);
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> TaskDefinition {
        TaskDefinition::from_described(value, None).unwrap()
    }

    /// A Fargate task definition without a fault.
    fn good() -> Value {
        json!({
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": ".25 vCPU",
            "memory": "1 GB",
            "executionRoleArn": "arn:aws-eusc:iam::123456789012:role/path/execution",
            "volumes": [{"name": "scratch"}],
            "containerDefinitions": [
                {
                    "name": "web",
                    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:abc",
                    "portMappings": [{"containerPort": 80, "hostPort": 80}, {"containerPortRange": "90-95"}],
                    "environment": [{"name": "A", "value": ""}],
                    "secrets": [{"name": "B", "valueFrom": "arn"}],
                    "dependsOn": [{"containerName": "router", "condition": "START"}],
                    "volumesFrom": [{"sourceContainer": "router"}],
                    "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp"}],
                    "logConfiguration": {"logDriver": "awslogs", "options": {"a": "b"}},
                },
                {"name": "router", "image": "router:1", "essential": false},
            ],
        })
    }

    /// The good one with the value at this JSON pointer replaced, or removed when there is none.
    fn with(pointer: &str, value: Option<Value>) -> TaskDefinition {
        let mut good = good();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let parent = good.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(members), Some(value)) => {
                members.insert(member.to_owned(), value);
            }
            (Value::Object(members), None) => {
                members.remove(member);
            }
            (other, _) => panic!("{pointer} leads into {other}"),
        }
        document(good)
    }

    #[test]
    fn nothing_is_wrong_with_good_ones() {
        assert_eq!(check(&document(good())), []);
        let minimal = json!({"family": "a", "containerDefinitions": [{"name": "a", "image": "a", "memory": 64}]});
        assert_eq!(check(&document(minimal)), []);
        let example = include_str!("../../../../examples/task-definition.json");
        assert_eq!(check(&TaskDefinition::parse(example, crate::spec::Format::Json).unwrap()), []);
    }

    #[test]
    fn each_fault_is_one_complaint_where_it_is() {
        const WEB: &str = "/containerDefinitions/0";
        let web = |member: &str| format!("{WEB}/{member}");
        let cases: Vec<(String, Option<Value>, &str)> = vec![
            ("/family".into(), None, "family"),
            ("/family".into(), Some(json!("we b")), "family"),
            ("/family".into(), Some(json!("f".repeat(256))), "family"),
            ("/family".into(), Some(json!(7)), "family"),
            ("/networkMode".into(), Some(json!("bridge")), "networkMode"),
            ("/cpu".into(), None, "cpu"),
            ("/cpu".into(), Some(json!("some")), "cpu"),
            ("/cpu".into(), Some(json!(256)), "cpu"),
            ("/cpu".into(), Some(json!("300")), "cpu"),
            ("/memory".into(), Some(json!("1536")), "memory"),
            ("/memory".into(), Some(json!("1 MB")), "memory"),
            ("/executionRoleArn".into(), Some(json!("arn:aws:iam::123456789012:user/me")), "executionRoleArn"),
            ("/taskRoleArn".into(), Some(json!("not a role")), "taskRoleArn"),
            ("/volumes".into(), Some(json!([{"name": "scratch"}, {"name": "scratch"}])), "volumes[scratch]"),
            ("/ephemeralStorage".into(), Some(json!({})), "ephemeralStorage.sizeInGiB"),
            ("/proxyConfiguration".into(), Some(json!({"containerName": "x"})), "proxyConfiguration.containerName"),
            (web("name"), Some(json!("w b")), "containerDefinitions[w b].name"),
            (web("name"), None, "containerDefinitions[0].name"),
            (web("image"), None, "containerDefinitions[web].image"),
            (web("image"), Some(json!("a b")), "containerDefinitions[web].image"),
            (web("essential"), Some(json!(false)), "containerDefinitions"),
            (
                web("portMappings"),
                Some(json!([{"containerPort": 0}])),
                "containerDefinitions[web].portMappings[0].containerPort",
            ),
            (
                web("portMappings"),
                Some(json!([{"containerPort": 65_536}])),
                "containerDefinitions[web].portMappings[0].containerPort",
            ),
            (
                web("portMappings"),
                Some(json!([{"containerPort": 80, "hostPort": 81}])),
                "containerDefinitions[web].portMappings[0].hostPort",
            ),
            (web("portMappings"), Some(json!([{"protocol": "tcp"}])), "containerDefinitions[web].portMappings[0]"),
            (
                web("environment"),
                Some(json!([{"name": "A", "value": 1}])),
                "containerDefinitions[web].environment[A].value",
            ),
            (web("environment"), Some(json!([{"name": "B", "value": ""}])), "containerDefinitions[web].secrets[B]"),
            (web("command"), Some(json!(["a", 1])), "containerDefinitions[web].command[1]"),
            (web("dockerLabels"), Some(json!({"a": true})), "containerDefinitions[web].dockerLabels.a"),
            (web("secrets"), Some(json!([{"name": "B"}])), "containerDefinitions[web].secrets[B].valueFrom"),
            (
                web("secrets"),
                Some(json!([{"name": "B", "valueFrom": "x"}, {"name": "B", "valueFrom": "y"}])),
                "containerDefinitions[web].secrets[B]",
            ),
            (
                web("dependsOn"),
                Some(json!([{"containerName": "web", "condition": "START"}])),
                "containerDefinitions[web].dependsOn[0].containerName",
            ),
            (
                web("dependsOn"),
                Some(json!([{"containerName": "router"}])),
                "containerDefinitions[web].dependsOn[0].condition",
            ),
            (
                web("volumesFrom"),
                Some(json!([{"sourceContainer": "x"}])),
                "containerDefinitions[web].volumesFrom[0].sourceContainer",
            ),
            (
                web("mountPoints"),
                Some(json!([{"sourceVolume": "x", "containerPath": "/"}])),
                "containerDefinitions[web].mountPoints[0].sourceVolume",
            ),
            (
                web("resourceRequirements"),
                Some(json!([{"type": "InferenceAccelerator", "value": "a"}, {"type": "GPU", "value": "1"}])),
                "containerDefinitions[web].resourceRequirements",
            ),
            (
                web("logConfiguration"),
                Some(json!({"options": {}})),
                "containerDefinitions[web].logConfiguration.logDriver",
            ),
        ];
        for (pointer, value, subject) in cases {
            let complaints = check(&with(&pointer, value.clone()));

            let [complaint] = &complaints[..] else { panic!("{pointer} {value:?}: {complaints:#?}") };
            assert_eq!((complaint.severity, complaint.subject.as_str()), (Severity::Error, subject), "{complaint:?}");
        }
    }

    #[test]
    fn what_is_new_or_unusual_is_a_warning() {
        let cases = [
            ("/networkMode", json!("quantum"), 2, "networkMode"),
            ("/pidMode", json!("pod"), 1, "pidMode"),
            ("/requiresCompatibilities", json!(["MOON"]), 1, "requiresCompatibilities[0]"),
            ("/cpu", json!("32768"), 1, "cpu"),
            ("/taskRoleArn", json!("web-task"), 1, "taskRoleArn"),
            (
                "/containerDefinitions/0/logConfiguration/logDriver",
                json!("loki"),
                1,
                "containerDefinitions[web].logConfiguration.logDriver",
            ),
            (
                "/containerDefinitions/0/environment",
                json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
                1,
                "containerDefinitions[web].environment[A]",
            ),
        ];
        for (pointer, value, count, subject) in cases {
            let complaints = check(&with(pointer, Some(value)));

            assert_eq!(complaints.len(), count, "{pointer}: {complaints:#?}");
            assert!(
                complaints
                    .iter()
                    .any(|complaint| complaint.severity == Severity::Warning && complaint.subject == subject),
                "{pointer}: {complaints:#?}"
            );
        }
    }

    #[test]
    fn the_execution_role_is_asked_for_by_what_needs_it() {
        let mut task = good();
        task.as_object_mut().unwrap().remove("executionRoleArn");
        task["containerDefinitions"][1]["image"] = json!("123456789012.dkr-ecr.eu-west-1.on.aws/router:1");

        let complaints = check(&document(task.clone()));

        let needs = ["read", "web", "logs", "router"];
        assert_eq!(complaints.len(), 4, "{complaints:#?}");
        for need in needs {
            assert!(complaints.iter().any(|complaint| complaint.message.contains(need)), "{need}: {complaints:#?}");
        }

        task["requiresCompatibilities"] = json!(["EC2"]);
        let complaints = check(&document(task));
        let subjects: Vec<&str> = complaints.iter().map(|complaint| complaint.subject.as_str()).collect();
        assert_eq!(subjects, ["containerDefinitions[web].secrets"]);
    }

    #[test]
    fn a_container_needs_memory_where_the_task_has_none() {
        let task = json!({"family": "a", "containerDefinitions": [
            {"name": "a", "image": "a"}, {"name": "b", "image": "b", "memoryReservation": 64},
        ]});

        let complaints = check(&document(task));

        let subjects: Vec<&str> = complaints.iter().map(|complaint| complaint.subject.as_str()).collect();
        assert_eq!(subjects, ["containerDefinitions[a].memory"]);
    }

    #[test]
    fn containers_have_names_of_their_own() {
        let container = json!({"name": "a", "image": "a", "memory": 64});

        let complaints =
            check(&document(json!({"family": "a", "containerDefinitions": [container, container, container]})));

        let subjects: Vec<&str> = complaints.iter().map(|complaint| complaint.subject.as_str()).collect();
        assert_eq!(subjects, ["containerDefinitions[a]"]);
    }

    #[test]
    fn all_complaints_come_at_once() {
        let complaints = check(&document(json!({"cpu": "much"})));

        let subjects: Vec<&str> = complaints.iter().map(|complaint| complaint.subject.as_str()).collect();
        assert_eq!(subjects, ["family", "cpu", "containerDefinitions"]);
    }

    #[test]
    fn members_of_tomorrow_are_left_alone() {
        let task = with("/future", Some(json!({"cpu": 7, "deep": [{"x": null}]})));

        assert_eq!(check(&task), []);
    }
}
