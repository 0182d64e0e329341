"""SQL over views that are read while it is answered.

DuckDB's own plan tells which columns of which view a statement needs, and only these are made. A
view that is scanned twice is read twice, so that nothing of it has to be kept.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from tracectl.errors import UsageError
from tracectl.export.kinds import STORED, Holds, projection_of

MADE_OF_CALLS = {
    "names": "SELECT file, host, time, entry_ns, pid, tid, process, uid, container, syscall, "
    "result, errno, unnest(paths) AS path FROM syscalls",
    "files": "SELECT file, host, time, entry_ns, duration_ns, pid, tid, process, uid, container, "
    "syscall, fd, fd_path AS path, result, errno FROM syscalls WHERE fd IS NOT NULL",
}
"""Views of the view ``syscalls``."""
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    # A query reads captures, and neither files, the network nor this program's variables.
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Beyond it, it uses the disk.
    "memory_limit": "384MiB",
}
_EXPLAIN = "EXPLAIN (FORMAT JSON) "

_AFTER_READING = re.compile("WINDOW|JOIN")
"""Operators that leave DuckDB to work once all has been read."""

Batches = Iterator[pa.RecordBatch]
Wanted = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """``wanted`` are the columns that are read, by view. What takes batches as they come has one
    thread: more of them only get in the way of those that read."""

    wanted: Wanted
    has_one_thread: bool = False


class Stream:
    """Batches of a schema, made anew by ``begin`` whenever they are scanned. ``failure`` is what
    ended one of them, which DuckDB would only quote."""

    def __init__(self, schema: pa.Schema, begin: Callable[[], Batches]) -> None:
        self.failure: BaseException | None = None
        self._schema = schema
        self._begin = begin

    def __arrow_c_schema__(self) -> Any:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self._schema, self._iter_batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _iter_batches(self) -> Batches:
        try:
            for batch in self._begin():
                yield batch.rename_columns(self._schema.names)
        except GeneratorExit:
            raise
        except BaseException as error:
            # A signal that ends the program, too.
            self.failure = error
            raise


class Database:
    """Answers questions about views, of which ``schemas`` has all columns."""

    def __init__(self, schemas: Mapping[str, pa.Schema]) -> None:
        self._schemas = schemas
        with duckdb.connect(config=_CLOSED) as connection:
            self._kinds = {
                view: connection.execute(f"DESCRIBE {view}").fetchall()
                for view in schemas
                if connection.register(view, Stream(schemas[view], lambda: iter(())))
            }

    def plan(self, sql: str) -> Plan:
        """How ``sql`` is answered. UsageError when it is no SQL, or of no such view."""
        everything = {view: set(schema.names) for view, schema in self._schemas.items()}
        with duckdb.connect(config=_CLOSED) as connection:
            self._create_views(connection, everything, lambda _: iter(()))
            try:
                statements = connection.extract_statements(sql)
                if len(statements) != 1:
                    raise UsageError(f"one statement is wanted, not {len(statements)}")
                if statements[0].type != duckdb.StatementType.SELECT:
                    # A PIVOT is several, and others are refused when they are run.
                    return Plan(everything)
                plan = connection.execute(_EXPLAIN + sql).fetchall()[0][1]
            except duckdb.Error as error:
                raise _wrong(error) from error
        found: Wanted = {view: set() for view in self._schemas}
        nodes = list(_iter_nodes(json.loads(plan)))
        for node in nodes:
            if "ARROW_SCAN" in node["name"]:
                # Not its projections only: filters may have moved into it, too.
                for view, column in _SCANNED.findall(json.dumps(node["extra_info"])):
                    if view in found and column in everything[view]:
                        found[view].add(column)
        has_one_thread = not any(_AFTER_READING.search(node["name"]) for node in nodes)
        return Plan(found, has_one_thread)

    @contextmanager
    def answer(
        self, sql: str, plan: Plan, begin: Callable[[str], Batches], holds: Holds = STORED
    ) -> Iterator[pa.RecordBatchReader]:
        """What ``sql`` answers, batch by batch, as a format ``holds`` it; times of day come without
        a zone, and are UTC. ``begin`` starts to read the columns of a view that are wanted.
        UsageError when DuckDB refuses it."""
        with tempfile.TemporaryDirectory(prefix="tracectl-query-") as directory:
            config = _CLOSED | {"temp_directory": directory}
            if plan.has_one_thread:
                config["threads"] = 1
            with duckdb.connect(config=config) as connection:
                streams = self._create_views(connection, plan.wanted, begin)
                connection.execute("SET lock_configuration = true")
                try:
                    relation = connection.sql(sql)
                    if relation is None:
                        raise UsageError("that statement answers nothing")
                    projected = relation.project(projection_of(relation, holds))
                    yield pa.RecordBatchReader.from_stream(projected)
                except (duckdb.Error, pa.ArrowException, OSError) as error:
                    failures = [one.failure for one in streams if one.failure is not None]
                    if failures:
                        raise failures[0] from error
                    if isinstance(error, OSError) and not isinstance(error, pa.ArrowException):
                        raise
                    raise _wrong(error) from error

    def _create_views(
        self,
        connection: duckdb.DuckDBPyConnection,
        wanted: Wanted,
        begin: Callable[[str], Batches],
    ) -> list[Stream]:
        """What is not ``wanted`` ends a statement that reads it after all."""
        streams = []
        for view, schema in self._schemas.items():
            kept = [one for one in schema if one.name in wanted[view]] or [schema.field(0)]
            names = {one.name for one in kept}
            marked = pa.schema([one.with_name(f"{view}.{one.name}") for one in kept])
            stream = Stream(marked, lambda view=view: begin(view))  # type: ignore[misc]
            connection.register(f"{view}_rows", stream)
            columns = ", ".join(
                f'"{view}.{name}" AS {name}'
                if name in names
                else f"CAST(error('{view}.{name} was not read') AS {kind}) AS {name}"
                for name, kind, *_ in self._kinds[view]
            )
            connection.execute(f"CREATE VIEW {view} AS SELECT {columns} FROM {view}_rows")
            streams.append(stream)
        for view, select in MADE_OF_CALLS.items():
            connection.execute(f"CREATE VIEW {view} AS {select}")
        return streams


_SCANNED = re.compile(r"\b(\w+)\.(\w+)\b")


def _iter_nodes(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in plan:
        yield node
        yield from _iter_nodes(node["children"])


def rows_of(batch: pa.RecordBatch) -> list[list[Any]]:
    """As Python has them."""
    columns = [_values_of(column) for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _values_of(column: pa.Array) -> list[Any]:
    # Asked for dictionaries, Arrow takes several times as long, whatever the type.
    has_map = "map<" in str(column.type)
    values: list[Any] = (
        column.to_pylist(maps_as_pydicts="strict") if has_map else column.to_pylist()
    )
    return values


def _wrong(error: Exception) -> UsageError:
    return UsageError(" ".join(str(error).replace(_EXPLAIN, "").split()))
