"""One fixed address for calls of MoEngage, for workspaces that take calls from listed addresses only.

The functions that call MoEngage run in a VPC of two private subnets; one NAT gateway with an Elastic IP leads out of
it. What goes to S3 and DynamoDB takes gateway endpoints, which cost nothing.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.iam import FIND_LOGS, WRITE_FLOW_LOGS, Grant, policy
from infra.constructs.log_groups import group_arn, log_group
from infra.constructs.outputs import output
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge_wildcard
from infra.stage_settings.stage import HTTPS, Stage

COLONS = ArnFormat.COLON_RESOURCE_NAME
ZONES = 2  # unless the stage names its own; taken by number: no zone is looked up


class FixedEgress(Construct):
    """The network; a `LookupFunction` takes it as `egress`."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        address = ec2.CfnEIP(self, "Address", domain="vpc")
        address.apply_removal_policy(removal_policy(stage))  # other parties have written it down
        self.vpc = self._vpc(stage, address.attr_allocation_id)
        self._flow_log(stage)
        self.security_group = ec2.SecurityGroup(
            self, "Functions", vpc=self.vpc, allow_all_outbound=False, description="Functions that ask MoEngage"
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "MoEngage and AWS")
        output(self, "EgressAddress", address.attr_public_ip)

    def _vpc(self, stage: Stage, allocation_id: str) -> ec2.Vpc:
        return ec2.Vpc(
            self,
            "Vpc",
            **_zones_of(stage),
            nat_gateways=1,
            nat_gateway_provider=ec2.NatProvider.gateway(eip_allocation_ids=[allocation_id]),
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
            restrict_default_security_group=False,  # nothing uses it, and emptying it takes a function of CDK's own
        )

    def _flow_log(self, stage: Stage) -> None:
        """Write flow logs (addresses and ports, no contents) to a log group."""
        log = log_group(self, "FlowLog", stage=stage)
        ec2.CfnFlowLog(
            self,
            "Flow",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=log.log_group_name,
            deliver_logs_permission_arn=self._flow_log_role(log).role_arn,
        )

    def _flow_log_role(self, log: logs.LogGroup) -> iam.Role:
        """Make a role that writes to this group and that only flow logs of this account may use."""
        stack = Stack.of(self)
        flow_logs = stack.format_arn(service="ec2", resource="vpc-flow-log", resource_name="*")
        groups = stack.format_arn(service="logs", resource="log-group", resource_name="*", arn_format=COLONS)
        ours = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": flow_logs}}
        write = Grant("Log", WRITE_FLOW_LOGS, [group_arn(log), log.log_group_arn])
        find = Grant("FindLog", FIND_LOGS, [groups], reason="groups are looked up among all of account and region")
        role = iam.Role(
            self,
            "FlowLogRole",
            assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions=ours),
            inline_policies={"Grants": policy([write, find])},
        )
        acknowledge_wildcard(role, groups, find.reason)
        return role


def _zones_of(stage: Stage) -> dict[str, Any]:
    """Return the subnets' zones: not every zone has Lambda, or a NAT gateway's capacity."""
    return {"availability_zones": list(stage.egress_zones)} if stage.egress_zones else {"max_azs": ZONES}
