"""The action asks moto, which nobody here wrote, about images in Amazon ECR.

    moto_ecr.py ACTION URL

ACTION is the program itself, URL where moto's server listens. moto rolls nothing out, so what the action does without a rollout is
judged: a plan by a tag, a scan gate, and the tags of an image that runs already.
"""

import hashlib
import json
import sys

from checks import Checks
from foreign import ACCOUNT, REGION, Left, client

REPOSITORY = "shop/web"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def manifest(content: str) -> str:
    config = "sha256:" + hashlib.sha256(content.encode()).hexdigest()
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": config, "size": 1}
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 1}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [layer]}, indent=3)


def index(of: str, architecture: str) -> str:
    child = {"mediaType": MANIFEST, "digest": of, "size": 1, "platform": {"os": "linux", "architecture": architecture}}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}, indent=3)


def main(action: str, url: str) -> None:
    checks = Checks()
    ecr, ecs = client("ecr", url), client("ecs", url)
    ecr.create_repository(repositoryName=REPOSITORY)

    def push(document: str, tag: str, media_type: str) -> str:
        image = ecr.put_image(
            repositoryName=REPOSITORY, imageManifest=document, imageManifestMediaType=media_type, imageTag=tag
        )
        return image["image"]["imageId"]["imageDigest"]

    first, second = (push(manifest(content), content, MANIFEST) for content in ("1", "2"))
    push(index(second, "arm64"), "arm", INDEX)
    ecs.create_cluster(clusterName="default")
    container = {"name": "app", "image": f"{REGISTRY}/{REPOSITORY}@{first}", "essential": True, "memory": 32}
    revision = ecs.register_task_definition(
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/execution",
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(serviceName="web", taskDefinition=revision, desiredCount=0)

    def run(image: str, **inputs: str) -> Left:
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        return Left(action, url, {"service": "web", "image": f"{REGISTRY}/{REPOSITORY}:{image}"} | named)

    print("A plan by a tag:")
    left = run("2", mode="plan")
    checks.that("the outcome is planned", left.outputs.get("outcome") == "planned", left.log)
    checks.equal("the output image-digest", left.outputs.get("image-digest"), second)
    checks.that("tag and digest are in the plan", f":2@{second}" in left.outputs.get("plan", ""), left.log)

    print("A tag that is not there:")
    left = run("9", mode="plan", resolve_image_digest="true")
    checks.that("the outcome is refused", left.outputs.get("outcome") == "refused", left.log)

    print("An index for another platform:")
    left = run("arm", mode="plan")
    checks.that("it is refused for its platform", "linux/arm64" in left.log and left.exit_code == 1, left.log)

    print("A tag that can be moved:")
    left = run("2", mode="plan", forbid_mutable_tags="true")
    checks.that("it is refused", "forbid-mutable-tags" in left.log and left.exit_code == 1, left.log)

    print("A scan that nobody asked for, and one with moto's findings:")
    left = run("2", mode="plan", scan_gate="fail", scan_wait_minutes="0")
    checks.that("no scan is not clean", left.outputs.get("cause") == "scan-gate", left.log)
    ecr.start_image_scan(repositoryName=REPOSITORY, imageId={"imageTag": "2"})
    left = run("2", mode="plan", scan_gate="fail", scan_thresholds="high=0")
    checks.that("the finding is too much", "CVE-" in left.log and left.outputs.get("cause") == "scan-gate", left.log)
    left = run("2", mode="plan", scan_gate="fail", scan_thresholds="high=9")
    checks.that("and is let through where it is allowed", left.outputs.get("outcome") == "planned", left.log)

    print("The tags of an image that runs already:")
    for attempt in ("first", "second"):
        left = run("1", promote_tags="stable")
        checks.that(f"the {attempt} time, nothing is deployed", left.outputs.get("outcome") == "unchanged", left.log)
        tagged = ecr.describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": "stable"}])["imageDetails"]
        checks.equal("the tag's digest", tagged[0]["imageDigest"], first)
    checks.finish()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
