"""The local stage's assembly is taken as it was synthesised from the same files, for the vendor of the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stage.assemblies import ANY_VENDOR, MOST, SOURCES, Assemblies, key_of
from infra.local.stage.synthesis import synthesis
from lookup.errors import Misconfigured

VENDOR, OTHER = "http://127.0.0.1:29575", "http://127.0.0.1:2957"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project of one small file for each of the sources."""
    for name in SOURCES:
        path = tmp_path / "project" / name if "." in name else tmp_path / "project" / name / "module.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    return tmp_path / "project"


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """Return an assembly of a template, for `VENDOR`, and a folder of code."""
    folder = tmp_path / "cdk.out"
    (folder / "asset.1").mkdir(parents=True)
    (folder / "asset.1" / "on_request.py").write_text(f'URL = "{VENDOR}"')
    (folder / "one.template.json").write_text(json.dumps({"mine": VENDOR, "another": f"{VENDOR}/path"}))
    return folder


def test_the_key_is_that_of_the_files_and_the_stage_in_every_process() -> None:
    """Another process, which orders its sets in another way, works out the same key."""
    source = "import os; from infra.local.stage.assemblies import key_of; print(key_of(os.environ))"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": "functions:."}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == key_of(os.environ)


@pytest.mark.parametrize("name", SOURCES)
def test_a_changed_file_has_another_key(root: Path, name: str) -> None:
    """One byte of any source, or a file more, is another assembly; compiled modules are none of it."""
    before = key_of({}, root)
    path = root / name if (root / name).is_file() else root / name / "module.py"
    (path.parent / "module.pyc").write_text("compiled")
    assert key_of({}, root) == before
    path.write_text("two")
    changed = key_of({}, root)
    assert changed != before
    (root / "infra" / "more.py").write_text("")
    assert key_of({}, root) not in {before, changed}


def test_settings_of_the_stage_are_in_the_key_and_the_vendor_is_not(root: Path) -> None:
    """Another quota is another assembly, another vendor is not; what no stage can have is refused."""
    assert key_of({"MOENGAGE_QUOTA_LIMIT": "30"}, root) != key_of({}, root)
    assert key_of({"MOENGAGE_ENDPOINT_URL": VENDOR}, root) == key_of({}, root)
    with pytest.raises(Misconfigured, match="MOENGAGE_QUOTA_LIMIT"):
        key_of({"MOENGAGE_QUOTA_LIMIT": "few"}, root)


def test_what_is_kept_is_taken_for_another_vendor(tmp_path: Path, assembly: Path) -> None:
    """The vendor's address is that of the run, where it is a value by itself; code and other addresses are as kept."""
    kept, taken = Assemblies(tmp_path / "kept"), tmp_path / "taken"
    assert not kept.take("key", OTHER, taken)
    kept.keep("key", VENDOR, assembly)
    kept.keep("key", VENDOR, assembly)  # by another run that began at the same time
    assert kept.take("key", OTHER, taken)
    assert json.loads((taken / "one.template.json").read_text()) == {"mine": OTHER, "another": f"{VENDOR}/path"}
    assert (taken / "asset.1" / "on_request.py").read_text() == f'URL = "{VENDOR}"'
    assert [path.name for path in kept.folder.iterdir()] == ["key"]
    assert ANY_VENDOR in (kept.folder / "key" / "one.template.json").read_text()


def test_the_newest_are_kept(tmp_path: Path, assembly: Path) -> None:
    """Of many edits the last few stay."""
    kept = Assemblies(tmp_path / "kept")
    for number in range(MOST + 2):
        kept.keep(f"key-{number}", VENDOR, assembly)
        os.utime(kept.folder / f"key-{number}", (number, number))
    assert {path.name for path in kept.folder.iterdir()} == {f"key-{number}" for number in range(2, MOST + 2)}


def test_a_run_goes_on_where_nothing_can_be_kept(tmp_path: Path, assembly: Path) -> None:
    """Without room or permission nothing is kept, and nothing fails."""
    (tmp_path / "file").touch()
    kept = Assemblies(tmp_path / "file" / "kept")
    kept.keep("key", VENDOR, assembly)
    assert not kept.take("key", VENDOR, tmp_path / "taken")


def test_the_second_run_takes_what_the_first_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process, and but for the vendor byte for byte; with RESYNTHESISE=1 a synthesis begins all the same."""
    runs = {vendor: tmp_path / str(number) for number, vendor in enumerate((VENDOR, OTHER))}
    templates = dict[str, str]()
    for vendor, folder in runs.items():
        folder.mkdir()
        with synthesis(vendor, outdir=folder / "cdk.out", log_path=folder / "log") as made:
            templates[vendor] = (made.assembly() / "moengage-lookup-local.template.json").read_text()
    assert made.process is None
    assert templates[OTHER] == templates[VENDOR].replace(json.dumps(VENDOR), json.dumps(OTHER))
    assert json.dumps(OTHER) in templates[OTHER]
    monkeypatch.setenv("RESYNTHESISE", "1")
    with synthesis(OTHER, outdir=tmp_path / "cdk.out", log_path=tmp_path / "log") as anew:
        assert anew.process is not None
