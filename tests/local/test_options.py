"""What the user may set, and what is said when it makes no sense."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from infra.local.options import DEFAULT_PORT, OptionError, read_options
from infra.local.ports import free_port

VENDOR = {
    "MOENGAGE_ENDPOINT_URL": "https://vendor.example/",
    "MOENGAGE_WORKSPACE_ID": "W-1",
    "MOENGAGE_DATA_API_KEY": "the-key",
    "MOENGAGE_DATA_CENTER": "03",
}


def test_nothing_set_gives_the_simulator_a_generated_roster_and_a_stage_that_stays() -> None:
    """Without variables there is no roster, no other vendor, and the stage stays up on a port that is free."""
    options = read_options({})
    assert (options.roster, options.vendor, options.once) == (None, None, False)
    assert (options.port == DEFAULT_PORT) is not options.port_was_taken


@pytest.mark.parametrize(("text", "once"), [("1", True), ("yes", True), ("TRUE", True), ("0", False), ("", False)])
def test_once_reads_the_usual_words(text: str, *, once: bool) -> None:
    """ONCE takes 1 and 0, and the usual words for them."""
    assert read_options({"ONCE": text}).once is once


def test_another_vendor_brings_the_credentials_of_its_secret() -> None:
    """The content of the deployed secret comes from the variables, and never shows in a repr."""
    vendor = read_options(VENDOR).vendor
    assert vendor is not None
    assert vendor.endpoint_url == "https://vendor.example"
    assert vendor.credentials == {"workspace_id": "W-1", "data_api_key": "the-key", "data_center": "03"}
    assert "the-key" not in repr(vendor)


def test_missing_credentials_are_named_all_at_once() -> None:
    """An endpoint without credentials names every variable that is missing."""
    with pytest.raises(OptionError, match="MOENGAGE_WORKSPACE_ID, MOENGAGE_DATA_CENTER") as caught:
        read_options({**VENDOR, "MOENGAGE_WORKSPACE_ID": "", "MOENGAGE_DATA_CENTER": ""})
    assert "MOENGAGE_DATA_API_KEY" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ONCE": "maybe"}, "ONCE: 'maybe' is neither 1 nor 0"),
        ({"LOCAL_PORT": "http"}, "LOCAL_PORT: 'http' is not a port from 1024 to 65535"),
        ({"LOCAL_PORT": "80"}, "LOCAL_PORT: '80' is not a port from 1024 to 65535"),
        ({"LOCAL_PORT": "70000"}, "LOCAL_PORT: '70000' is not a port from 1024 to 65535"),
        ({"ROSTER": "/no/such/file.csv"}, "ROSTER: there is no file '/no/such/file.csv'"),
        ({**VENDOR, "MOENGAGE_ENDPOINT_URL": "vendor"}, "MOENGAGE_ENDPOINT_URL: 'vendor' is not an http"),
        ({**VENDOR, "MOENGAGE_DATA_CENTER": "7"}, "MOENGAGE_DATA_CENTER: must be one of 01, 02"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_rule(environment: dict[str, str], said: str) -> None:
    """Every wrong variable is refused before anything starts."""
    with pytest.raises(OptionError) as caught:
        read_options(environment)
    assert said in str(caught.value)


def test_an_empty_roster_is_refused(tmp_path: Path) -> None:
    """A roster of no bytes is a mistake of the user's."""
    path = tmp_path / "roster.csv"
    path.touch()
    with pytest.raises(OptionError, match="is empty"):
        read_options({"ROSTER": str(path)})


def test_a_chosen_port_that_is_in_use_is_refused() -> None:
    """A port that the user chose is never silently replaced."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OptionError, match=f"port {port} is in use"):
        read_options({"LOCAL_PORT": str(port)})


def test_a_chosen_port_that_is_free_is_taken() -> None:
    """A port that the user chose is the one."""
    port = free_port()
    options = read_options({"LOCAL_PORT": str(port)})
    assert (options.port, options.port_was_taken) == (port, False)
