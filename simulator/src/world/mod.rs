//! The state machine: everything that exists in the simulated account, and what happens to it as time goes by.

mod alarm;
mod code_deploy;
mod deployment;
mod event;
mod fact;
mod github;
mod identity;
mod instance;
mod log;
mod one_off;
mod registry;
mod rollout;
mod sage_maker;
mod schedule;
mod scheduler;
mod script;
mod service;
mod service_deployment;
mod session;
mod shift;
mod steady;
mod task;
mod task_definition;
mod task_definition_rules;
mod task_set;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use self::alarm::Alarm;
pub(crate) use self::code_deploy::Asked as CodeDeployAsked;
pub use self::fact::{Fact, Happening};
pub(crate) use self::identity::{mix, uuid};
pub(crate) use self::instance::Instance;
pub(crate) use self::one_off::{Once, OneOff};
pub(crate) use self::registry::Stored as Repository;
pub(crate) use self::rollout::Cause;
pub(crate) use self::sage_maker::{Asked as EndpointAsked, Made, Scaled, Status as EndpointStatus, Stream, invalid};
pub(crate) use self::schedule::Due;
pub(crate) use self::service::{REVISION_SETTINGS, Service};
pub(crate) use self::service_deployment::Status;
pub(crate) use self::session::Key;
pub(crate) use self::task::{State, Task};
pub(crate) use self::task_definition::Revision as TaskDefinition;

use self::alarm::Alarms;
use self::code_deploy::CodeDeploy;
use self::github::GitHub;
use self::identity::Identity;
use self::registry::Registries;
use self::sage_maker::SageMaker;
use self::schedule::Schedule;
use self::task_definition::TaskDefinitions;
use crate::Scenario;
use crate::clock::epoch_seconds;
use crate::others::Moment;

/// Everything in the account, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) task_definitions: TaskDefinitions,
    /// In the order of their creation. A deleted service stays, INACTIVE.
    pub(crate) services: Vec<Service>,
    /// Tasks of no service, in the order of their start.
    pub(crate) one_offs: Vec<OneOff>,
    /// What RunTask did for each client token.
    pub(crate) once: BTreeMap<String, Once>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) code_deploy: CodeDeploy,
    pub(crate) sage_maker: SageMaker,
    /// Objects of Amazon S3 by `BUCKET/KEY`.
    pub(crate) objects: BTreeMap<String, String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) alarms: Alarms,
    /// The targets of EventBridge's rules, by the rules' names.
    pub(crate) rules: BTreeMap<String, Vec<Value>>,
    pub(crate) registries: Registries,
    /// The repository on GitHub.
    pub(crate) github: GitHub,
    /// Sessions of roles, in the order of their beginning.
    sessions: Vec<Key>,
    id_tokens: Vec<session::IdToken>,
    schedule: Schedule,
    identity: Identity,
    /// How many UpdateService calls of the client took effect.
    updates: usize,
}

/// A cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) arn: String,
    pub(crate) settings: serde_json::Map<String, Value>,
    pub(crate) tags: Vec<Value>,
}

/// What a service can reach while something happens to it.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) now: Duration,
    pub(crate) scenario: &'a Scenario,
    pub(crate) task_definitions: &'a TaskDefinitions,
    pub(crate) schedule: &'a mut Schedule,
    pub(crate) identity: &'a mut Identity,
    pub(crate) facts: &'a mut Vec<Fact>,
    pub(crate) alarms: &'a Alarms,
    pub(crate) instances: &'a mut Vec<Instance>,
}

impl Surroundings<'_> {
    /// A moment as answers show it.
    pub(crate) fn timestamp(&self, moment: Duration) -> Value {
        json!(epoch_seconds(self.scenario.epoch, moment))
    }

    pub(crate) fn fact(&mut self, what: Happening) {
        self.facts.push(Fact { at: self.now, what });
    }
}

impl World {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut world = Self {
            now: Duration::ZERO,
            identity: Identity::new(scenario.seed),
            clusters: BTreeMap::new(),
            task_definitions: TaskDefinitions::default(),
            services: Vec::new(),
            one_offs: Vec::new(),
            once: BTreeMap::new(),
            instances: Vec::new(),
            code_deploy: CodeDeploy::default(),
            sage_maker: SageMaker::default(),
            objects: BTreeMap::new(),
            facts: Vec::new(),
            alarms: Alarms::new(),
            rules: scenario.rules.clone(),
            registries: Registries::default(),
            github: GitHub::default(),
            sessions: Vec::new(),
            id_tokens: Vec::new(),
            schedule: Schedule::default(),
            updates: 0,
            scenario: Arc::new(scenario),
        };
        world.add_cluster("default");
        world.add_alarms();
        let scenario = Arc::clone(&world.scenario);
        for (index, other) in scenario.others.iter().enumerate() {
            if let Moment::Elapsed(at) = other.at {
                world.schedule.at(at, Due::Somebody(index));
            }
        }
        world
    }

    /// Who makes every call.
    pub(crate) fn caller(&self) -> String {
        task_definition::caller(&self.scenario)
    }

    /// Adds a cluster unless there is one of that name.
    pub(crate) fn add_cluster(&mut self, name: &str) -> &mut Cluster {
        let arn = self.scenario.arn(&format!("cluster/{name}"));
        let fresh = || Cluster { arn, settings: serde_json::Map::new(), tags: Vec::new() };
        self.clusters.entry(name.to_owned()).or_insert_with(fresh)
    }

    /// Adds a machine to a cluster, and gives its ARN.
    pub(crate) fn add_container_instance(&mut self, cluster: &str, machine: crate::ContainerInstance) -> String {
        self.add_cluster(cluster);
        let id = self.identity.task();
        let arn = self.scenario.arn(&format!("container-instance/{cluster}/{id}"));
        self.instances.push(Instance::new(cluster, arn.clone(), machine));
        arn
    }

    /// The services, and what surrounds them.
    pub(crate) fn split(&mut self) -> (&mut Vec<Service>, Surroundings<'_>) {
        let around = Surroundings {
            now: self.now,
            scenario: &self.scenario,
            task_definitions: &self.task_definitions,
            schedule: &mut self.schedule,
            identity: &mut self.identity,
            facts: &mut self.facts,
            alarms: &self.alarms,
            instances: &mut self.instances,
        };
        (&mut self.services, around)
    }

    /// When something happens next by itself.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.schedule.next()
    }

    /// Lets time pass until `moment`; `watch` sees the world after everything that happened.
    pub(crate) fn advance(&mut self, moment: Duration, mut watch: impl FnMut(&Self)) {
        while let Some((at, due)) = self.schedule.take_until(moment) {
            self.now = self.now.max(at);
            self.happen(due);
            self.look_at_tasks();
            watch(self);
        }
        self.now = self.now.max(moment);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Task { service, task, step } if service.is_empty() => self.one_off_step(&task, step),
            Due::Task { service, task, step } => {
                self.with_service(&service, |it, around| it.task_step(&task, step, around));
                self.notice_service(&service);
            }
            Due::Begin { service, deployment } => {
                self.with_service(&service, |it, around| it.begin(&deployment, around))
            }
            Due::Look { service } => {
                self.with_service(&service, Service::look);
                self.notice_service(&service);
            }
            Due::CodeDeployment { id, turn } => self.take_turn(&id, turn),
            Due::Endpoint { name, turn } => self.endpoint_turn(&name, turn),
            Due::RollBack { service, service_deployment } => self.with_service(&service, |it, around| {
                // Somebody may have deployed meanwhile.
                let asked = it.service_deployments.last().is_some_and(|current| {
                    current.arn == service_deployment && current.status == Status::RollbackRequested
                });
                if asked {
                    it.fail(Cause::Asked, around);
                }
            }),
            Due::Alarm { name, provoked } => self.alarm_is_due(&name, provoked),
            Due::Somebody(index) => self.somebody_acts(index),
        }
    }

    fn with_service(&mut self, arn: &str, act: impl FnOnce(&mut Service, &mut Surroundings<'_>)) {
        let (services, mut around) = self.split();
        // A service that was deleted and created again has the same ARN: the newest one is meant.
        if let Some(service) = services.iter_mut().rev().find(|service| service.arn == arn) {
            act(service, &mut around);
        }
    }

    /// An UpdateService or a CreateDeployment of the client took effect: whoever waits for that acts soon.
    pub(crate) fn updated_by_client(&mut self) {
        self.updates += 1;
        let scenario = Arc::clone(&self.scenario);
        for (index, other) in scenario.others.iter().enumerate() {
            if let Moment::AfterUpdate { number, delay } = other.at
                && number == self.updates
            {
                self.schedule.at(self.now + delay, Due::Somebody(index));
            }
        }
    }
}
