"""The intake queue. In: its messages; out: identifiers, and their share of the quota. Never: parts of rosters."""
