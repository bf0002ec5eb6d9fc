"""What the checks share in which the action asks somebody else's imitation of AWS."""

import os
import subprocess
import tempfile
from pathlib import Path

import boto3

ACCOUNT = "123456789012"
REGION = "eu-west-1"
KEYS = {"AWS_ACCESS_KEY_ID": "check", "AWS_SECRET_ACCESS_KEY": "check", "AWS_REGION": REGION}


def client(service: str, url: str):
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )


class Left:
    """What a run of the action left behind."""

    def __init__(self, action: str, url: str, inputs: dict[str, str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "output"
            output.touch()
            environment = KEYS | {"AWS_ENDPOINT_URL": url, "GITHUB_OUTPUT": str(output), "PATH": os.environ["PATH"]}
            inputs = {"max-retries": "1"} | inputs
            environment |= {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
            done = subprocess.run([action], env=environment, capture_output=True, text=True, timeout=120, check=False)
            self.exit_code = done.returncode
            self.log = done.stdout + done.stderr
            self.outputs = {}
            lines = iter(output.read_text(encoding="utf-8").splitlines())
            for line in lines:
                name, delimiter = line.split("<<")
                self.outputs[name] = "\n".join(iter(lines.__next__, delimiter))
