//! Amazon ECR: calls that read and calls that write as separate types, a client for each registry that an image names.

mod layer;
mod reader;
mod state;
mod writer;

use aws_config::{Region, SdkConfig};

use crate::spec::EcrRegistry;

pub use reader::Reader;
pub use state::{Described, Finding, Manifest, Mutability, Scan};
pub use writer::{Put, Writer};

/// Every registry of Amazon ECR, to read from.
#[derive(Debug, Clone)]
pub struct Registries {
    config: SdkConfig,
}

impl Registries {
    pub(in crate::aws) const fn new(config: SdkConfig) -> Self {
        Self { config }
    }

    /// Calls that change nothing in that registry.
    pub fn reader(&self, registry: &EcrRegistry) -> Reader {
        Reader::new(&towards(&self.config, registry), registry.account.clone())
    }
}

/// Every registry of Amazon ECR, to write to.
#[derive(Debug, Clone)]
pub struct WritableRegistries {
    config: SdkConfig,
}

impl WritableRegistries {
    pub(in crate::aws) const fn new(config: SdkConfig) -> Self {
        Self { config }
    }

    /// Calls that change something in that registry.
    pub fn writer(&self, registry: &EcrRegistry) -> Writer {
        Writer::new(&towards(&self.config, registry), registry.account.clone())
    }
}

/// The configuration for the region and the kind of endpoint that an image's name says: it may lie elsewhere than what is
/// deployed.
fn towards(config: &SdkConfig, registry: &EcrRegistry) -> SdkConfig {
    let mut builder = config.to_builder();
    builder.set_region(Some(Region::new(registry.region.clone())));
    // The SDK refuses either of them together with an endpoint of one's own.
    if config.endpoint_url().is_none() {
        builder.set_use_fips(registry.is_fips.then_some(true).or(config.use_fips()));
        builder.set_use_dual_stack(registry.is_dual_stack.then_some(true).or(config.use_dual_stack()));
    }
    builder.build()
}
