"""Credentials from Secrets Manager: read once, refreshed on request, and never shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID
from lookup import exact_json
from lookup.errors import AwsUnavailable, Misconfigured, UnknownWorkspace
from lookup.model import Json
from lookup.moengage.credential_store import CredentialStore, parse_secret
from lookup.moengage.credentials import Credentials, DataCenter
from lookup.settings import Workspace
from tests.aws_answers import meets, refused
from tests.lookup.json_values import TEXTS, values
from tests.lookup.stage import SECRET, SECRET_ID, Stage

CANARY = "canary7f3a"


@pytest.fixture
def reads(stage: Stage) -> list[str]:
    """Note every call to Secrets Manager."""
    seen: list[str] = []
    stage.secretsmanager.meta.events.register("before-call.secrets-manager", lambda model, **_: seen.append(model.name))
    return seen


@pytest.fixture
def store(stage: Stage) -> CredentialStore:
    return CredentialStore(stage.secretsmanager, stage.settings)


def put(stage: Stage, secret: object) -> None:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    stage.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=text)


def test_read_once(store: CredentialStore, reads: list[str]) -> None:
    """A secret is read when first wanted and kept."""
    expected = Credentials(WORKSPACE_ID, DATA_API_KEY, DataCenter.DC_01)
    assert [store.of("default") for _ in range(3)] == [expected] * 3
    assert reads == ["GetSecretValue"]


def test_each_workspace_has_its_own(stage: Stage, reads: list[str]) -> None:
    """Two workspaces have two secrets."""
    stage.secretsmanager.create_secret(Name="moengage/b", SecretString=json.dumps(SECRET | {"data_center": "101"}))
    workspaces = {**stage.settings.workspaces, "b": Workspace(secret_id="moengage/b")}
    store = CredentialStore(stage.secretsmanager, replace(stage.settings, workspaces=workspaces))
    assert [store.of(name).data_center for name in ("default", "b", "default")] == ["01", "101", "01"]
    assert reads.count("GetSecretValue") == 2


def test_renewed(stage: Stage, store: CredentialStore, reads: list[str]) -> None:
    """After a 401 the secret is read again, and the refresh returns whether that changed anything."""
    old = store.of("default")
    assert store.refresh("default", old) is False
    put(stage, SECRET | {"data_api_key": "rotated"})
    assert store.of("default").data_api_key == DATA_API_KEY
    assert store.refresh("default", old) is True
    assert store.of("default").data_api_key == "rotated"
    assert store.refresh("default", old) is True
    assert store.refresh("default", store.of("default")) is False
    assert reads.count("GetSecretValue") == 4


def test_a_failed_renewal_keeps_what_was(stage: Stage, store: CredentialStore) -> None:
    """When the secret has become unreadable, that is raised, and the cached credentials stay."""
    before = store.of("default")
    put(stage, "{}")
    with pytest.raises(Misconfigured, match="workspace_id"):
        store.refresh("default", before)
    assert store.of("default") == before


def test_unknown_workspace(store: CredentialStore, reads: list[str]) -> None:
    """A workspace that is not configured is an error before anything is read."""
    with pytest.raises(UnknownWorkspace):
        store.of("brand-b")
    assert reads == []


def test_missing_secret(stage: Stage, store: CredentialStore) -> None:
    """A missing secret is a configuration error, named by its workspace."""
    stage.secretsmanager.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    with pytest.raises(Misconfigured) as caught:
        store.of("default")
    assert str(caught.value) == "secret of workspace default: cannot be read (ResourceNotFoundException)"


def test_a_secret_that_is_unavailable_now(stage: Stage, store: CredentialStore) -> None:
    """A throttled Secrets Manager is an AWS error and does not report a missing secret; a refusal does."""
    trouble = [refused(400, "AccessDeniedException"), refused(400, "ThrottlingException")]
    meets(stage.secretsmanager, "secrets-manager.GetSecretValue", list(trouble))
    with pytest.raises(AwsUnavailable, match="cannot be read now"):
        store.of("default")
    with pytest.raises(Misconfigured, match="AccessDenied"):
        store.of("default")
    meets(stage.secretsmanager, "secrets-manager.DescribeSecret", trouble)
    assert [store.has_value("default") for _ in range(3)] == [True, False, True]


def test_binary_secret(stage: Stage, store: CredentialStore) -> None:
    """A secret without text is a configuration error."""
    stage.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretBinary=b"{}")
    with pytest.raises(Misconfigured, match=r"cannot be read \(NoSecretString\)"):
        store.of("default")


@pytest.mark.parametrize(
    ("secret", "rule"),
    [
        (CANARY, "is not JSON"),
        (f'{{"data_api_key": "{CANARY}"', "is not JSON"),
        ([CANARY], "is not a JSON object"),
        (f'"{CANARY}"', "is not a JSON object"),
        ({key: CANARY for key in SECRET if key != "workspace_id"}, "workspace_id must be a text of printable ASCII"),
        (SECRET | {"workspace_id": CANARY, "data_api_key": ""}, "data_api_key must be a text of printable ASCII"),
        (SECRET | {"workspace_id": CANARY, "data_api_key": None}, "data_api_key must be a text of printable ASCII"),
        (SECRET | {"data_api_key": f"{CANARY}\n"}, "data_api_key must be a text of printable ASCII"),
        (SECRET | {"data_api_key": f"{CANARY}\ud800"}, "data_api_key must be a text of printable ASCII"),
        (SECRET | {"data_api_key": [CANARY]}, "data_api_key must be a text of printable ASCII"),
        (SECRET | {"data_center": CANARY}, "data_center must be one of 01, 02, 03, 04, 05, 06, 101"),
        (SECRET | {"data_center": "1"}, "data_center must be one of 01, 02, 03, 04, 05, 06, 101"),
        (SECRET | {"data_center": 1}, "data_center must be a text of printable ASCII"),
    ],
)
def test_malformed_secret(secret: object, rule: str) -> None:
    """A malformed secret is reported by its key and rule, and none of its values is repeated."""
    text = secret if isinstance(secret, str) else json.dumps(secret)
    with pytest.raises(Misconfigured) as caught:
        parse_secret(text, setting="secret of workspace default")
    assert caught.value.setting == "secret of workspace default"
    assert caught.value.rule.startswith(rule)
    assert CANARY not in f"{caught.value} {caught.value!r}"


@given(values() | st.fixed_dictionaries(dict.fromkeys(SECRET, TEXTS)))
def test_any_secret(secret: Json) -> None:
    """Any secret is credentials that an HTTP header can carry, or a configuration error."""
    try:
        credentials = parse_secret(exact_json.dumps(secret).decode(), setting="secret")
    except Misconfigured:
        return
    assert f"{credentials.workspace_id}:{credentials.data_api_key}".encode("ascii").isascii()


def test_nothing_shows(store: CredentialStore) -> None:
    """No representation of credentials or their store holds the key."""
    credentials = store.of("default")
    assert DATA_API_KEY not in f"{credentials!r} {credentials} {store!r}"
