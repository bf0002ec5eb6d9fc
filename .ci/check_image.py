"""Looks at the action's image, and runs it as the runner does.

    check_image.py IMAGE SIMULATOR_URL
"""

import io
import json
import subprocess
import sys
import tarfile

import boto3

import runner
from checks import Checks

# What the project allows itself: the image is downloaded by every job.
MOST_BYTES = 40_000_000

# Made by the engine in every container, whatever the image holds.
OF_THE_ENGINE = {
    ".dockerenv",
    "dev/console",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
}

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDSIMULATOR",
    "AWS_SECRET_ACCESS_KEY": "simulated-secret",
    "AWS_REGION": "eu-west-1",
}


def docker(*arguments: str) -> bytes:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE).stdout


def files_in(image: str) -> set[str]:
    container = docker("create", image).decode().strip()
    try:
        with tarfile.open(fileobj=io.BytesIO(docker("export", container))) as archive:
            return {member.name for member in archive if not member.isdir()} - OF_THE_ENGINE
    finally:
        docker("rm", container)


def look_at(image: str, checks: Checks) -> None:
    print("The image:")
    details = json.loads(docker("image", "inspect", image))[0]
    checks.that(f"its {details['Size']:,} bytes are at most {MOST_BYTES:,}", details["Size"] <= MOST_BYTES)
    # No other file: no shell, no library, no package manager.
    checks.equal(
        "all that it holds",
        files_in(image),
        {"ecs-deploy-action", "ecs-deploy-action-post", "etc/ssl/certs/ca-certificates.crt"},
    )
    # From version 1.52 of its API on, Docker leaves out what is empty.
    config = details["Config"]
    checks.equal("its user, where blank means root", config.get("User", ""), "")
    folder = config.get("WorkingDir", "")
    checks.that("it sets no working folder", folder in ("", "/"), folder)
    checks.equal("its entry point", config.get("Entrypoint"), ["/ecs-deploy-action"])


def bad_input(image: str, url: str, checks: Checks) -> None:
    print("A step without a service:")
    left = runner.run(image, {}, {"service": ""}, CREDENTIALS | {"AWS_ENDPOINT_URL": url})
    checks.equal("the exit code", left.exit_code, 1)
    checks.equal("the number of error annotations", len(left.errors()), 1)
    checks.that("the error names the input", "service" in "".join(left.errors()), left.told())
    checks.equal("the output outcome", left.outputs.get("outcome"), "refused")
    checks.equal("the output cause", left.outputs.get("cause"), "invalid-input")


def healthy_deploy(image: str, url: str, checks: Checks) -> None:
    print("A healthy deploy against the simulator:")
    ecs = boto3.client(
        "ecs",
        endpoint_url=url,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )

    def running() -> str:
        return ecs.describe_services(services=["web"])["services"][0]["taskDefinition"]

    inputs = {"cluster": "default", "service": "web"}
    # By name and not by address: the static program resolves names by itself.
    environment = CREDENTIALS | {"AWS_ENDPOINT_URL": url.replace("127.0.0.1", "localhost")}
    before = running()
    current = ecs.describe_task_definition(taskDefinition=before)["taskDefinition"]
    left = runner.run(
        image,
        # What `aws ecs describe-task-definition` prints, response-only keys and all.
        {"task-definition.json": json.dumps({"taskDefinition": current}, default=str)},
        inputs
        | {
            "task-definition": "task-definition.json",
            "container-name": current["containerDefinitions"][0]["name"],
            "image": "registry.example/web:next",
        },
        environment,
    )
    checks.that("the exit code is 0", left.exit_code == 0, left.told())
    checks.equal("the output outcome", left.outputs.get("outcome"), "deployed")
    checks.equal("the error annotations", left.errors(), [])
    checks.equal("the output task-definition-arn", left.outputs.get("task-definition-arn"), running())
    checks.equal("the output previous-task-definition-arn", left.outputs.get("previous-task-definition-arn"), before)
    checks.that("another revision is running", running() != before, before)
    checks.that("there is a summary", bool(left.summary.strip()), left.told())

    post = runner.post_entry_point()
    after = environment | {f"STATE_{name}": value for name, value in left.state.items()}
    print("Its post step, in a job that went well:")
    nothing = runner.run(image, {}, inputs, after, post)
    checks.equal("the exit code", nothing.exit_code, 0)
    checks.equal("the log", nothing.log, "")
    checks.that("the new revision is running", running() != before, before)
    print("Its post step, in a job whose next step failed:")
    taken_back = runner.run(
        image, {}, inputs | {"rollback-on-job-failure": "true", "job-status": "failure"}, after, post
    )
    checks.equal("the exit code", taken_back.exit_code, 2)
    checks.equal("the output cause", taken_back.outputs.get("cause"), "job-failed")
    checks.equal("the revision that is running", running(), before)


def main(image: str, url: str) -> None:
    checks = Checks()
    look_at(image, checks)
    bad_input(image, url, checks)
    healthy_deploy(image, url, checks)
    checks.finish()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
