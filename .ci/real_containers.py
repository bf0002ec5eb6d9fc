"""The action in its own image deploys real containers: ministack speaks ECS and runs every task on the Docker engine.

    real_containers.py ACTION_IMAGE ECS_URL HEALTHY_IMAGE CRASHING_IMAGE MISSING_IMAGE

ministack knows no service deployments, so these are also the rollouts that the action has to follow without them. It
counts failed tasks only where the circuit breaker is on, which it is not here: the action has to see for itself.
"""

import json
import re
import sys
from collections import Counter

import boto3

import runner
from checks import Checks

CLUSTER = "check"
SERVICE = "web"
FAMILY = "web"
CONTAINER = "storefront"
DESIRED = 2
EXIT_CODE = 113

ENVIRONMENT = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "check", "AWS_SECRET_ACCESS_KEY": "check"}


class World:
    """The service as an outsider sees it."""

    def __init__(self, url: str) -> None:
        self.ecs = boto3.client(
            "ecs",
            endpoint_url=url,
            region_name=ENVIRONMENT["AWS_REGION"],
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        )

    def create(self, image: str) -> str:
        """The service in steady state; answers the revision that it runs."""
        self.ecs.create_cluster(clusterName=CLUSTER)
        revision = self.ecs.register_task_definition(**task_definition(image))["taskDefinition"]["taskDefinitionArn"]
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=SERVICE,
            taskDefinition=revision,
            desiredCount=DESIRED,
            # ministack never starts the tasks of a rollback for which failing ones leave no room: it gets plenty.
            deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 400},
        )
        return revision

    def delete(self) -> None:
        self.ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)

    def task_definition(self) -> str:
        return self.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]["taskDefinition"]

    def running(self) -> dict[str, int]:
        """How many tasks run, by revision."""
        tasks = self.ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
        if not tasks:
            return {}
        described = self.ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
        return dict(Counter(task["taskDefinitionArn"] for task in described if task["lastStatus"] == "RUNNING"))


def task_definition(image: str, **more: object) -> dict[str, object]:
    container = {"name": CONTAINER, "image": image, "essential": True, "memory": 32}
    return {"family": FAMILY, "containerDefinitions": [container | more]}


def deploy(action_image: str, url: str, document: dict[str, object], image: str) -> runner.Left:
    return runner.run(
        action_image,
        {"task-definition.json": json.dumps(document)},
        {
            "cluster": CLUSTER,
            "service": SERVICE,
            "task-definition": "task-definition.json",
            "container-name": CONTAINER,
            "image": image,
            "wait-for-minutes": "4",
        },
        ENVIRONMENT | {"AWS_ENDPOINT_URL": url},
    )


def rolled_back(left: runner.Left, world: World, old: str, checks: Checks) -> None:
    checks.that("the exit code is 2", left.exit_code == 2, left.told())
    checks.equal("the output outcome", left.outputs.get("outcome"), "rolled-back")
    checks.equal("the output cause", left.outputs.get("cause"), "tasks-failing")
    checks.equal("the number of error annotations", len(left.errors()), 1)
    checks.equal("the service's task definition", world.task_definition(), old)
    checks.becomes("what runs", world.running, {old: DESIRED})


def main(action_image: str, url: str, healthy: str, crashing: str, missing: str) -> None:
    checks = Checks()
    world = World(url)
    first = world.create(healthy)
    checks.becomes("what runs at first", world.running, {first: DESIRED})

    print("A healthy rollout:")
    left = deploy(action_image, url, task_definition("replaced", memory=64), healthy)
    checks.that("the exit code is 0", left.exit_code == 0, left.told())
    checks.equal("the output outcome", left.outputs.get("outcome"), "deployed")
    second = world.task_definition()
    checks.that("another revision runs", second != first, first)
    checks.equal("the output task-definition-arn", left.outputs.get("task-definition-arn"), second)
    checks.becomes("what runs", world.running, {second: DESIRED})

    print(f"Containers that end with {EXIT_CODE}:")
    left = deploy(action_image, url, task_definition("replaced", command=[str(EXIT_CODE)]), crashing)
    rolled_back(left, world, second, checks)
    checks.that("the summary names the container", CONTAINER in left.summary, left.summary)
    checks.that("the summary names the exit code", bool(re.search(rf"\b{EXIT_CODE}\b", left.summary)), left.summary)

    print("An image that does not exist:")
    left = deploy(action_image, url, task_definition("replaced"), missing)
    rolled_back(left, world, second, checks)
    checks.that("the summary says why", "CannotPullContainer" in left.summary, left.summary)

    world.delete()
    checks.finish()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
