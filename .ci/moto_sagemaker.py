"""The action deploys to endpoints of moto's Amazon SageMaker, which nobody here wrote.

    moto_sagemaker.py ACTION URL

ACTION is the program itself, URL where moto's server listens. moto's endpoints are in service at once, and it knows no
UpdateEndpoint, so what is judged is what comes before: every other request to Amazon SageMaker, and those to Application Auto
Scaling, which are taken back when the update cannot be sent.
"""

import json
import sys

from checks import Checks
from foreign import ACCOUNT, REGION, Left, client

IMAGE = "registry.example.com/bikes:1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/model"
NEW = {"model-image": IMAGE, "model-data": "s3://models/bikes.tar.gz", "model-role-arn": ROLE}
INSTANCES = {"instance-type": "ml.m5.large", "instance-count": "2"}
RESOURCE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/bikes/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def main(action: str, url: str) -> None:
    checks = Checks()
    sagemaker, scaling = client("sagemaker", url), client("application-autoscaling", url)

    def run(endpoint: str, inputs: dict[str, str]) -> Left:
        return Left(action, url, {"endpoint-name": endpoint, "wait-for-minutes": "1"} | inputs)

    def scaled() -> list:
        targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        actions = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
        return [
            [(it["MinCapacity"], it["MaxCapacity"]) for it in targets],
            [(it["PolicyName"], it["TargetTrackingScalingPolicyConfiguration"]) for it in policies],
            [(it["ScheduledActionName"], it["Schedule"], it["ScalableTargetAction"]) for it in actions],
        ]

    print("A first endpoint:")
    left = run("bikes", NEW | INSTANCES | {"model-environment": "LEVEL=info"})
    checks.that("it is deployed", left.outputs.get("outcome") == "deployed", left.log)
    served = sagemaker.describe_endpoint(EndpointName="bikes")
    config = left.outputs.get("endpoint-config-name", "")
    checks.equal("its configuration", served["EndpointConfigName"], config)
    container = sagemaker.describe_model(ModelName=left.outputs.get("model-name", ""))["PrimaryContainer"]
    checks.equal("the model's image", container["Image"], IMAGE)
    checks.equal("the model's environment", container["Environment"], {"LEVEL": "info"})

    print("The same again:")
    left = run("bikes", NEW | INSTANCES)
    checks.that("nothing changes", left.outputs.get("outcome") == "unchanged", left.log)

    print("A plan:")
    left = run("bikes", {"model-data": "s3://models/2.tar.gz", "mode": "plan", "keep-endpoint-configs": "1"})
    checks.that("the outcome is planned", left.outputs.get("outcome") == "planned", left.log)
    changes = [change["subject"] for change in json.loads(left.outputs.get("plan", "{}")).get("changes", [])]
    checks.equal("what changes", changes, ["ProductionVariants[AllTraffic].Model.PrimaryContainer.ModelDataUrl"])

    print("What serves is promoted, and a serverless one is made:")
    left = run("bikes-prod", {"mode": "promote", "from-endpoint": "bikes"})
    checks.that("it is deployed", left.outputs.get("outcome") == "deployed", left.log)
    left = run("bikes-small", NEW | {"serverless-memory-mb": "2048", "serverless-max-concurrency": "5"})
    checks.that("it is deployed", left.outputs.get("outcome") == "deployed", left.log)

    print("A version of the model registry:")
    sagemaker.create_model_package_group(ModelPackageGroupName="bikes")
    for approval in ("Approved", "Rejected"):
        sagemaker.create_model_package(
            ModelPackageGroupName="bikes",
            ModelApprovalStatus=approval,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
    left = run("bikes-registry", INSTANCES | {"model-package-group": "bikes", "model-role-arn": ROLE})
    checks.that("it is deployed", left.outputs.get("outcome") == "deployed", left.log)
    checks.that("it is the one that is approved", "version 1 of bikes" in left.log, left.log)

    print("Other instances under autoscaling, where the update is refused:")
    scaling.register_scalable_target(**RESOURCE, MinCapacity=2, MaxCapacity=8)
    tracking = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    scaling.put_scaling_policy(
        **RESOURCE,
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )
    scaling.put_scheduled_action(
        **RESOURCE,
        ScheduledActionName="morning",
        Schedule="cron(0 7 * * ? *)",
        ScalableTargetAction={"MinCapacity": 4},
    )
    before = scaled()
    left = run("bikes", {"instance-type": "ml.m5.xlarge"})
    checks.that("it is taken away", "is taken away" in left.log, left.log)
    checks.that("the step fails", left.exit_code != 0 and "UpdateEndpoint" in left.log, left.log)
    checks.equal("the autoscaling", scaled(), before)
    tags = sagemaker.list_tags(ResourceArn=served["EndpointArn"])["Tags"]
    checks.equal("what the endpoint still remembers", [tag for tag in tags if "autoscaling" in tag["Key"]], [])
    checks.equal("what is served", sagemaker.describe_endpoint(EndpointName="bikes")["EndpointConfigName"], config)
    names = [it["EndpointConfigName"] for it in sagemaker.list_endpoint_configs(NameContains="bikes-")["EndpointConfigs"]]
    checks.equal("how many configurations are left", len(names), 4)
    checks.finish()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
