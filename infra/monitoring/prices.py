"""List prices of us-east-1 in US dollars, November 2026; other regions differ by some per cent."""

from __future__ import annotations

A_MILLION = 1_000_000
LAMBDA_GB_SECOND = 0.0000133334  # arm64
LAMBDA_REQUEST = 0.20 / A_MILLION
WRITE_UNIT = 0.625 / A_MILLION
READ_UNIT = 0.125 / A_MILLION
