//! What happens during a cycle, as data. Targets and the cycle make events; reports read them.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Conclusion, Diagnosis, Doing, Finding, Plan, Table};

/// One thing that happened.
///
/// The first event of a target is [`Kind::Started`], the last is [`Kind::Concluded`], exactly once.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// Since the start of the program.
    pub elapsed: Duration,
    /// What.
    pub kind: Kind,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Work on a target begins.
    Started {
        /// What is deployed to, as a person would say it: `service web in cluster production`.
        target: String,
        /// What this run is for.
        mode: Doing,
    },
    /// A phase of the cycle begins.
    PhaseStarted(Phase),
    /// The phase that began last is over.
    PhaseFinished(Phase),
    /// Something that users may want as an output became known.
    Known {
        /// Which output.
        output: Output,
        /// Its value.
        value: String,
    },
    /// Something worth a line in the log.
    Noted(String),
    /// Something that the user should look at, and that does not stop the deployment.
    Warned(String),
    /// Something that is wrong with a file.
    Found(Finding),
    /// Something that is best read as a table.
    Tabulated(Table),
    /// What will change.
    Planned(Plan),
    /// How far the rollout is. Sent at every look; readers leave out what did not change.
    Progressed(Progress),
    /// A message of the target's own event log, oldest first.
    Said {
        /// When, by AWS's clock.
        at: Timestamp,
        /// The message: text from outside.
        message: String,
    },
    /// A call to AWS is made again.
    Retried {
        /// The operation, as AWS calls it.
        operation: String,
        /// Why.
        why: String,
        /// How long is waited before it.
        after: Duration,
    },
    /// The rollout failed and what was running before is being put back.
    RollbackStarted {
        /// What is put back.
        to: String,
        /// Why.
        because: String,
    },
    /// A document that was asked for.
    Printed {
        /// What it is.
        title: String,
        /// The document, as JSON on several lines.
        document: String,
    },
    /// Why the rollout failed, with evidence.
    Diagnosed(Diagnosis),
    /// A call that changes something is about to be made: what the post step has to take back if the program ends here, as
    /// JSON. Each one replaces the one before.
    Owed(String),
    /// The end.
    Concluded(Conclusion),
}

/// The phases of the cycle, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Look at what is running.
    Capture,
    /// Compute what changes.
    Plan,
    /// Check that it can work.
    Preflight,
    /// Register what is new.
    Register,
    /// Start the rollout.
    Update,
    /// Watch the rollout.
    Wait,
    /// Make sure that what runs is what was asked for.
    Verify,
    /// Put back what was running before.
    Rollback,
}

impl Phase {
    /// The word that log and summary use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "Capture",
            Self::Plan => "Plan",
            Self::Preflight => "Preflight",
            Self::Register => "Register",
            Self::Update => "Update",
            Self::Wait => "Wait",
            Self::Verify => "Verify",
            Self::Rollback => "Rollback",
        }
    }
}

/// One look at a rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// New tasks or instances that run.
    pub running: u32,
    /// New tasks or instances that are being started.
    pub pending: u32,
    /// How many there should be.
    pub desired: u32,
    /// New tasks or instances that failed since the start.
    pub failed: u32,
    /// Old tasks or instances that still run.
    pub old: u32,
    /// AWS's own word for the state of the rollout.
    pub state: String,
    /// Where traffic is, when the rollout shifts it.
    pub shift: Option<Shift>,
}

impl Progress {
    /// Whether there is nothing that runs, and nothing that should: what is made is no task and no instance.
    pub fn counts_nothing(&self) -> bool {
        *self == Self { state: self.state.clone(), ..Self::default() }
    }
}

/// How far a rollout is that shifts traffic from the old tasks to the new ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shift {
    /// AWS's own word for the stage.
    pub stage: String,
    /// The share of production traffic that the new tasks get, in tenths of a percent.
    pub traffic: Option<u32>,
    /// How long the stage goes on doing nothing, on purpose, at most.
    pub rest: Option<Duration>,
}

/// The outputs of the action, by the names that `action.yml` declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// See [`super::Outcome`].
    Outcome,
    /// See [`super::Cause`].
    Cause,
    /// The headline of the conclusion.
    Message,
    /// The revision that was deployed.
    TaskDefinitionArn,
    /// Its family, which holds no account id and so survives masking.
    TaskDefinitionFamily,
    /// Its number within the family.
    TaskDefinitionRevision,
    /// The revision that was running before.
    PreviousTaskDefinitionArn,
    /// Its number within its family.
    PreviousTaskDefinitionRevision,
    /// The service.
    ServiceArn,
    /// Its name, which holds no account id.
    ServiceName,
    /// Its cluster's name.
    ClusterName,
    /// The id of the deployment in the service's list (`ecs-svc/…`).
    DeploymentId,
    /// The service deployment.
    ServiceDeploymentArn,
    /// The pause at which the deployment waits, or waited last.
    PauseHook,
    /// The id of the AWS CodeDeploy deployment (`d-…`).
    CodedeployDeploymentId,
    /// Tasks that run at the end.
    RunningCount,
    /// Tasks that should run.
    DesiredCount,
    /// Whole seconds from start to end.
    DurationSeconds,
    /// `true` when something was changed on AWS.
    Changed,
    /// The plan as JSON.
    Plan,
    /// The [`Diagnosis`] as JSON.
    Diagnosis,
    /// The service's page in the AWS console.
    ConsoleUrl,
    /// The one-off tasks' ARNs, as a JSON list.
    RunTaskArn,
    /// The exit code of the one-off task: the first that is not 0, of the essential containers of all its tasks.
    ExitCode,
    /// The last line of the one-off task's log that is a JSON object or list.
    Result,
    /// `mode: iam-policy`: what the role has to be allowed, as JSON.
    Policy,
    /// `mode: iam-policy`: who may assume the role, as JSON.
    TrustPolicy,
    /// The digests that the request's images in Amazon ECR were resolved to, a line each.
    ImageDigest,
    /// The commit that what is deployed comes from, as far as tags tell.
    Commit,
    /// The commit that what ran before comes from, as far as tags tell.
    PreviousCommit,
    /// The endpoint's name.
    EndpointName,
    /// The endpoint.
    EndpointArn,
    /// The configuration that it serves.
    EndpointConfigName,
    /// The configuration that it served before.
    PreviousEndpointConfigName,
    /// The model that was made.
    ModelName,
    /// The version of a model package group that was registered or deployed.
    ModelPackageArn,
    /// Its number within the group.
    ModelPackageVersion,
    /// Whether it is approved, in AWS's words.
    ModelApprovalStatus,
    /// `mode: report`: the measures, as JSON.
    Report,
}

impl Output {
    /// Every output, in the order of the documentation.
    pub const ALL: [Self; 39] = [
        Self::Outcome,
        Self::Cause,
        Self::Message,
        Self::TaskDefinitionArn,
        Self::TaskDefinitionFamily,
        Self::TaskDefinitionRevision,
        Self::PreviousTaskDefinitionArn,
        Self::PreviousTaskDefinitionRevision,
        Self::ServiceArn,
        Self::ServiceName,
        Self::ClusterName,
        Self::DeploymentId,
        Self::ServiceDeploymentArn,
        Self::PauseHook,
        Self::CodedeployDeploymentId,
        Self::RunningCount,
        Self::DesiredCount,
        Self::DurationSeconds,
        Self::Changed,
        Self::Plan,
        Self::Diagnosis,
        Self::ConsoleUrl,
        Self::RunTaskArn,
        Self::ExitCode,
        Self::Result,
        Self::Policy,
        Self::TrustPolicy,
        Self::ImageDigest,
        Self::Commit,
        Self::PreviousCommit,
        Self::EndpointName,
        Self::EndpointArn,
        Self::EndpointConfigName,
        Self::PreviousEndpointConfigName,
        Self::ModelName,
        Self::ModelPackageArn,
        Self::ModelPackageVersion,
        Self::ModelApprovalStatus,
        Self::Report,
    ];

    /// The name in `action.yml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Cause => "cause",
            Self::Message => "message",
            Self::TaskDefinitionArn => "task-definition-arn",
            Self::TaskDefinitionFamily => "task-definition-family",
            Self::TaskDefinitionRevision => "task-definition-revision",
            Self::PreviousTaskDefinitionArn => "previous-task-definition-arn",
            Self::PreviousTaskDefinitionRevision => "previous-task-definition-revision",
            Self::ServiceArn => "service-arn",
            Self::ServiceName => "service-name",
            Self::ClusterName => "cluster-name",
            Self::DeploymentId => "deployment-id",
            Self::ServiceDeploymentArn => "service-deployment-arn",
            Self::PauseHook => "pause-hook",
            Self::CodedeployDeploymentId => "codedeploy-deployment-id",
            Self::RunningCount => "running-count",
            Self::DesiredCount => "desired-count",
            Self::DurationSeconds => "duration-seconds",
            Self::Changed => "changed",
            Self::Plan => "plan",
            Self::Diagnosis => "diagnosis",
            Self::ConsoleUrl => "console-url",
            Self::RunTaskArn => "run-task-arn",
            Self::ExitCode => "exit-code",
            Self::Result => "result",
            Self::Policy => "policy",
            Self::TrustPolicy => "trust-policy",
            Self::ImageDigest => "image-digest",
            Self::Commit => "commit",
            Self::PreviousCommit => "previous-commit",
            Self::EndpointName => "endpoint-name",
            Self::EndpointArn => "endpoint-arn",
            Self::EndpointConfigName => "endpoint-config-name",
            Self::PreviousEndpointConfigName => "previous-endpoint-config-name",
            Self::ModelName => "model-name",
            Self::ModelPackageArn => "model-package-arn",
            Self::ModelPackageVersion => "model-package-version",
            Self::ModelApprovalStatus => "model-approval-status",
            Self::Report => "report",
        }
    }
}

/// A reader of events. It decides nothing: whatever goes wrong in it stays in it.
pub trait Sink {
    /// Takes one event.
    fn receive(&mut self, event: &Event);
}

/// Where a cycle sends its events: stamps them and hands each to every reader, in order.
pub struct Events {
    started: Timestamp,
    origin: Instant,
    sinks: RefCell<Vec<Box<dyn Sink>>>,
}

impl Events {
    /// Starts the clock. `started` is the wall-clock time of now; later times are this plus tokio's elapsed time, so that
    /// they stand still and jump with a paused clock.
    pub fn new(started: Timestamp, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { started, origin: Instant::now(), sinks: RefCell::new(sinks) }
    }

    /// Since the start of the program.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Adds a reader. It hears what comes from now on.
    pub fn add(&self, sink: Box<dyn Sink>) {
        self.sinks.borrow_mut().push(sink);
    }

    /// Sends one event.
    pub fn send(&self, kind: Kind) {
        let elapsed = self.elapsed();
        let at = self.started.checked_add(elapsed).unwrap_or(self.started);
        let event = Event { at, elapsed, kind };
        // A reader with a defect is not read to again; the deployment, and the other readers, go on.
        self.sinks.borrow_mut().retain_mut(|sink| catch_unwind(AssertUnwindSafe(|| sink.receive(&event))).is_ok());
    }

    /// Sends [`Kind::Noted`].
    pub fn note(&self, text: impl Into<String>) {
        self.send(Kind::Noted(text.into()));
    }

    /// Sends [`Kind::Warned`].
    pub fn warn(&self, text: impl Into<String>) {
        self.send(Kind::Warned(text.into()));
    }

    /// Sends [`Kind::Known`].
    pub fn know(&self, output: Output, value: impl ToString) {
        self.send(Kind::Known { output, value: value.to_string() });
    }
}
