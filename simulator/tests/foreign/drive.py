#!/usr/bin/env python3
"""Drives a running simulator with boto3: does a client that nobody here wrote understand every answer?

    cargo run -p simulator --example serve -- --scenario simulator/tests/foreign/scenario.json   # prints the URL
    python3 simulator/tests/foreign/drive.py URL

Needs boto3. Ends with an error unless every operation of models/ecs.json was called and its answer was parsed, without a member that
botocore's own description of the API does not have.
"""

import json
import pathlib
import sys
import time

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

MODEL = pathlib.Path(__file__).parents[2] / "models" / "ecs.json"
PARSED = set()


def client(url, secret="simulated-secret", **config):
    return boto3.client(
        "ecs",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIDSIMULATOR",
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 1, "mode": "standard"}, **config),
    )


def expect(condition, sentence):
    if not condition:
        sys.exit(f"not so: {sentence}")


def unknown_members(shape, value, path):
    """The members of an answer that botocore's description does not have; its parser drops them without a word."""
    if shape.type_name == "structure" and value is not None:
        for name, member in value.items():
            if name not in shape.members:
                yield f"{path}.{name}"
            else:
                yield from unknown_members(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from unknown_members(shape.member, item, f"{path}[{index}]")


def judge(ecs):
    """Makes the client hold every successful answer against the model of its operation."""

    def parsed(http_response, parsed, model, **_):
        if http_response.status_code != 200:
            return
        PARSED.add(model.name)
        raw = json.loads(http_response.text)
        strange = list(unknown_members(model.output_shape, raw, model.name))
        expect(not strange, f"botocore knows every member: {strange}")
        expect(set(raw) <= set(parsed), f"{model.name}: every member arrives")

    ecs.meta.events.register("after-call.ecs", parsed)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        expect(error.response["Error"]["Code"] == code, f"{error.response['Error']} is {code}")
        expect(error.response["ResponseMetadata"]["RequestId"], "a refusal has a request id")
        return
    sys.exit(f"not refused with {code}: {arguments}")


def wait_until(look, sentence, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if look():
            return
        time.sleep(0.1)
    sys.exit(f"never: {sentence}")


def definition(image):
    container = {"name": "web", "image": image, "essential": True, "environment": [{"name": "EMPTY", "value": ""}]}
    return {"family": "shop", "memory": "512", "containerDefinitions": [container], "tags": [{"key": "a", "value": "b"}]}


def refusals(url, ecs):
    refused("InvalidSignatureException", client(url, secret="another-secret").describe_clusters)
    refused("MissingAuthenticationTokenException", client(url, signature_version=UNSIGNED).describe_clusters)
    lax = client(url, parameter_validation=False)
    refused("ClientException", lax.update_service, service="web", propagateTags="ALL")
    refused("SerializationException", lax.update_service, service="web", desiredCount="two")
    refused("ClientException", lax.describe_services)
    refused("ServiceNotFoundException", ecs.update_service, service="nothing")
    refused("ClusterNotFoundException", ecs.list_tasks, cluster="nothing")
    refused("ClientException", ecs.describe_task_definition, taskDefinition="nothing")
    try:
        ecs.update_service()
    except ParamValidationError:
        return
    sys.exit("boto3 itself lets a request without a service pass")


def healthy_rollout(ecs):
    where = {"cluster": "shop", "services": ["front"]}
    ecs.create_cluster(clusterName="shop", tags=[{"key": "team", "value": "a"}])
    expect(ecs.describe_clusters(clusters=["shop"], include=["TAGS"])["clusters"][0]["tags"], "the cluster has its tag")
    first = ecs.register_task_definition(**definition("shop:1"))["taskDefinition"]["taskDefinitionArn"]
    created = ecs.create_service(cluster="shop", serviceName="front", taskDefinition=first, desiredCount=2)["service"]
    stable = ecs.get_waiter("services_stable")
    stable.wait(**where, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    second = ecs.register_task_definition(**definition("shop:2"))["taskDefinition"]["taskDefinitionArn"]
    updated = ecs.update_service(cluster="shop", service="front", taskDefinition=second)["service"]
    stable.wait(**where, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    mine = updated["currentServiceDeployment"]
    deployment = ecs.describe_service_deployments(serviceDeploymentArns=[mine])["serviceDeployments"][0]
    expect(deployment["status"] == "SUCCESSFUL", deployment)
    history = ecs.list_service_deployments(cluster="shop", service="front")["serviceDeployments"]
    expect([each["status"] for each in history] == ["SUCCESSFUL", "SUCCESSFUL"], history)
    revision = deployment["targetServiceRevision"]["arn"]
    revision = ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"][0]
    expect(revision["taskDefinition"] == second, revision)

    service = ecs.describe_services(**where)["services"][0]
    expect(service["taskDefinition"] == second, service)
    expect(service["runningCount"] == 2 and len(service["deployments"]) == 1, service)
    expect("steady state" in service["events"][0]["message"], service["events"])
    tasks = ecs.describe_tasks(cluster="shop", tasks=ecs.list_tasks(cluster="shop", serviceName="front")["taskArns"])["tasks"]
    expect({task["taskDefinitionArn"] for task in tasks} == {second}, tasks)
    expect(created["serviceArn"] in ecs.list_services(cluster="shop")["serviceArns"], "the service is listed")
    return created["serviceArn"], second


def failing_rollout(ecs, good):
    missing = ecs.register_task_definition(**definition("missing:1"))["taskDefinition"]["taskDefinitionArn"]
    updated = ecs.update_service(cluster="shop", service="front", taskDefinition=missing)["service"]
    stopped = {"cluster": "shop", "serviceName": "front", "desiredStatus": "STOPPED", "family": "shop"}
    failed = {"startedBy": updated["deployments"][0]["id"], **stopped}
    wait_until(lambda: ecs.list_tasks(**failed)["taskArns"], "a task fails to start")
    task = ecs.describe_tasks(cluster="shop", tasks=ecs.list_tasks(**failed)["taskArns"][:1])["tasks"][0]
    expect(task["stopCode"] == "TaskFailedToStart" and "CannotPullContainerError" in task["stoppedReason"], task)
    mine = updated["currentServiceDeployment"]
    ecs.stop_service_deployment(serviceDeploymentArn=mine, stopType="ROLLBACK")
    status = lambda: ecs.describe_service_deployments(serviceDeploymentArns=[mine])["serviceDeployments"][0]["status"]
    wait_until(lambda: status() == "ROLLBACK_SUCCESSFUL", "the rollback succeeds")
    refused("ConflictException", ecs.stop_service_deployment, serviceDeploymentArn=mine)
    service = ecs.describe_services(cluster="shop", services=["front"])["services"][0]
    expect(service["taskDefinition"] == good and service["currentServiceDeployment"] == mine, service)
    return missing


def paused_rollout(ecs, good):
    hook = {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    updated = ecs.update_service(
        cluster="shop", service="front", taskDefinition=good, forceNewDeployment=True, deploymentConfiguration=configuration
    )
    mine = updated["service"]["currentServiceDeployment"]
    look = lambda: ecs.describe_service_deployments(serviceDeploymentArns=[mine])["serviceDeployments"][0]
    awaiting = lambda: [each for each in look()["lifecycleHookDetails"] if each["status"] == "AWAITING_ACTION"]
    wait_until(lambda: look().get("lifecycleHookDetails") and awaiting(), "the deployment waits at its pause")
    ecs.continue_service_deployment(serviceDeploymentArn=mine, hookId=awaiting()[0]["hookId"], action="CONTINUE")
    wait_until(lambda: look()["status"] == "SUCCESSFUL", "the deployment goes on to its end")


def one_off_task(ecs, task_definition):
    instances = ecs.list_container_instances()["containerInstanceArns"]
    instance = ecs.describe_container_instances(containerInstances=instances)["containerInstances"][0]
    gpus = [each for each in instance["remainingResources"] if each["name"] == "GPU"]
    expect(gpus and gpus[0]["stringSetValue"], instance)
    task = ecs.run_task(taskDefinition=task_definition, launchType="EC2", startedBy="drive")["tasks"][0]
    stopped = ecs.stop_task(task=task["taskArn"], reason="seen enough")["task"]
    expect(stopped["stoppedReason"] == "seen enough", stopped)
    ecs.get_waiter("tasks_stopped").wait(tasks=[task["taskArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def the_rest(ecs, service, task_definition):
    described = ecs.describe_task_definition(taskDefinition=task_definition, include=["TAGS"])
    sent = definition("missing:1")
    expect(described["tags"] == sent["tags"], described)
    expect(described["taskDefinition"]["containerDefinitions"] == sent["containerDefinitions"], described)
    ecs.deregister_task_definition(taskDefinition=task_definition)
    inactive = ecs.list_task_definitions(familyPrefix="shop", status="INACTIVE", sort="DESC")["taskDefinitionArns"]
    expect(inactive == [task_definition], inactive)
    ecs.tag_resource(resourceArn=service, tags=[{"key": "a", "value": ""}, {"key": "b", "value": "c"}])
    ecs.untag_resource(resourceArn=service, tagKeys=["a"])
    expect(ecs.list_tags_for_resource(resourceArn=service)["tags"] == [{"key": "b", "value": "c"}], "one tag is left")
    ecs.delete_service(cluster="shop", service="front", force=True)
    ecs.get_waiter("services_inactive").wait(
        cluster="shop", services=["front"], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def main(url):
    ecs = client(url)
    judge(ecs)
    refusals(url, ecs)
    service, good = healthy_rollout(ecs)
    missing = failing_rollout(ecs, good)
    paused_rollout(ecs, good)
    one_off_task(ecs, good)
    the_rest(ecs, service, missing)
    operations = set(json.loads(MODEL.read_text())["operations"])
    expect(PARSED == operations, f"never parsed: {sorted(operations - PARSED)}")
    print(f"boto3 {boto3.__version__} parsed the answers of {len(PARSED)} operations")


if __name__ == "__main__":
    main(sys.argv[1])
