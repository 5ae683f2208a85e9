"""The environment of a function, which Lambda bounds: too much of it ends the synthesis instead of the deployment."""

from __future__ import annotations

import json
import re

from lookup.errors import Misconfigured
from lookup.settings import Settings

LIMIT = 4096  # bytes of all variables of a function (Lambda quotas), which Lambda measures as JSON
# Of a name or ARN that is known after the deployment only. A secret's ARN has some 115, most others have less.
TOKEN_LENGTH = 120

_TOKEN = re.compile(r"\$\{Token\[[^]]*]}")


def environment_of(settings: Settings) -> dict[str, str]:
    """Write the settings as variables. Raises `Misconfigured` naming the workspaces, the part that grows."""
    variables = settings.to_environment()
    size = estimated_bytes(variables)
    if size > LIMIT:
        many = f"{len(settings.workspaces)} of them make an environment of about {size} bytes"
        raise Misconfigured("workspaces", f"{many}; a function holds {LIMIT}")
    return variables


def estimated_bytes(variables: dict[str, str]) -> int:
    """Estimate what Lambda will measure; what only the deployment knows counts with a generous length."""
    written = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    return len(_TOKEN.sub("x" * TOKEN_LENGTH, written).encode())
