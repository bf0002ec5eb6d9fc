//! A service that exists when a test begins.

use serde_json::{Map, Value, json};

/// Describes a service for [`Simulator::add_service`](crate::Simulator::add_service): on Fargate, two tasks, one container.
#[derive(Clone, Debug)]
#[must_use]
pub struct Service {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) desired_count: usize,
    pub(crate) task_definition: Value,
    pub(crate) controller: String,
    pub(crate) status: String,
    pub(crate) settings: Map<String, Value>,
    pub(crate) tags: Vec<Value>,
}

impl Service {
    /// A service of that name in the cluster `default`, whose task definition is of the same name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let mut settings = Map::new();
        settings.insert("launchType".to_owned(), json!("FARGATE"));
        settings.insert("platformVersion".to_owned(), json!("LATEST"));
        settings.insert("platformFamily".to_owned(), json!("Linux"));
        let network = json!({"subnets": ["subnet-0a"], "securityGroups": ["sg-0a"], "assignPublicIp": "DISABLED"});
        settings.insert("networkConfiguration".to_owned(), json!({"awsvpcConfiguration": network}));
        let configuration = json!({
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
        });
        settings.insert("deploymentConfiguration".to_owned(), configuration);
        Self {
            task_definition: json!({
                "family": name,
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "cpu": "256",
                "memory": "512",
                "containerDefinitions": [{"name": name, "image": format!("{name}:1"), "essential": true}],
            }),
            name,
            cluster: "default".to_owned(),
            desired_count: 2,
            controller: "ECS".to_owned(),
            status: "ACTIVE".to_owned(),
            settings,
            tags: Vec::new(),
        }
    }

    /// The cluster's name; the cluster is created with the service.
    pub fn cluster(self, cluster: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), ..self }
    }

    /// How many tasks it wants, and has.
    pub fn desired_count(self, desired_count: usize) -> Self {
        Self { desired_count, ..self }
    }

    /// What it runs, as RegisterTaskDefinition takes it; registered with the service.
    pub fn task_definition(self, task_definition: Value) -> Self {
        Self { task_definition, ..self }
    }

    /// The deployment circuit breaker, which is off otherwise.
    pub fn circuit_breaker(self, enable: bool, rollback: bool) -> Self {
        self.deployment_configuration("deploymentCircuitBreaker", json!({"enable": enable, "rollback": rollback}))
    }

    /// CloudWatch alarms that fail a deployment.
    pub fn alarms(self, names: &[&str], rollback: bool) -> Self {
        self.deployment_configuration("alarms", json!({"alarmNames": names, "enable": true, "rollback": rollback}))
    }

    /// How long failing health checks of a new task are ignored, in seconds.
    pub fn health_check_grace_period(self, seconds: u64) -> Self {
        self.setting("healthCheckGracePeriodSeconds", json!(seconds))
    }

    /// The deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub fn controller(self, controller: impl Into<String>) -> Self {
        Self { controller: controller.into(), ..self }
    }

    /// The lower limit of healthy tasks during a deployment.
    pub fn minimum_healthy_percent(self, percent: u64) -> Self {
        self.deployment_configuration("minimumHealthyPercent", json!(percent))
    }

    /// The upper limit of tasks during a deployment.
    pub fn maximum_percent(self, percent: u64) -> Self {
        self.deployment_configuration("maximumPercent", json!(percent))
    }

    /// Its status: `ACTIVE`, `DRAINING` or `INACTIVE`. A service that is not ACTIVE has no tasks.
    pub fn status(self, status: impl Into<String>) -> Self {
        Self { status: status.into(), ..self }
    }

    /// Its tags, as `{"key": ..., "value": ...}`.
    pub fn tags(self, tags: Vec<Value>) -> Self {
        Self { tags, ..self }
    }

    /// A member of `deploymentConfiguration`.
    pub fn deployment_configuration(mut self, member: &str, value: Value) -> Self {
        if let Some(Value::Object(configuration)) = self.settings.get_mut("deploymentConfiguration") {
            configuration.insert(member.to_owned(), value);
        }
        self
    }

    /// Any other member that CreateService takes and DescribeServices shows, such as `volumeConfigurations`.
    pub fn setting(mut self, member: impl Into<String>, value: Value) -> Self {
        self.settings.insert(member.into(), value);
        self
    }
}
