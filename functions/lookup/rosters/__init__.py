"""Lists of identifiers in S3: uploaded, pinned by version, checked, converted, and read by byte range.

It never requests a user and charges no partner.
"""
