"""The roster of the local job, and each of its entries as a message that the intake reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.options import OptionError
from infra.local.roster import JUNK, SPECIAL, generated, message_body, read, samples
from lookup.bulk.intake.message import parse_intake_message
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Part
from lookup.validation import ParsedIdentifier, parse_identifier


def received(entry: ParsedIdentifier) -> Part:
    return parse_intake_message(message_body(entry), message_id="m-1", sent_at=0.0, default_workspace="default")


@given(st.text(), st.sampled_from(["customer_id", "id", "moengage_id", "email"]))
def test_a_message_is_read_back_as_the_entry_that_it_was(text: str, kind: str) -> None:
    """One entry is one outcome: the same identifier if it is usable, invalid if it is not."""
    entry = parse_identifier({"identifier_type": kind, "identifier": text})
    part = received(entry)
    if isinstance(entry, Identifier):
        assert (part.identifiers, part.invalid) == ((entry,), ())
    else:
        assert (part.identifiers, len(part.invalid)) == ((), 1)


@pytest.mark.parametrize("text", ["x" * 200, "a line of no known format"])
def test_what_was_unreadable_in_the_file_stays_invalid_on_the_queue(text: str) -> None:
    """The readable rest of an unreadable line must not be looked up as if it were an identifier."""
    (invalid,) = received(InvalidIdentifier(text, "line is not UTF-8", line=7)).invalid
    assert text[:150] in invalid.excerpt


def test_a_plain_customer_id_is_sent_as_plain_text() -> None:
    """The simplest message is what another system would send."""
    assert message_body(Identifier(IdentifierType.CUSTOMER_ID, SPECIAL)) == SPECIAL


def test_the_generated_roster_has_what_it_promises() -> None:
    """The generated roster holds the requested ids, and every junk value once."""
    entries = list(generated(100))
    usable = [entry for entry in entries if isinstance(entry, Identifier)]
    assert (len(entries), len(usable), len(set(usable))) == (100 + len(JUNK), 100, 100)
    assert sum(entry.identifier.startswith(SPECIAL) for entry in usable) == 4


def test_the_users_file_is_read_in_any_of_the_three_formats(tmp_path: Path) -> None:
    """CSV with a header, NDJSON and plain lines give the same identifiers."""
    rosters = {
        "plain.txt": "C-1\n\nC,2\n".replace(",", "-"),
        "table.csv": "name,customer_id\nA,C-1\nB,C-2\n",
        "lines.ndjson": '{"identifier_type": "customer_id", "identifier": "C-1"}\n{"identifier": "C-2"}\n',
    }
    for name, text in rosters.items():
        path = tmp_path / name
        path.write_text(text)
        assert [entry.identifier for entry in read(path) if isinstance(entry, Identifier)] == ["C-1", "C-2"]


@pytest.mark.parametrize(
    ("text", "said"), [("name,city\nA,Rome\n", "ROSTER: has no column"), ("null\n0\n", "holds no usable identifier")]
)
def test_a_file_that_is_no_roster_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A table without a column of identifiers and a file of junk only are refused before anything starts."""
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(OptionError) as caught:
        samples(path, 1)
    assert said in str(caught.value)
