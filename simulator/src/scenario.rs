//! What a world is like: which images work, how AWS answers, what other people do. Data, so that it can come from a file.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::others::{Action, Moment, Scripted};
use crate::{Alarm, Invocation, ModelAnswer, ModelBehaviour, ModelOutcome, Page};

/// The access key that a world accepts unless its scenario says otherwise.
pub const ACCESS_KEY_ID: &str = "AKIDSIMULATOR";
/// The secret of [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "simulated-secret";
/// The token with which a job asks for ID tokens.
pub const ID_TOKEN_REQUEST_TOKEN: &str = "simulated-request-token";

/// The token of a job for GitHub's REST API.
pub const GITHUB_TOKEN: &str = "simulated-github-token";

/// A world, before it starts. In a file, durations are seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Decides every identifier and every share of faults: the same seed and the same calls give the same world.
    pub seed: u64,
    /// What the wall clock shows when the world starts.
    pub epoch: Timestamp,
    /// The region that ARNs name; it decides the partition as well.
    pub region: String,
    /// The account that ARNs name.
    pub account: String,
    /// The access key that is accepted.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Its session token, when the key is a temporary one.
    pub session_token: Option<String>,
    /// Whether a request must be signed.
    pub require_signature: bool,
    /// When these credentials expire. Sessions of a role expire by themselves.
    #[serde(deserialize_with = "optional_seconds")]
    pub credentials_expire: Option<Duration>,
    /// Which job it is, as the ID tokens of GitHub's runner say.
    pub subject: String,
    /// Whom ID tokens have to be for.
    pub audience: String,
    /// How long an answer takes.
    #[serde(deserialize_with = "seconds")]
    pub latency: Duration,
    /// What tasks do, by image; the first entry that matches decides, and no entry means healthy.
    pub images: Vec<ImageBehaviour>,
    /// What tasks do that RunTask starts, where it is something else; the first entry that matches decides.
    pub one_offs: Vec<ImageBehaviour>,
    /// What containers write, where they write to CloudWatch Logs.
    pub logs: Vec<Log>,
    /// Why RunTask starts nothing.
    pub run_task_failures: Vec<RunTaskFailure>,
    /// Whether the caller can use the service deployments API.
    pub service_deployments: ServiceDeployments,
    /// What addresses answer that are not AWS's.
    pub pages: Vec<Page>,
    /// The CloudWatch alarms that exist, besides those that services name.
    pub alarms: Vec<Alarm>,
    /// The rules of EventBridge's default event bus, each with its targets as ListTargetsByRule shows them.
    pub rules: BTreeMap<String, Vec<Value>>,
    /// What somebody else does meanwhile.
    pub others: Vec<Scripted>,
    /// An ECS of tomorrow: request members that the model does not know are kept and returned, not refused.
    pub accept_unknown_members: bool,
    /// Whether a registered container definition gets the members that ECS adds (`cpu: 0`, `mountPoints: []`, ...).
    pub fill_defaults: bool,
    /// Registrations of one family that are closer to each other than this are refused as concurrent.
    #[serde(deserialize_with = "seconds")]
    pub registration_window: Duration,
    /// How long a service deployment, or a rollback that was asked for, stays pending.
    #[serde(deserialize_with = "seconds")]
    pub pending: Duration,
    /// How long a task takes from PROVISIONING to RUNNING, unless its behaviour says.
    #[serde(deserialize_with = "seconds")]
    pub start: Duration,
    /// How long a task takes from DEACTIVATING to STOPPED.
    #[serde(deserialize_with = "seconds")]
    pub stop: Duration,
    /// How long the scheduler waits before it replaces a task that failed; doubles while tasks fail before they run.
    #[serde(deserialize_with = "seconds")]
    pub retry: Duration,
    /// How long a task without a health check runs before it counts as healthy. ECS waits 40 seconds (API reference,
    /// `DeploymentConfiguration.minimumHealthyPercent`).
    #[serde(deserialize_with = "seconds")]
    pub unchecked: Duration,
    /// How long a lifecycle stage lasts that has nothing to do, and how long a shift of traffic takes.
    #[serde(deserialize_with = "seconds")]
    pub stage: Duration,
    /// What the functions of lifecycle hooks answer; the first entry that matches decides, and no entry means well.
    pub hooks: Vec<HookAnswer>,
    /// What models do on SageMaker's endpoints; the first entry that matches decides, and no entry means well.
    pub models: Vec<ModelBehaviour>,
    /// What models answer; the first entry that matches decides, and no entry means an empty object at once.
    pub invocations: Vec<ModelAnswer>,
    /// How long the instances of an endpoint take to start, unless the model's entry says.
    #[serde(deserialize_with = "seconds")]
    pub endpoint_start: Duration,
    /// Whether SageMaker goes back without saying why.
    pub silent_endpoint_rollbacks: bool,
    /// Whether the rollback of a rolling update of an endpoint fails.
    pub endpoint_rollbacks_fail: bool,
    /// How long a new version of a model package is `InProgress`.
    #[serde(deserialize_with = "seconds")]
    pub registration: Duration,
    /// Why new versions of model packages end `Failed`, if they do.
    pub registration_failure: Option<String>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 0,
            epoch: Timestamp::constant(1_767_614_400, 0),
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
            require_signature: true,
            credentials_expire: None,
            subject: "repo:shop/web:ref:refs/heads/main".to_owned(),
            audience: "sts.amazonaws.com".to_owned(),
            latency: Duration::from_millis(20),
            images: Vec::new(),
            one_offs: Vec::new(),
            logs: Vec::new(),
            run_task_failures: Vec::new(),
            service_deployments: ServiceDeployments::Available,
            pages: Vec::new(),
            alarms: Vec::new(),
            rules: BTreeMap::new(),
            others: Vec::new(),
            accept_unknown_members: false,
            fill_defaults: false,
            registration_window: Duration::ZERO,
            pending: Duration::from_secs(1),
            start: Duration::from_secs(15),
            stop: Duration::from_secs(5),
            retry: Duration::from_secs(10),
            unchecked: Duration::from_secs(40),
            stage: Duration::from_secs(3),
            hooks: Vec::new(),
            models: Vec::new(),
            invocations: Vec::new(),
            endpoint_start: Duration::from_secs(180),
            silent_endpoint_rollbacks: false,
            endpoint_rollbacks_fail: false,
            registration: Duration::from_secs(4),
            registration_failure: None,
        }
    }
}

impl Scenario {
    /// With a rule that starts a task of that task definition in the cluster `default`, and with a target that is none of ECS.
    #[must_use]
    pub fn rule(mut self, name: &str, task_definition: &str) -> Self {
        let task = serde_json::json!({
            "Id": "task",
            "Arn": self.arn("cluster/default"),
            "RoleArn": format!("arn:{}:iam::{}:role/events", self.partition(), self.account),
            "Input": "{\"containerOverrides\": []}",
            "EcsParameters": {"TaskDefinitionArn": self.arn(&format!("task-definition/{task_definition}")), "TaskCount": 1},
        });
        let queue =
            serde_json::json!({"Id": "queue", "Arn": format!("arn:aws:sqs:{}:{}:runs", self.region, self.account)});
        self.rules.insert(name.to_owned(), vec![task, queue]);
        self
    }

    /// A world in which nothing takes time: for measuring a client rather than ECS.
    pub fn instant() -> Self {
        Self {
            latency: Duration::ZERO,
            pending: Duration::ZERO,
            start: Duration::ZERO,
            stop: Duration::ZERO,
            retry: Duration::ZERO,
            unchecked: Duration::ZERO,
            stage: Duration::ZERO,
            endpoint_start: Duration::ZERO,
            registration: Duration::ZERO,
            ..Self::default()
        }
        .image("", Behaviour::Healthy { start: Duration::ZERO, healthy: Duration::ZERO })
    }

    /// The same world, in which tasks whose image contains `image` behave like this. Earlier entries win.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>, behaviour: Behaviour) -> Self {
        self.images.push(ImageBehaviour { image: image.into(), behaviour });
        self
    }

    /// The same world, in which tasks behave like this whose image contains `image` and that RunTask starts: a migration ends, with
    /// the very image that serves for ever in a service. Earlier entries win.
    #[must_use]
    pub fn one_off(mut self, image: impl Into<String>, behaviour: Behaviour) -> Self {
        self.one_offs.push(ImageBehaviour { image: image.into(), behaviour });
        self
    }

    /// The same world, in which this page exists as well.
    #[must_use]
    pub fn page(mut self, page: Page) -> Self {
        self.pages.push(page);
        self
    }

    /// The same world, in which this alarm exists as well.
    #[must_use]
    pub fn alarm(mut self, alarm: Alarm) -> Self {
        self.alarms.push(alarm);
        self
    }

    /// The same world, in which containers whose image contains `image` write these lines, a second apart from RUNNING on.
    #[must_use]
    pub fn log(mut self, image: impl Into<String>, lines: &[&str]) -> Self {
        let line = |(second, text): (u64, &&str)| Line { after: Duration::from_secs(second), text: (*text).to_owned() };
        let lines = (0..).zip(lines).map(line).collect();
        self.logs.push(Log { image: image.into(), container: None, lines });
        self
    }

    /// The same world, in which RunTask starts nothing until then, for this reason.
    #[must_use]
    pub fn run_task_failure(mut self, reason: impl Into<String>, until: Duration) -> Self {
        self.run_task_failures.push(RunTaskFailure { reason: reason.into(), until });
        self
    }

    /// The same world, in which somebody else does this as well.
    #[must_use]
    pub fn other(mut self, at: Moment, action: Action) -> Self {
        self.others.push(Scripted { at, action });
        self
    }

    /// The same world, in which the functions whose ARN contains `function` answer like this when they are run as lifecycle
    /// hooks. Earlier entries win.
    #[must_use]
    pub fn lifecycle_hook(mut self, function: impl Into<String>, outcome: HookOutcome) -> Self {
        self.hooks.push(HookAnswer { function: function.into(), outcome });
        self
    }

    /// The same world, in which variants do this whose image, model data or instance type contains `part`. Earlier entries win.
    #[must_use]
    pub fn model(mut self, part: impl Into<String>, outcome: ModelOutcome) -> Self {
        self.models.push(ModelBehaviour { part: part.into(), outcome });
        self
    }

    /// The same world, in which variants answer this whose image, model data or instance type contains `part`. Earlier entries
    /// win.
    #[must_use]
    pub fn invocation_of(mut self, part: impl Into<String>, invocation: Invocation) -> Self {
        self.invocations.push(ModelAnswer { part: part.into(), invocation });
        self
    }

    /// What a variant answers that is made of these texts.
    pub(crate) fn invocation(&self, texts: &[String]) -> Invocation {
        let matches = |answer: &&ModelAnswer| texts.iter().any(|text| text.contains(&answer.part));
        let usual = || Invocation::Answers { body: "{}".to_owned(), after: Duration::ZERO };
        self.invocations.iter().find(matches).map_or_else(usual, |answer| answer.invocation.clone())
    }

    /// What a variant does that is made of these texts.
    pub(crate) fn model_outcome(&self, texts: &[String]) -> ModelOutcome {
        let matches = |model: &&ModelBehaviour| texts.iter().any(|text| text.contains(&model.part));
        let usual = || ModelOutcome::Serves { after: self.endpoint_start };
        self.models.iter().find(matches).map_or_else(usual, |model| model.outcome.clone())
    }

    pub(crate) fn hook(&self, function: &str) -> HookOutcome {
        let answer = self.hooks.iter().find(|answer| function.contains(&answer.function));
        answer.map_or(HookOutcome::Succeeds { after: self.stage }, |answer| answer.outcome)
    }

    /// The partition of the region.
    pub(crate) fn partition(&self) -> &'static str {
        const PREFIXES: [(&str, &str); 3] = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc")];
        PREFIXES.iter().find(|(prefix, _)| self.region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
    }

    /// The ARN of an ECS resource.
    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:{}:ecs:{}:{}:{resource}", self.partition(), self.region, self.account)
    }
}

/// What tasks do whose task definition names an image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageBehaviour {
    /// A part of the image's name; the empty string is a part of every name.
    pub image: String,
    /// What such a task does.
    pub behaviour: Behaviour,
}

/// What containers write to their logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A part of the name of the container's own image.
    pub image: String,
    /// Which container of such a task; each by default.
    #[serde(default)]
    pub container: Option<String>,
    /// In the order of time.
    pub lines: Vec<Line>,
}

/// One line of a log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Since RUNNING.
    #[serde(deserialize_with = "seconds")]
    pub after: Duration,
    /// The line.
    pub text: String,
}

/// Why RunTask starts nothing: an entry of its `failures`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTaskFailure {
    /// Such as `RESOURCE:CPU` or `AGENT`.
    pub reason: String,
    /// Until when, by the world's time.
    #[serde(deserialize_with = "seconds")]
    pub until: Duration,
}

/// The life of a task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// Runs for ever.
    Healthy {
        /// From PROVISIONING to RUNNING.
        #[serde(deserialize_with = "seconds")]
        start: Duration,
        /// From RUNNING to HEALTHY, when the task definition has a health check.
        #[serde(deserialize_with = "seconds")]
        healthy: Duration,
    },
    /// Runs, then a container exits.
    Crash {
        /// From RUNNING to the exit.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
        /// Which container; the first essential one by default.
        #[serde(default)]
        container: Option<String>,
        /// Its exit code.
        exit_code: i64,
        /// What the container's `reason` says, such as `OutOfMemoryError: Container killed due to memory usage`.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Runs, then ends, as a task does that has something to do: every container exits.
    Ends {
        /// From RUNNING to the exit.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
        /// By container; 0 for those that are not named.
        #[serde(default)]
        exit_codes: BTreeMap<String, i64>,
    },
    /// The first tasks crash with exit code 1, the later ones are healthy.
    CrashAtFirst {
        /// How many tasks crash.
        times: usize,
        /// From RUNNING to the exit.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// The image cannot be pulled.
    ImageMissing {
        /// From PROVISIONING to the failure.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// Never reaches RUNNING, for another reason.
    FailsToStart {
        /// From PROVISIONING to the failure.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
        /// The task's `stoppedReason`.
        reason: String,
    },
    /// Runs, and its health check fails.
    Unhealthy {
        /// From RUNNING to UNHEALTHY.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// Runs, and the load balancer's health check fails.
    NotAnswering {
        /// From RUNNING to the load balancer's verdict.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
        /// What the service's event gives as the reason: `Request timed out`.
        reason: String,
    },
    /// Stays in PENDING for ever.
    Stuck,
    /// No container instance has room for it, so that there is no task.
    NoCapacity,
}

impl Behaviour {
    /// What a task does whose image no entry matches.
    pub(crate) fn usual(scenario: &Scenario) -> Self {
        Self::Healthy { start: scenario.start, healthy: Duration::from_secs(10) }
    }

    /// Exits with 1 a few seconds after it runs, as a program does that misses its configuration.
    pub fn crash_loop() -> Self {
        Self::Crash { after: Duration::from_secs(3), container: None, exit_code: 1, reason: None }
    }
}

/// What the function of a lifecycle hook answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookAnswer {
    /// A part of the function's ARN.
    pub function: String,
    /// Its answer.
    pub outcome: HookOutcome,
}

/// How a lifecycle hook ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HookOutcome {
    /// The deployment goes on.
    Succeeds {
        /// After the begin of its stage.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// The deployment is rolled back.
    Fails {
        /// After the begin of its stage.
        #[serde(deserialize_with = "seconds")]
        after: Duration,
    },
    /// It goes on answering `IN_PROGRESS`, until its time is up.
    NeverEnds,
}

/// Whether the service deployments API can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceDeployments {
    /// It works.
    #[default]
    Available,
    /// The caller's policy lacks the permissions: AccessDeniedException.
    Denied,
    /// The partition lacks the API: UnsupportedFeatureException, and services do not name their service deployment.
    Unsupported,
}

/// A duration in a file.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    seconds(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_file() {
        let scenario: Scenario = serde_json::from_str(
            r#"{
                "seed": 7,
                "latency": 0.005,
                "credentials_expire": 900,
                "service_deployments": "denied",
                "images": [{"image": "broken", "behaviour": {"crash": {"after": 2, "exit_code": 3}}}],
                "others": [{
                    "at": {"after_update": {"number": 1, "delay": 4}},
                    "action": {"update_service": {"cluster": "default", "service": "web", "image": "theirs:1"}}
                }]
            }"#,
        )
        .unwrap();
        assert_eq!(scenario.latency, Duration::from_millis(5));
        assert_eq!(scenario.credentials_expire, Some(Duration::from_secs(900)));
        assert_eq!(scenario.service_deployments, ServiceDeployments::Denied);
        assert_eq!(
            scenario.images[0].behaviour,
            Behaviour::Crash { after: Duration::from_secs(2), container: None, exit_code: 3, reason: None }
        );
    }

    #[test]
    fn starts_at_the_documented_epoch() {
        assert_eq!(Scenario::default().epoch.to_string(), "2026-01-05T12:00:00Z");
    }

    #[test]
    fn the_region_decides_the_partition() {
        let partition = |region: &str| Scenario { region: region.to_owned(), ..Scenario::default() }.partition();
        assert_eq!(
            ["eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"].map(partition),
            ["aws", "aws-cn", "aws-us-gov", "aws-eusc"]
        );
    }
}
