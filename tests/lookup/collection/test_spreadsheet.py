"""CSV in a spreadsheet, whatever the language of that divides cells at: nothing that a sender wrote is calculated."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.collection.formats.rows import Row
from lookup.collection.formats.spreadsheet import FACTS, CsvFile
from lookup.erasure.copies.texts import pieces, rewrite_csv
from lookup.erasure.people import People
from lookup.model import Json
from tests.lookup.services import customer

FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
DANGEROUS = st.text(st.sampled_from("a1,;\t\r\n\"' =+-@\uff1d\u00a0\\"), max_size=12)
VALUES: Any = st.one_of(DANGEROUS, st.lists(DANGEROUS, max_size=2), st.dictionaries(DANGEROUS, DANGEROUS, max_size=2))


class Held(list[bytes]):
    """What is written to a file."""

    write = list.append


def written(fields: list[str] | None, identifier: str, attributes: dict[str, Json]) -> bytes:
    """Write one record; return the file."""
    held = Held()
    file = CsvFile(held, fields)  # type: ignore[arg-type]  # of an upload it uses `write` alone
    facts = {"identifier_type": "customer_id", "identifier": identifier, "outcome": "found", "changed_fields": []}
    file.add([Row(b"", facts, exact_json.dumps_well_formed(attributes))])
    file.close()
    return b"".join(held)


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@given(name=DANGEROUS, identifier=DANGEROUS, value=VALUES)
def test_no_cell_is_a_formula(divider: str, name: str, identifier: str, value: Json) -> None:
    """Divided at commas, semicolons or tabs, no cell of a sender's text begins as a formula does, behind blanks too."""
    for fields in (None, [name]):
        text = gzip.decompress(written(fields, identifier, {name: value})).decode()
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=divider):
            assert [cell for cell in row if cell.lstrip(' \u00a0"').startswith(FORMULAS)] == []


@given(name=DANGEROUS, value=VALUES)
def test_json_in_a_cell_means_what_it_meant(name: str, value: Json) -> None:
    """What keeps a cell of JSON whole changes nothing of what it says."""
    text = gzip.decompress(written(None, "C-1", {name: value})).decode()
    _, row = csv.reader(io.StringIO(text, newline=""))
    assert exact_json.loads(row[-1]) == {name: value}


@pytest.mark.parametrize("identifier", ["C-1", "=1+1", "a;=1+1", 'a;"=1', "+49 170;-1", "a;b", "' OR 1=1;--"])
@pytest.mark.parametrize("fields", [None, ["customer_id"]])
def test_whoever_is_written_otherwise_is_found_to_be_erased(identifier: str, fields: list[str] | None) -> None:
    """A person is found by what stands in the cell, as identifier of the record and among its attributes."""
    for named in (identifier, "62e7"):
        body = written(fields, named, {"customer_id": identifier})
        assert rewrite_csv(pieces(body), People([customer(identifier)])).records == 1


@pytest.mark.parametrize("name", FACTS)
def test_an_attribute_named_as_a_fact_hides_nobody(name: str) -> None:
    """A partner may request an attribute of any name: the facts of a record are those of the first columns."""
    body = written([name], "C-1", {name: "other"})
    erased = rewrite_csv(pieces(body), People([customer("C-1")]))
    assert (erased.records, erased.erased) == (1, 1)
    assert rewrite_csv(pieces(body), People([customer("other")])).records == 0
