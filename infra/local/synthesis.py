"""The synthesis of the stage `local` in a process of its own: the Node process that CDK needs ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.embedded_aws import PROJECT

SYNTHESIS_SECONDS = 300.0
SHOWN_LINES = 12


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A synthesis under way."""

    process: subprocess.Popen[bytes]
    outdir: Path
    log_path: Path

    def assembly(self) -> Path:
        """Wait for the cloud assembly and give its folder. Raises OSError with the end of the log."""
        try:
            status = self.process.wait(SYNTHESIS_SECONDS)
        except subprocess.TimeoutExpired:
            raise OSError(f"the synthesis took over {SYNTHESIS_SECONDS:.0f} s; see {self.log_path}") from None
        if status != 0:
            ending = self.log_path.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
            raise OSError("\n".join([f"the synthesis failed; see {self.log_path}", *ending]))
        return self.outdir


@contextmanager
def synthesis(moengage_endpoint_url: str, *, outdir: Path, log_path: Path) -> Iterator[Synthesis]:
    """Start the synthesis; it is ended with the context, done or not."""
    settings = {
        "STAGE": "local",
        "MOENGAGE_ENDPOINT_URL": moengage_endpoint_url,
        "CDK_OUTDIR": str(outdir),
        "UNCHECKED": "1",  # a person waits, and `make check` looks at the same template
    }
    # Compiled once and kept, the CDK's large modules let every later synthesis take half the time.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.app"],
            cwd=PROJECT,
            env=inherited | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Synthesis(process, outdir, log_path)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
