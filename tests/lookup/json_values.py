"""What MoEngage, or anybody else, may write as JSON: for hypothesis to draw from."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from lookup.model import Attributes, Json

INTEGERS = st.integers() | st.integers(0, 3000).map(lambda power: 10**power + 7)
DECIMALS = st.builds(
    lambda coefficient, exponent: Decimal(f"{coefficient}E{exponent}"),
    st.integers(-(10**60), 10**60),
    st.integers(-400, 400).filter(bool),  # without an exponent it would be read as an int
)


def joined(text: str) -> str:
    """Join surrogate halves that stand side by side, as every reader of JSON does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# Every character, halves of surrogate pairs included.
TEXTS = st.text(st.characters(exclude_categories=())).map(joined)


def values(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Json]:
    """Return any JSON value over these texts."""
    leaves = st.none() | st.booleans() | INTEGERS | DECIMALS | texts
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
    )


def attributes(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Attributes]:
    """Return any attributes of a user."""
    return st.dictionaries(texts, values(texts), max_size=5)
