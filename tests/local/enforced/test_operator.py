"""The operator's commands find a stage that is really deployed."""

from __future__ import annotations

import pytest

from infra.commands import doctor
from infra.local.ministack.process import ACCOUNT, REGION
from tests.local.enforced.conftest import Enforced


def test_the_doctor_examines_the_local_stage(
    enforced: Enforced, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make doctor STAGE=local` reads the deployed functions' settings, and all its checks pass."""
    enforced.put_secrets_and_grants()
    environment = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    for name, value in (environment | {"AWS_ENDPOINT_URL": enforced.server.endpoint_url, "STAGE": "local"}).items():
        monkeypatch.setenv(name, value)
    status = doctor.main()
    lines = capsys.readouterr().out.splitlines()
    assert (status, len(lines)) == (0, 6), lines
    assert lines[0].startswith("local: ok  asked from this machine, not from where the functions are")
    assert all(line.startswith("default: ok ") for line in lines[1:])
