"""The virtual environment with the locked packages: made where there is none that works, else brought to the lock."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import ENOSPC
from importlib.util import find_spec
from pathlib import Path

from infra.local.processes.child import PROJECT
from infra.prepare.advice import NO_SPACE, NOT_ALLOWED
from infra.prepare.line import Line, SetupError

NEEDED_BYTES = 1_300_000_000  # of a new environment
WORKS = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
# uv does not read pip's configuration; what pip needs, uv needs too.
FROM_PIP = {"index-url": "UV_DEFAULT_INDEX", "proxy": "HTTPS_PROXY", "cert": "SSL_CERT_FILE"}
OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")


def bring_to_lock(venv: Path, line: Line) -> None:
    """Install exactly the locked packages. Raises `SetupError`."""
    python = str(venv / "bin" / "python")
    with scratch() as folder:
        environment = environment_for(os.environ, folder)
        if not works(python):
            require_tools(find_spec("venv") is not None and find_spec("ensurepip") is not None)
            require_space(shutil.disk_usage(PROJECT).free)
            line.run([sys.executable, "-m", "venv", "--clear", str(venv)], environment)
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        line.run([*pip, "install", "--quiet", "--require-hashes", "-r", "requirements/uv.txt"], environment)
        settings = pip_settings(_output([*pip, "config", "list"]))
        uv = [str(venv / "bin" / "uv"), "pip", "sync", "--python", python, "--require-hashes", "requirements/dev.txt"]
        line.run(uv, uv_settings(settings, environment) | environment)
    (venv / ".installed").touch()


def works(python: str) -> bool:
    """Return whether an environment's interpreter starts, is new enough and has pip."""
    try:
        return subprocess.run([python, "-c", WORKS], capture_output=True, check=False).returncode == 0  # noqa: S603 - ours
    except OSError:
        return False


def require_tools(are_there: bool) -> None:  # noqa: FBT001 - the only fact
    """Raise `SetupError` when the interpreter cannot make environments: Debian has that in a package of its own."""
    if not are_there:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(
            f"{sys.executable} cannot make virtual environments: it has no venv or ensurepip.\n"
            f"On Debian and Ubuntu: apt install {name}-venv; or name another Python: make PYTHON=/path/to/python3 …"
        )


def require_space(free: int) -> None:
    """Raise `SetupError` when so many free bytes are too few for a new environment."""
    if free < NEEDED_BYTES:
        raise SetupError(f"{NO_SPACE}\n({free / 1e9:.1f} GB are free in {PROJECT})")


def environment_for(inherited: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the tools' environment: temporary files in `folder`, no cache where the home takes none, few retries."""
    without_cache = {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(folder / "npm")}
    own = {} if _is_writable(inherited) else without_cache
    return own | {"PIP_RETRIES": "2", "UV_HTTP_RETRIES": "2", **inherited, "TMPDIR": str(folder)}


def _is_writable(environment: Mapping[str, str]) -> bool:
    """Return whether the user's cache folder takes files, or can be made."""
    home = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME") or "/nonexistent") / ".cache")
    folder = Path(environment.get("UV_CACHE_DIR") or home)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)


def pip_settings(listed: str) -> dict[str, str]:
    """Read what `pip config list` prints; the environment's settings, named `:env:`, win."""
    found = re.findall(r"^([\w:-]+)\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    own = {name: value for section, name, value in found if section == ":env:"}
    return {name: value for section, name, value in found if section in {"global", "install"}} | own


def uv_settings(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings as uv names them, without those that uv has itself."""
    own = {FROM_PIP[name]: value for name, value in pip.items() if name in FROM_PIP}
    if any(environment.get(name) for name in OWN_INDEX):
        own.pop("UV_DEFAULT_INDEX", None)
    return own


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - ours


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for temporary files, so that even what is killed leaves none elsewhere. Raises `SetupError`."""
    made = PROJECT / ".local"
    try:
        made.mkdir(exist_ok=True)
        folder = tempfile.mkdtemp(prefix="prepare-", dir=made)
    except OSError as error:
        raise SetupError(f"{made}: {error.strerror}. {NO_SPACE if error.errno == ENOSPC else NOT_ALLOWED}") from None
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
