"""How much of a CPU the view takes for itself."""

from __future__ import annotations

from types import SimpleNamespace

from tracectl.tui import pace


def test_drawing_leaves_half_of_a_cpu(monkeypatch):
    clock = SimpleNamespace(now_s=0.0, spent_s=0.0)
    fake = SimpleNamespace(monotonic=lambda: clock.now_s, thread_time=lambda: clock.spent_s)
    monkeypatch.setattr(pace, "time", fake)
    held = pace.Pace()
    clock.now_s, clock.spent_s = 1.0, 0.6
    assert not held.lets_draw()
    clock.now_s = 1.2
    assert held.lets_draw()
    clock.now_s, clock.spent_s = 1.3, 0.8
    assert not held.lets_draw()
    clock.now_s = 1.6
    assert held.lets_draw()
    # What takes little is drawn each time.
    clock.now_s, clock.spent_s = 1.65, 0.84
    assert held.lets_draw()
