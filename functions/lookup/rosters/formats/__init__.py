"""What a roster may look like: bytes come in, identifiers with their line numbers or a broken rule go out."""
