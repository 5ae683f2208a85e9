"""Erase people: every copy of their data found, removed and searched for a second time, with a receipt.

Only `parquet` and `texts` load PyArrow, and only the function that erases loads them.
"""
