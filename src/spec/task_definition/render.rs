//! A document with changes made to it.

use serde_json::{Map, Value, json};

use super::TaskDefinition;
use crate::spec::nearest::nearest;
use crate::spec::{Edit, Overrides};

/// A change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No container has that name.
    #[error("there is no container `{name}`{}; the task definition has {}", meant(.nearest.as_deref()), quoted(.there))]
    UnknownContainer {
        /// The name.
        name: String,
        /// The names there are.
        there: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Several containers could be meant.
    #[error("`container-name` has to say which container to change; the task definition has {}", quoted(.there))]
    AmbiguousContainer {
        /// The names there are.
        there: Vec<String>,
    },
    /// Log options need a driver, and neither the container nor the inputs name one.
    #[error("container `{container}` has no log driver to give options to; set `log-configuration-log-driver` too")]
    NoLogDriver {
        /// The container.
        container: String,
    },
    /// What should be changed is of another type than ECS has there.
    #[error("`{subject}` cannot be changed, because it is not {wanted}")]
    WrongType {
        /// Where.
        subject: String,
        /// What it should be.
        wanted: &'static str,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(" (did you mean `{nearest}`?)")).unwrap_or_default()
}

fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The document with the changes made. Whatever they do not name is as it was.
///
/// # Errors
/// Everything that cannot be changed as asked.
pub fn render(document: &TaskDefinition, overrides: &Overrides) -> Result<TaskDefinition, Vec<RenderError>> {
    let mut errors = Vec::new();
    let targets = targets(document, overrides, &mut errors);
    errors.extend(overrides.images.iter().filter_map(|(name, _)| unknown(document, name)));

    let mut members = document.0.clone();
    for (member, value) in [
        ("taskRoleArn", &overrides.task_role_arn),
        ("executionRoleArn", &overrides.execution_role_arn),
        ("cpu", &overrides.cpu),
        ("memory", &overrides.memory),
    ] {
        if let Some(value) = value {
            members.insert(member.to_owned(), Value::String(value.clone()));
        }
    }
    let containers = members.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(name) = container.get("name").and_then(Value::as_str).map(str::to_owned) else { continue };
        if targets.contains(&name) {
            errors.extend(change(container, &name, overrides).err());
        }
        if let Some((_, image)) = overrides.images.iter().find(|(other, _)| *other == name) {
            container.insert("image".to_owned(), Value::String(image.clone()));
        }
    }
    if errors.is_empty() { Ok(TaskDefinition(members)) } else { Err(errors) }
}

/// The containers that the changes are for: those that were named, or the one that can be meant.
fn targets(document: &TaskDefinition, overrides: &Overrides, errors: &mut Vec<RenderError>) -> Vec<String> {
    if !overrides.containers.is_empty() {
        errors.extend(overrides.containers.iter().filter_map(|name| unknown(document, name)));
        return overrides.containers.clone();
    }
    if !overrides.concern_a_container() {
        return Vec::new();
    }
    match document.container_names()[..] {
        [only] => vec![only.to_owned()],
        ref several => {
            let essential: Vec<&str> = document
                .containers()
                .filter(|container| container.get("essential").and_then(Value::as_bool).unwrap_or(true))
                .filter_map(|container| container.get("name")?.as_str())
                .collect();
            if let [main] = essential[..] {
                return vec![main.to_owned()];
            }
            let there = several.iter().copied().map(str::to_owned).collect();
            errors.push(RenderError::AmbiguousContainer { there });
            Vec::new()
        }
    }
}

fn unknown(document: &TaskDefinition, name: &str) -> Option<RenderError> {
    let there = document.container_names();
    if there.contains(&name) {
        return None;
    }
    let nearest = nearest(name, there.iter().copied()).first().map(|name| (*name).to_owned());
    Some(RenderError::UnknownContainer {
        name: name.to_owned(),
        there: there.into_iter().map(str::to_owned).collect(),
        nearest,
    })
}

fn change(container: &mut Map<String, Value>, name: &str, overrides: &Overrides) -> Result<(), RenderError> {
    let subject = format!("containerDefinitions[{name}]");
    if let Some(image) = &overrides.image {
        container.insert("image".to_owned(), Value::String(image.clone()));
    }
    if let Some(command) = &overrides.command {
        container.insert("command".to_owned(), json!(command));
    }
    if !overrides.env_files.is_empty() {
        let files: Vec<Value> = overrides.env_files.iter().map(|arn| json!({"value": arn, "type": "s3"})).collect();
        container.insert("environmentFiles".to_owned(), Value::Array(files));
    }
    // ECS refuses a name that is both a variable and a secret, so the one that is set takes the place of the other.
    edit_list(container, &subject, "secrets", "valueFrom", &removals(&overrides.environment))?;
    edit_list(container, &subject, "environment", "value", &removals(&overrides.secrets))?;
    edit_list(container, &subject, "environment", "value", &overrides.environment)?;
    edit_list(container, &subject, "secrets", "valueFrom", &overrides.secrets)?;
    edit_map(container, &subject, "dockerLabels", &overrides.docker_labels)?;
    change_logging(container, name, &subject, overrides)
}

/// The removal of everything that is set.
fn removals(edits: &[Edit]) -> Vec<Edit> {
    edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Set { name, .. } => Some(Edit::Remove { name: name.clone() }),
            Edit::Remove { .. } => None,
        })
        .collect()
}

/// Another driver starts without the options of the one before: they are words that only that one understands.
fn change_logging(
    container: &mut Map<String, Value>,
    name: &str,
    subject: &str,
    overrides: &Overrides,
) -> Result<(), RenderError> {
    if overrides.log_driver.is_none() && overrides.log_options.is_empty() {
        return Ok(());
    }
    let subject = format!("{subject}.logConfiguration");
    let configuration = present(container, "logConfiguration", || Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(|| RenderError::WrongType { subject: subject.clone(), wanted: "an object" })?;
    if let Some(driver) = &overrides.log_driver {
        if configuration.get("logDriver").and_then(Value::as_str) != Some(driver) {
            configuration.remove("options");
            configuration.remove("secretOptions");
        }
        configuration.insert("logDriver".to_owned(), Value::String(driver.clone()));
    }
    if configuration.get("logDriver").is_none_or(Value::is_null) {
        return Err(RenderError::NoLogDriver { container: name.to_owned() });
    }
    edit_map(configuration, &subject, "options", &overrides.log_options)
}

/// Edits a list of objects that hold a name and a value.
fn edit_list(
    parent: &mut Map<String, Value>,
    subject: &str,
    member: &'static str,
    value_member: &'static str,
    edits: &[Edit],
) -> Result<(), RenderError> {
    if nothing_to_do(parent, member, edits) {
        return Ok(());
    }
    let items = present(parent, member, || Value::Array(Vec::new()))
        .as_array_mut()
        .ok_or_else(|| RenderError::WrongType { subject: format!("{subject}.{member}"), wanted: "a list" })?;
    for edit in edits {
        let is_it = |item: &Value| item.get("name").and_then(Value::as_str) == Some(edit.name());
        match edit {
            Edit::Remove { .. } => items.retain(|item| !is_it(item)),
            Edit::Set { name, value } => {
                match items.iter_mut().filter(|item| is_it(item)).find_map(Value::as_object_mut) {
                    Some(item) => {
                        item.insert(value_member.to_owned(), Value::String(value.clone()));
                    }
                    None => items.push(json!({"name": name, value_member: value})),
                }
            }
        }
    }
    Ok(())
}

/// Edits an object of names and values.
fn edit_map(
    parent: &mut Map<String, Value>,
    subject: &str,
    member: &'static str,
    edits: &[Edit],
) -> Result<(), RenderError> {
    if nothing_to_do(parent, member, edits) {
        return Ok(());
    }
    let values = present(parent, member, || Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(|| RenderError::WrongType { subject: format!("{subject}.{member}"), wanted: "an object" })?;
    for edit in edits {
        match edit {
            Edit::Remove { name } => {
                values.shift_remove(name);
            }
            Edit::Set { name, value } => {
                values.insert(name.clone(), Value::String(value.clone()));
            }
        }
    }
    Ok(())
}

/// Nothing was asked for, or only that what is not there goes away: the member is not made for that.
fn nothing_to_do(parent: &Map<String, Value>, member: &str, edits: &[Edit]) -> bool {
    let absent = parent.get(member).is_none_or(Value::is_null);
    edits.iter().all(|edit| absent && matches!(edit, Edit::Remove { .. }))
}

/// The member, made if it is absent or null.
fn present<'a>(parent: &'a mut Map<String, Value>, member: &str, make: impl FnOnce() -> Value) -> &'a mut Value {
    let value = parent.entry(member).or_insert(Value::Null);
    if value.is_null() {
        *value = make();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Edit {
        Edit::Set { name: name.to_owned(), value: value.to_owned() }
    }

    fn remove(name: &str) -> Edit {
        Edit::Remove { name: name.to_owned() }
    }

    fn document(value: Value) -> TaskDefinition {
        TaskDefinition::from_described(value, None).unwrap()
    }

    /// `web` is essential, `router` is not.
    fn two_containers() -> TaskDefinition {
        document(json!({
            "family": "web",
            "cpu": "256",
            "future": {"kept": ""},
            "containerDefinitions": [
                {
                    "name": "web",
                    "image": "web:1",
                    "environment": [{"name": "LEVEL", "value": "info", "future": 1}, {"name": "OLD", "value": "x"}],
                    "secrets": [{"name": "TOKEN", "valueFrom": "arn:one"}, {"name": "KEY", "valueFrom": "arn:two"}],
                    "dockerLabels": {"keep": "", "drop": "x"},
                    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/a", "mode": "blocking"}},
                },
                {"name": "router", "image": "router:1", "essential": false},
            ],
        }))
    }

    /// What is rendered, as the container of that name.
    fn container(document: &TaskDefinition, name: &str) -> Value {
        let container = document.containers().find(|container| container.get("name") == Some(&json!(name)));
        Value::Object(container.unwrap().clone())
    }

    #[test]
    fn nothing_asked_is_nothing_changed() {
        let document = two_containers();

        assert!(render(&document, &Overrides::default()) == Ok(document));
    }

    #[test]
    fn the_image_goes_to_the_essential_container_and_nowhere_else() {
        let before = two_containers();
        let overrides = Overrides { image: Some("web:2".to_owned()), ..Overrides::default() };

        let after = render(&before, &overrides).unwrap();

        assert_eq!(after.images(), [("web", "web:2"), ("router", "router:1")]);
        let back = Overrides { image: Some("web:1".to_owned()), ..Overrides::default() };
        assert!(render(&after, &back) == Ok(before));
    }

    #[test]
    fn images_are_for_the_containers_that_were_named() {
        let overrides = Overrides {
            containers: vec!["web".to_owned(), "router".to_owned()],
            image: Some("both:2".to_owned()),
            ..Overrides::default()
        };
        let pairs = Overrides {
            images: vec![("router".to_owned(), "router:2".to_owned()), ("web".to_owned(), "web:2".to_owned())],
            ..Overrides::default()
        };

        let both = render(&two_containers(), &overrides).unwrap();
        let each = render(&two_containers(), &pairs).unwrap();

        assert_eq!(both.images(), [("web", "both:2"), ("router", "both:2")]);
        assert_eq!(each.images(), [("web", "web:2"), ("router", "router:2")]);
    }

    #[test]
    fn lists_are_edited_in_place() {
        let overrides = Overrides {
            environment: vec![set("LEVEL", "debug"), remove("OLD"), set("NEW", ""), remove("NEVER")],
            secrets: vec![set("KEY", "arn:three"), remove("TOKEN")],
            docker_labels: vec![remove("drop"), set("new", "a=b")],
            log_options: vec![set("mode", "non-blocking"), remove("awslogs-group")],
            env_files: vec!["arn:aws:s3:::bucket/a.env".to_owned()],
            command: Some(vec!["sh".to_owned(), String::new()]),
            ..Overrides::default()
        };

        let after = render(&two_containers(), &overrides).unwrap();

        let expected = json!({
            "name": "web",
            "image": "web:1",
            "environment": [{"name": "LEVEL", "value": "debug", "future": 1}, {"name": "NEW", "value": ""}],
            "secrets": [{"name": "KEY", "valueFrom": "arn:three"}],
            "dockerLabels": {"keep": "", "new": "a=b"},
            "logConfiguration": {"logDriver": "awslogs", "options": {"mode": "non-blocking"}},
            "environmentFiles": [{"value": "arn:aws:s3:::bucket/a.env", "type": "s3"}],
            "command": ["sh", ""],
        });
        assert_eq!(container(&after, "web"), expected);
        assert_eq!(container(&after, "router"), container(&two_containers(), "router"));
    }

    #[test]
    fn a_name_is_a_variable_or_a_secret_and_never_both() {
        let overrides = Overrides {
            environment: vec![set("TOKEN", "plain")],
            secrets: vec![set("LEVEL", "arn:three")],
            ..Overrides::default()
        };

        let after = container(&render(&two_containers(), &overrides).unwrap(), "web");

        assert_eq!(after["environment"], json!([{"name": "OLD", "value": "x"}, {"name": "TOKEN", "value": "plain"}]));
        assert_eq!(
            after["secrets"],
            json!([{"name": "KEY", "valueFrom": "arn:two"}, {"name": "LEVEL", "valueFrom": "arn:three"}])
        );
    }

    #[test]
    fn lists_that_are_not_there_are_made_only_for_something() {
        let overrides = Overrides {
            containers: vec!["router".to_owned()],
            environment: vec![remove("A")],
            secrets: vec![set("B", "arn:b")],
            docker_labels: vec![remove("c")],
            ..Overrides::default()
        };

        let after = container(&render(&two_containers(), &overrides).unwrap(), "router");

        let expected = json!({
            "name": "router", "image": "router:1", "essential": false, "secrets": [{"name": "B", "valueFrom": "arn:b"}],
        });
        assert_eq!(after, expected);
    }

    #[test]
    fn another_log_driver_starts_without_the_options_of_the_one_before() {
        let to = |driver: &str| Overrides {
            log_driver: Some(driver.to_owned()),
            log_options: vec![set("a", "1")],
            ..Overrides::default()
        };

        let other = render(&two_containers(), &to("splunk")).unwrap();
        let same = render(&two_containers(), &to("awslogs")).unwrap();

        assert_eq!(container(&other, "web")["logConfiguration"], json!({"logDriver": "splunk", "options": {"a": "1"}}));
        assert_eq!(
            container(&same, "web")["logConfiguration"]["options"],
            json!({"awslogs-group": "/a", "mode": "blocking", "a": "1"})
        );
    }

    #[test]
    fn the_task_is_changed_without_naming_a_container() {
        let overrides = Overrides {
            cpu: Some("512".to_owned()),
            memory: Some("1 GB".to_owned()),
            task_role_arn: Some("arn:task".to_owned()),
            execution_role_arn: Some("arn:execution".to_owned()),
            ..Overrides::default()
        };
        let ambiguous = document(json!({"containerDefinitions": [{"name": "a"}, {"name": "b"}]}));

        let after = render(&ambiguous, &overrides).unwrap().register_input();

        let expected = json!({
            "containerDefinitions": [{"name": "a"}, {"name": "b"}],
            "taskRoleArn": "arn:task", "executionRoleArn": "arn:execution", "cpu": "512", "memory": "1 GB",
        });
        assert_eq!(after, expected);
    }

    #[test]
    fn all_that_cannot_be_changed_is_said_at_once() {
        let overrides = Overrides {
            containers: vec!["wbe".to_owned(), "router".to_owned()],
            images: vec![("nobody".to_owned(), "x".to_owned())],
            log_options: vec![set("a", "1")],
            ..Overrides::default()
        };

        let errors: Vec<String> =
            render(&two_containers(), &overrides).unwrap_err().iter().map(ToString::to_string).collect();

        assert_eq!(
            errors,
            [
                "there is no container `wbe` (did you mean `web`?); the task definition has `web`, `router`",
                "there is no container `nobody`; the task definition has `web`, `router`",
                "container `router` has no log driver to give options to; set `log-configuration-log-driver` too",
            ]
        );
    }

    #[test]
    fn a_container_that_nobody_can_guess_has_to_be_named() {
        let overrides = Overrides { image: Some("x".to_owned()), ..Overrides::default() };
        let two = document(json!({"containerDefinitions": [{"name": "a"}, {"name": "b"}]}));

        let errors = render(&two, &overrides).unwrap_err();

        assert_eq!(errors, [RenderError::AmbiguousContainer { there: vec!["a".to_owned(), "b".to_owned()] }]);
    }

    #[test]
    fn what_is_of_another_type_is_not_overwritten() {
        let overrides = Overrides { environment: vec![set("A", "hunter2")], ..Overrides::default() };
        let odd = document(json!({"containerDefinitions": [{"name": "a", "environment": {"A": "b"}}]}));

        let errors = render(&odd, &overrides).unwrap_err();

        assert_eq!(
            errors[0].to_string(),
            "`containerDefinitions[a].environment` cannot be changed, because it is not a list"
        );
    }
}
