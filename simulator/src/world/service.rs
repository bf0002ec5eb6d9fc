//! A service: what it wants, what it has, and what happened to it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Surroundings;
use super::deployment::{Deployment, RolloutState};
use super::event::Events;
use super::service_deployment::{ServiceDeployment, Status};
use super::task::{State, Task};
use super::task_set::TaskSet;
use crate::scenario::ServiceDeployments;

/// The settings that a service revision consists of, beside the task definition; a change of one starts a deployment
/// (API reference, UpdateService).
pub(crate) const REVISION_SETTINGS: [&str; 8] = [
    "capacityProviderStrategy",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// One service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) cluster_arn: String,
    pub(crate) status: String,
    pub(crate) desired: usize,
    pub(crate) controller: String,
    /// Everything that a request sets and an answer repeats.
    pub(crate) settings: Map<String, Value>,
    pub(crate) tags: Vec<Value>,
    pub(crate) created_at: Duration,
    pub(crate) task_definition: String,
    /// Newest first; the first one is PRIMARY.
    pub(crate) deployments: Vec<Deployment>,
    /// What it has in the place of deployments when AWS CodeDeploy deploys it.
    pub(crate) task_sets: Vec<TaskSet>,
    pub(crate) revisions: Vec<Revision>,
    /// Oldest first; the last one is current.
    pub(crate) service_deployments: Vec<ServiceDeployment>,
    /// The revision that a failed deployment goes back to.
    pub(crate) last_completed: Option<String>,
    pub(crate) events: Events,
    /// The tasks that are not STOPPED, in the order of their start.
    pub(crate) tasks: Vec<Task>,
    /// The tasks that are STOPPED and still visible, in the order of their stop.
    pub(crate) stopped: Vec<Task>,
    /// Whether it has said that it is steady since it last changed.
    pub(crate) steady: bool,
}

/// A service revision: a version of the service.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) task_definition: String,
    pub(crate) settings: Map<String, Value>,
    pub(crate) created_at: Duration,
}

impl Service {
    pub(crate) fn revision(&self, arn: &str) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.arn == arn)
    }

    /// Every task that is still visible.
    pub(crate) fn visible_tasks(&self, now: Duration) -> impl Iterator<Item = &Task> {
        self.tasks.iter().chain(self.stopped.iter().filter(move |task| task.remembered(now)))
    }

    pub(crate) fn service_deployment_mut(&mut self, arn: &str) -> Option<&mut ServiceDeployment> {
        self.service_deployments.iter_mut().find(|deployment| deployment.arn == arn)
    }

    /// Whether ECS itself deploys this service.
    pub(crate) fn rolls(&self) -> bool {
        self.controller == "ECS"
    }

    pub(crate) fn running(&self) -> usize {
        self.tasks.iter().filter(|task| task.state == State::Running).count()
    }

    pub(crate) fn percent(&self, member: &str) -> Option<usize> {
        let percent = self.settings.get("deploymentConfiguration")?[member].as_u64()?;
        usize::try_from(percent).ok()
    }

    pub(crate) fn configuration(&self, member: &str) -> &Value {
        self.settings.get("deploymentConfiguration").map_or(&Value::Null, |configuration| &configuration[member])
    }

    /// Adds a revision of what the service is now, and gives its ARN.
    pub(crate) fn revise(&mut self, task_definition: &str, around: &mut Surroundings<'_>) -> String {
        let id = around.identity.digits();
        let arn = around.scenario.arn(&format!("service-revision/{}/{}/{id}", self.cluster, self.name));
        let part = |member: &&str| Some(((*member).to_owned(), self.settings.get(*member)?.clone()));
        self.revisions.push(Revision {
            arn: arn.clone(),
            task_definition: task_definition.to_owned(),
            settings: REVISION_SETTINGS.iter().filter_map(part).collect(),
            created_at: around.now,
        });
        arn
    }

    pub(crate) fn revision_summary(&self, arn: &str) -> Value {
        let count =
            |wanted: fn(&Task) -> bool| self.tasks.iter().filter(|task| task.revision == arn && wanted(task)).count();
        let (running, pending) =
            (count(|task| task.state == State::Running), count(|task| task.state < State::Running));
        let newest = self.deployments.first().is_some_and(|deployment| deployment.revision == arn);
        json!({
            "arn": arn,
            "requestedTaskCount": if newest { self.desired } else { running + pending },
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        })
    }

    /// As DescribeServiceRevisions shows one of its revisions.
    pub(crate) fn revision_document(&self, revision: &Revision, around: &Surroundings<'_>) -> Value {
        let mut document = revision.settings.clone();
        let images = around.task_definitions.containers(&revision.task_definition).into_iter().map(|container| {
            let image = container["image"].as_str().unwrap_or_default();
            json!({
                "containerName": container["name"],
                "image": image,
                "imageDigest": super::task_definition::digest(image),
            })
        });
        for (member, value) in [
            ("serviceRevisionArn", json!(revision.arn)),
            ("serviceArn", json!(self.arn)),
            ("clusterArn", json!(self.cluster_arn)),
            ("taskDefinition", json!(revision.task_definition)),
            ("launchType", self.settings.get("launchType").cloned().unwrap_or_else(|| json!("FARGATE"))),
            ("containerImages", images.collect()),
            ("guardDutyEnabled", json!(false)),
            ("createdAt", around.timestamp(revision.created_at)),
        ] {
            document.insert(member.to_owned(), value);
        }
        Value::Object(document)
    }

    /// As DescribeServices shows it.
    pub(crate) fn document(&self, with_tags: bool, around: &Surroundings<'_>) -> Value {
        let mut document = self.settings.clone();
        let mut put = |member: &str, value: Value| {
            document.insert(member.to_owned(), value);
        };
        put("serviceArn", json!(self.arn));
        put("serviceName", json!(self.name));
        put("clusterArn", json!(self.cluster_arn));
        put("status", json!(self.status));
        put("desiredCount", json!(self.desired));
        put("runningCount", json!(self.running()));
        put("pendingCount", json!(self.tasks.iter().filter(|task| task.state < State::Running).count()));
        put("taskDefinition", json!(self.task_definition));
        put("deploymentController", json!({"type": self.controller}));
        put("schedulingStrategy", json!("REPLICA"));
        put("createdAt", around.timestamp(self.created_at));
        put("createdBy", json!(super::task_definition::caller(around.scenario)));
        put("events", self.events.document(around));
        let shown = if self.rolls() { self.deployments.as_slice() } else { &[] };
        let deployments = shown.iter().enumerate();
        put("deployments", deployments.map(|(index, each)| each.document(self, index == 0, around)).collect());
        if self.has_task_sets() {
            put("taskSets", self.task_sets_document(around));
        }
        if around.scenario.service_deployments != ServiceDeployments::Unsupported && self.rolls() {
            if let Some(current) = self.service_deployments.last() {
                put("currentServiceDeployment", json!(current.arn));
            }
            put("currentServiceRevisions", self.current_revisions());
        }
        if with_tags && !self.tags.is_empty() {
            put("tags", json!(self.tags));
        }
        for (member, value) in [
            ("launchType", json!("FARGATE")),
            ("enableECSManagedTags", json!(false)),
            ("enableExecuteCommand", json!(false)),
            ("propagateTags", json!("NONE")),
            ("loadBalancers", json!([])),
            ("serviceRegistries", json!([])),
            ("placementConstraints", json!([])),
            ("placementStrategy", json!([])),
            ("availabilityZoneRebalancing", json!("DISABLED")),
        ] {
            document.entry(member).or_insert(value);
        }
        Value::Object(document)
    }

    fn current_revisions(&self) -> Value {
        let mut summaries = Vec::new();
        for deployment in &self.deployments {
            let summary = self.revision_summary(&deployment.revision);
            if !summaries.contains(&summary) {
                summaries.push(summary);
            }
        }
        Value::Array(summaries)
    }

    /// The newest deployment, while it is on its way.
    pub(crate) fn in_flight(&self) -> Option<&Deployment> {
        self.deployments.first().filter(|deployment| deployment.state == RolloutState::InProgress)
    }

    /// Moves a service deployment on, and remembers when.
    pub(crate) fn move_on(&mut self, arn: &str, status: Status, reason: Option<&str>, around: &mut Surroundings<'_>) {
        let now = around.now;
        let Some(deployment) = self.service_deployment_mut(arn) else { return };
        deployment.status = status;
        deployment.updated_at = now;
        if let Some(reason) = reason {
            deployment.reason = Some(reason.to_owned());
        }
        match status {
            Status::InProgress => deployment.started_at = Some(now),
            Status::Stopped => {
                deployment.stopped_at = Some(now);
                deployment.finished_at = Some(now);
            }
            _ if status.finished() => deployment.finished_at = Some(now),
            _ => {}
        }
        around.fact(super::Happening::ServiceDeployment { arn: arn.to_owned(), status: status.name().to_owned() });
    }
}
