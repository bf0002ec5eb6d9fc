//! How a service whose deployment controller is CODE_DEPLOY is deployed: names and AppSpec, as in the official action.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::InputError;
use crate::runner::Inputs;
use crate::text::shorten;

/// The AppSpec's file, unless the user names another.
const APPSPEC: &str = "appspec.yaml";
/// So much of the cluster's and of the service's name is in the default names, as in `aws ecs deploy`: then they are never longer than AWS
/// takes.
const PART_LENGTH: usize = 46;
/// The longest name of an application, a deployment group or a deployment configuration.
///
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html>
const NAME_LENGTH: usize = 100;
/// The longest description that is taken. The official action cuts longer ones too.
const DESCRIPTION_LENGTH: usize = 512;

/// What was asked for of AWS CodeDeploy. Services with another deployment controller have no use for it.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeDeploy {
    /// The AppSpec; or why there is none, which matters only when the service turns out to need one.
    pub appspec: Result<AppSpec, InputError>,
    /// The application's name.
    pub application: Option<String>,
    /// The deployment group's name.
    pub group: Option<String>,
    /// What the deployment is described as.
    pub description: Option<String>,
    /// The deployment configuration that takes the place of the group's.
    pub config: Option<String>,
}

impl CodeDeploy {
    /// Reads and checks the inputs, and the AppSpec's file.
    pub(super) fn from_inputs(inputs: &Inputs, workspace: &Path, errors: &mut Vec<InputError>) -> Self {
        let appspec = read(inputs.codedeploy_appspec.as_deref(), workspace);
        if let (Err(error), Some(_)) = (&appspec, &inputs.codedeploy_appspec) {
            errors.push(error.clone());
        }
        let mut name = |input, given: &Option<String>| {
            let given = given.clone()?;
            if given.chars().count() > NAME_LENGTH {
                let problem = format!("`{given}` is too long");
                errors.push(InputError::new(input, problem, "write a name of at most 100 characters"));
            }
            Some(given)
        };
        Self {
            appspec,
            application: name("codedeploy-application", &inputs.codedeploy_application),
            group: name("codedeploy-deployment-group", &inputs.codedeploy_deployment_group),
            config: name("codedeploy-deployment-config", &inputs.codedeploy_deployment_config),
            description: inputs
                .codedeploy_deployment_description
                .as_deref()
                .map(|text| shorten(text, DESCRIPTION_LENGTH)),
        }
    }

    /// Whether anything says that AWS CodeDeploy deploys the service, before anybody has looked at it.
    pub const fn is_asked_for(&self) -> bool {
        self.appspec.is_ok()
            || self.application.is_some()
            || self.group.is_some()
            || self.config.is_some()
            || self.description.is_some()
    }

    /// The names of the application and of the deployment group of a service. Those that the user left out are the names that
    /// the ECS console gives.
    pub fn names(&self, cluster: &str, service: &str) -> (String, String) {
        let part = |name: &str| name.chars().take(PART_LENGTH).collect::<String>();
        let usual = |prefix: &str| format!("{prefix}-{}-{}", part(cluster), part(service));
        (
            self.application.clone().unwrap_or_else(|| usual("AppECS")),
            self.group.clone().unwrap_or_else(|| usual("DgpECS")),
        )
    }
}

fn read(named: Option<&str>, workspace: &Path) -> Result<AppSpec, InputError> {
    const INPUT: &str = "codedeploy-appspec";
    let name = named.unwrap_or(APPSPEC);
    let text = fs::read_to_string(workspace.join(name)).map_err(|error| {
        InputError::new(
            INPUT,
            format!("the file `{name}` cannot be read ({})", error.kind()),
            "name the AppSpec, a JSON or YAML file in the workspace; the repository has to be checked out in this job",
        )
    })?;
    AppSpec::parse(&text).map_err(|error| {
        let remedy = "give an AppSpec for Amazon ECS, with `Resources` that have `Properties`";
        InputError::new(INPUT, format!("`{name}` is no AppSpec: {error}"), remedy)
    })
}

/// An AppSpec for Amazon ECS. Keys may be written in any case.
///
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html>
#[derive(Debug, Clone, PartialEq)]
pub struct AppSpec(Value);

/// Why a text is no AppSpec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppSpecError {
    /// It is neither JSON nor YAML.
    #[error("it is neither JSON nor YAML ({0})")]
    Unreadable(String),
    /// Something that an AppSpec has is not there.
    #[error("it has no `{0}`")]
    Missing(&'static str),
}

impl AppSpec {
    /// Reads JSON or YAML.
    ///
    /// # Errors
    /// When it is neither, or no AppSpec for Amazon ECS.
    pub fn parse(text: &str) -> Result<Self, AppSpecError> {
        let mut document: Value =
            serde_yaml::from_str(text).map_err(|error| AppSpecError::Unreadable(error.to_string()))?;
        if properties(&mut document)?.is_empty() {
            return Err(AppSpecError::Missing("Properties"));
        }
        Ok(Self(document))
    }

    /// The same AppSpec, in which every resource has this task definition.
    #[must_use]
    pub fn with_task_definition(&self, arn: &str) -> Self {
        let mut document = self.0.clone();
        // It was one when it was parsed.
        for properties in properties(&mut document).unwrap_or_default() {
            let key = key(properties, "TaskDefinition").unwrap_or_else(|| "TaskDefinition".to_owned());
            properties.insert(key, Value::from(arn));
        }
        Self(document)
    }

    /// The same AppSpec without Lambda functions that have a say: what was good enough before is not examined again.
    #[must_use]
    pub fn without_hooks(&self) -> Self {
        let mut document = self.0.clone();
        if let Some(members) = document.as_object_mut()
            && let Some(key) = key(members, "Hooks")
        {
            members.shift_remove(&key);
        }
        Self(document)
    }

    /// The task definition of its first resource.
    pub fn task_definition(&self) -> Option<String> {
        let mut document = self.0.clone();
        let first = properties(&mut document).ok()?.into_iter().next()?;
        first.get(&key(first, "TaskDefinition")?)?.as_str().map(str::to_owned)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }
}

/// The properties of every resource.
fn properties(document: &mut Value) -> Result<Vec<&mut Map<String, Value>>, AppSpecError> {
    let resources = member(document, "Resources")
        .and_then(Value::as_array_mut)
        .filter(|resources| !resources.is_empty())
        .ok_or(AppSpecError::Missing("Resources"))?;
    resources
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .map(|resource| {
            member(resource, "Properties").and_then(Value::as_object_mut).ok_or(AppSpecError::Missing("Properties"))
        })
        .collect()
}

fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let members = value.as_object_mut()?;
    let key = key(members, name)?;
    members.get_mut(&key)
}

fn key(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_definition_is_put_where_it_was_in_whatever_case() {
        for text in [
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: <TASK_DEFINITION>\n        LoadBalancerInfo: {ContainerName: app, ContainerPort: 80}\n",
            r#"{"version": 0.0, "resources": [{"TargetService": {"type": "AWS::ECS::Service", "properties": {"taskdefinition": "old", "loadBalancerInfo": {}}}}]}"#,
            "resources:\n  - TargetService:\n      properties: {}\n",
        ] {
            let appspec = AppSpec::parse(text).unwrap().with_task_definition("arn:new");

            assert_eq!(appspec.task_definition().as_deref(), Some("arn:new"), "{text}");
            assert_eq!(appspec.to_json().matches("arn:new").count(), 1);
            assert!(!appspec.to_json().contains("old"));
        }
    }

    #[test]
    fn hooks_can_be_left_out() {
        let appspec = AppSpec::parse("Resources: [{T: {Properties: {}}}]\nhooks: [{AfterInstall: check}]").unwrap();

        assert!(appspec.to_json().contains("check") && !appspec.without_hooks().to_json().contains("check"));
    }

    #[test]
    fn what_is_no_appspec_is_refused() {
        for (text, expected) in [
            ("Resources: [", "neither JSON nor YAML"),
            ("version: 0.0", "no `Resources`"),
            ("Resources: []", "no `Resources`"),
            ("Resources: [{TargetService: {Type: x}}]", "no `Properties`"),
            ("just text", "no `Resources`"),
        ] {
            let error = AppSpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn default_names_are_made_of_the_first_46_characters_of_each_part() {
        let asked = CodeDeploy::from_inputs(&Inputs::default(), Path::new("/nowhere"), &mut Vec::new());

        let (application, group) = asked.names(&"c".repeat(60), "web");

        assert_eq!(application, format!("AppECS-{}-web", "c".repeat(46)));
        assert_eq!(group, format!("DgpECS-{}-web", "c".repeat(46)));
    }

    #[test]
    fn a_description_is_as_long_as_codedeploy_takes_it() {
        let inputs = Inputs { codedeploy_deployment_description: Some("x".repeat(600)), ..Inputs::default() };

        let asked = CodeDeploy::from_inputs(&inputs, Path::new("/nowhere"), &mut Vec::new());

        assert_eq!(asked.description.unwrap().chars().count(), 512);
    }
}
