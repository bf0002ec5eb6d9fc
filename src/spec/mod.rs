//! What the user asked for, parsed and checked. Knows neither the AWS SDK nor GitHub.
//!
//! - `from_inputs`: makes a [`Spec`] of the inputs, and says everything that is wrong with them at once; `out_of_place`: what means
//!   nothing for this step; `field`, `error`, `nearest`: how inputs are read, refused, and what was probably meant.
//! - What is deployed: `mode`, `source`, `task_definition`, `images`, `one_off`, `endpoint`, `registration`, `aftermath`.
//! - How: `deployment`, `strategy`, `network`, `volume`, `code_deploy`, `pause`, `access`.
//! - How it is judged: `verification`, `smoke_test`, `quality_gate`. Who is told: `announcement`. Instead: `validation`, `history`.
//! - Values that several of them hold: `arn`, `image_reference`, `comparison`, `edit`, `asked`, `secret`.

mod access;
mod aftermath;
mod announcement;
mod arn;
mod asked;
mod code_deploy;
mod comparison;
mod deployment;
mod edit;
mod endpoint;
mod error;
mod field;
mod from_inputs;
mod history;
mod image_reference;
mod images;
mod mode;
mod nearest;
mod network;
mod one_off;
mod out_of_place;
mod pause;
mod quality_gate;
mod registration;
mod secret;
mod smoke_test;
mod source;
mod strategy;
mod task_definition;
mod validation;
mod verification;
mod volume;

use std::time::Duration;

use serde_json::Value;

use crate::runner::Inputs;

pub use access::{Access, Role, Voucher};
pub use announcement::{Announcements, Comment, Environment, NotifyOn, Template, Webhook};
pub use arn::{Arn, InvalidArn};
pub use asked::Asked;
pub use code_deploy::{AppSpec, AppSpecError, CodeDeploy};
pub use comparison::{Comparison, Step, at};
pub use deployment::{CircuitBreaker, DeploymentSettings, Percent, Threshold};
pub use edit::Edit;
pub use endpoint::{DataCapture, Endpoint, ModelChanges, ModelSource, ModelVersion, OnFirstFailure, VariantChanges};
pub use error::InputError;
pub use history::History;
pub use image_reference::{EcrRegistry, ImageReference, InvalidReference, Registry, is_tag};
pub use images::{FindingSeverity, GateAction, Ignored, ImageRules, Resolve, ScanGate};
pub use mode::{Mode, RollbackTo};
pub(crate) use nearest::nearest;
pub use network::Network;
pub use one_off::OneOff;
pub use pause::WaitUntil;
pub(crate) use quality_gate::metrics;
pub use quality_gate::{Judgement, QualityGate, numbers};
pub use registration::{Approve, Metrics, Registration};
pub use secret::Secret;
pub use smoke_test::{Expectation, SmokeTest};
pub use strategy::{Stage, Strategy, UnknownStage};

pub use crate::cycle::{OnCancel, OnConflict, OnPause};
pub use task_definition::{
    Complaint, DocumentError, Format, RenderError, Severity, Tag, TaskDefinition, check, difference, render,
};
pub use validation::Validation;
pub use verification::{Address, AlarmPreflight, HealthCheck, Statuses, Verification};

/// One deployment, as it was asked for. Whatever was not asked for is `None`, and never sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Deploy, look only, or go back.
    pub mode: Mode,
    /// Whether nothing is done, and only the policies are printed that doing it would need.
    pub prints_policy: bool,
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name or ARN; `None` only for a task alone.
    pub service: Option<String>,
    /// The endpoint of Amazon SageMaker that is deployed to, instead of a service.
    pub endpoint: Option<Endpoint>,
    /// The model that is registered, instead of a deployment.
    pub registration: Option<Registration>,
    /// The task to run: alone, or between register and update.
    pub one_off: Option<OneOff>,
    /// The region that was named; else it comes from the environment or from [`Spec::region_in_arns`].
    pub region: Option<String>,
    /// With which credentials.
    pub access: Access,
    /// The task definition to start from.
    pub source: Source,
    /// What to change in it.
    pub overrides: Overrides,
    /// How the images that it names are looked after.
    pub images: ImageRules,
    /// What to change in the service besides its task definition.
    pub settings: Settings,
    /// What to ask of AWS CodeDeploy, where it deploys the service.
    pub code_deploy: CodeDeploy,
    /// The service whose images are taken, if they come from one.
    pub origin: Option<Origin>,
    /// EventBridge rules whose tasks move to the new revision with the service.
    pub scheduled_rules: Vec<String>,
    /// How many of the family's newest revisions are kept; all, unless it was said.
    pub keep_revisions: Option<usize>,
    /// Tags for the new revision, besides those in the document.
    pub tags: Vec<Tag>,
    /// Whether the new revision is tagged with the commit, the repository and the run.
    pub deploy_tags: bool,
    /// Whether the verdict is waited for.
    pub wait: bool,
    /// How long.
    pub wait_for: Duration,
    /// Where a deployment is left to itself.
    pub wait_until: WaitUntil,
    /// What to do when a deployment waits at a pause.
    pub on_pause: OnPause,
    /// How often a failed call is repeated; 0 is never.
    pub max_retries: u32,
    /// Whether a failed rollout is taken back.
    pub rollback_on_failure: bool,
    /// What to do about somebody else's deployment that is in flight.
    pub on_conflict: OnConflict,
    /// What to do when the workflow run is cancelled.
    pub on_cancel: OnCancel,
    /// Whether a later step that fails takes the deployment back.
    pub rollback_on_job_failure: bool,
    /// What is checked after the rollout.
    pub verification: Verification,
    /// Whom it is announced to.
    pub announcements: Announcements,
    /// Whether the job has failed so far. The runner evaluates the input's default for each step anew.
    pub job_has_failed: bool,
}

/// A service whose images are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name or ARN.
    pub service: String,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// What the service runs now.
    Running,
    /// A registered one: an ARN, a family (its newest active revision) or `family:revision`.
    Registered(String),
    /// A document from a file.
    Document(TaskDefinition),
}

impl Source {
    /// Whether `task-definition` with this value can only be a file. Without a file of that name everything else is the name of a
    /// registered task definition.
    pub fn is_a_file(named: &str) -> bool {
        source::is_a_file(named)
    }
}

/// Changes to a task definition. Those that concern one container go to `containers`, or to the only container that they can
/// be meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The containers that were named.
    pub containers: Vec<String>,
    /// The image for each of them.
    pub image: Option<String>,
    /// Pairs of container and image.
    pub images: Vec<(String, String)>,
    /// Environment variables.
    pub environment: Vec<Edit>,
    /// Secrets: where each variable's value comes from.
    pub secrets: Vec<Edit>,
    /// Docker labels.
    pub docker_labels: Vec<Edit>,
    /// Log driver.
    pub log_driver: Option<String>,
    /// The log driver's options.
    pub log_options: Vec<Edit>,
    /// Environment files in S3; they replace those that the container has.
    pub env_files: Vec<String>,
    /// The command.
    pub command: Option<Vec<String>>,
    /// The role of the code in the containers.
    pub task_role_arn: Option<String>,
    /// The role with which ECS pulls images, reads secrets and writes logs.
    pub execution_role_arn: Option<String>,
    /// The task's CPU units.
    pub cpu: Option<String>,
    /// The task's memory.
    pub memory: Option<String>,
}

impl Overrides {
    /// Reads the inputs that change a task definition, and gives everything that is wrong with them.
    pub fn from_inputs(inputs: &Inputs) -> (Self, Vec<InputError>) {
        let mut reader = from_inputs::Reader::default();
        let overrides = from_inputs::overrides(inputs, &mut reader);
        (overrides, reader.errors)
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same with each image replaced.
    #[must_use]
    pub fn with_images(&self, replace: impl Fn(&str) -> String) -> Self {
        let images = self.images.iter().map(|(container, image)| (container.clone(), replace(image)));
        Self { image: self.image.as_deref().map(&replace), images: images.collect(), ..self.clone() }
    }

    /// Whether something is to be changed that belongs to a container and says no container of its own.
    pub(crate) fn concern_a_container(&self) -> bool {
        let task_only = Self {
            images: self.images.clone(),
            task_role_arn: self.task_role_arn.clone(),
            execution_role_arn: self.execution_role_arn.clone(),
            cpu: self.cpu.clone(),
            memory: self.memory.clone(),
            ..Self::default()
        };
        *self != task_only
    }
}

/// Members of `UpdateService` that are sent only when they were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many tasks should run.
    pub desired_count: Option<i32>,
    /// Start new tasks even when nothing changes.
    pub force_new_deployment: bool,
    /// Tag tasks with the names of their cluster and service.
    pub enable_ecs_managed_tags: Option<bool>,
    /// Where tasks get their tags from: `TASK_DEFINITION`, `SERVICE` or `NONE`.
    pub propagate_tags: Option<String>,
    /// Allow ECS Exec.
    pub enable_execute_command: Option<bool>,
    /// The volumes that ECS makes for each task: the whole list, as UpdateService takes it.
    pub volumes: Option<Vec<Value>>,
    /// The network of the tasks.
    pub network: Network,
    /// How ECS is to carry deployments out.
    pub deployment: DeploymentSettings,
}

impl Spec {
    /// The region that the ARNs in the request lie in, if there is an ARN.
    pub fn region_in_arns(&self) -> Option<String> {
        let registered = match &self.source {
            Source::Registered(name) => Some(name),
            Source::Running | Source::Document(_) => None,
        };
        let target = match &self.mode {
            Mode::Rollback { to: RollbackTo::TaskDefinition(name) } => Some(name),
            Mode::Rollback { .. }
            | Mode::Deploy
            | Mode::Plan
            | Mode::RunTask
            | Mode::RegisterModel
            | Mode::Continue { .. } => None,
        };
        [self.service.as_ref(), Some(&self.cluster), registered, target]
            .into_iter()
            .flatten()
            .filter_map(|name| name.parse::<Arn>().ok())
            .map(|arn| arn.region)
            .next()
    }
}
