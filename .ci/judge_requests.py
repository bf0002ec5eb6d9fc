"""Has botocore, which Amazon generates from the API's own model, judge the requests that the tests sent.

    judge_requests.py FOLDER

FOLDER holds files of JSON lines: {"service": ..., "operation": ..., "request": ..., "accept_unknown_members": ...}, as the simulator
writes them where SIMULATOR_JOURNAL names the folder. A request that was marked `accept_unknown_members` belongs to an ECS
of the future, which today's model cannot judge: it is counted, and nothing else is. No request at all is a failure.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.model import ServiceModel, Shape
from botocore.session import get_session
from botocore.validate import ParamValidator

COMPLAINTS_SHOWN = 20

# What the simulator calls a service, which is what its requests are signed with, and botocore's names of the APIs behind it.
SERVICES = {
    "application-autoscaling": ["application-autoscaling"],
    "codedeploy": ["codedeploy"],
    "ecr": ["ecr"],
    "ecs": ["ecs"],
    "events": ["events"],
    "logs": ["logs"],
    "monitoring": ["cloudwatch"],
    "s3": ["s3"],
    "sagemaker": ["sagemaker", "sagemaker-runtime"],
}


def beyond_botocore(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """What the service refuses and botocore lets through: enum values, upper bounds, and true where a number belongs."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                yield from beyond_botocore(value[name], member, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for index, element in enumerate(value):
            yield from beyond_botocore(element, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, element in value.items():
            yield from beyond_botocore(key, shape.key, f"{path} (key {key})")
            yield from beyond_botocore(element, shape.value, f"{path}.{key}")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"
    elif shape.type_name in ("integer", "long", "float", "double") and isinstance(value, bool):
        yield f"{path}: {value} is not a number"
    yield from too_much(value, shape, path)


def too_much(value: Any, shape: Shape, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is None or isinstance(value, bool):
        return
    size = len(value) if isinstance(value, (str, list, dict)) else value
    if isinstance(size, (int, float)) and size > most:
        yield f"{path}: {size} is more than {most}"


def complaints(models: list[ServiceModel], operation: str, request: Any) -> list[str]:
    model = next((model for model in models if operation in model.operation_names), None)
    if model is None:
        return [f"{operation} is no operation of the service"]
    shape = model.operation_model(operation).input_shape
    # ParamValidator refuses unknown members, missing ones and wrong types by itself.
    report = ParamValidator().validate(request, shape)
    found = report.generate_report().splitlines() if report.has_errors() else []
    return found + list(beyond_botocore(request, shape, ""))


def main(folder: Path) -> int:
    session = get_session()
    loader = session.get_component("data_loader")
    models = {
        signing_name: [ServiceModel(loader.load_service_model(name, "service-2"), name) for name in names]
        for signing_name, names in SERVICES.items()
    }
    judged: Counter[str] = Counter()
    future: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["service"] == "github":
                # See judge_github.py.
                continue
            name = f"{entry['service']}:{entry['operation']}"
            if entry["accept_unknown_members"]:
                future[name] += 1
                continue
            judged[name] += 1
            for complaint in complaints(models[entry["service"]], entry["operation"], entry["request"]):
                refused[name, complaint] += 1

    print(f"{judged.total()} requests judged by botocore {session.user_agent_version}:")
    for operation, count in sorted(judged.items()):
        print(f"  {count:7} {operation}")
    print(f"{future.total()} requests to an ECS of the future, not judged: {dict(sorted(future.items()))}")
    for (operation, complaint), count in refused.most_common(COMPLAINTS_SHOWN):
        print(f"REFUSED {count} times: {operation}: {complaint}")
    if len(refused) > COMPLAINTS_SHOWN:
        print(f"and {len(refused) - COMPLAINTS_SHOWN} more kinds of complaint")
    if not judged:
        print(f"FAILED: no request was found in {folder}")
    return 1 if refused or not judged else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
