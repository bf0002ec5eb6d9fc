//! A machine that exists when a test begins.

/// Describes a container instance for [`Simulator::add_container_instance`](crate::Simulator::add_container_instance).
#[derive(Clone, Debug)]
#[must_use]
pub struct ContainerInstance {
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
    pub(crate) gpus: u64,
    pub(crate) attributes: Vec<(String, String)>,
}

impl ContainerInstance {
    /// A machine of that type, with 8 vCPUs, 32 GiB and no GPU.
    pub fn new(instance_type: &str) -> Self {
        Self { cpu: 8192, memory: 32_768, gpus: 0, attributes: Vec::new() }
            .attribute("ecs.instance-type", instance_type)
    }

    /// How many GPUs it has.
    pub fn gpus(self, gpus: u64) -> Self {
        Self { gpus, ..self }
    }

    /// An attribute, which placement constraints can name.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }
}
