"""The columns and partitions of the results as a table, without the CDK: tests read results as this table, too."""

from __future__ import annotations

from collections.abc import Mapping

# The keys of `lookup.archive.as_json`. Attributes differ from user to user: they stay JSON text.
COLUMNS: Mapping[str, str] = {
    "schema_version": "int",
    "lookup_id": "string",
    "part": "string",
    "correlation_id": "string",
    "line": "bigint",
    "changed": "boolean",
    "identifier_type": "string",
    "identifier": "string",
    "outcome": "string",
    "reason": "string",
    "source": "string",
    "fetched_at": "string",
    "changed_fields": "array<string>",
    "replaced_fields": "array<string>",
    "user_attributes": "string",
}
PARTITIONS: Mapping[str, str] = {"workspace": "string", "dt": "string", "hour": "string"}
# Of the collected files, which are Parquet: the types of `lookup.collection.formats.parquet.SCHEMA`.
COLLECTED_COLUMNS: Mapping[str, str] = {**COLUMNS, "fetched_at": "timestamp"}
COLLECTED_PARTITIONS: Mapping[str, str] = {"workspace": "string", "dt": "string"}
