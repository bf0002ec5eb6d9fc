//! What ECS would refuse in containers.

use serde_json::{Map, Value};

use super::{Complaints, is_name, objects, repeated, text};

/// Complains about the containers of a task definition.
pub(super) fn check(task: &Map<String, Value>, complaints: &mut Complaints) {
    let containers: Vec<&Map<String, Value>> = objects(task, "containerDefinitions").collect();
    if containers.is_empty() {
        complaints.error("containerDefinitions", "has to hold at least one container");
        return;
    }
    let names: Vec<&str> = containers.iter().filter_map(|container| text(container, "name")).collect();
    for name in repeated(names.iter().copied()) {
        complaints
            .error(format!("containerDefinitions[{name}]"), "is there twice; a container's name has to be its own");
    }
    if containers.iter().all(|container| container.get("essential") == Some(&Value::Bool(false))) {
        complaints.error("containerDefinitions", "holds no essential container; one has to be");
    }
    let volumes: Vec<&str> = objects(task, "volumes").filter_map(|volume| text(volume, "name")).collect();
    for (number, container) in containers.iter().enumerate() {
        let name = text(container, "name");
        let key = name.map_or_else(|| number.to_string(), str::to_owned);
        let mut checked =
            Container { task, container, name, subject: format!("containerDefinitions[{key}]"), complaints };
        checked.identity();
        checked.memory();
        checked.ports();
        checked.variables();
        checked.references(&names, &volumes);
    }
    if let Some(proxy) =
        task.get("proxyConfiguration").and_then(|proxy| proxy.get("containerName")).and_then(Value::as_str)
        && !names.contains(&proxy)
    {
        complaints.error("proxyConfiguration.containerName", unknown("container", proxy, &names));
    }
}

fn unknown(what: &str, name: &str, there: &[&str]) -> String {
    let there: Vec<String> = there.iter().map(|name| format!("`{name}`")).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    format!("there is no {what} `{name}`; there are: {there}")
}

/// One container under examination.
struct Container<'a> {
    task: &'a Map<String, Value>,
    container: &'a Map<String, Value>,
    name: Option<&'a str>,
    subject: String,
    complaints: &'a mut Complaints,
}

impl Container<'_> {
    fn error(&mut self, member: &str, message: impl Into<String>) {
        self.complaints.error(format!("{}.{member}", self.subject), message);
    }

    fn identity(&mut self) {
        if self.container.get("name").is_none() {
            self.error("name", "is missing");
        }
        if self.name.is_some_and(|name| !is_name(name)) {
            self.error("name", "has to be 1 to 255 letters, digits, hyphens and underscores");
        }
        match self.container.get("image") {
            None => self.error("image", "is missing"),
            Some(Value::String(image)) if image.is_empty() || image.contains(char::is_whitespace) => {
                self.error(
                    "image",
                    format!("`{image}` is not an image; write registry/name:tag or registry/name@digest"),
                );
            }
            Some(_) => {}
        }
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
    fn memory(&mut self) {
        let own = ["memory", "memoryReservation"].iter().any(|member| self.container.contains_key(*member));
        if !own && !self.task.contains_key("memory") {
            self.error("memory", "is missing; without it, `memoryReservation` or the task's `memory` has to be there");
        }
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html>
    fn ports(&mut self) {
        let on_own_interface = text(self.task, "networkMode") == Some("awsvpc");
        for (number, mapping) in objects(self.container, "portMappings").enumerate() {
            let (container_port, host_port) = (mapping.get("containerPort"), mapping.get("hostPort"));
            for (member, port, least) in [("containerPort", container_port, 1), ("hostPort", host_port, 0)] {
                let in_range = |port: &Value| port.as_u64().is_some_and(|port| (least..=65_535).contains(&port));
                if port.is_some_and(|port| !in_range(port)) {
                    let message = format!("has to be a number from {least} to 65535");
                    self.error(&format!("portMappings[{number}].{member}"), message);
                }
            }
            if container_port.is_none() && !mapping.contains_key("containerPortRange") {
                self.error(
                    &format!("portMappings[{number}]"),
                    "maps nothing; `containerPort` or `containerPortRange` is missing",
                );
            }
            let differs = host_port.is_some_and(|port| Some(port) != container_port && port.as_u64() != Some(0));
            if on_own_interface && differs {
                let message = "has to be left out or be the `containerPort`, because the network mode is `awsvpc`";
                self.error(&format!("portMappings[{number}].hostPort"), message);
            }
        }
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>
    fn variables(&mut self) {
        let container = self.container;
        let names = |member| objects(container, member).filter_map(|item| text(item, "name"));
        let secrets: Vec<&str> = names("secrets").collect();
        for name in repeated(secrets.iter().copied()) {
            self.error(&format!("secrets[{name}]"), "is there twice; a secret's name has to be its own");
        }
        for name in repeated(names("environment")) {
            let subject = format!("{}.environment[{name}]", self.subject);
            self.complaints.warning(subject, "is there twice; only one of the two values can reach the container");
        }
        for name in names("environment").filter(|name| secrets.contains(name)) {
            self.error(&format!("secrets[{name}]"), "is an environment variable too; ECS refuses a name that is both");
        }
        if !secrets.is_empty() && text(self.task, "executionRoleArn").is_none_or(str::is_empty) {
            self.error("secrets", "need the task's `executionRoleArn`: with that role ECS reads them");
        }
    }

    fn references(&mut self, containers: &[&str], volumes: &[&str]) {
        let others: Vec<&str> = containers.iter().copied().filter(|other| Some(*other) != self.name).collect();
        let container = self.container;
        for (list, member, what, there) in [
            ("dependsOn", "containerName", "other container", &others[..]),
            ("volumesFrom", "sourceContainer", "other container", &others[..]),
            ("mountPoints", "sourceVolume", "volume", volumes),
        ] {
            for (number, name) in
                objects(container, list).enumerate().filter_map(|(number, item)| Some((number, text(item, member)?)))
            {
                if !there.contains(&name) {
                    self.error(&format!("{list}[{number}].{member}"), unknown(what, name, there));
                }
            }
        }
    }
}
