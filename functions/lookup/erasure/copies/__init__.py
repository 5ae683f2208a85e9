"""Each kind of copy of a person's data. In: whom to erase; out: what was found and removed. Never: in which order."""
