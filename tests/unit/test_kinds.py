"""Whatever type a column of an answer has, every format has its values."""

from __future__ import annotations

import csv
import io
import json
from contextlib import redirect_stdout

import duckdb
import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.cli.main import main

FORMS = ("table", "csv", "json", "parquet")
UUID = "00000000-0000-0000-0000-000000000001"
WHEN = "2025-11-25 10:00:00"
# How SQL writes a value, as text, and in JSON, where None is null.
VALUES = [
    ("true", "true", True),
    ("127::TINYINT", "127", 127),
    ("9007199254740993", "9007199254740993", 2**53 + 1),
    ("18446744073709551615::UBIGINT", str(2**64 - 1), 2**64 - 1),
    ("-10000000000000000000000000000000000001::HUGEINT", str(-(10**37) - 1), -(10**37) - 1),
    ("sum(9223372036854775807::BIGINT) OVER ()", str(2**63 - 1), 2**63 - 1),
    ("340282366920938463463374607431768211455::UHUGEINT", str(2**128 - 1), str(2**128 - 1)),
    ("1.5", "1.5", 1.5),
    ("0::DECIMAL(20, 10)", "0.0000000000", 0),
    ("0.25::FLOAT", "0.25", 0.25),
    ("'nan'::DOUBLE", "nan", None),
    ("'-inf'::FLOAT", "-inf", None),
    ("NULL", "", None),
    ("'a'::ENUM ('a', 'b')", "a", "a"),
    ("'\\xff'::BLOB", "\\xFF", "\\xFF"),
    ("'0101'::BIT", "0101", "0101"),
    (f"'{UUID}'::UUID", UUID, UUID),
    ("DATE '2025-11-25'", "2025-11-25", "2025-11-25"),
    ("TIME '10:00:00.5'", "10:00:00.5", "10:00:00.5"),
    ("'10:00:00+02'::TIMETZ", "10:00:00+02", "10:00:00+02"),
    ("TIMESTAMP '2025-11-25 10:00:00'", WHEN, WHEN),
    ("'2025-11-25 10:00:00.000000301'::TIMESTAMP_NS", f"{WHEN}.000000301", f"{WHEN}.000000301"),
    ("'infinity'::TIMESTAMP", "infinity", "infinity"),
    ("'2025-11-25 10:00:00+00'::TIMESTAMPTZ", f"{WHEN}+00", f"{WHEN}+00"),
    ("INTERVAL 90 MINUTE", "01:30:00", "01:30:00"),
    ("[1, NULL]", "[1, NULL]", [1, None]),
    ("[1.5, 2]", "[1.5, 2.0]", [1.5, 2]),
    ("['nan'::DOUBLE, 1]", "[nan, 1.0]", [None, 1]),
    ("[INTERVAL 1 DAY]", "[1 day]", ["1 day"]),
    ("[1, 2]::INTEGER[2]", "[1, 2]", [1, 2]),
    ("{'n': 1, 'inf': [{'x': 'inf'::DOUBLE}]}", "{'n': 1, 'inf': [{'x': inf}]}",
     {"n": 1, "inf": [{"x": None}]}),
    ("{'t': 'infinity'::TIMESTAMP_NS}", "{'t': infinity}", {"t": "infinity"}),
    ("{'a \"b\"': 1}", "{'a \"b\"': 1}", {'a "b"': 1}),
    ("MAP {1: [2]}", "{1=[2]}", {"1": [2]}),
    ("MAP {DATE '2025-11-25': MAP {'a': 1.5}}", "{2025-11-25={a=1.5}}", {"2025-11-25": {"a": 1.5}}),
    ("MAP {}", "{}", {}),
    ("row(1, 'a')", "(1, a)", "(1, a)"),
    ("union_value(n := 1)", "1", "1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    subbuffer = SubBuffer().entry(10, 7, 39).exit(25, 7, 39, 7)
    return write_capture(tmp_path_factory.mktemp("captures") / "a.trace", [subbuffer])


@pytest.fixture(scope="module")
def ask(capture, tmp_path_factory):
    """Names and rows of an answer, each value as the form has it; of Parquet, as DuckDB does."""

    def ask_(form, sql):
        with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out:
            assert main(["query", "--format", form, str(capture), sql]) == 0
            out.flush()
            data = out.buffer.getvalue()
        if form == "csv":
            return list(csv.reader(io.StringIO(data.decode())))
        if form == "json":
            rows = json.loads(data, parse_constant=pytest.fail)
            return [list(rows[0]) if rows else [], *[list(row.values()) for row in rows]]
        if form == "parquet":
            path = tmp_path_factory.mktemp("answers") / "a.parquet"
            path.write_bytes(data)
            found = duckdb.sql(f"SELECT COLUMNS(*)::VARCHAR FROM '{path}'")
            return [found.columns, *[["" if one is None else one for one in row]
                                     for row in found.fetchall()]]  # fmt: skip
        names, dashes, *rows = data.decode().splitlines()
        return [_cells(line, dashes) for line in (names, *rows)]

    return ask_


def _cells(line, dashes):
    """Those of a table, whose second line is ``dashes``."""
    cells, at = [], 0
    for width in map(len, dashes.split("  ")):
        cells.append(line[at : at + width].strip())
        at += width + 2
    return cells


@pytest.fixture(scope="module", params=FORMS)
def answer(request, ask):
    columns = ", ".join(f"{sql} AS c{index}" for index, (sql, *_) in enumerate(VALUES))
    return request.param, ask(request.param, f"SELECT {columns}")[1]


@pytest.mark.parametrize("index", range(len(VALUES)), ids=[sql for sql, *_ in VALUES])
def test_every_format_has_the_value(answer, index):
    form, row = answer
    _, text, tree = VALUES[index]
    if form == "json":
        assert row[index] == tree
        assert isinstance(row[index], str) == isinstance(tree, str)
    else:
        assert row[index].lower() == text.lower()


@pytest.mark.parametrize("form", FORMS)
def test_all_types_that_duckdb_has(ask, form):
    """Their least and greatest values, and none; but no HUGEINT of more digits than a decimal of
    Parquet has."""
    names, *rows = ask(form, "SELECT * REPLACE (hugeint // 10 AS hugeint) FROM test_all_types()")
    assert len(names) > 50
    assert [len(row) for row in rows] == [len(names)] * 3


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1 AS a, 2 AS a, 3 AS b", ["a", "a_1", "b"]),
        ("SELECT 1 AS a, 2 AS a_1, 3 AS a", ["a", "a_1", "a_2"]),
        ("SELECT x.a, y.a, 3 FROM (SELECT 1 AS a) x, (SELECT 2 AS a) y", ["a", "a_1", "3"]),
    ],
)
def test_columns_with_one_name_are_kept_apart(ask, form, sql, names):
    assert [list(map(str, row)) for row in ask(form, sql)] == [names, ["1", "2", "3"]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        ("SELECT max(time) - min(time) FROM events", ["00:00:00"]),
        ("SELECT sum(duration_ns) * 0.001 FROM syscalls", ["0.015"]),
        ("SELECT max(time) FROM events", ["2025-11-25 00:00:00.000000025"]),
    ],
)
def test_what_is_asked_first(ask, form, sql, texts):
    assert list(map(str, ask(form, sql)[1])) == texts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sql", ["SUMMARIZE syscalls", "SELECT syscalls FROM syscalls LIMIT 1"])
def test_whole_rows_and_summaries(ask, form, sql):
    assert "a.trace" in str(ask(form, sql))


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_answer(ask, form):
    names, *rows = ask(form, "SELECT INTERVAL 1 DAY AS a, [time] AS b FROM events WHERE false")
    assert (names, rows) == ([] if form == "json" else ["a", "b"], [])


@pytest.mark.parametrize("form", FORMS)
def test_the_order_is_kept(ask, form):
    sql = "SELECT (9 - r) * INTERVAL 1 DAY AS days FROM range(9) t(r) ORDER BY days"
    days = [row[0] for row in ask(form, sql)[1:]]
    assert days == ["1 day", *[f"{day} days" for day in range(2, 10)]]
