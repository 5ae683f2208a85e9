"""How files are written. In: rows; out: NDJSON, Parquet or CSV, uploaded piece by piece. Never: what is in them."""
