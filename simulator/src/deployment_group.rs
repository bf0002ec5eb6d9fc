//! A deployment group of AWS CodeDeploy that exists when a test begins.

use std::time::Duration;

/// Describes a deployment group for [`Simulator::add_deployment_group`](crate::Simulator::add_deployment_group): of a service
/// of the cluster `default` whose controller is `CODE_DEPLOY`, all traffic at once, old tasks terminated at once.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeploymentGroup {
    pub(crate) application: String,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) config: String,
    pub(crate) compute_platform: String,
    pub(crate) termination_wait: Duration,
    pub(crate) ready_wait: Option<Duration>,
    pub(crate) rollback_events: Vec<String>,
    pub(crate) alarms: Vec<String>,
    pub(crate) failing_hooks: Vec<String>,
}

impl DeploymentGroup {
    /// The group of that service, with the names that the ECS console gives.
    pub fn of(service: impl Into<String>) -> Self {
        let service = service.into();
        Self {
            application: format!("AppECS-default-{service}"),
            name: format!("DgpECS-default-{service}"),
            cluster: "default".to_owned(),
            service,
            config: "CodeDeployDefault.ECSAllAtOnce".to_owned(),
            compute_platform: "ECS".to_owned(),
            termination_wait: Duration::ZERO,
            ready_wait: None,
            rollback_events: vec!["DEPLOYMENT_FAILURE".to_owned()],
            alarms: Vec::new(),
            failing_hooks: Vec::new(),
        }
    }

    /// The names of the application and of the group.
    pub fn named(self, application: impl Into<String>, name: impl Into<String>) -> Self {
        Self { application: application.into(), name: name.into(), ..self }
    }

    /// The cluster's name.
    pub fn cluster(self, cluster: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), ..self }
    }

    /// `ECS`, `Server` or `Lambda`.
    pub fn compute_platform(self, platform: impl Into<String>) -> Self {
        Self { compute_platform: platform.into(), ..self }
    }

    /// How traffic shifts: `CodeDeployDefault.ECSAllAtOnce`, `CodeDeployDefault.ECSCanary10Percent5Minutes`, ...
    pub fn config(self, name: impl Into<String>) -> Self {
        Self { config: name.into(), ..self }
    }

    /// How long the old tasks stay after the traffic has shifted. In a request it is whole minutes.
    pub fn termination_wait(self, wait: Duration) -> Self {
        Self { termination_wait: wait, ..self }
    }

    /// Makes a deployment wait, before traffic shifts, so long for ContinueDeployment; it is stopped when nobody comes.
    pub fn ready_wait(self, wait: Duration) -> Self {
        Self { ready_wait: Some(wait), ..self }
    }

    /// At which events CodeDeploy rolls back by itself; `DEPLOYMENT_FAILURE` otherwise.
    pub fn rollback_events(self, events: &[&str]) -> Self {
        Self { rollback_events: events.iter().map(|event| (*event).to_owned()).collect(), ..self }
    }

    /// CloudWatch alarms that stop a deployment.
    pub fn alarms(self, names: &[&str]) -> Self {
        Self { alarms: names.iter().map(|name| (*name).to_owned()).collect(), ..self }
    }

    /// A Lambda function that answers Failed when it is called as a hook.
    pub fn failing_hook(mut self, function: impl Into<String>) -> Self {
        self.failing_hooks.push(function.into());
        self
    }
}
