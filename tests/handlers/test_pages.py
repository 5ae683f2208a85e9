"""What everybody may read of the HTTP API: its document and Swagger UI, from the service's own files."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import on_request
from infra.app import ROOT
from tests.lambda_context import LambdaContext
from tests.lookup.stage import SECRET, Stage

Load = Callable[[str], dict[str, Any]]
Get = Callable[..., tuple[int, dict[str, str], bytes]]
ASSETS = ["swagger-ui-bundle.min.js", "swagger-ui.min.css", "start.js"]


@pytest.fixture
def get(deployed: Stage, event: Load, context: LambdaContext) -> Get:
    """Get a page without a token; return status, headers and body."""
    template = event("on_request/get_quota.json")
    del template["requestContext"]["authorizer"]

    def get(key: str, *, accept: str = "", **parameters: str) -> tuple[int, dict[str, str], bytes]:
        page = {"routeKey": key, "rawPath": key.partition(" ")[2], "pathParameters": parameters}
        answer = on_request.handler(template | page | {"headers": {"accept-encoding": accept}}, context)
        body = answer["body"]
        return (
            answer["statusCode"],
            answer["headers"],
            base64.b64decode(body) if answer["isBase64Encoded"] else body.encode(),
        )

    return get


def test_the_document_is_answered_to_everybody_and_holds_nothing_secret(deployed: Stage, get: Get) -> None:
    """`GET /openapi.json` is OpenAPI 3.1 of every route, without a token, and names no resource of the stage."""
    status, headers, body = get("GET /openapi.json")
    document = json.loads(body)
    assert (status, headers["Content-Type"], document["openapi"]) == (200, "application/json", "3.1.0")
    assert "/v1/profiles/{identifier_type}/{identifier}" in document["paths"]
    settings = deployed.settings
    for name in (settings.bucket_name, settings.parts_queue_url, SECRET["data_api_key"], SECRET["workspace_id"]):
        assert name.encode() not in body


def test_swagger_ui_comes_from_here_alone(get: Get) -> None:
    """The page loads files of this API only, and its policy forbids others."""
    status, headers, body = get("GET /docs")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"//" not in body
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    for name in ASSETS:
        assert f"docs/{name}".encode() in body
        assert get("GET /docs/{asset}", asset=name)[0] == 200


def test_files_come_packed_to_those_who_take_it(get: Get) -> None:
    """Swagger UI's script is 1.5 MB; packed it is a third."""
    _, plain_headers, plain = get("GET /docs/{asset}", asset=ASSETS[0])
    _, headers, packed = get("GET /docs/{asset}", accept="br, gzip", asset=ASSETS[0])
    assert "Content-Encoding" not in plain_headers
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3


@pytest.mark.parametrize("name", ["", "index.html", "../pages.py", "..%2Fpages.py", "/etc/passwd"])
def test_no_other_file_is_given_out(get: Get, name: str) -> None:
    """A name that is not one of the page's files is a 404 problem."""
    status, headers, _ = get("GET /docs/{asset}", asset=name)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")


def test_no_request_pays_for_the_document() -> None:
    """What writes the document is loaded when it is requested, not with the handler."""
    code = (
        "import sys, on_request; api = 'lookup.api.openapi.'; assert api + 'operations' in sys.modules; "
        "sys.exit(bool({api + 'document', api + 'models.components'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(ROOT / "functions"), "POWERTOOLS_METRICS_NAMESPACE": "x"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0  # noqa: S603 - ours


def test_names_that_nobody_serves_are_not_remembered(get: Get) -> None:
    """Anybody may ask for any number of files that there are not: no instance keeps their names."""
    length = 100_000

    def ask(number: int) -> None:
        for key in ("GET /console/{asset}", "GET /docs/{asset}"):
            assert get(key, asset=f"{number}{'x' * length}.js")[0] == 404

    ask(0)
    tracemalloc.start()
    try:
        for number in range(1, 50):
            ask(number)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10 * length
