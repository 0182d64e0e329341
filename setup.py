# SPDX-License-Identifier: GPL-2.0
"""What pyproject.toml cannot say: the compiled passes, which a machine without a compiler, or with
integers the other way round, does without.

Of Python's API only what is stable is used, so that one file serves every Python from 3.11 on.
"""

from setuptools import Extension, setup

_SOURCES = ("calls", "module", "order", "records", "tally")

setup(
    ext_modules=[
        Extension(
            "tracectl.walk._walk",
            sources=[f"tracectl/walk/{name}.c" for name in _SOURCES],
            depends=["tracectl/walk/columns.h", "kmod/uapi/tracectl.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=["-O3", "-std=gnu11", "-fvisibility=hidden", "-Wall", "-Wextra"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
