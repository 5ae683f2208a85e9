"""Chaos: a seeded run of the whole service in real processes under fault injection, then checked from the stores."""
