"""The synthesis of the stage `local` in a process of its own: the Node process that CDK needs ends with it.

What was made from the same files before is taken instead, unless RESYNTHESISE=1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import child
from infra.local.stage.assemblies import Assemblies, key_of
from lookup.model import Sleep

SYNTHESIS_SECONDS = 300.0
SHOWN_LINES = 12
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A synthesis under way, or without a process one that is done."""

    process: subprocess.Popen[bytes] | None
    outdir: Path
    log_path: Path
    sleep: Sleep
    keep: Callable[[], None]

    def assembly(self) -> Path:
        """Wait for the cloud assembly and return its folder. Raises OSError with the end of the log."""
        if self.process is None:
            return self.outdir
        deadline = time.monotonic() + SYNTHESIS_SECONDS
        while (status := self.process.poll()) is None:
            if time.monotonic() > deadline:
                raise OSError(f"the synthesis took over {SYNTHESIS_SECONDS:.0f} s; see {self.log_path}")
            self.sleep(LOOK_SECONDS)
        if status != 0:
            ending = self.log_path.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
            raise OSError("\n".join([f"the synthesis failed; see {self.log_path}", *ending]))
        self.keep()
        return self.outdir


@contextmanager
def synthesis(
    moengage_endpoint_url: str, *, outdir: Path, log_path: Path, sleep: Sleep = time.sleep
) -> Iterator[Synthesis]:
    """Start the synthesis, or take what is kept; it is ended with the context, done or not.

    Its files are beside `outdir`, and what is kept in the project's `.local`, no others.
    """
    kept, key = Assemblies(), key_of(os.environ)

    def keep() -> None:
        if key_of(os.environ) == key:  # no file was edited meanwhile
            kept.keep(key, moengage_endpoint_url, outdir)

    if os.environ.get("RESYNTHESISE") != "1" and kept.take(key, moengage_endpoint_url, outdir):
        yield Synthesis(None, outdir, log_path, sleep, keep)
        return
    with _started(moengage_endpoint_url, outdir=outdir, log_path=log_path) as process:
        yield Synthesis(process, outdir, log_path, sleep, keep)


@contextmanager
def _started(moengage_endpoint_url: str, *, outdir: Path, log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    scratch = outdir.parent / "synthesis"
    scratch.mkdir(parents=True, exist_ok=True)
    settings = {
        "STAGE": "local",
        "MOENGAGE_ENDPOINT_URL": moengage_endpoint_url,
        "CDK_OUTDIR": str(outdir),
        "UNCHECKED": "1",  # a person waits, and `make check` looks at the same template
        "TMPDIR": str(scratch),  # where jsii unpacks its kernel, and leaves it when it is killed
        "HOME": str(scratch),  # where the CDK keeps fingerprints of what it has read
    }
    # Compiled once and kept, the CDK's large modules halve the time of every later synthesis.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "infra.local.processes.lifeline", sys.executable, "-m", "infra.app"]
    with log_path.open("wb") as log:
        process = child.start(command, output=log, environment=inherited | settings)
    try:
        yield process
    finally:
        child.end(process, grace_seconds=0)
        shutil.rmtree(scratch, ignore_errors=True)
