"""The options of `make run`, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.ports import free_port
from lookup.moengage.credentials import DataCenter

DEFAULT_PORT = 4566
LOWEST_PORT, HIGHEST_PORT = 1024, 65535
YES, NO = frozenset({"1", "true", "yes"}), frozenset({"", "0", "false", "no"})
CREDENTIALS = {
    "MOENGAGE_WORKSPACE_ID": "workspace_id",
    "MOENGAGE_DATA_API_KEY": "data_api_key",
    "MOENGAGE_DATA_CENTER": "data_center",
}


class OptionError(ValueError):
    """A variable of the user's is invalid; the text names it and what is valid."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """The vendor to call instead of the simulator. `credentials` is the content of the deployed secret."""

    endpoint_url: str
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Options:
    """`port` is the embedded AWS's; `port_was_taken`: the default one was not free."""

    roster: Path | None
    port: int
    port_was_taken: bool
    once: bool
    vendor: Vendor | None


def read_options(environment: Mapping[str, str]) -> Options:
    """Read ROSTER, LOCAL_PORT, ONCE and MOENGAGE_*. Raises `OptionError`."""
    port, port_was_taken = _port(environment.get("LOCAL_PORT", ""))
    return Options(
        roster=_roster(environment.get("ROSTER", "")),
        port=port,
        port_was_taken=port_was_taken,
        once=_yes_or_no("ONCE", environment.get("ONCE", "")),
        vendor=_vendor(environment),
    )


def _roster(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.is_file():
        raise OptionError(f"ROSTER: there is no file {text!r}")
    if not os.access(path, os.R_OK):
        raise OptionError(f"ROSTER: {text!r} cannot be read")
    if path.stat().st_size == 0:
        raise OptionError(f"ROSTER: {text!r} is empty")
    return path


def _port(text: str) -> tuple[int, bool]:
    if not text:
        taken = _is_taken(DEFAULT_PORT)
        return (free_port() if taken else DEFAULT_PORT), taken
    if not text.isdecimal() or not LOWEST_PORT <= int(text) <= HIGHEST_PORT:
        raise OptionError(f"LOCAL_PORT: {text!r} is not a port from {LOWEST_PORT} to {HIGHEST_PORT}")
    if _is_taken(int(text)):
        raise OptionError(f"LOCAL_PORT: port {text} is in use; choose another, or leave it out to get a free one")
    return int(text), False


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _yes_or_no(name: str, text: str) -> bool:
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise OptionError(f"{name}: {text!r} is neither 1 nor 0")


def _vendor(environment: Mapping[str, str]) -> Vendor | None:
    url = environment.get("MOENGAGE_ENDPOINT_URL", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OptionError(f"MOENGAGE_ENDPOINT_URL: {url!r} is not an http:// or https:// address")
    missing = [name for name in CREDENTIALS if not environment.get(name)]
    if missing:
        raise OptionError(f"MOENGAGE_ENDPOINT_URL is set, so these must be, too: {', '.join(missing)}")
    if environment["MOENGAGE_DATA_CENTER"] not in set(DataCenter):
        raise OptionError(f"MOENGAGE_DATA_CENTER: must be one of {', '.join(DataCenter)}")
    return Vendor(url.rstrip("/"), {key: environment[name] for name, key in CREDENTIALS.items()})
