//! A service that has been there for long when the world starts.

use serde_json::Value;

use super::deployment::RolloutState;
use super::service_deployment::Status;
use super::task::{Belongs, Task};
use super::{Service, World};
use crate::wire::Refusal;

impl World {
    /// Adds a service in steady state: its tasks run, its one deployment is COMPLETED, its one service deployment SUCCESSFUL.
    pub(crate) fn add_steady_service(&mut self, described: crate::Service) -> Result<String, Refusal> {
        self.add_cluster(&described.cluster);
        let scenario = std::sync::Arc::clone(&self.scenario);
        let task_definition =
            self.task_definitions.register(&described.task_definition, self.now, &scenario)?.arn.clone();
        let mut service = Service {
            arn: scenario.arn(&format!("service/{}/{}", described.cluster, described.name)),
            cluster_arn: scenario.arn(&format!("cluster/{}", described.cluster)),
            name: described.name,
            cluster: described.cluster,
            status: described.status,
            desired: described.desired_count,
            controller: described.controller,
            settings: described.settings,
            tags: described.tags,
            created_at: self.now,
            task_definition: task_definition.clone(),
            deployments: Vec::new(),
            task_sets: Vec::new(),
            revisions: Vec::new(),
            service_deployments: Vec::new(),
            last_completed: None,
            events: Default::default(),
            tasks: Vec::new(),
            stopped: Vec::new(),
            steady: true,
        };
        if service.status != "ACTIVE" {
            service.desired = 0;
        }
        if !service.rolls()
            && let Some(Value::Object(configuration)) = service.settings.get_mut("deploymentConfiguration")
        {
            configuration.shift_remove("deploymentCircuitBreaker");
            configuration.shift_remove("strategy");
        }
        self.add_alarms_of(&service.settings.get("deploymentConfiguration").cloned().unwrap_or_default());
        let (services, around) = self.split();
        // What leads to the steady state is history: nothing of it is planned, and it leaves no facts.
        let mut schedule = Default::default();
        let mut facts = Vec::new();
        let mut before = super::Surroundings { schedule: &mut schedule, facts: &mut facts, ..around };
        service.deploy(&task_definition, &mut before);
        service.run_all(&mut before);
        if service.has_task_sets() {
            service.adopt_task_set();
        }
        let arn = service.arn.clone();
        services.push(service);
        Ok(arn)
    }
}

impl Service {
    fn run_all(&mut self, around: &mut super::Surroundings<'_>) {
        let Some(primary) = self.deployments.first_mut() else { return };
        primary.begun = true;
        primary.turn(RolloutState::Completed, format!("ECS deployment {} completed.", primary.id), around.now);
        primary.started = self.desired;
        let primary = primary.clone();
        self.last_completed = Some(primary.revision.clone());
        self.move_on(&primary.service_deployment, Status::InProgress, None, around);
        self.move_on(&primary.service_deployment, Status::Successful, None, around);
        let first = self.service_deployment_mut(&primary.service_deployment).and_then(|first| first.shift.as_mut());
        first.map(super::shift::Shift::finish);
        let belongs = Belongs {
            service_arn: &self.arn,
            cluster: &self.cluster,
            deployment: &primary.id,
            revision: &primary.revision,
            task_definition: &primary.task_definition,
            grace: std::time::Duration::ZERO,
            constraints: &[],
        };
        self.tasks = (0..self.desired).map(|_| Task::running(&belongs, around)).collect();
        self.steady = true;
        self.say("has reached a steady state.", around);
    }
}
