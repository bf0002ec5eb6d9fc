"""Has GitHub's own description of its REST API judge the requests that the tests sent to GitHub.

    judge_github.py FOLDER DESCRIPTION

FOLDER holds files of JSON lines as the simulator writes them where SIMULATOR_JOURNAL names the folder; those of the service
"github" are judged: {"service": "github", "operation": ..., "request": {"method": ..., "path": ..., "query": ..., "body": ...}}.
DESCRIPTION is the OpenAPI document that GitHub publishes, `api.github.com.json`. Beyond what it says, members and parameters
that it does not know are refused, and texts that are longer than GitHub's documentation allows. No request at all is a failure.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

COMPLAINTS_SHOWN = 20

# Said in the documentation of the operations, and not in the description.
LONGEST = {
    ("repos/create-deployment-status", "description"): 140,
    ("repos/create-commit-status", "description"): 140,
    ("issues/create-comment", "body"): 65_536,
    ("issues/update-comment", "body"): 65_536,
}


class Description:
    """What GitHub publishes."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.paths = [
            (re.compile(re.sub(r"\\{[^}]*\\}", "([^/]+)", re.escape(path)) + "$"), path, operations)
            for path, operations in document["paths"].items()
        ]

    def resolved(self, value: Any) -> Any:
        """The same without references, and with `null` as JSON Schema has it."""
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            found = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            return self.resolved(found)
        schema = {name: self.resolved(member) for name, member in value.items()}
        if schema.pop("nullable", False) and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        return schema

    def find(self, method: str, path: str) -> tuple[dict[str, Any], dict[str, str]] | None:
        """The operation at a path, and what stands where the path has names. One without names counts first."""
        for pattern, template, operations in sorted(self.paths, key=lambda each: each[1].count("{")):
            match = pattern.match(path)
            if match and method.lower() in operations:
                names = re.findall(r"\{([^}]*)\}", template)
                return operations[method.lower()], dict(zip(names, match.groups(), strict=True))
        return None


def coerced(text: str, schema: dict[str, Any]) -> Any:
    """A parameter as what its schema says that it is; itself when it is not."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def violations(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(value):
        place = "".join(f"[{part!r}]" for part in error.absolute_path)
        yield f"{where}{place}: {error.message[:200]}"


def complaints(description: Description, entry: dict[str, Any]) -> Iterator[str]:
    request = entry["request"]
    found = description.find(request["method"], request["path"])
    if found is None:
        yield f"there is no {request['method']} {request['path']}"
        return
    operation, in_path = found
    if operation["operationId"] != entry["operation"]:
        yield f"{request['method']} {request['path']} is {operation['operationId']}"
    parameters = [description.resolved(parameter) for parameter in operation.get("parameters", [])]
    given = {"path": in_path, "query": request["query"]}
    for place, values in given.items():
        known = {parameter["name"]: parameter["schema"] for parameter in parameters if parameter["in"] == place}
        for name, text in values.items():
            if name not in known:
                yield f"there is no {place} parameter {name}"
                continue
            yield from violations(coerced(text, known[name]), known[name], f"{place} parameter {name}")
            if name == "per_page" and int(text) > 100:
                yield "per_page is more than 100"
        required = {parameter["name"] for parameter in parameters if parameter["in"] == place and parameter.get("required")}
        for name in required - values.keys():
            yield f"the {place} parameter {name} is missing"
    yield from complaints_of_body(description, operation, request["body"])


def complaints_of_body(description: Description, operation: dict[str, Any], body: Any) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if wanted is None:
        if body is not None:
            yield "no body is wanted"
        return
    schema = description.resolved(wanted)["content"]["application/json"]["schema"]
    yield from violations(body, schema, "body")
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        if name not in schema.get("properties", {}):
            yield f"body: there is no member {name}"
        longest = LONGEST.get((operation["operationId"], name))
        if longest is not None and isinstance(value, str) and len(value) > longest:
            yield f"body: {name} has {len(value)} characters, and {longest} are allowed"


def main(folder: Path, document: Path) -> int:
    description = Description(json.loads(document.read_text(encoding="utf-8")))
    judged: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    verdicts: dict[str, list[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["service"] != "github":
                continue
            judged[entry["operation"]] += 1
            if line not in verdicts:
                verdicts[line] = list(complaints(description, entry))
            for complaint in verdicts[line]:
                refused[entry["operation"], complaint] += 1

    version = description.document["info"]["version"]
    print(f"{judged.total()} requests judged by GitHub's description of its REST API, {version}:")
    for operation, count in sorted(judged.items()):
        print(f"  {count:7} {operation}")
    for (operation, complaint), count in refused.most_common(COMPLAINTS_SHOWN):
        print(f"REFUSED {count} times: {operation}: {complaint}")
    if len(refused) > COMPLAINTS_SHOWN:
        print(f"and {len(refused) - COMPLAINTS_SHOWN} more kinds of complaint")
    if not judged:
        print(f"FAILED: no request to GitHub was found in {folder}")
    return 1 if refused or not judged else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
