"""Packages stay small and light: a stranger sees at a glance what is in one, and importing it loads nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGES = sorted(path.parent for path in Path("functions/lookup").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES[1:], ids=str)
def test_a_package_has_at_most_twelve_modules(package: Path) -> None:
    """More than twelve modules are split into packages by what they do."""
    modules = [path.name for path in package.glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= 12, modules


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_itself_holds_a_docstring_and_nothing_else(package: Path) -> None:
    """A package says in its `__init__` what it is for, and importing one module of it loads no other."""
    tree = ast.parse((package / "__init__.py").read_text())

    assert ast.get_docstring(tree)
    assert len(tree.body) == 1
