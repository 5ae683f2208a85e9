"""The collector of garbage is kept out of a start, and back afterwards."""

from __future__ import annotations

import gc

import pytest

from lookup.cold_start import RARE, ends_with_first_event


def test_garbage_is_collected_as_usual_after_the_first_event() -> None:
    """The first event, even one that fails, ends the start: what is there by then is never visited again."""
    before = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(RARE)
    try:

        @ends_with_first_event
        def handler(event: str) -> str:
            if event == "bad":
                raise ValueError(event)
            return event

        with pytest.raises(ValueError, match="bad"):
            handler("bad")
        assert gc.get_threshold()[0] < RARE
        frozen = gc.get_freeze_count()
        assert frozen > 0
        assert handler("good") == "good"
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
