"""numpy dtypes derived from construct declarations."""

from __future__ import annotations

from typing import Any

import numpy as np
from construct import Array, Bytes, FormatField, Renamed, Struct

_BASE = {"B": "u1", "H": "u2", "L": "u4", "Q": "u8", "b": "i1", "h": "i2", "l": "i4", "q": "i8"}


def dtype_of(struct: Struct) -> np.dtype[Any]:
    """The packed dtype whose fields lie where ``struct``'s do.

    Nested structs become nested dtypes, arrays of numbers sub-arrays, bytes ``S`` fields.
    TypeError for any other construct.
    """
    names, formats, offsets = [], [], []
    offset = 0
    for field in struct.subcons:
        names.append(field.name)
        formats.append(_format_of(field))
        offsets.append(offset)
        offset += field.sizeof()
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": offset})


def _format_of(field: Any) -> Any:
    if isinstance(field, Renamed):
        return _format_of(field.subcon)
    if isinstance(field, Struct):
        return dtype_of(field)
    if isinstance(field, Array):
        return (_format_of(field.subcon), (field.count,))
    if isinstance(field, Bytes):
        return f"S{field.length}"
    if isinstance(field, FormatField):
        # struct's "L" is 4 bytes with "<"; numpy's would be 8.
        order, code = field.fmtstr
        return order + _BASE[code]
    raise TypeError(f"no dtype for {field!r}")
