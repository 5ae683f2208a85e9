"""Addresses and commands to try while the stage stays up."""

from __future__ import annotations

from shlex import quote
from urllib.parse import urlencode

from infra.local.api_client import partner_of, profile_path
from infra.local.display import Display
from infra.local.stage.people import DEMO, OPERATOR, PASSWORD
from infra.local.stage.stage import Stage
from lookup.model import Identifier


def print_next_steps(stage: Stage, example: Identifier, display: Display) -> None:
    """Print addresses and commands that are ready to be pasted."""
    display.heading("To try")
    display.line(f"HTTP API         {stage.api_url}/v1/…")
    display.line(f"documentation    {docs_link(stage)}")
    display.line(f"console          {stage.console_url}  ({DEMO.name} or {OPERATOR.name}, password {PASSWORD})")
    display.line(f"AWS endpoint     {stage.endpoint_url}  (access key 000000000000)")
    display.line(f"intake queue     {stage.outputs['IntakeQueueUrl']}")
    display.line(f"vendor           {stage.simulator.endpoint_url if stage.simulator else 'yours'}")
    display.line("a token, then a profile:")
    display.raw(token_command(stage))
    display.raw(f'curl -s -H "Authorization: Bearer $TOKEN" {quote(stage.api_url + profile_path(example))}')
    display.line("the newest results, with any S3 tool:")
    display.raw(
        "AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=eu-central-1 "
        f"aws --endpoint-url {stage.endpoint_url} s3 ls --recursive s3://{stage.bucket}/results/"
    )


def docs_link(stage: Stage) -> str:
    """Return the address of Swagger UI; the client's credentials are in the fragment, which no browser sends."""
    partner = partner_of(stage)
    return f"{stage.api_url}/docs#{urlencode({'client_id': partner.client_id, 'client_secret': partner.client_secret})}"


def token_command(stage: Stage) -> str:
    """Write the shell command that puts a token into TOKEN."""
    form = " ".join(
        f"--data-urlencode {quote(f'{name}={value}')}" for name, value in partner_of(stage).token_request.items()
    )
    reading = r"""sed 's/.*"access_token": *"\([^"]*\)".*/\1/'"""
    return f"TOKEN=$(curl -s {form} {stage.endpoint_url}/oauth2/token | {reading})"
