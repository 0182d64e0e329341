"""Many calls as strace writes them, a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.decode.copies import Copy
from tracectl.render.answers import format_answer, is_answered
from tracectl.render.arguments import RESULT_COLUMN, formatters_of
from tracectl.render.copies import places_of_names, texts_of
from tracectl.render.results import depends_on_arguments, ends_nowhere, format_result
from tracectl.render.strings import format_string
from tracectl.render.variants import is_revised, revise
from tracectl.tables.table import Syscall, SyscallTable

_WIDTH = RESULT_COLUMN - 1


def format_lines(
    table: SyscallTable,
    nr: int,
    arguments: NDArray[np.uint64] | None,
    copies: dict[int, list[Copy]],
    results: Sequence[int] | None,
) -> list[str]:
    """Calls of one number, without times and threads.

    ``arguments`` has shape (n, 6), or is None where the entries are missing, as ``results`` is
    where the exits are; ``copies`` are by row.
    """
    name, call = table.name(nr), table.get(nr)
    texts: list[str]
    if results is not None and arguments is not None and depends_on_arguments(name):
        texts = [
            format_result(name, result, values, table.abi)
            for result, values in zip(results, arguments.tolist(), strict=True)
        ]
    elif results is not None:
        texts = list(map(partial(format_result, name), results))
    else:
        missing = "?" if ends_nowhere(name) else "? <unfinished ...>"
        texts = [missing] * (0 if arguments is None else len(arguments))
    if arguments is None:
        return [f"<... {name} resumed>) = {text}" for text in texts]
    if results is not None and call is not None and is_answered(call):
        for row, mine in copies.items():
            texts[row] += format_answer(call, arguments[row].tolist(), results[row], mine)
    heads = _format_arguments(call, arguments, copies)
    return [
        f"{f'{name}({head})':<{_WIDTH}} = {text}" for head, text in zip(heads, texts, strict=True)
    ]


def _format_arguments(
    call: Syscall | None, arguments: NDArray[np.uint64], copies: dict[int, list[Copy]]
) -> list[str]:
    if call is None:
        columns: list[Any] = [list(map(hex, column)) for column in arguments.T.tolist()]
        return list(map(", ".join, zip(*columns, strict=True)))
    formatters = formatters_of(call)
    if not formatters:
        return [""] * len(arguments)
    columns = [
        list(map(formatter, column))
        for formatter, column in zip(formatters, arguments.T.tolist(), strict=False)
    ]
    known: dict[int, list[int]] = {}
    places = places_of_names(call)
    rows = np.fromiter(copies, np.intp, len(copies))
    for row, mine, values in zip(
        rows.tolist(), copies.values(), arguments[rows].tolist(), strict=True
    ):
        if len(mine) > 1 or mine[0].kind != Kind.NAME:
            for index, text in texts_of(call, values, mine).items():
                columns[index][row] = text
                known.setdefault(row, []).append(index)
            continue
        name = mine[0]
        for place, site in places:
            if name.site == site and values[place]:
                columns[place][row] = format_string(name.data)
                known[row] = [place]
                break
    if is_revised(call):
        return [
            ", ".join(revise(call, values, list(texts), known.get(row, ())))
            for row, (values, texts) in enumerate(
                zip(arguments.tolist(), zip(*columns, strict=True), strict=True)
            )
        ]
    return columns[0] if len(columns) == 1 else list(map(", ".join, zip(*columns, strict=True)))
