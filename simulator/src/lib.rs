//! An Amazon ECS control plane that moves in time.
//!
//! ```text
//! door/ -> exchange -> protocol, signature, model -> operation/ -> world/
//!               \-> fault, journal
//! ```
//!
//! - [`Scenario`] says what the world is like; [`Service`] what exists in it; [`Rule`] and [`Fault`] what goes wrong.
//! - `world/` is the state machine: services, tasks and deployments, moved by a schedule of what is due. It knows no wire.
//! - `operation/` maps requests to the world: Amazon ECS's, Amazon ECR's, Amazon SageMaker's as far as endpoints and the model
//!   registry go, AWS STS's as far as credentials go, the ID tokens of GitHub's runner, and what GitHub's REST API keeps of
//!   deployments.
//! - `door/` has the two ways in: an HTTP client for an SDK in the same process, and a server on 127.0.0.1.
//!
//! The world's time is tokio's, so a paused clock pauses it and a thirty-minute rollout takes milliseconds.

mod alarm;
mod cbor;
mod clock;
mod container_instance;
mod deployment_group;
mod door;
mod endpoint;
mod exchange;
mod fault;
mod github;
mod journal;
mod model;
mod operation;
mod others;
mod page;
mod protocol;
mod registry;
mod scenario;
mod service;
mod signature;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use serde_json::Value;
use tokio::sync::Notify;

pub use crate::alarm::{Alarm, AlarmKind, AlarmState};
pub use crate::container_instance::ContainerInstance;
pub use crate::deployment_group::DeploymentGroup;
pub use crate::door::loopback::Server;
pub use crate::endpoint::{Endpoint, Invocation, ModelAnswer, ModelBehaviour, ModelOutcome};
pub use crate::fault::{Fault, Rule, When};
pub use crate::github::Commit;
pub use crate::journal::Call;
pub use crate::others::{Action, Moment, Scripted};
pub use crate::page::{Page, PageAnswer};
pub use crate::registry::{Image, Repository};
pub use crate::scenario::{
    ACCESS_KEY_ID, Behaviour, GITHUB_TOKEN, HookAnswer, HookOutcome, ID_TOKEN_REQUEST_TOKEN, ImageBehaviour, Line, Log,
    RunTaskFailure, SECRET_ACCESS_KEY, Scenario, ServiceDeployments,
};
pub use crate::service::Service;
pub use crate::world::{Fact, Happening};

use crate::exchange::State;
use crate::world::World;

/// The longest that [`Simulator::settle`] lets pass.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A world, and the handle to it. Clones are handles to the same world.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
}

/// What the handles and the doors share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Told when a call hangs for ever.
    pub(crate) hung: Notify,
    /// Where the journal goes when the world ends.
    journal_folder: Option<PathBuf>,
}

impl Simulator {
    /// Starts a world. Its time runs from now on.
    ///
    /// If the environment variable `SIMULATOR_JOURNAL` names a folder, the valid requests are written there when the last
    /// handle is dropped.
    pub fn new(scenario: Scenario) -> Self {
        let journal_folder =
            std::env::var_os("SIMULATOR_JOURNAL").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let state = Mutex::new(State::new(World::new(scenario)));
        Self { shared: Arc::new(Shared { state, hung: Notify::new(), journal_folder }) }
    }

    /// Adds a service in steady state, and gives its ARN.
    ///
    /// # Panics
    ///
    /// When its task definition is one that ECS would refuse.
    pub fn add_service(&self, service: Service) -> String {
        let mut state = self.shared.state();
        state.catch_up();
        let added = state.world.add_steady_service(service);
        state.remember();
        drop(state);
        #[expect(
            clippy::expect_used,
            reason = "a test's own task definition is wrong: documented, and nobody could go on"
        )]
        added.expect("ECS accepts the service's task definition")
    }

    /// Adds a container instance to a cluster, and gives its ARN. Tasks that are not for Fargate then need room on one.
    pub fn add_container_instance(&self, cluster: &str, machine: ContainerInstance) -> String {
        let mut state = self.shared.state();
        state.catch_up();
        let arn = state.world.add_container_instance(cluster, machine);
        state.remember();
        arn
    }

    /// Adds a deployment group of AWS CodeDeploy; its application is created with it.
    pub fn add_deployment_group(&self, group: DeploymentGroup) {
        let mut state = self.shared.state();
        state.catch_up();
        state.world.add_alarms_named(&group.alarms);
        state.world.code_deploy.groups.push(group);
        state.remember();
    }

    /// Adds an endpoint of Amazon SageMaker in steady state, with a configuration and a model of its name.
    ///
    /// # Panics
    ///
    /// When its parts do not fit together.
    pub fn add_endpoint(&self, endpoint: Endpoint) {
        let mut state = self.shared.state();
        state.catch_up();
        let added = state.world.add_steady_endpoint(endpoint);
        state.remember();
        drop(state);
        #[expect(clippy::expect_used, reason = "a test's own endpoint is wrong: documented, and nobody could go on")]
        added.expect("the endpoint's parts fit together");
    }

    /// Adds only the configuration and the model of an endpoint, which nothing serves.
    ///
    /// # Panics
    ///
    /// When its parts do not fit together.
    pub fn add_endpoint_config(&self, endpoint: Endpoint) {
        let name = endpoint.name.clone();
        self.add_endpoint(endpoint);
        self.shared.state().world.sage_maker.endpoints.remove(&name);
    }

    /// Makes Application Auto Scaling scale the variant `AllTraffic` of an endpoint, with one policy and one scheduled action.
    pub fn add_scaling(&self, endpoint: &str) {
        let bounds = serde_json::json!({"MinCapacity": 2, "MaxCapacity": 8});
        self.change_scaling(endpoint, "RegisterScalableTarget", &bounds);
        let policy = serde_json::json!({
            "PolicyName": "load",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
        });
        self.change_scaling(endpoint, "PutScalingPolicy", &policy);
        let action = serde_json::json!({
            "ScheduledActionName": "morning",
            "Schedule": "cron(0 7 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 4},
        });
        self.change_scaling(endpoint, "PutScheduledAction", &action);
    }

    /// A request of somebody else's to Application Auto Scaling about the variant `AllTraffic` of an endpoint. Not in the
    /// journal; what AWS would refuse changes nothing.
    pub fn change_scaling(&self, endpoint: &str, operation: &str, members: &Value) {
        let mut request = serde_json::json!({
            "ServiceNamespace": "sagemaker",
            "ResourceId": format!("endpoint/{endpoint}/variant/AllTraffic"),
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        });
        for (member, value) in members.as_object().into_iter().flatten() {
            request[member] = value.clone();
        }
        let mut state = self.shared.state();
        state.catch_up();
        operation::perform(&mut state.world, "application-autoscaling", operation, &request).ok();
        state.remember();
    }

    /// Adds a version of a model package, as ListModelPackages and DescribeModelPackage show it, and gives its ARN. The group is
    /// created with it.
    pub fn add_model_package(&self, group: &str, version: u64, document: &Value) -> String {
        let mut state = self.shared.state();
        state.catch_up();
        let arn = state.world.add_model_package(group, version, document);
        state.remember();
        arn
    }

    /// Puts an object into Amazon S3.
    pub fn add_object(&self, bucket: &str, key: &str, body: &str) {
        self.shared.state().world.objects.insert(format!("{bucket}/{key}"), body.to_owned());
    }

    /// The versions of a model package group as DescribeModelPackage would show them now, oldest first. Not in the journal.
    pub fn model_packages(&self, group: &str) -> Vec<Value> {
        let mut state = self.shared.state();
        state.catch_up();
        let world = &state.world;
        world.model_packages(group).into_iter().map(|package| world.model_package_document(package)).collect()
    }

    /// Approves or rejects a version of a model package group, as somebody else would. Not in the journal.
    pub fn decide_about_model_package(&self, group: &str, version: u64, approval: &str) {
        let mut state = self.shared.state();
        state.catch_up();
        let arn = state.world.sage_maker_arn("model-package", &format!("{group}/{version}"));
        let packages = state.world.sage_maker.packages.iter_mut();
        for package in packages.filter(|package| package.arn == arn) {
            package.document.insert("ModelApprovalStatus".to_owned(), approval.into());
        }
        state.remember();
    }

    /// The endpoint as DescribeEndpoint would show it now; null when there is none. Not in the journal.
    pub fn describe_endpoint(&self, endpoint: &str) -> Value {
        self.look_at("sagemaker", "DescribeEndpoint", &serde_json::json!({"EndpointName": endpoint}))
    }

    /// Registers a task definition, as somebody else would, and gives its ARN. Not in the journal.
    ///
    /// # Panics
    ///
    /// When it is one that ECS would refuse.
    pub fn register_task_definition(&self, document: &Value) -> String {
        let mut state = self.shared.state();
        state.catch_up();
        let registered = operation::perform(&mut state.world, "ecs", "RegisterTaskDefinition", document);
        state.remember();
        drop(state);
        #[expect(clippy::expect_used, reason = "a test's own task definition is wrong: documented")]
        let registered = registered.expect("ECS accepts the task definition");
        registered["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or_default().to_owned()
    }

    /// Adds a repository with its images to Amazon ECR.
    pub fn add_repository(&self, repository: Repository) {
        let mut state = self.shared.state();
        state.catch_up();
        let account = state.world.scenario.account.clone();
        state.world.registries.add(repository, &account);
        state.remember();
    }

    /// Makes every repository of the world's account whose name begins with `prefix/` a pull-through cache.
    pub fn add_pull_through_cache(&self, prefix: &str) {
        let mut state = self.shared.state();
        state.catch_up();
        let account = state.world.scenario.account.clone();
        state.world.registries.pull_through.push((account, prefix.to_owned()));
        state.remember();
    }

    /// Adds a commit to the branch of the repository on GitHub.
    pub fn add_commit(&self, commit: &Commit) {
        self.shared.state().world.github.add(commit);
    }

    /// Opens a pull request of that number for a commit.
    pub fn open_pull_request(&self, number: u64, sha: &str) {
        self.shared.state().world.github.pull_requests.insert(sha.to_owned(), number);
    }

    /// Writes a comment, as somebody who may not write to the repository.
    pub fn comment_as_a_stranger(&self, pull_request: u64, body: &str) {
        let github = &mut self.shared.state().world.github;
        let id = github.next_id();
        github.comments.push(serde_json::json!({
            "id": id, "issue": pull_request, "body": body, "user": {"login": "mallory", "type": "User"},
            "author_association": "NONE",
        }));
    }

    /// Adds what GitHub itself makes for a job with `environment:`: a deployment with a first status. Gives its id.
    pub fn begin_job_with_environment(&self, environment: &str, sha: &str, run: &str) -> u64 {
        let mut state = self.shared.state();
        state.catch_up();
        state.world.begin_job_with_environment(environment, sha, run)
    }

    /// What the repository on GitHub holds now: `deployments`, `deployment_statuses`, `commit_statuses` and `comments`, each in
    /// the order in which they were made.
    pub fn github(&self) -> Value {
        self.shared.state().world.github.shown()
    }

    /// The digest that a tag in the world's own account is on now.
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<String> {
        let mut state = self.shared.state();
        state.catch_up();
        let world = &state.world;
        world.registries.get(&world.scenario.account, repository)?.tagged(tag).map(str::to_owned)
    }

    /// The in-process door: an HTTP client for the AWS SDK. Every request goes to this world, whatever its host.
    pub fn http_client(&self) -> SharedHttpClient {
        door::in_process::http_client(&self.shared)
    }

    /// The loopback door, on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn serve(&self) -> std::io::Result<Server> {
        self.serve_on(0).await
    }

    /// The loopback door, on a port of choice.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub async fn serve_on(&self, port: u16) -> std::io::Result<Server> {
        door::loopback::serve(&self.shared, port).await
    }

    /// Every call so far.
    pub fn journal(&self) -> Vec<Call> {
        self.shared.state().journal.clone()
    }

    /// Every call of one operation so far.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        self.shared.state().journal.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// Where answers so far were not of the shape that the API publishes, as sentences; empty unless the simulator is wrong.
    pub fn malformed_answers(&self) -> Vec<String> {
        let departure = |call: &Call| {
            let model = model::of_service(call.service)?;
            let output = model.operations.get(&call.operation)?.output.as_deref()?;
            let departure = model.check(output, &call.response, false).err()?;
            Some(format!("call {} ({}): {departure}", call.number, call.operation))
        };
        self.shared.state().journal.iter().filter(|call| call.status == 200).filter_map(departure).collect()
    }

    /// How long the world has existed.
    pub fn elapsed(&self) -> Duration {
        self.shared.state().clock.elapsed()
    }

    /// The service as DescribeServices would show it now, with its tags; null when there is none. Not in the journal.
    pub fn describe_service(&self, cluster: &str, service: &str) -> Value {
        let request = serde_json::json!({"cluster": cluster, "services": [service], "include": ["TAGS"]});
        let answer = self.look("DescribeServices", &request);
        answer["services"][0].clone()
    }

    /// What any reading operation of Amazon ECS would answer now; null when it would refuse. Not in the journal.
    pub fn look(&self, operation: &str, request: &Value) -> Value {
        self.look_at("ecs", operation, request)
    }

    /// What any reading operation of the service with that signing name would answer now; null when it would refuse.
    pub fn look_at(&self, service: &str, operation: &str, request: &Value) -> Value {
        let mut state = self.shared.state();
        state.catch_up();
        if !operation::reads(operation) {
            return Value::Null;
        }
        operation::perform(&mut state.world, service, operation, request).unwrap_or_default()
    }

    /// The targets of a rule of EventBridge, as ListTargetsByRule shows them; none when there is no such rule.
    pub fn rule_targets(&self, rule: &str) -> Vec<Value> {
        let mut state = self.shared.state();
        state.catch_up();
        state.world.rules.get(rule).cloned().unwrap_or_default()
    }

    /// Every rule's task definitions, by the rule's name.
    pub fn scheduled_task_definitions(&self) -> BTreeMap<String, Vec<String>> {
        let mut state = self.shared.state();
        state.catch_up();
        let arn = |target: &Value| target["EcsParameters"]["TaskDefinitionArn"].as_str().map(str::to_owned);
        let rules = state.world.rules.iter();
        rules.map(|(rule, targets)| (rule.clone(), targets.iter().filter_map(arn).collect())).collect()
    }

    /// How many tasks are RUNNING now, by task definition ARN: the truth about what the service runs.
    pub fn running_task_definitions(&self, cluster: &str, service: &str) -> BTreeMap<String, usize> {
        let mut state = self.shared.state();
        state.catch_up();
        let tasks = state.world.find_service(cluster, service).map(|service| service.tasks.as_slice());
        let mut running = BTreeMap::new();
        for task in tasks.unwrap_or_default().iter().filter(|task| task.state == world::State::Running) {
            *running.entry(task.task_definition.clone()).or_default() += 1;
        }
        running
    }

    /// What happened so far.
    pub fn facts(&self) -> Vec<Fact> {
        let mut state = self.shared.state();
        state.catch_up();
        state.world.facts.clone()
    }

    /// Lets the world come to rest: moves it, ahead of tokio's clock and without waiting, to where nothing is due any more, or
    /// by a day.
    #[expect(clippy::unused_async, reason = "callers must not depend on whether the world waits or leaps")]
    pub async fn settle(&self) {
        let mut state = self.shared.state();
        state.catch_up();
        let end = state.world.now + DAY;
        while let Some(next) = state.world.next().filter(|next| *next <= end) {
            state.clock.leap_to(next);
            state.catch_up();
        }
        if state.world.next().is_some() {
            state.clock.leap_to(end);
            state.catch_up();
        }
    }

    /// Makes something go wrong. The first rule that holds for a call decides.
    pub fn inject(&self, rule: Rule) {
        let mut state = self.shared.state();
        state.catch_up();
        state.rules.add(rule);
        state.remember();
    }

    /// Waits until a call hangs because of [`Fault::Hang`]: the moment to drop the client.
    pub async fn hung(&self) {
        self.shared.hung.notified().await;
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while it held the lock was a test's own thread; the others may as well look.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(folder) = &self.journal_folder else { return };
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Whoever set the variable misses the file; the world has ended, and nobody else is there to be told.
        journal::write(folder, &state.journal, state.world.scenario.accept_unknown_members).ok();
    }
}
