#!/usr/bin/env python3
"""Cuts botocore's description of Amazon ECS down to the operations that the simulator implements.

    pip download --no-deps botocore && python3 cut.py botocore-*.whl > ecs.json

Documentation, traits for code generators and shapes that nothing refers to are left out.
"""

import gzip
import json
import re
import sys
import zipfile

OPERATIONS = """
CreateCluster DescribeClusters
CreateService UpdateService DeleteService DescribeServices ListServices
RegisterTaskDefinition DescribeTaskDefinition DeregisterTaskDefinition ListTaskDefinitions
ListTasks DescribeTasks
DescribeServiceDeployments ListServiceDeployments StopServiceDeployment DescribeServiceRevisions
ListTagsForResource TagResource UntagResource
""".split()

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


def main(wheel):
    version = re.search(r"botocore-([0-9.]+)-", wheel).group(1)
    with zipfile.ZipFile(wheel) as archive:
        model = json.loads(gzip.decompress(archive.read("botocore/data/ecs/2014-11-13/service-2.json.gz")))
    operations, shapes, wanted = {}, {}, []
    for name in OPERATIONS:
        operation = model["operations"][name]
        operations[name] = {
            "input": reference(operation["input"]),
            "output": reference(operation["output"]),
            "errors": sorted(reference(error) for error in operation.get("errors", [])),
        }
        wanted += [operations[name]["input"], operations[name]["output"]]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = cut(model["shapes"][name])
            wanted += referred(shapes[name])
    result = {
        "source": f"botocore {version}, data/ecs/2014-11-13/service-2.json.gz, Apache-2.0",
        "targetPrefix": model["metadata"]["targetPrefix"],
        "signingName": model["metadata"]["signingName"],
        "operations": operations,
        "shapes": dict(sorted(shapes.items())),
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
