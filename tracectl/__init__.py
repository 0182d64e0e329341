"""tracectl: whole-system Linux system-call tracer."""

__version__ = "0.1.0"
