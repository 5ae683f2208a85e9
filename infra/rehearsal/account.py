"""What a stage takes of an account, looked at before anything is deployed. Quotas: docs/operations.md."""

from __future__ import annotations

import boto3

from infra.rehearsal.platform import Platform
from infra.rehearsal.report import Failed, Skipped
from infra.stage_settings.stage import Stage

EXECUTIONS_LEAST = 50  # concurrent ones of an account; new accounts may have 10
LOG_POLICIES_MOST = 10  # of a region (CloudWatch Logs quotas)
ADDRESSES_MOST, NETWORKS_MOST = 5, 5  # of a region, unless raised (VPC quotas)
SERVICES = ("apigatewayv2", "cognito-idp", "events", "glue", "athena", "lambda", "scheduler", "secretsmanager", "ssm")


def concurrency(platform: Platform) -> str:
    """Check the account's concurrent executions."""
    limits = platform.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limits["UnreservedConcurrentExecutions"])
    if free < EXECUTIONS_LEAST:
        raise Failed(f"{free} concurrent executions are not reserved, {EXECUTIONS_LEAST} are needed")
    return f"{free} of {limits['ConcurrentExecutions']} concurrent executions are not reserved"


def log_policies(platform: Platform) -> str:
    """Check the resource policies of CloudWatch Logs, of which a stage writes one."""
    there = len(platform.client("logs").describe_resource_policies().get("resourcePolicies", []))
    if there >= LOG_POLICIES_MOST:
        raise Failed(f"{there} of {LOG_POLICIES_MOST} resource policies are there")
    return f"{there} of {LOG_POLICIES_MOST} resource policies are there"


def network(platform: Platform, stage: Stage) -> str:
    """Check addresses and VPCs, if the stage takes one of each."""
    if not stage.fixed_egress:
        raise Skipped("the stage has no fixed egress address")
    ec2 = platform.client("ec2")
    addresses, networks = len(ec2.describe_addresses()["Addresses"]), len(ec2.describe_vpcs()["Vpcs"])
    if addresses >= ADDRESSES_MOST or networks >= NETWORKS_MOST:
        raise Failed(f"{addresses} addresses and {networks} VPCs are there; one more of each is needed")
    return f"{addresses} of {ADDRESSES_MOST} addresses and {networks} of {NETWORKS_MOST} VPCs are there"


def services(platform: Platform) -> str:
    """Check that the region has what the stack is made of."""
    if platform.is_local:
        raise Skipped("the embedded AWS has one region")
    session = boto3.Session()
    region = session.region_name or ""
    missing = [name for name in SERVICES if region not in session.get_available_regions(name)]
    if missing:
        raise Failed(f"{region} has no {', '.join(missing)}")
    return f"{region} has all of {len(SERVICES)} services"
