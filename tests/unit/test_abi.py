"""Every struct of the header lies in construct and numpy where the C compiler puts it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from construct import Struct

from tracectl.abi import control, records
from tracectl.abi.dtype import dtype_of

HEADER = Path(__file__).parents[2] / "kmod" / "uapi" / "tracectl.h"
TEXT = HEADER.read_text()


def _declared() -> dict[str, Struct]:
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value
        for module in (records, control)
        for name, value in vars(module).items()
        if isinstance(value, Struct)
    }


def _structs() -> dict[str, list[str]]:
    found = {}
    for name, body in re.findall(r"^struct tracectl_(\w+) \{\n(.*?)^\};", TEXT, re.M | re.S):
        found[name] = re.findall(r"^\t(?:struct \w+|\w+) (\w+)(?:\[\w+\])?;", body, re.M)
    return found


def test_layouts_are_those_of_the_compiler(tmp_path):
    structs, declared = _structs(), _declared()
    assert set(structs) == set(declared)
    lines = []
    for name, fields in structs.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(struct tracectl_{name}));')
        lines += [
            f'printf("{name}.{f} %zu\\n", offsetof(struct tracectl_{name}, {f}));' for f in fields
        ]
    source = tmp_path / "abi.c"
    source.write_text(
        f'#include <stddef.h>\n#include <stdio.h>\n#include "{HEADER}"\n'
        f"int main(void)\n{{\n{chr(10).join(lines)}\n}}\n"
    )
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", tmp_path / "abi", source], check=True)
    said = subprocess.run([tmp_path / "abi"], capture_output=True, text=True, check=True).stdout
    compiled = {key: int(value) for key, value in (line.split() for line in said.splitlines())}
    ours, numpys = {}, {}
    for name, struct in declared.items():
        offset = 0
        ours[name] = struct.sizeof()
        for field in struct.subcons:
            ours[f"{name}.{field.name}"] = offset
            offset += field.sizeof()
        if struct in (*records.BODIES.values(), records.SubbufHeader, records.Record):
            dtype = dtype_of(struct)
            numpys[name] = dtype.itemsize
            numpys |= {f"{name}.{f}": dtype.fields[f][1] for f in dtype.names}
    assert ours == compiled
    assert numpys == {key: compiled[key] for key in numpys}


def test_kinds_are_those_of_the_header():
    kinds = dict(re.findall(r"TRACECTL_KIND_(\w+) = (\d+)", TEXT))
    assert {name: int(value) for name, value in kinds.items()} == {
        kind.name: kind.value for kind in records.Kind
    }
