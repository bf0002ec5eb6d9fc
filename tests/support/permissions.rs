//! What IAM would say: every call that a step makes has to be allowed by the policy that is generated for the step's inputs.
//!
//! What IAM checks for a call is written down here a second time, from the service authorization reference and not from the
//! action's own table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ecs_deploy_action::aws::permissions::{Place, Policy};
use ecs_deploy_action::runner::{Environment, Inputs};
use ecs_deploy_action::spec::Spec;
use serde_json::Value;
use simulator::{Call, Simulator};

use super::Step;

/// One thing that IAM checks.
#[derive(Debug)]
struct Check {
    action: String,
    /// `*` where the action has no resource level.
    resource: String,
    context: Vec<(&'static str, String)>,
}

impl Check {
    /// Whether a pattern of a policy is for it. An ARN that is left open at its end, because the call does not tell, is any of
    /// its kind.
    fn is_on(&self, pattern: &str) -> bool {
        matches(pattern, &self.resource) || self.resource.ends_with(':') && pattern.starts_with(&self.resource)
    }
}

/// A policy as IAM reads it.
#[derive(Debug)]
pub(crate) struct Granted(Value);

impl Granted {
    /// The policy for the inputs in `environment`; `None` where they make no sense. Its gaps are filled as the owner of the
    /// account `123456789012` would fill them.
    pub(crate) fn to(environment: &BTreeMap<String, String>, workspace: &Path) -> Option<Self> {
        let environment = Environment::new(environment);
        let (inputs, _) = Inputs::read(&environment).unwrap();
        let spec = Spec::from_inputs(&inputs, workspace).ok()?;
        let policy = serde_json::to_string(&Policy::for_spec(&spec, &Place::of(&spec, &environment))).unwrap();
        Some(Self::of(&policy))
    }

    /// The policy in a text.
    pub(crate) fn of(policy: &str) -> Self {
        let filled = policy
            .replace("ACCOUNT_ID", "123456789012")
            .replace("TASK_DEFINITION_FAMILY", "web")
            .replace("ROLE_OF_THE_TASK_DEFINITION", "execution")
            .replace("ROLE_OF_THE_RULES", "events")
            .replace("ROLE_OF_THE_MODEL", "model");
        Self(serde_json::from_str(&filled).unwrap())
    }

    /// The actions of the policy, each with what it is granted on.
    pub(crate) fn grants(&self) -> BTreeSet<(String, String)> {
        let statements = self.0["Statement"].as_array().unwrap();
        statements
            .iter()
            .flat_map(|statement| {
                let resources = texts(&statement["Resource"]);
                texts(&statement["Action"]).into_iter().flat_map(move |action| {
                    resources.clone().into_iter().map(move |resource| (action.clone(), resource))
                })
            })
            .collect()
    }

    /// The grants that allow the call, or what is missing.
    pub(crate) fn allows(&self, call: &Call) -> Result<BTreeSet<(String, String)>, String> {
        let mut used = BTreeSet::new();
        for check in checks(call) {
            let found = self.0["Statement"].as_array().unwrap().iter().find_map(|statement| {
                let action = texts(&statement["Action"]).into_iter().find(|action| *action == check.action)?;
                let resource = texts(&statement["Resource"]).into_iter().find(|it| check.is_on(it))?;
                (statement["Effect"] == "Allow" && holds(&statement["Condition"], &check)).then_some((action, resource))
            });
            used.insert(found.ok_or_else(|| format!("{check:?} is not allowed by {:#}", self.0))?);
        }
        Ok(used)
    }
}

/// Runs the step, with its post step after a job that failed, and takes away from `unused` what its calls need.
pub(crate) async fn use_up(
    granted: &Granted,
    unused: &mut BTreeSet<(String, String)>,
    step: Step,
    simulator: &Simulator,
) {
    let before = simulator.journal().len();
    step.run(simulator).await;
    step.post(simulator, "failure").await;
    for call in simulator.journal().split_off(before) {
        let used = granted.allows(&call).unwrap();
        unused.retain(|grant| !used.contains(grant));
    }
}

/// What is granted for the step, and used in none of these worlds.
pub(crate) async fn unused(step: fn() -> Step, worlds: Vec<Simulator>) -> BTreeSet<(String, String)> {
    let granted = Granted::to(step().environment(), step().path()).unwrap();
    let mut unused = granted.grants();
    assert!(unused.len() > 5, "{unused:?}");
    for simulator in worlds {
        use_up(&granted, &mut unused, step(), &simulator).await;
    }
    unused
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Only the operators that are used are known: another one fails.
fn holds(condition: &Value, check: &Check) -> bool {
    condition.as_object().into_iter().flatten().all(|(operator, keys)| {
        assert!(["StringEquals", "ArnEquals"].contains(&operator.as_str()), "{operator}");
        keys.as_object().unwrap().iter().all(|(key, wanted)| {
            let wanted = wanted.as_str().unwrap();
            check.context.iter().any(|(name, value)| name == key && value == wanted)
        })
    })
}

/// `*` is any text, also of several parts of an ARN.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(tail, &rest[at..]))),
    }
}

/// What IAM checks for a call.
fn checks(call: &Call) -> Vec<Check> {
    let request = &call.request;
    let text = |member: &str| request[member].as_str().unwrap_or_default().to_owned();
    let all = |member: &str| request[member].as_array().map(|_| texts(&request[member])).unwrap_or_default();
    let arn = |kind: &str, name: String| format!("arn:aws:ecs:us-east-1:123456789012:{kind}/{name}");
    let cluster = text("cluster").rsplit('/').next().unwrap_or_default().to_owned();
    let cluster = if cluster.is_empty() { "default".to_owned() } else { cluster };
    let service = |name: &str| {
        if name.starts_with("arn:") { name.to_owned() } else { arn("service", format!("{cluster}/{name}")) }
    };
    // `service-deployment/cluster/service/id` and `service-revision/cluster/service/id`.
    let service_of = |part: &str| {
        let parts: Vec<&str> = part.split('/').collect();
        arn("service", format!("{}/{}", parts[1], parts[2]))
    };
    let action = format!("{}:{}", call.service, call.operation);
    let check = |resource: String| Check { action: action.clone(), resource, context: Vec::new() };
    let any = || check("*".to_owned());
    let in_cluster = || Check { context: vec![("ecs:cluster", arn("cluster", cluster.clone()))], ..any() };
    match (call.service, call.operation.as_str()) {
        ("" | "github", _) | ("sts", "GetCallerIdentity" | "AssumeRole" | "AssumeRoleWithWebIdentity") => Vec::new(),
        ("monitoring", "DescribeAlarms") => vec![Check { action: "cloudwatch:DescribeAlarms".to_owned(), ..any() }],
        ("ecr", "DescribePullThroughCacheRules") => vec![any()],
        ("ecr", _) => {
            let name = if call.operation == "DescribeRepositories" {
                all("repositoryNames").remove(0)
            } else {
                text("repositoryName")
            };
            vec![check(format!("arn:aws:ecr:{}:{}:repository/{name}", call.region, text("registryId")))]
        }
        ("ecs", "DescribeTaskDefinition" | "ListTaskDefinitions" | "DeregisterTaskDefinition") => vec![any()],
        ("ecs", "ListServices" | "ListTasks") => vec![in_cluster()],
        ("ecs", "DescribeServices") => all("services").iter().map(|name| check(service(name))).collect(),
        ("ecs", "UpdateService" | "ListServiceDeployments") => vec![check(service(&text("service")))],
        (
            "ecs",
            "DescribeServiceDeployments"
            | "DescribeServiceRevisions"
            | "StopServiceDeployment"
            | "ContinueServiceDeployment",
        ) => {
            let named = [all("serviceDeploymentArns"), all("serviceRevisionArns"), vec![text("serviceDeploymentArn")]];
            let named = named.concat().into_iter().filter(|arn| !arn.is_empty());
            named.flat_map(|arn| [check(service_of(&arn)), check(arn)]).collect()
        }
        // In AWS's denials the resource is all the streams of the group.
        ("logs", "DescribeLogStreams") => {
            let group = format!("log-group:{}:log-stream:", text("logGroupName"));
            vec![check(format!("arn:aws:logs:us-east-1:123456789012:{group}"))]
        }
        ("logs", "GetLogEvents") => {
            let stream = format!("log-group:{}:log-stream:{}", text("logGroupName"), text("logStreamName"));
            vec![check(format!("arn:aws:logs:us-east-1:123456789012:{stream}"))]
        }
        ("ecs", "ListContainerInstances") => vec![check(arn("cluster", cluster.clone()))],
        ("ecs", "DescribeContainerInstances") => all("containerInstances").into_iter().map(check).collect(),
        ("ecs", "StopTask") => vec![check(text("task"))],
        ("ecs", "RunTask") => {
            let context = vec![("ecs:cluster", arn("cluster", cluster.clone()))];
            let mut checks = vec![Check { context, ..check(text("taskDefinition")) }];
            let has_tags = request["tags"].as_array().is_some_and(|tags| !tags.is_empty());
            if has_tags || request["propagateTags"] == "TASK_DEFINITION" {
                let context = vec![("ecs:CreateAction", call.operation.clone())];
                let resource = arn("task", format!("{cluster}/1"));
                checks.push(Check { action: "ecs:TagResource".to_owned(), resource, context });
            }
            checks
        }
        ("ecs", "DescribeTasks") => all("tasks").into_iter().map(check).collect(),
        ("ecs", "RegisterTaskDefinition") => {
            let made = arn("task-definition", format!("{}:7", text("family")));
            let mut checks = vec![check(made.clone())];
            if request["tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
                let context = vec![("ecs:CreateAction", call.operation.clone())];
                checks.push(Check { action: "ecs:TagResource".to_owned(), resource: made, context });
            }
            for role in ["taskRoleArn", "executionRoleArn"].map(text).into_iter().filter(|role| !role.is_empty()) {
                // A role may be given by its name alone.
                let role =
                    if role.starts_with("arn:") { role } else { format!("arn:aws:iam::123456789012:role/{role}") };
                let context = vec![("iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned())];
                checks.push(Check { action: "iam:PassRole".to_owned(), resource: role, context });
            }
            checks
        }
        ("events", operation @ ("ListTargetsByRule" | "PutTargets")) => {
            let rule = format!("arn:aws:events:us-east-1:123456789012:rule/{}", text("Rule"));
            let mut checks = vec![check(rule)];
            let targets = request["Targets"].as_array().filter(|_| operation == "PutTargets");
            for role in targets.into_iter().flatten().filter_map(|target| target["RoleArn"].as_str()) {
                let context = vec![("iam:PassedToService", "events.amazonaws.com".to_owned())];
                checks.push(Check { action: "iam:PassRole".to_owned(), resource: role.to_owned(), context });
            }
            checks
        }
        ("codedeploy", operation) => {
            let arn = |kind: &str, name: &str| format!("arn:aws:codedeploy:us-east-1:123456789012:{kind}:{name}");
            let group =
                || arn("deploymentgroup", &format!("{}/{}", text("applicationName"), text("deploymentGroupName")));
            let application = || arn("application", &text("applicationName"));
            match operation {
                "GetDeploymentGroup" | "ListDeployments" => vec![check(group())],
                // The deployment's id is given, and IAM knows its group.
                "GetDeployment" => vec![check(arn("deploymentgroup", ""))],
                "GetApplicationRevision" => vec![check(application())],
                "BatchGetDeploymentTargets" | "StopDeployment" => vec![any()],
                "CreateDeployment" => {
                    let config = match text("deploymentConfigName") {
                        none if none.is_empty() => "CodeDeployDefault.ECSAllAtOnce".to_owned(),
                        config => config,
                    };
                    let also =
                        |action: &str, resource| Check { action: action.to_owned(), resource, context: Vec::new() };
                    let mut checks = vec![
                        check(group()),
                        also("codedeploy:GetDeploymentConfig", arn("deploymentconfig", &config)),
                        also("codedeploy:RegisterApplicationRevision", application()),
                    ];
                    if request.get("overrideAlarmConfiguration").is_some() {
                        checks.push(also("codedeploy:UpdateDeploymentGroup", group()));
                    }
                    checks
                }
                _ => panic!("say in tests/support/permissions.rs what IAM checks for codedeploy:{operation}"),
            }
        }
        ("s3", "GetObject") => vec![check(format!("arn:aws:s3:::{}/{}", text("Bucket"), text("Key")))],
        ("application-autoscaling", _)
        | ("sagemaker", "ListModelPackages" | "ListEndpoints" | "ListEndpointConfigs") => vec![any()],
        ("sagemaker", "ListTags" | "AddTags" | "DeleteTags") => vec![check(text("ResourceArn"))],
        ("sagemaker", operation) => of_sage_maker(operation, request),
        (service, operation) => panic!("say in tests/support/permissions.rs what IAM checks for {service}:{operation}"),
    }
}

/// What IAM checks for a call of Amazon SageMaker: the thing itself, the configuration that it is to serve, tags, and the role
/// of a model.
fn of_sage_maker(operation: &str, request: &Value) -> Vec<Check> {
    let arn = |kind: &str, member: &str| {
        let name = request[member].as_str().unwrap_or_default().to_ascii_lowercase();
        format!("arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}")
    };
    let (kind, member) = match operation {
        _ if operation.ends_with("ModelPackageGroup") => ("model-package-group", "ModelPackageGroupName"),
        "CreateModelPackage" | "DescribeModelPackage" | "UpdateModelPackage" => {
            return of_model_packages(operation, request);
        }
        _ if operation.ends_with("EndpointConfig") => ("endpoint-config", "EndpointConfigName"),
        _ if operation.ends_with("Endpoint") => ("endpoint", "EndpointName"),
        _ if operation.ends_with("Model") => ("model", "ModelName"),
        _ => panic!("say in tests/support/permissions.rs what IAM checks for sagemaker:{operation}"),
    };
    let check = |action: &str, resource: String| Check { action: action.to_owned(), resource, context: Vec::new() };
    let mut checks = vec![check(&format!("sagemaker:{operation}"), arn(kind, member))];
    if kind == "endpoint" && request["EndpointConfigName"].is_string() {
        checks.push(check(&format!("sagemaker:{operation}"), arn("endpoint-config", "EndpointConfigName")));
    }
    if request["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
        checks.push(check("sagemaker:AddTags", arn(kind, member)));
    }
    if let Some(role) = request["ExecutionRoleArn"].as_str() {
        let context = vec![("iam:PassedToService", "sagemaker.amazonaws.com".to_owned())];
        checks.push(Check { context, ..check("iam:PassRole", role.to_owned()) });
    }
    checks
}

/// What IAM checks for a call about a version of a model package group. A version that is made is any of its group.
fn of_model_packages(operation: &str, request: &Value) -> Vec<Check> {
    let check = |resource| Check { action: format!("sagemaker:{operation}"), resource, context: Vec::new() };
    let named = ["ModelPackageName", "ModelPackageArn"].into_iter().find_map(|member| request[member].as_str());
    if let Some(arn) = named {
        return vec![check(arn.to_owned())];
    }
    let group = request["ModelPackageGroupName"].as_str().unwrap_or_default().to_ascii_lowercase();
    let arn = |kind: &str, name: String| format!("arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}");
    vec![check(arn("model-package-group", group.clone())), check(arn("model-package", format!("{group}/1")))]
}

/// Holds the calls that are made while it lives against the policy, also when whoever makes them is dropped.
pub(crate) struct Watch<'a> {
    simulator: &'a Simulator,
    granted: Option<Granted>,
    from: usize,
}

impl<'a> Watch<'a> {
    pub(crate) fn begin(simulator: &'a Simulator, granted: Option<Granted>) -> Self {
        Self { simulator, granted, from: simulator.journal().len() }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for call in &self.simulator.journal()[self.from..] {
            match &self.granted {
                // GitHub is no business of IAM's.
                _ if call.service == "github" => {}
                Some(granted) => {
                    if let Err(missing) = granted.allows(call) {
                        panic!("call {} ({}): {missing}", call.number, call.operation);
                    }
                }
                None => panic!("call {} ({}) was made for inputs that make no sense", call.number, call.operation),
            }
        }
    }
}
