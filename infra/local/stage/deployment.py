"""The loader: deploys a cloud assembly into the embedded AWS as the CDK's CLI would, assets first, then the stack.

The template goes in as it was synthesised. Only the code differs from a deployment in AWS: the bare source is zipped,
and the functions find their libraries in the interpreter that runs the server.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.ministack.process import ACCOUNT, REGION
from infra.local.stage.clients import Clients
from lookup.model import Sleep

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
DEPLOY_SECONDS = 120.0
Outputs = dict[str, str]


def deploy(clients: Clients, assembly: Path, sleep: Sleep = time.sleep) -> Outputs:
    """Deploy the assembly's one stack and return its outputs. Raises OSError naming the resources that failed."""
    clients.ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    (manifest_path,) = assembly.glob("*.assets.json")
    stack_name = manifest_path.name.removesuffix(".assets.json")
    template_url = _publish(clients, json.loads(manifest_path.read_text()), assembly, f"{stack_name}.template.json")
    sleep(0)
    clients.cloudformation.create_stack(
        StackName=stack_name, TemplateURL=template_url, Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    )
    return _outputs(clients.cloudformation, stack_name, sleep)


def _publish(clients: Clients, manifest: dict[str, Any], assembly: Path, template: str) -> str:
    """Upload every file asset; return the template's address."""
    template_url = ""
    files = manifest["files"].values()
    for bucket in {_resolved(place["bucketName"]) for asset in files for place in asset["destinations"].values()}:
        clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for asset in files:
        source = assembly / asset["source"]["path"]
        body = zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
        for destination in asset["destinations"].values():
            bucket, key = _resolved(destination["bucketName"]), _resolved(destination["objectKey"])
            clients.s3.put_object(Bucket=bucket, Key=key, Body=body)
            if source.name == template:
                template_url = f"{clients.s3.meta.endpoint_url}/{bucket}/{key}"
    return template_url


def zipped(folder: Path) -> bytes:
    """Zip a folder's files, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


def _resolved(text: str) -> str:
    for name, value in (("Partition", "aws"), ("AccountId", ACCOUNT), ("Region", REGION)):
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _outputs(cloudformation: CloudFormationClient, stack_name: str, sleep: Sleep) -> Outputs:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if stack["StackStatus"] != "CREATE_IN_PROGRESS":
            raise OSError(_failures(cloudformation, stack_name, stack["StackStatus"]))
        sleep(0.1)
    raise OSError(f"the stack {stack_name} was not deployed within {DEPLOY_SECONDS:.0f} s")


def _failures(cloudformation: CloudFormationClient, stack_name: str, status: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join([f"the stack {stack_name} is {status}", *failed])
