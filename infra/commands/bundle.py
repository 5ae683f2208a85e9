"""The deployable zips: `make build` writes them below `build/` for python3.13 on arm64, without Docker.

`functions.zip` is of all functions but the one that collects results: `results.zip` holds PyArrow too.

The same inputs give the same bytes: locked and hash-checked wheels, sorted entries, fixed dates and modes,
and bytecode that names its source by hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.app import BUNDLE, RESULTS_BUNDLE, ROOT, SOURCE

PAGES = SOURCE / "lookup" / "api" / "console" / "static" / "index.html"  # what `make console` writes last

REQUIREMENTS = ROOT / "requirements"
# The zips, the locks of their libraries, and whose glibc the wheels are for: Lambda's python3.13 has 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html: Amazon Linux 2023
BUNDLES = (
    (BUNDLE, REQUIREMENTS / "runtime.txt", "aarch64-manylinux2014"),
    (RESULTS_BUNDLE, REQUIREMENTS / "results.txt", "aarch64-manylinux_2_28"),
)
PYTHON = "3.13"
LAMBDA_ROOT = "/var/task"  # where Lambda unpacks the zip: tracebacks name files there
SERVICES = frozenset({"dynamodb", "events", "s3", "scheduler", "secretsmanager", "sqs", "ssm", "sts"})
OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
FILE_MODE = 0o100644 << 16
# What of PyArrow no Parquet file needs: headers, sources, and the libraries of other formats and stores.
UNUSED_ARROW = (
    "include", "src", "tests", "*.pyx", "*.pxd", "*.pxi", "_*_encryption.*", "_azurefs.*", "_csv.*", "_dataset_orc.*",
    "_feather.*", "_flight.*", "_gcsfs.*", "_hdfs.*", "_json.*", "_orc.*", "_pyarrow_cpp_tests.*", "_s3fs.*",
    "_substrait.*", "libarrow_flight.*", "libarrow_python.so", "libarrow_python.so.*.*", "libarrow_python_*",
    "libarrow_s3.*",
)  # fmt: skip


def build(target: Path, lock: Path, platform: str) -> str:
    """Write the zip; return its SHA-256. Raises `CalledProcessError` when the wheels cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "functions"
        _install(tree, lock, platform)
        shutil.copytree(SOURCE, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        trim(tree)
        _compile(tree)
        pack(tree, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def trim(tree: Path) -> None:
    """Remove what the functions never read: scripts, install records, and botocore's models of other services."""
    for leftover in (tree / "bin", tree / "boto3" / "examples", tree / ".lock"):
        _remove(leftover)
    for pattern in (
        "simplejson/tests",
        "*.dist-info/RECORD",
        "*.dist-info/INSTALLER",
        "*.dist-info/REQUESTED",
        "**/__pycache__",
    ):
        for leftover in list(tree.glob(pattern)):
            _remove(leftover)
    _trim_arrow(tree / "pyarrow")
    for data in (tree / "botocore" / "data", tree / "boto3" / "data"):
        for model in [path for path in data.glob("*/") if path.name not in SERVICES]:
            _remove(model)
    for examples in list((tree / "botocore" / "data").glob("*/*/examples-1.json*")):
        _remove(examples)


def _trim_arrow(tree: Path) -> None:
    for pattern in UNUSED_ARROW:
        for leftover in list(tree.glob(pattern)):
            _remove(leftover)


def pack(tree: Path, target: Path) -> None:
    """Zip a tree so that only names and contents count."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), OLDEST_DATE)
            entry.external_attr = FILE_MODE
            entry.create_system = 3  # Unix, so that the mode is read
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    unfinished.replace(target)  # a synthesis beside this build never sees half a zip


def main() -> int:
    """Build, and say what came out."""
    if not PAGES.exists():
        sys.stderr.write("The pages of /console are not bundled: make console\n")
        return 1
    try:
        for target, lock, platform in BUNDLES:
            digest = build(target, lock, platform)
            size = target.stat().st_size / 1_000_000
            sys.stdout.write(f"{target.relative_to(ROOT)}  {size:.2f} MB  SHA-256 {digest}\n")
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{target.name} is not built: {Path(error.cmd[0]).name} ended with {error.returncode}\n")
        return 1
    return 0


def _install(tree: Path, lock: Path, platform: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(  # noqa: S603 - our own command line
        [
            *(uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--target", tree, "--python-version", PYTHON, "--python-platform", platform, "-r", lock),
        ],
        check=True,
    )


def _compile(tree: Path) -> None:
    """Add bytecode. Without it every cold start compiles, which takes two to four times as long."""
    interpreter = _interpreter()
    if interpreter is None:
        sys.stderr.write(
            f"No python{PYTHON} on this machine: the zip has no bytecode. It works, but every cold start compiles it, "
            f"and its SHA-256 differs from that of a machine with python{PYTHON}.\n"
        )
        return
    # Checked hashes would be read at every import; the zip is never edited, so unchecked ones do.
    compile_all = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", tree, "-p", LAMBDA_ROOT)
    environment = _environment() | {"PYTHONHASHSEED": "0"}  # some constants keep the order of a set
    subprocess.run([interpreter, *compile_all, tree], check=True, env=environment)  # noqa: S603 - our own command line


def _interpreter() -> str | None:
    found = shutil.which(f"python{PYTHON}")
    return next((path for path in (sys.executable, found) if path is not None and _is_right(path)), None)


def _is_right(path: str) -> bool:
    asked = [path, "-c", "import sys; print(*sys.version_info[:2], sys.implementation.name)"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, env=_environment())  # noqa: S603 - ours
    return answer.stdout.split() == [*PYTHON.split("."), "cpython"]


def _environment() -> dict[str, str]:
    # pyenv's command works only when a variable names one of its versions; without pyenv the variable means nothing.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return environment | {"PYENV_VERSION": PYTHON}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
