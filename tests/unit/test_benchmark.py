"""What python -m bench.analysis tells programs."""

from __future__ import annotations

import json

from bench.analysis import __main__ as analysis
from bench.analysis.measure import Figure

WAYS = [*analysis.READERS, "print", *(f"export --to {form}" for form in analysis.EXPORTS)]


def test_each_command_has_a_figure(monkeypatch, capsys):
    figures = {way: Figure(at, 1.0, 1.0, at, at, at) for at, way in enumerate(WAYS, 1)}
    monkeypatch.setattr(analysis, "iter_figures", lambda *_: iter(figures.items()))
    monkeypatch.setattr("sys.argv", ["bench.analysis", "--events", "1000", "--json"])
    assert analysis.main() == 0
    told = json.loads(capsys.readouterr().out)
    for name in ("report", "query", "print", "export", "verify"):
        assert told[name]["events_per_s"] == told[name]["peak_rss_mb"] > 0
    assert told["query"] == told["query, calls by system call"]
    decoded = told["decode"]
    # All of the file, and with the records that are no events.
    assert decoded["records"] > 1000
    assert min(decoded["records_per_s"], decoded["peak_rss_mb"]) > 0
