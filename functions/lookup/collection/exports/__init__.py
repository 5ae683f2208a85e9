"""Formats asked for after the collecting. In: published files; out: further files of the same rows. Never: parts."""
