"""Queries of tests on a synthesised template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """One stage's template; resources by logical id."""

    path: Path
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Template:
        document = json.loads(path.read_text())
        return cls(path, document["Resources"], document["Outputs"])

    @property
    def stage(self) -> str:
        return self.path.name.removesuffix(".template.json").rpartition("-")[2]

    def findings(self) -> Mapping[str, Any]:
        """What the checks said at the synthesis, by plugin."""
        report = json.loads(self.path.with_name("validation-report.json").read_text())
        return {plugin["pluginName"]: plugin for plugin in report["pluginReports"]}

    def of_type(self, resource_type: str) -> dict[str, Properties]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def only(self, resource_type: str) -> Properties:
        (properties,) = self.of_type(resource_type).values()
        return properties

    def named(self, resource_type: str, part: str) -> tuple[str, Properties]:
        (found,) = [(name, found) for name, found in self.of_type(resource_type).items() if part in name]
        return found

    def functions(self) -> dict[str, Properties]:
        """Functions by module."""
        return {found["Handler"].partition(".")[0]: found for found in self.of_type("AWS::Lambda::Function").values()}

    def attribute(self, value: object) -> str:
        """The logical id that a `Ref` or `Fn::GetAtt` points to."""
        assert isinstance(value, dict)
        return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])

    def statements(self, role_id: str) -> Iterator[Properties]:
        for policy in self.resources[role_id]["Properties"].get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def listed(value: object) -> list[Any]:
    """A policy writes one thing without a list around it."""
    return value if isinstance(value, list) else [value]


def text(value: object) -> str:
    """An ARN with its intrinsic functions written flat."""
    if isinstance(value, str):
        return value
    assert isinstance(value, dict)
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(text(part) for part in parts)
    if "Fn::GetAtt" in value:
        return ".".join(value["Fn::GetAtt"])
    return str(value["Ref"])
