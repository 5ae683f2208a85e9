"""What a check found: the seven numbers that must be zero, and the first examples of what is behind each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LOST, DOUBLED, WRONG, EXCEEDED, LEAKS, STUCK = "lost", "doubled", "wrong", "quota_exceeded", "leaks", "stuck"
NUMBERS = (LOST, DOUBLED, WRONG, EXCEEDED, LEAKS, STUCK)
EXAMPLES = 5


@dataclass
class Findings:
    """Counts by number; `examples` are a few texts of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, number: str, what: str, times: int = 1) -> None:
        """Add a finding, so many times; nothing when 0."""
        if times <= 0:
            return
        self.counts[number] += times
        seen = self.examples.setdefault(number, [])
        if len(seen) < EXAMPLES:
            seen.append(what)

    @property
    def numbers(self) -> dict[str, int]:
        """All numbers, those that are zero too."""
        return {name: self.counts[name] for name in NUMBERS}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())
