#!/usr/bin/env python3
"""Cuts botocore's descriptions of services down to the operations that the simulator implements.

    pip download --no-deps botocore && python3 cut.py botocore-*.whl

writes a file for each service, beside this script. Documentation, traits for code generators and shapes that nothing refers
to are left out.
"""

import gzip
import json
import re
import sys
import zipfile
from pathlib import Path

# By the name of the service's folder in botocore.
SERVICES = {
    "ecs/2014-11-13": """
CreateCluster DescribeClusters
CreateService UpdateService DeleteService DescribeServices ListServices
RegisterTaskDefinition DescribeTaskDefinition DeregisterTaskDefinition ListTaskDefinitions
ListTasks DescribeTasks RunTask StopTask
ListContainerInstances DescribeContainerInstances
DescribeServiceDeployments ListServiceDeployments StopServiceDeployment ContinueServiceDeployment DescribeServiceRevisions
ListTagsForResource TagResource UntagResource
""",
    "cloudwatch/2010-08-01": "DescribeAlarms",
    "logs/2014-03-28": "DescribeLogStreams GetLogEvents",
    "codedeploy/2014-10-06": """
CreateDeployment GetDeployment GetDeploymentGroup GetApplicationRevision ListDeployments StopDeployment ContinueDeployment
BatchGetDeploymentTargets ListDeploymentTargets
""",
    "events/2015-10-07": "DescribeRule ListTargetsByRule PutTargets",
    "sagemaker/2017-07-24": """
CreateModel DescribeModel DeleteModel
CreateEndpointConfig DescribeEndpointConfig DeleteEndpointConfig ListEndpointConfigs
CreateEndpoint UpdateEndpoint DescribeEndpoint DeleteEndpoint ListEndpoints UpdateEndpointWeightsAndCapacities
CreateModelPackageGroup DescribeModelPackageGroup DeleteModelPackageGroup
CreateModelPackage UpdateModelPackage DescribeModelPackage ListModelPackages
AddTags DeleteTags ListTags
""",
    "application-autoscaling/2016-02-06": """
DescribeScalableTargets RegisterScalableTarget DeregisterScalableTarget DescribeScalingPolicies PutScalingPolicy
DescribeScheduledActions PutScheduledAction
""",
    "ecr/2015-09-21": """
DescribeRepositories DescribeImages BatchGetImage PutImage GetDownloadUrlForLayer DescribeImageScanFindings
DescribePullThroughCacheRules
""",
}

TRAITS = ("type", "required", "enum", "min", "max")


def reference(value):
    return value["shape"]


def cut(shape):
    kept = {trait: shape[trait] for trait in TRAITS if trait in shape}
    if "members" in shape:
        kept["members"] = {name: reference(member) for name, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            kept[part] = reference(shape[part])
    return kept


def referred(shape):
    yield from shape.get("members", {}).values()
    yield from (shape[part] for part in ("member", "key", "value") if part in shape)


def service(archive, version, folder, names):
    path = f"data/{folder}/service-2.json.gz"
    model = json.loads(gzip.decompress(archive.read(f"botocore/{path}")))
    operations, shapes, wanted = {}, {}, []
    for name in names.split():
        operation = model["operations"][name]
        operations[name] = {
            trait: reference(operation[trait]) if trait in operation else None for trait in ("input", "output")
        } | {"errors": sorted(reference(error) for error in operation.get("errors", []))}
        wanted += [shape for trait in ("input", "output") if (shape := operations[name][trait])]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = cut(model["shapes"][name])
            wanted += referred(shapes[name])
    metadata = model["metadata"]
    return {
        "source": f"botocore {version}, {path}, Apache-2.0",
        "targetPrefix": metadata["targetPrefix"],
        "signingName": metadata.get("signingName", metadata["endpointPrefix"]),
        "operations": operations,
        "shapes": dict(sorted(shapes.items())),
    }


def main(wheel):
    version = re.search(r"botocore-([0-9.]+)-", wheel).group(1)
    with zipfile.ZipFile(wheel) as archive:
        for folder, names in SERVICES.items():
            name, _ = folder.split("/")
            text = json.dumps(service(archive, version, folder, names), indent=1)
            (Path(__file__).parent / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
