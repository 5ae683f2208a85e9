"""Collect what workers wrote of a lookup into a few files: in the order of the roster, each identifier once.

Only `parquet` loads PyArrow, and only the function that collects loads `parquet`.
"""
