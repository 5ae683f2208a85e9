"""An hour of the intake queue and of answers at once. In: its objects; out: the hour's files. Never: lookups."""
