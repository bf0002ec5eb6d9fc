//! What happened in the world and when, whoever looked.

use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// When.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A deployment was created.
    DeploymentStarted {
        /// Its id, `ecs-svc/...`.
        id: String,
        /// What it deploys.
        task_definition: String,
    },
    /// A deployment completed: the service runs it, and nothing else.
    DeploymentCompleted {
        /// Its id.
        id: String,
    },
    /// ECS failed a deployment.
    DeploymentFailed {
        /// Its id.
        id: String,
    },
    /// ECS goes back to an older revision, with a deployment of its own.
    RollbackStarted {
        /// The new deployment's id.
        id: String,
        /// What the service goes back to.
        task_definition: String,
    },
    /// That deployment completed.
    RolledBack {
        /// Its id.
        id: String,
    },
    /// A service deployment moved on.
    ServiceDeployment {
        /// Its ARN.
        arn: String,
        /// Its new status.
        status: String,
    },
    /// A deployment of AWS CodeDeploy moved on.
    CodeDeployment {
        /// Its id, `d-...`.
        id: String,
        /// Its new status.
        status: String,
    },
    /// An endpoint of Amazon SageMaker went into another status.
    Endpoint {
        /// Its name.
        name: String,
        /// Its new status.
        status: String,
        /// The configuration that serves.
        config: String,
    },
    /// A task was started.
    TaskStarted {
        /// Its ARN.
        task: String,
        /// The id of the deployment that it belongs to.
        deployment: String,
    },
    /// A task reached RUNNING.
    TaskRunning {
        /// Its ARN.
        task: String,
        /// The id of the deployment that it belongs to.
        deployment: String,
    },
    /// A task reached STOPPED.
    TaskStopped {
        /// Its ARN.
        task: String,
        /// The id of the deployment that it belongs to.
        deployment: String,
        /// Its `stoppedReason`.
        reason: String,
        /// Whether it failed, rather than being stopped.
        failed: bool,
    },
    /// A deleted service has no more tasks.
    ServiceInactive {
        /// Its ARN.
        service: String,
    },
    /// Somebody else did something.
    SomebodyActed {
        /// Which entry of the scenario's `others`.
        index: usize,
    },
}
