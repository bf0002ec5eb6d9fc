"""Runs the action's image as GitHub's runner runs a Docker action, and reads back what it left.

The runner (actions/runner, ContainerActionHandler) gives every declared input as a variable, blank where there is neither a
value nor a default; passes variables to `docker run` by name; mounts the workspace and the folder of the command files; and
leaves the image's user, entry point and signals as they are. It mounts the Docker socket as well, which this does not: the
action has no use for it.
"""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent

# The user that owns the mounted folders on GitHub's machines. The container is root and not this one, so an image that ran
# as anybody else could not write there.
RUNNER_USER = 1001

COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")

TIME_OUT_SECONDS = 300


@dataclass(frozen=True)
class Left:
    """What a finished step leaves behind."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    state: dict[str, str]
    summary: str

    def errors(self) -> list[str]:
        """The log's error annotations."""
        return [line for line in self.log.splitlines() if line.startswith("::error")]

    def told(self) -> str:
        """Everything, for a reader who has to find out what went wrong."""
        return f"exit code {self.exit_code}\n--- log\n{self.log}\n--- outputs\n{self.outputs}\n--- summary\n{self.summary}"


def post_entry_point() -> str:
    """What action.yml calls after the job."""
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
    return action["runs"]["post-entrypoint"]


def run(
    image: str,
    workspace_files: dict[str, str],
    inputs: dict[str, str],
    environment: dict[str, str],
    entry_point: str | None = None,
) -> Left:
    """Runs one step. The network is the machine's own, so that servers on its loopback address can be reached."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder)
        mounts = {
            "workspace": "/github/workspace",
            "home": "/github/home",
            "workflow": "/github/workflow",
            "file_commands": "/github/file_commands",
            "runner_temp": "/github/runner_temp",
        }
        for name in mounts:
            (temporary / name).mkdir()
        (temporary / "workflow" / "event.json").write_text("{}", encoding="utf-8")
        for name, content in workspace_files.items():
            (temporary / "workspace" / name).write_text(content, encoding="utf-8")
        for name in COMMAND_FILES:
            (temporary / "file_commands" / name.lower()).touch()
        for path in temporary.rglob("*"):
            os.chown(path, RUNNER_USER, RUNNER_USER)

        variables = declared_inputs(inputs) | github_variables() | environment
        command = ["docker", "run", "--workdir", "/github/workspace", "--rm", "--network", "host"]
        for name in variables:
            command += ["-e", name]
        command += ["-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]
        if entry_point:
            command += ["--entrypoint", entry_point]
        for name, target in mounts.items():
            command += ["-v", f"{temporary / name}:{target}"]
        finished = subprocess.run(
            [*command, image],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TIME_OUT_SECONDS,
            check=False,
        )

        def command_file(name: str) -> str:
            return (temporary / "file_commands" / name.lower()).read_text(encoding="utf-8")

        return Left(
            exit_code=finished.returncode,
            log=finished.stdout,
            outputs=key_values(command_file("GITHUB_OUTPUT")),
            state=key_values(command_file("GITHUB_STATE")),
            summary=command_file("GITHUB_STEP_SUMMARY"),
        )


def declared_inputs(given: dict[str, str]) -> dict[str, str]:
    """The inputs that action.yml declares, as variables. An expression as default is the runner's to evaluate: blank here."""
    declared = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))["inputs"]
    if undeclared := given.keys() - declared.keys():
        raise ValueError(f"action.yml declares no {', '.join(sorted(undeclared))}")
    values = {}
    for name, properties in declared.items():
        default = str((properties or {}).get("default", ""))
        values[name] = given.get(name, "" if "${{" in default else default)
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in values.items()}


def github_variables() -> dict[str, str]:
    return {
        "HOME": "/github/home",
        "GITHUB_ACTION": "deploy",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": "/github/workflow/event.json",
        "GITHUB_JOB": "deploy",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "octocat/web",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "1658821493",
        "GITHUB_RUN_NUMBER": "7",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_SHA": "ffac537e6cbbf934b08745a378932722df287a53",
        "GITHUB_WORKFLOW": "deploy",
        "GITHUB_WORKSPACE": "/github/workspace",
        "RUNNER_ARCH": "X64",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": "/github/runner_temp",
    } | {name: f"/github/file_commands/{name.lower()}" for name in COMMAND_FILES}


def key_values(text: str) -> dict[str, str]:
    """Reads a command file: `name=value` lines, and `name<<DELIMITER` with lines up to the delimiter."""
    values = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc and "=" not in name:
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                raise ValueError(f"{name}: no line is {delimiter!r}")
            values[name] = "\n".join(value)
        elif "=" in line:
            name, _, values[name] = line.partition("=")
        elif line:
            raise ValueError(f"neither a value nor the start of one: {line!r}")
    return values
