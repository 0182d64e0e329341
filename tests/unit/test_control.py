"""The declarations of the device's protocol against the header, compiled."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tracectl.abi import control
from tracectl.abi.records import Form, UserFlag

HEADER = Path(__file__).parents[2] / "kmod" / "uapi"

STRUCTS = {
    "info": control.Info,
    "config": control.Config,
    "status": control.Status,
    "filter": control.Filter,
    "read": control.Read,
    "clocks": control.Clocks,
    "stream": control.Stream,
    "subbuf": control.Subbuf,
    "syscall_counts": control.SyscallCounts,
    "counters": control.Counters,
}
REQUESTS = [name for name in dir(control) if name.startswith("IOC_")]
CONSTANTS = {
    "LABEL_BYTES": control.LABEL_BYTES,
    "SUBBUF_MIN": control.SUBBUF_MIN,
    "SUBBUF_MAX": control.SUBBUF_MAX,
    "COUNT_MIN": control.COUNT_MIN,
    "COUNT_MAX": control.COUNT_MAX,
    "BUFFER_MAX": control.BUFFER_MAX,
    **{f"STATE_{state.name}": state for state in control.State},
    **{f"END_{end.name}": end for end in control.End},
    **{f"CLASS_{bit.name}": bit for bit in control.EventClass},
    "CLASS_ALL": control.EventClass.ALL,
    "ERRNOS": control.ERRNOS,
    "LATENCIES": control.LATENCIES,
    "READS": control.READS,
    "COUNT_RESULT": control.COUNT_RESULT,
    "COUNT_ONE": control.COUNT_ONE,
    "USER_BYTES": control.USER_BYTES,
    **{f"FORM_{form.name}": form for form in Form},
    **{f"USER_{flag.name}": flag for flag in UserFlag},
    **{f"CONFIG_{flag.name}": flag for flag in control.ConfigFlag},
    **{f"FILTER_{flag.name}": flag for flag in control.FilterFlag},
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What a C compiler makes of the header: offsets, sizes and values by name."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    lines = []
    for name, struct in STRUCTS.items():
        tag = f"struct tracectl_{name}"
        lines.append(f'printf("{name} %zu\\n", sizeof({tag}));')
        lines += [
            f'printf("{name}.{field.name} %zu\\n", offsetof({tag}, {field.name}));'
            for field in struct.subcons
        ]
    for name in (*REQUESTS, *CONSTANTS):
        lines.append(f'printf("{name} %zu\\n", (size_t)TRACECTL_{name});')
    source = (
        "#include <stddef.h>\n#include <stdio.h>\n#include <tracectl.h>\n"
        f"int main(void) {{ {' '.join(lines)} return 0; }}\n"
    )
    program = tmp_path_factory.mktemp("control") / "program"
    subprocess.run(
        [compiler, "-x", "c", "-I", str(HEADER), "-o", str(program), "-"],
        input=source,
        text=True,
        check=True,
    )
    said = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, said.splitlines())}


@pytest.mark.parametrize("name", STRUCTS)
def test_structs_lie_as_in_c(compiled, name):
    offset = 0
    for field in STRUCTS[name].subcons:
        assert compiled[f"{name}.{field.name}"] == offset, field.name
        offset += field.sizeof()
    assert compiled[name] == offset


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_have_the_macros_numbers(compiled, name):
    assert compiled[name] == getattr(control, name)


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_have_the_headers_values(compiled, name):
    assert compiled[name] == CONSTANTS[name]
