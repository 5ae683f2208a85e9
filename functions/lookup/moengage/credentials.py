"""The credentials of a MoEngage workspace, and its data centre."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DataCenter(StrEnum):
    """The data centre of a MoEngage workspace; each has exactly one."""

    DC_01 = "01"
    DC_02 = "02"
    DC_03 = "03"
    DC_04 = "04"
    DC_05 = "05"
    DC_06 = "06"
    DC_101 = "101"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of one workspace; a `repr` is without the key."""

    workspace_id: str
    data_api_key: str = field(repr=False)
    data_center: DataCenter
