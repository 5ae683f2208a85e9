"""What opens a MoEngage workspace, and where it lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DataCenter(StrEnum):
    """Where a MoEngage workspace lives; it lives in exactly one."""

    DC_01 = "01"
    DC_02 = "02"
    DC_03 = "03"
    DC_04 = "04"
    DC_05 = "05"
    DC_06 = "06"
    DC_101 = "101"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens one workspace; the key never shows in a `repr`."""

    workspace_id: str
    data_api_key: str = field(repr=False)
    data_center: DataCenter
