"""The version of the contract, and what to do with a table of another one.

A step in `UPGRADES` lifts a table from one version to the next, so that old workspaces and releases stay readable.
A version that has no way up fails with a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa

SCHEMA_VERSION = 1

UPGRADES: dict[int, Callable[[str, pa.Table], pa.Table]] = {}
"""From-version → function of (table name, table) that returns the table as the next version has it."""


class SchemaVersionError(ValueError):
    """A table whose version cannot be read here."""


def stamp(schema: pa.Schema) -> tuple[str, int]:
    """(table name, contract version) of a schema. Raises SchemaVersionError where there is no stamp, or none of ours."""
    raw = (schema.metadata or {}).get(b"cairn")
    if raw is None:
        raise SchemaVersionError("this table has no `cairn` stamp in its schema metadata: it was not written by Cairn")
    try:
        parsed = json.loads(raw)
        return str(parsed["table"]), int(parsed["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaVersionError(
            f"the `cairn` stamp in this table's schema metadata is {raw[:80]!r}, which names no table and version: "
            "it was not written by Cairn"
        ) from error


def upgrade(table: pa.Table) -> pa.Table:
    """`table` as the current version has it.

    Raises SchemaVersionError for a newer version, or an older one that has no way up.
    """
    name, version = stamp(table.schema)
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{name} has contract version {version}, this Cairn reads up to {SCHEMA_VERSION}: install a newer Cairn"
        )
    while version < SCHEMA_VERSION:
        if version not in UPGRADES:
            raise SchemaVersionError(
                f"{name} has contract version {version} and there is no way up to {SCHEMA_VERSION}: "
                "build it again from its sources"
            )
        table = UPGRADES[version](name, table)
        version += 1
    return table
