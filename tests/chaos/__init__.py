"""Chaos: a seeded run of the whole road in real processes while everything fails, then checked from the stores."""
