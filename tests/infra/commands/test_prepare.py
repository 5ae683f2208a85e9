"""The first command of a clone: one line while it works, and of whatever is in the way what to do about it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.app import ROOT
from infra.prepare.advice import CERTIFICATE, NETWORK, NO_SPACE, NOT_ALLOWED, OTHER_BYTES, advice
from infra.prepare.environment import environment_for, pip_settings, require_space, uv_settings
from infra.prepare.line import SetupError
from tests.waiting import GIVE_UP, until

CLOSED = "http://127.0.0.1:9"  # nothing listens there
NOBODY = 65534
PYTHON = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
SYSTEMS_OWN = ("/usr/bin/python3", "/usr/local/bin/python3")
TITLE = "Preparing .venv (about a minute on a fresh machine) "
# What pip, uv, npm and venv write of a failure.
WRITTEN = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": NO_SPACE,
    "failed to copy file from a to b: No space left on device (os error 28)": NO_SPACE,
    "npm error code ENOSPC": NO_SPACE,
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed": CERTIFICATE,
    "Caused by: invalid peer certificate: UnknownIssuer": CERTIFICATE,
    "npm error code UNABLE_TO_GET_ISSUER_CERT_LOCALLY": CERTIFICATE,
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE": OTHER_BYTES,
    "error: Hash mismatch for `boto3==1.43.106`": OTHER_BYTES,
    "NewConnectionError(': Failed to establish: [Errno -3] Temporary failure in name resolution": NETWORK,
    "error: Failed to fetch: `https://pypi.org/simple/ruff/`\n  Caused by: dns error": NETWORK,
    "ERROR: No matching distribution found for uv==0.13.9": NETWORK,
    "npm error code EAI_AGAIN": NETWORK,
    "error: Failed to initialize cache\n  Caused by: Permission denied (os error 13)": NOT_ALLOWED,
    "Error: [Errno 30] Read-only file system: '/work/.venv'": NOT_ALLOWED,
}


@contextmanager
def _copied() -> Iterator[Path]:
    """Copy what the first command reads to a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        shutil.copy(ROOT / "Makefile", folder)
        yield folder


@pytest.fixture
def clone() -> Iterator[Path]:
    with _copied() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_clone() -> Iterator[Path]:
    """Share a copy whose environment the first test begins to make: that takes seconds."""
    with _copied() as folder:
        yield folder


def _environment(clone: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without any setting of this machine's for pip and uv, and with an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("PIP_", "UV_", "MAKE"))}
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "HOME": str(clone / "home"), "PYTHON": PYTHON}
    return {**{name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}, **own, **settings}


def _make(clone: Path, settings: Mapping[str, str] = {}, *, user: int | None = None) -> tuple[int, str, str]:
    """Run the first command; return make's status, and what it wrote on standard output and on standard error."""
    done = subprocess.run(
        ["make", "run"],  # noqa: S607 - whichever the machine has
        cwd=clone,
        env=_environment(clone, settings),
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _shim(clone: Path, script: str) -> dict[str, str]:
    """Put a `python3` of ours first on the path."""
    (clone / "shims").mkdir()
    shim = clone / "shims" / "python3"
    shim.write_text(f"#!/bin/sh\n{script}\n")
    shim.chmod(0o755)
    return {"PATH": f"{clone / 'shims'}:{os.environ['PATH']}", "PYTHON": "python3"}


@pytest.mark.parametrize("script", ["exit 1", "exit 127", "echo 'SyntaxError: invalid syntax' >&2; exit 1"])
def test_an_old_or_missing_python_is_named_before_anything_else(script: str, clone: Path) -> None:
    """Whatever `python3` is that is not at least 3.11, one line says so and how another is named."""
    status, output, errors = _make(clone, _shim(clone, script))
    assert (status, output) == (2, "")
    first, second = errors.splitlines()
    assert first.startswith("python3 is no Python 3.11 or later")
    assert first.endswith("make PYTHON=/path/to/python3.13 run")
    assert second.startswith("make: ***")
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_says_which_package_to_install(clone: Path) -> None:
    """Debian has `ensurepip` in a package of its own: it is named."""
    (clone / "shims").mkdir()
    (clone / "shims" / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    status, output, errors = _make(clone, {"PYTHONPATH": str(clone / "shims")})
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (status, output) == (2, f"{TITLE}\n")
    assert f"apt install python{version}-venv" in errors
    assert len(errors.splitlines()) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PIP_INDEX_URL": f"{CLOSED}/simple"}, NETWORK),
        ({"HTTPS_PROXY": CLOSED}, "The package index cannot be reached through the proxy that is set in HTTPS_PROXY."),
    ],
)
def test_no_way_to_the_index_says_what_to_do(settings: Mapping[str, str], said: str, shared_clone: Path) -> None:
    """Without a network the settings for one are named; with a proxy that is not there, the variable that names it."""
    status, output, errors = _make(shared_clone, settings)
    assert status == 2
    assert output.startswith(TITLE)
    assert output.count("\n") == 1
    assert errors.startswith(said)
    assert len(errors.splitlines()) == 4
    (log,) = (shared_clone / ".local").iterdir()
    assert "No matching distribution" in log.read_text()


def test_a_folder_that_is_not_ones_own_says_so(clone: Path) -> None:
    """A project folder that is not writable is reported before anything is tried."""
    user = NOBODY if os.geteuid() == 0 else None
    python = next((one for one in (PYTHON, *SYSTEMS_OWN) if _may_run(one, user)), None)
    if python is None:
        pytest.skip("every Python 3.11 here is for root alone")
    clone.chmod(0o555)
    status, output, errors = _make(clone, {"PYTHON": python}, user=user)
    clone.chmod(0o755)
    assert (status, output) == (2, f"{TITLE}\n")
    assert errors.splitlines()[0] == f"{clone}/.local: Permission denied. {NOT_ALLOWED}"


@pytest.mark.parametrize("written", WRITTEN)
def test_what_tools_write_of_a_failure_is_understood(written: str) -> None:
    """Each kind of failure has its advice, whichever of the tools met it."""
    assert advice(f"Looking in indexes\n{written}\n", {}) == WRITTEN[written]


def test_what_is_not_understood_is_not_explained() -> None:
    """There is no advice where none is known."""
    assert advice("error: No solution found when resolving dependencies", {}) is None


def test_a_new_environment_needs_space() -> None:
    """Too little space is reported before anything is fetched, with how much there is."""
    require_space(2_000_000_000)
    with pytest.raises(SetupError, match=r"1\.2 GB[^$]*UV_CACHE_DIR[^$]*0\.3 GB are free"):
        require_space(300_000_000)


def test_uv_gets_what_pip_is_configured_with() -> None:
    """A mirror, a proxy and an authority that pip knows are uv's too, unless uv has its own; the environment wins."""
    pip = pip_settings(
        "global.cert='/etc/ca.pem'\n:env:.index-url='https://b/simple'\nglobal.index-url='https://a/simple'\n"
    )
    assert uv_settings(pip, {}) == {"SSL_CERT_FILE": "/etc/ca.pem", "UV_DEFAULT_INDEX": "https://b/simple"}
    assert uv_settings(pip, {"UV_INDEX_URL": "https://c"}) == {"SSL_CERT_FILE": "/etc/ca.pem"}


def test_a_home_that_takes_no_files_is_not_needed(tmp_path: Path) -> None:
    """Where no cache can be kept, none is used; temporary files are in the project's folder in every case."""
    without = environment_for({"HOME": "/dev/null/home"}, tmp_path)
    assert (without["UV_NO_CACHE"], without["TMPDIR"]) == ("1", str(tmp_path))
    kept = environment_for({"HOME": str(tmp_path), "TMPDIR": "/elsewhere"}, tmp_path)
    assert ("UV_NO_CACHE" in kept, kept["TMPDIR"]) == (False, str(tmp_path))


@pytest.mark.parametrize(
    ("by_make", "number"), [(False, signal.SIGTERM), (False, signal.SIGINT), (True, signal.SIGINT)]
)
def test_the_line_shows_that_it_goes_on_and_ends_with_a_signal(
    by_make: bool,  # noqa: FBT001 - a parameter
    number: signal.Signals,
    tmp_path: Path,
) -> None:
    """A dot comes now and then; a signal ends the command too, even one that only make got."""
    marker = str(tmp_path)
    command = [sys.executable, "-m", "infra.prepare", "quietly", "Fetching", "sh", "-c", f"sleep 600; : {marker}"]
    if by_make:
        (tmp_path / "Makefile").write_text(f"fetched:\n\t@{shlex.join(command)}\n")
        command = ["make", "-f", str(tmp_path / "Makefile")]
    # By these `make test` passes to its own make that it is a recursive one, which prints more.
    outside = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    with subprocess.Popen(command, cwd=ROOT, env=outside, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        assert process.stdout.read(len("Fetching .")) == "Fetching ."
        process.send_signal(number)
        process.wait(GIVE_UP)
        assert process.stdout.read().strip(".") == "\n"
    assert process.returncode == (-number if by_make else 128 + number)
    until(lambda: not any(marker in _command_line(entry) for entry in Path("/proc").glob("[0-9]*")))


def _may_run(python: str, user: int | None) -> bool:
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", code], user=user, check=False).returncode == 0  # noqa: S603 - an interpreter
    except OSError:
        return False


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
