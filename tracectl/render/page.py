"""A report as one page of HTML, which needs nothing else to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
       color: #1c2330; background: #fff }
h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .3rem 0; color: #556 } .loss { color: #a32 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid #e6e8ee }
th:first-child, td:first-child { text-align: left; word-break: break-all }
"""
_LAYOUT = {
    "height": 320,
    "margin": {"l": 80, "r": 20, "t": 30, "b": 40},
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif"},
}


_HEAT = ((0, "#fdd9a5"), (0.35, "#f98d4d"), (0.7, "#d7301f"), (1, "#67000d"))
"""Seen on white from a single call on."""
_LABEL_PX, _INDENT_PX = 260, 12


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A process, in seconds from the start of the capture on; ``depth`` is how many of those that
    are shown it comes of."""

    name: str
    depth: int
    start_s: float
    end_s: float
    calls: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    figure: Any


def rate_chart(
    seconds: NDArray[Any], calls_per_s: NDArray[Any], errors_per_s: NDArray[Any]
) -> Chart:
    figure = go.Figure(layout=_LAYOUT)
    figure.add_scatter(x=seconds, y=calls_per_s, name="calls", fill="tozeroy", line={"width": 1})
    figure.add_scatter(x=seconds, y=errors_per_s, name="errors", line={"width": 1, "color": "#c43"})
    figure.update_xaxes(title="s", rangemode="tozero")
    figure.update_yaxes(title="per second", rangemode="tozero")
    return Chart("Calls over time", figure)


def heat_chart(
    seconds: NDArray[Any], durations_ns: NDArray[np.int64], counts: NDArray[np.int64]
) -> Chart:
    """``counts`` by duration and time. Colours are of the logarithm: rare slow calls are what is
    looked for."""
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)
    ticks = np.arange(10)
    figure = go.Figure(layout=_LAYOUT)
    figure.add_heatmap(
        x=seconds, y=durations_ns / 1e9, z=shown, customdata=counts, colorscale=_HEAT,
        hovertemplate="%{x:.3f} s: %{customdata} calls of about %{y:.3s}s<extra></extra>",
        colorbar={
            "title": {"text": "calls"}, "tickvals": ticks,
            "ticktext": [f"{10**tick:,}" for tick in ticks.tolist()],
        },
    )  # fmt: skip
    powers_ns = [10**power for power in range(12)]
    figure.update_xaxes(title="s")
    figure.update_yaxes(
        type="log", title="time a call", tickvals=[power / 1e9 for power in powers_ns],
        ticktext=[f"{power} {unit}" for unit in ("ns", "µs", "ms", "s") for power in (1, 10, 100)],
    )  # fmt: skip
    return Chart("How long calls took, over time", figure)


def process_chart(bars: Sequence[Bar], span_s: float, left_out: int) -> Chart:
    """A row a process, below the one that it comes of; ``left_out`` others are not shown."""
    margin = {"l": _LABEL_PX + 10, "r": 20, "t": 10, "b": 40}
    layout = {"height": 80 + 18 * len(bars), "showlegend": False, "margin": margin}
    figure = go.Figure(layout=_LAYOUT | layout)
    rows = list(range(len(bars)))
    figure.add_bar(
        orientation="h",
        y=rows,
        x=[bar.end_s - bar.start_s for bar in bars],
        base=[bar.start_s for bar in bars],
        customdata=[(escape(bar.name), bar.calls) for bar in bars],
        marker={
            "color": np.log10([bar.calls + 1 for bar in bars]), "colorscale": "Blues", "cmin": -2,
            # So that short ones are seen.
            "line": {"width": 1, "color": "#4a90c4"},
        },
        hovertemplate="%{customdata[0]}: %{customdata[1]} calls<extra></extra>",
    )  # fmt: skip
    for row, bar in zip(rows, bars, strict=True):
        # Labels of an axis end at it, where no depth shows.
        figure.add_annotation(
            text=escape(bar.name), showarrow=False, xref="paper", x=0, xanchor="left", y=row,
            xshift=_INDENT_PX * min(bar.depth, 8) - _LABEL_PX, font={"size": 12},
        )  # fmt: skip
    figure.update_xaxes(title="s", range=[0, span_s])
    figure.update_yaxes(range=[len(bars) - 0.4, -0.6], showticklabels=False, showgrid=False)
    title = f"Processes; {left_out:,} with fewer calls are not shown" if left_out else "Processes"
    return Chart(title, figure)


def format_page(
    title: str, facts: Sequence[str], losses: Sequence[str], parts: Sequence[Chart | Table]
) -> str:
    body = [f"<h1>{escape(title)}</h1>"]
    body += [f"<p>{escape(fact)}</p>" for fact in facts]
    body += [f'<p class="loss">{escape(loss)}</p>' for loss in losses]
    for part in parts:
        body.append(f"<h2>{escape(part.title)}</h2>")
        body.append(_format_table(part) if isinstance(part, Table) else _format_chart(part))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def _format_chart(chart: Chart) -> str:
    text: str = chart.figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return text


def _format_table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    rows = "".join(row(cells, "td") for cells in table.rows)
    return f"<table>{row(table.header, 'th')}{rows}</table>"
