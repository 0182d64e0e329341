"""SQL over tables in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from tracectl.errors import UsageError

# The one view that is made of another.
NAMES_VIEW = """
    CREATE VIEW names AS
    SELECT file, host, time, entry_ns, pid, tid, process, uid, container, syscall, result, errno,
           unnest(paths) AS path
    FROM syscalls
"""
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    # A query reads captures, and neither files, the network nor this program's variables.
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def tables_in(sql: str) -> set[str]:
    """The names of the tables that ``sql`` reads. UsageError when it is no SQL."""
    with duckdb.connect() as connection:
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1:
                raise UsageError(f"one statement is wanted, not {len(statements)}")
            return set(connection.get_table_names(sql))
        except duckdb.Error as error:
            raise _wrong(error) from error


def run_query(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """What ``sql`` answers over ``tables``; times of day come without a zone, and are UTC.
    UsageError when DuckDB refuses it."""
    with duckdb.connect(config=_CLOSED) as connection:
        for name, table in tables.items():
            connection.register(name, _without_zones(table))
        if "syscalls" in tables:
            connection.execute(NAMES_VIEW)
        connection.execute("SET lock_configuration = true")
        try:
            relation = connection.sql(sql)
            if relation is None:
                raise UsageError("that statement answers nothing")
            return relation.to_arrow_table()
        except duckdb.Error as error:
            raise _wrong(error) from error


def _without_zones(table: pa.Table) -> pa.Table:
    """DuckDB keeps ns of times without a zone only."""
    fields = [
        field.with_type(pa.timestamp("ns")) if pa.types.is_timestamp(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def rows_of(table: pa.Table) -> list[list[Any]]:
    """As Python has them; times as text, to the ns, whole decimals as integers."""
    columns = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_temporal(kind):
            columns.append(column.cast(pa.string()).to_pylist())
        elif pa.types.is_decimal(kind) and kind.scale == 0:
            columns.append([None if one is None else int(one) for one in column.to_pylist()])
        else:
            columns.append(column.to_pylist())
    return [list(row) for row in zip(*columns, strict=True)]


def _wrong(error: Exception) -> UsageError:
    return UsageError(" ".join(str(error).split()))
