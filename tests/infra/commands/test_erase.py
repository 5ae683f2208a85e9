"""`make erase`: a file of people, read whole before anybody is erased."""

from __future__ import annotations

import pytest

from infra.commands.erase import identifiers_of
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType
from tests.lookup.services import customer


def test_a_line_is_a_person() -> None:
    """Each line is a customer id, or an object that names the type; blank lines and repetitions count once."""
    found = identifiers_of(b'C-1\r\n\n{"identifier_type": "id", "identifier": "62e7"}\nC-1\n')
    assert found == [customer("C-1"), Identifier(IdentifierType.ID, "62e7")]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "must name a file with one identifier a line"),
        (b"C-1\nnull\n", "line 2: identifier is a value that MoEngage blocks as a customer_id"),
        (b'{"identifier": "C-1"\n', "line 1: is no JSON object"),
        (b'C-1\n{"identifier": "C-2", "type": "id"}\n', "line 2: 'type' is unknown"),
        (b"C-1\xff\n", "must be UTF-8"),
        ("C-1\u2028C-2\n".encode(), "line 1: identifier must not hold control characters"),
    ],
)
def test_a_bad_line_is_named_and_nobody_is_erased(body: bytes, rule: str) -> None:
    """A line that is no identifier is refused by its number and the rule."""
    with pytest.raises(InvalidInput) as refused:
        identifiers_of(body)
    assert (refused.value.field, refused.value.rule[: len(rule)]) == ("IDENTIFIERS", rule)
