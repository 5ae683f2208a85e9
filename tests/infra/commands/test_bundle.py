"""The deployable zip: the same bytes from the same contents, and nothing in it that is never read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from infra.commands.bundle import pack, trim

CONTENTS = {"on_request.py": "a = 1\n", "lookup/model.py": "b = 2\n", "lookup/__pycache__/model.pyc": "c"}


def _tree(root: Path, names: list[str]) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONTENTS.get(name, ""))
    return root


def test_the_same_contents_give_the_same_zip(tmp_path: Path) -> None:
    """Folder, dates, modes and the order of writing leave no trace in the zip."""
    one = _tree(tmp_path / "one", list(CONTENTS))
    two = _tree(tmp_path / "two" / "deeper", list(reversed(CONTENTS)))
    for path in two.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o755)
    pack(one, tmp_path / "one.zip")
    pack(two, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_zip_holds_the_tree(tmp_path: Path) -> None:
    """Every file is there, readable by Lambda, under its place in the tree."""
    pack(_tree(tmp_path / "tree", list(CONTENTS)), tmp_path / "build" / "tree.zip")
    with zipfile.ZipFile(tmp_path / "build" / "tree.zip") as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == CONTENTS
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_only_used_models_of_botocore_stay(tmp_path: Path) -> None:
    """Models of services that are called stay, and the files of the pages; the rest and install records go."""
    kept = [
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/endpoints.json",
        "boto3/data/s3/2006-03-01/resources-1.json",
        "boto3-1.0.dist-info/METADATA",
        "on_request.py",
        "aws_lambda_powertools/event_handler/openapi/swagger_ui/swagger-ui-bundle.min.js",
        "aws_lambda_powertools/event_handler/openapi/swagger_ui/swagger-ui.min.css",
        "lookup/api/openapi/static/index.html",
    ]
    dropped = [
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/dynamodb/2012-08-10/examples-1.json",
        "boto3/data/ec2/2016-11-15/resources-1.json",
        "boto3/examples/s3.rst",
        "boto3-1.0.dist-info/RECORD",
        "bin/jp.py",
        "lookup/__pycache__/model.cpython-311.pyc",
    ]
    tree = _tree(tmp_path / "tree", kept + dropped)
    trim(tree)
    assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()) == sorted(kept)
