//! Amazon Resource Names, of every partition.

use std::fmt;
use std::str::FromStr;

/// `arn:partition:service:region:account:resource`. The partition is a text: `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`,
/// `aws-iso`, and those that will come.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    /// The partition.
    pub partition: String,
    /// The service: `ecs`, `iam`, `s3`.
    pub service: String,
    /// The region; empty for services that have none.
    pub region: String,
    /// The account; empty for services that need none.
    pub account: String,
    /// The rest, colons included: `service/cluster/name`, `task-definition/family:revision`.
    pub resource: String,
}

impl Arn {
    /// The part of the resource before the first slash: `service`, `role`.
    pub fn kind(&self) -> &str {
        self.resource.split_once('/').map_or("", |(kind, _)| kind)
    }

    /// The part of the resource after the first slash: `cluster/name`, `family:revision`.
    pub fn name(&self) -> &str {
        self.resource.split_once('/').map_or(self.resource.as_str(), |(_, name)| name)
    }

    /// The role's ARN, with or without a path before its name.
    pub(crate) fn is_role(&self) -> bool {
        self.service == "iam" && self.kind() == "role" && !self.name().is_empty()
    }
}

/// A text that is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN of the form arn:partition:service:region:account:resource")]
pub struct InvalidArn;

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else { return Err(InvalidArn) };
        let plain = |part: &str| part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let account_is_number =
            account.is_empty() || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
        let named = partition.starts_with("aws") && !service.is_empty() && !resource.is_empty();
        if !(named && account_is_number && [partition, service, region].into_iter().all(plain))
            || resource.contains(char::is_whitespace)
        {
            return Err(InvalidArn);
        }
        Ok(Self {
            partition: partition.to_owned(),
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_every_partition_are_read_and_written_back() {
        for text in [
            "arn:aws:ecs:eu-west-1:123456789012:service/shop/web",
            "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web:7",
            "arn:aws-us-gov:iam::123456789012:role/path/to/deploy",
            "arn:aws-eusc:ecs:eusc-de-east-1:123456789012:cluster/shop",
            "arn:aws-iso-b:s3:::bucket/key.env",
        ] {
            assert_eq!(text.parse::<Arn>().map(|arn| arn.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_resource_keeps_its_colons_and_slashes() {
        let arn: Arn = "arn:aws:ecs:eu-west-1:123456789012:service/shop/web:x".parse().unwrap();

        assert_eq!((arn.kind(), arn.name()), ("service", "shop/web:x"));
    }

    #[test]
    fn other_texts_are_not_arns() {
        for text in [
            "",
            "web",
            "arn:aws:ecs:eu-west-1:123456789012",
            "arn:aws:ecs:eu-west-1:123456789012:",
            "arn:azure:ecs:eu-west-1:123456789012:service/web",
            "arn:aws:ecs:eu-west-1:12345:service/web",
            "arn:aws:ecs:EU West:123456789012:service/web",
            "arn:aws:ecs:eu-west-1:123456789012:service/we b",
        ] {
            assert_eq!(text.parse::<Arn>(), Err(InvalidArn), "{text}");
        }
    }
}
