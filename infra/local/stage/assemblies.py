"""Cloud assemblies of the local stage that are kept, by what they were made from.

A synthesis takes a Node process and some ten seconds, and most runs follow one of the same files. The address of the
vendor, which differs from run to run, is left out of what is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.processes.child import PROJECT
from infra.stage_settings.stage import LOCAL
from infra.stages import stage_named

SOURCES = ("infra", "functions", "cdk.json", "requirements/dev.txt")
MOST = 3  # assemblies that stay: of the last edits
UNFINISHED = "unfinished-"  # names of copies under way
ANY_VENDOR = "http://127.0.0.1:9/any-vendor"  # what the files say in place of the vendor's address


@dataclass(frozen=True, slots=True)
class Assemblies:
    """A folder of assemblies, each in a folder that is named by its key."""

    folder: Path = PROJECT / ".local" / "assemblies"

    def take(self, key: str, vendor_url: str, outdir: Path) -> bool:
        """Copy the assembly of a key to `outdir`, for a vendor; return whether there is one."""
        try:
            shutil.copytree(self.folder / key, outdir, dirs_exist_ok=True)
        except OSError:  # none, or one that another process is deleting
            return False
        _rewrite(outdir, ANY_VENDOR, vendor_url)
        return True

    def keep(self, key: str, vendor_url: str, assembly: Path) -> None:
        """Keep a copy of an assembly that was made for a vendor, unless there is one, and of the others the newest."""
        with contextlib.suppress(OSError):  # another process was quicker, or no room: it is made again
            self.folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=UNFINISHED, dir=self.folder) as scratch:
                copy = Path(scratch, key)
                shutil.copytree(assembly, copy)
                _rewrite(copy, vendor_url, ANY_VENDOR)
                copy.rename(self.folder / key)
            for _, old in sorted(self._finished(), reverse=True)[MOST:]:
                shutil.rmtree(old, ignore_errors=True)

    def _finished(self) -> Iterator[tuple[float, Path]]:
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process deletes it
                if not path.name.startswith(UNFINISHED):
                    yield path.stat().st_mtime, path


def key_of(environment: Mapping[str, str], root: Path = PROJECT) -> str:
    """Return what stands for all that the local stage's assembly is made from, but for the vendor's address."""
    stage = stage_named(LOCAL, {**environment, "MOENGAGE_ENDPOINT_URL": ANY_VENDOR})
    digest = hashlib.sha256(repr(stage).encode())
    for path in _files(root):
        digest.update(f"\n{path.relative_to(root)} ".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        source = root / name
        found = [source] if source.is_file() else sorted(source.rglob("*"))
        yield from (path for path in found if path.is_file() and path.suffix != ".pyc")


def _rewrite(assembly: Path, url: str, other: str) -> None:
    for path in assembly.glob("*.json"):
        path.write_text(path.read_text().replace(json.dumps(url), json.dumps(other)))
