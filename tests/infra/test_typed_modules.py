"""What the type checker reads of the CDK: all that this project uses, and no more."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORTED = re.compile(r"^    import (aws_cdk[.\w]*) as (_\w+)$", re.MULTILINE)
BASES = re.compile(r"^class \w+\(([^()]*)", re.MULTILINE)


def typed() -> set[str]:
    """Return the CDK's modules that mypy reads, as pyproject.toml names them."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (names,) = (set[str](one["module"]) for one in overrides if one["follow_imports"] == "normal")
    return names


def used() -> Iterator[str]:
    """Yield each of the CDK's modules that a file of this project imports."""
    for path in [*ROOT.glob("infra/**/*.py"), *ROOT.glob("tests/**/*.py")]:
        text = path.read_text()
        if "aws_cdk" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_cdk"):
                    yield str(node.module)
                    yield from (f"{node.module}.{one.name}" for one in node.names if one.name.startswith("aws_"))
                elif isinstance(node, ast.Import):
                    yield from (one.name for one in node.names if one.name.startswith("aws_cdk"))


def inherited(module: str) -> set[str]:
    """Return the CDK's modules of which a class of this module inherits."""
    text = Path(str(distribution("aws-cdk-lib").locate_file(module.replace(".", "/"))), "__init__.py").read_text()
    bases = set(re.findall(r"_\w+", " ".join(BASES.findall(text))))
    return {name for name, alias in IMPORTED.findall(text) if alias in bases}


def test_what_is_used_is_read_with_its_types() -> None:
    """Every module of the CDK that is imported is typed, with what its classes inherit: else any attribute is right."""
    needed = {"aws_cdk", *used()}
    assert needed <= typed()
    assert set().union(*map(inherited, needed)) <= typed()
