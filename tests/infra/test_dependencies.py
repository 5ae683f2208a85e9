"""CloudFormation can put the resources of a template in an order: none needs itself, however far around."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

from tests.infra.template import Template

REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


def needed(value: Any) -> Iterator[str]:
    """Return the logical ids that a part of a resource refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": written}:
            yield from REFERENCE.findall(written if isinstance(written, str) else written[0])
        case dict():
            for one in value.values():
                yield from needed(one)
        case list():
            for one in value:
                yield from needed(one)


def test_no_resource_needs_itself(template: Template, full: Template) -> None:
    """The console's client needs the API's address, the authoriser that client, the function the client's parameter."""
    for one in (template, full):
        graph = {
            name: {*needed(resource.get("Properties")), *needed_first(resource)} & set(one.resources)
            for name, resource in one.resources.items()
        }
        assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def needed_first(resource: Any) -> list[str]:
    """Return what `DependsOn` names."""
    names = resource.get("DependsOn", [])
    return [names] if isinstance(names, str) else list(names)
