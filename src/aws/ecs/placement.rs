//! Where tasks run: what a service says of it, and what is left on the cluster's container instances.

use aws_sdk_ecs::types as sdk;
use serde_json::{Value, json};

use super::Reader;
use crate::aws::{CallError, Operation};

/// The most container instances that one DescribeContainerInstances takes.
const INSTANCES_A_CALL: i32 = 100;

/// Where and how a service's tasks run: what a one-off task takes over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// `subnets` of the network configuration.
    pub subnets: Vec<String>,
    /// Its `securityGroups`.
    pub security_groups: Vec<String>,
    /// Its `assignPublicIp`.
    pub assign_public_ip: Option<String>,
    /// `launchType`; absent with a capacity provider strategy.
    pub launch_type: Option<String>,
    /// `capacityProviderStrategy`, as RunTask takes it.
    pub capacity_provider_strategy: Vec<Value>,
    /// `minimumHealthyPercent`.
    pub minimum_healthy_percent: Option<i32>,
}

impl From<&sdk::Service> for Placement {
    fn from(service: &sdk::Service) -> Self {
        let network = service.network_configuration().and_then(sdk::NetworkConfiguration::awsvpc_configuration);
        let strategy = service.capacity_provider_strategy().iter().map(
            |item| json!({"capacityProvider": item.capacity_provider(), "weight": item.weight(), "base": item.base()}),
        );
        Self {
            subnets: network.map(|it| it.subnets().to_vec()).unwrap_or_default(),
            security_groups: network.map(|it| it.security_groups().to_vec()).unwrap_or_default(),
            assign_public_ip: network.and_then(|it| it.assign_public_ip()).map(|it| it.as_str().to_owned()),
            launch_type: service.launch_type().map(|it| it.as_str().to_owned()),
            capacity_provider_strategy: strategy.collect(),
            minimum_healthy_percent: service.deployment_configuration().and_then(|it| it.minimum_healthy_percent()),
        }
    }
}

/// The GPUs of one container instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gpus {
    /// All of them.
    pub registered: usize,
    /// Those that no task has.
    pub free: usize,
}

impl Reader {
    /// The GPUs of each active container instance of a cluster.
    ///
    /// [DescribeContainerInstances](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeContainerInstances.html)
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn gpus(&self, cluster: &str) -> Result<Vec<Gpus>, CallError> {
        let (mut gpus, mut token) = (Vec::new(), None);
        loop {
            let listed = self
                .client
                .list_container_instances()
                .cluster(cluster)
                .status(sdk::ContainerInstanceStatus::Active)
                .max_results(INSTANCES_A_CALL)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallError::new(Operation::ListContainerInstances, error))?;
            token = listed.next_token().map(str::to_owned);
            if !listed.container_instance_arns().is_empty() {
                let described = self
                    .client
                    .describe_container_instances()
                    .cluster(cluster)
                    .set_container_instances(Some(listed.container_instance_arns().to_vec()))
                    .send()
                    .await
                    .map_err(|error| CallError::new(Operation::DescribeContainerInstances, error))?;
                gpus.extend(described.container_instances().iter().map(|instance| Gpus {
                    registered: count(instance.registered_resources()),
                    free: count(instance.remaining_resources()),
                }));
            }
            if token.is_none() {
                return Ok(gpus);
            }
        }
    }
}

/// GPUs are a set of their ids.
fn count(resources: &[sdk::Resource]) -> usize {
    resources.iter().filter(|it| it.name() == Some("GPU")).map(|it| it.string_set_value().len()).sum()
}
