"""What outsiders may send: any text that SQS takes, any JSON, and JSON that nearly is what a handler expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
SQS_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from('\t\n\r {}[]",:0aC-'),
        st.characters(min_codepoint=0x20, max_codepoint=0x10FFFF, exclude_categories=["Cs"]).filter(
            lambda one: one not in "\ufffe\uffff"
        ),
    ),
    min_size=1,
    max_size=80,
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-5, max_value=5),
    st.floats(),
    SQS_TEXT,
    st.sampled_from(["", "customer_id", "id", "default", "C-1", "null", "../x", "a" * 600, 10**30, -1, 1e308]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SQS_TEXT, inner, max_size=4), max_leaves=8
)


def nearly(valid: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object of these keys, some of them missing, some with any JSON for a value."""

    def value(key: str) -> st.SearchStrategy[Any]:
        return st.one_of(st.just(valid[key]), JSON)

    return st.fixed_dictionaries({}, optional={key: value(key) for key in valid}) | st.fixed_dictionaries(
        {key: value(key) for key in valid}
    )


def written(value: Any) -> str:
    """Write JSON as a careless sender does: NaN, Infinity and all."""
    return json.dumps(value)
