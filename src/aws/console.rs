//! Links into the AWS console.

use crate::spec::Arn;
use crate::text::last_part;

/// The page of a service's deployments. `None` for partitions whose console has no address that is known to the public.
///
/// The hosts are those of "AWS Management Console endpoints" in the documentation of each partition.
pub fn service_url(service: &Arn, cluster_arn: &str) -> Option<String> {
    let Arn { partition, region, .. } = service;
    let host = match partition.as_str() {
        "aws" => format!("{region}.console.aws.amazon.com"),
        "aws-cn" => format!("{region}.console.amazonaws.cn"),
        "aws-us-gov" => format!("{region}.console.amazonaws-us-gov.com"),
        "aws-eusc" => format!("{region}.console.amazonaws-eusc.eu"),
        _ => return None,
    };
    let cluster = last_part(cluster_arn);
    let name = last_part(&service.resource);
    Some(format!("https://{host}/ecs/v2/clusters/{cluster}/services/{name}/deployments?region={region}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_follows_the_partition() {
        let url = |arn: &str| service_url(&arn.parse().unwrap(), "arn:aws:ecs:x:1:cluster/shop");

        assert_eq!(
            url("arn:aws:ecs:eu-west-1:123456789012:service/shop/web").as_deref(),
            Some(
                "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web/deployments?region=eu-west-1"
            )
        );
        assert!(
            url("arn:aws-cn:ecs:cn-north-1:123456789012:service/shop/web").unwrap().contains("console.amazonaws.cn/")
        );
        assert_eq!(url("arn:aws-iso:ecs:us-iso-east-1:123456789012:service/shop/web"), None);
    }
}
