"""What the service is compared with: the same read behind a Powertools resolver without checks and telemetry."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup import exact_json
from lookup.results.profile_item import from_item
from lookup.wiring.clients import CONFIG

logger = Logger(service="bare")
metrics = Metrics(namespace="Bare", service="bare")


def bare_handler(table: str) -> Any:
    """Return the handler; it reads one profile as it is in the table."""
    app = APIGatewayHttpResolver()
    dynamodb = boto3.Session().client("dynamodb", config=CONFIG)

    @app.get("/v1/profiles/<identifier_type>/<identifier>")
    def get_profile(identifier_type: str, identifier: str) -> Response[str]:
        key = {"identifier": {"S": unquote(identifier)}, "scope": {"S": f"default#{identifier_type}"}}
        profile = from_item(dynamodb.get_item(TableName=table, Key=key)["Item"], None)
        return Response(200, "application/json", exact_json.dumps({"user_attributes": profile.attributes}).decode())

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        metrics.add_metric(name="Requests", unit="Count", value=1)
        return app.resolve(event, context)

    return handler
