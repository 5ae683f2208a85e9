"""Promises about the fixed egress address."""

from __future__ import annotations

from tests.infra.template import Template, listed, text


def test_there_is_no_network_unless_it_is_wanted(template: Template) -> None:
    """Stages without the setting have nothing of it: no VPC, and no NAT gateway to pay for."""
    assert not [name for name, resource in template.resources.items() if resource["Type"].startswith("AWS::EC2::")]
    assert all("VpcConfig" not in function for function in template.functions().values())


def test_one_address_leads_out(full: Template) -> None:
    """All private subnets leave by one NAT gateway with an Elastic IP, which the outputs name."""
    (gateway,) = full.of_type("AWS::EC2::NatGateway")
    (address,) = full.of_type("AWS::EC2::EIP")
    assert full.attribute(full.only("AWS::EC2::NatGateway")["AllocationId"]) == address
    assert full.outputs["EgressAddress"]["Value"] == {"Fn::GetAtt": [address, "PublicIp"]}
    ways = {
        name: route
        for name, route in full.of_type("AWS::EC2::Route").items()
        if "Private" in name or "Functions" in name
    }
    assert len(ways) == 2
    assert {full.attribute(route["NatGatewayId"]) for route in ways.values()} == {gateway}


def test_the_functions_that_call_moengage_run_in_it(full: Template) -> None:
    """`on_request`, `on_queue` and `on_webhook` leave by the address; the others call AWS only and need no network."""
    placed = {module for module, function in full.functions().items() if "VpcConfig" in function}
    assert placed == {"on_request", "on_queue", "on_webhook"}
    private = {name for name in full.of_type("AWS::EC2::Subnet") if "Functions" in name}
    for module in placed:
        assert {full.attribute(subnet) for subnet in full.functions()[module]["VpcConfig"]["SubnetIds"]} == private


def test_nothing_comes_in_and_only_https_goes_out(full: Template) -> None:
    """The functions' security group has no way in, and one way out."""
    group = full.only("AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    (out,) = group["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)


def test_s3_and_dynamodb_cost_no_gateway_time(full: Template) -> None:
    """Stores are reached by gateway endpoints."""
    services = {
        text(endpoint["ServiceName"]).rpartition(".")[2] for endpoint in full.of_type("AWS::EC2::VPCEndpoint").values()
    }
    assert services == {"s3", "dynamodb"}


def test_a_function_in_the_network_may_join_it(full: Template) -> None:
    """The roles of placed functions may make and remove network interfaces; the other role may not."""
    joining = {
        role[:-8]
        for role in full.of_type("AWS::IAM::Role")
        for statement in full.statements(role)
        if "ec2:CreateNetworkInterface" in listed(statement["Action"])
    }
    assert joining == {"OnRequestRole", "OnQueueRole", "OnWebhookRole"}


def test_flow_logs_have_the_role_that_aws_asks_for(full: Template) -> None:
    """The role may do what AWS's page on flow logs lists: write to this one group, and look it up among all."""
    name, _ = full.named("AWS::IAM::Role", "FlowLogRole")
    group, _ = full.named("AWS::Logs::LogGroup", "FlowLog")
    write, find = full.statements(name)
    assert set(write["Action"]) == {
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
    }  # fmt: skip
    account = "arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group"
    assert [text(resource) for resource in write["Resource"]] == [f"{account}:{group}", f"{group}.Arn"]
    assert (find["Action"], text(find["Resource"])) == ("logs:DescribeLogGroups", f"{account}:*")
    assert full.attribute(full.only("AWS::EC2::FlowLog")["DeliverLogsPermissionArn"]) == name


def test_only_flow_logs_of_this_account_use_the_role(full: Template) -> None:
    """Neither another service nor a flow log of another account may write with the role."""
    _, role = full.named("AWS::IAM::Role", "FlowLogRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    (source,) = trust["Condition"]["ArnLike"].values()
    assert text(source) == "arn:AWS::Partition:ec2:AWS::Region:AWS::AccountId:vpc-flow-log/*"
