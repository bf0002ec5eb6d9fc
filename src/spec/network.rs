//! The network of a service's tasks: what the user named of its `awsvpcConfiguration`.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html>

use super::InputError;
use super::field;
use super::from_inputs::Reader;
use crate::runner::Inputs;

/// Members of `awsvpcConfiguration` that are changed only when they were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The ids of subnets; as they are when empty.
    pub subnets: Vec<String>,
    /// The ids of security groups; as they are when empty.
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub assign_public_ip: Option<String>,
}

impl Network {
    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads the inputs `subnets`, `security-groups` and `assign-public-ip`.
pub(super) fn network(inputs: &Inputs, reader: &mut Reader) -> Network {
    let mut ids = |input, text: &Option<String>, prefix: &str, most: usize| {
        let ids = text.as_deref().map(field::list).unwrap_or_default();
        let remedy = format!("write up to {most} ids, such as `{prefix}0a1b2c3d`, one a line or between commas");
        let wrong = match ids.iter().find(|id| !id.starts_with(prefix)) {
            Some(id) => Some(format!("`{id}` is not one")),
            None => (ids.len() > most).then(|| format!("{} are too many", ids.len())),
        };
        if let Some(problem) = wrong {
            reader.errors.push(InputError::new(input, problem, remedy));
        }
        ids
    };
    let subnets = ids("subnets", &inputs.subnets, "subnet-", 16);
    let security_groups = ids("security-groups", &inputs.security_groups, "sg-", 5);
    let assign_public_ip = inputs.assign_public_ip.as_deref().and_then(|text| {
        let choices = ["ENABLED", "DISABLED"].map(|word| (word, word));
        reader.keep(field::choice("assign-public-ip", text, &choices)).map(str::to_owned)
    });
    Network { subnets, security_groups, assign_public_ip }
}
