"""What collecting the tests costs each worker."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
SLOW = ("aws_cdk", "constructs", "cdk_nag", "schemathesis")
COLLECTED = re.compile(r"tests\..*(conftest|test_\w+)")


def _imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports when it is imported, which are those outside functions."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_no_test_imports_what_is_slow_when_it_is_collected() -> None:
    """No test file leads to the CDK, which starts a Node process, or to Schemathesis, by imports outside functions."""
    files = [path for tree in ("infra", "tests") for path in (PROJECT / tree).rglob("*.py")]
    imports = {_name(path): set(_imported(path)) for path in files}
    heavy = {name for name, modules in imports.items() if any(one.split(".")[0] in SLOW for one in modules)}
    assert {"infra.stack", "tests.openapi.drawn_requests"} <= heavy
    while found := {name for name, modules in imports.items() if modules & heavy} - heavy:
        heavy |= found
    assert sorted(name for name in heavy if COLLECTED.fullmatch(name)) == []


def _name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
