"""The types of an answer's columns: what a format holds, and what DuckDB writes as text for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

_NUMBERS = frozenset(
    {
        "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint",
        "uinteger", "ubigint", "float", "double", "decimal",
    }
)  # fmt: skip
_STORED = frozenset(
    {
        "varchar", "blob", "date", "time", "timestamp", "timestamp_s", "timestamp_ms",
        "timestamp_ns", "timestamp with time zone", "timestamptz_ns",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format holds: the types ``plain``, as DuckDB calls them, and with ``nested`` lists,
    maps and structs of them. All else is text."""

    plain: frozenset[str] = frozenset()
    nested: bool = False


TEXTS = Holds()
NUMBERS = Holds(_NUMBERS)
TREES = Holds(_NUMBERS, nested=True)
STORED = Holds(_NUMBERS | _STORED, nested=True)


def projection_of(answer: DuckDBPyRelation, holds: Holds) -> str:
    """The columns of ``answer`` as a format ``holds`` them, each with a name of its own."""
    columns = zip(answer.project("*").columns, answer.types, strict=True)
    return ", ".join(
        f"{_cast(f'#{number}', kind, holds)} AS {_quote(name)}"
        for number, (name, kind) in enumerate(columns, 1)
    )


def _cast(column: str, kind: Any, holds: Holds) -> str:
    if kind.id == "timestamp_ns" and kind.id not in holds.plain:
        # A cast leaves out zeros at the end.
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S.%n')"
    return f"CAST({column} AS {_held(kind, holds)})"


def _held(kind: Any, holds: Holds) -> str:
    if kind.id in holds.plain:
        return str(kind)
    if holds.nested and kind.id in {"list", "array"}:
        return f"{_held(kind.children[0][1], holds)}[]"
    if holds.nested and kind.id == "map":
        # What keys need not be elsewhere.
        return f"MAP(VARCHAR, {_held(kind.children[1][1], holds)})"
    if holds.nested and kind.id == "struct" and kind.children:
        fields = (f"{_quote(name)} {_held(inner, holds)}" for name, inner in kind.children)
        return f"STRUCT({', '.join(fields)})"
    return "VARCHAR"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
