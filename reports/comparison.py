"""A comparison of two runs as text: a table of what differs and a summary, or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.console import style_for
from suite.comparison import Comparison, Line

SHOWN = ("worse", "missing", "undecided", "changed", "better", "new", "not compared", "same")
"""The order of the lines, what matters most first."""
STYLES = {"worse": "bold red", "missing": "bold red", "better": "green", "undecided": "yellow"}
SMALLEST_SHARE = 0.0005
"""Changes of cost below this share are printed in full."""
_PLACES = {"psnr": 4, "ssim": 6}


def print_comparison(comparison: Comparison, console: Console, *, everything: bool) -> None:
    """Print a table of the lines that differ, or of all, and the summary below."""
    lines = [line for line in comparison.lines if everything or line.status != "same"]
    if lines:
        console.print(_table(sorted(lines, key=lambda line: SHOWN.index(line.status)), console))
        console.print()
    console.print(Text(summary(comparison)))


def _table(lines: Sequence[Line], console: Console) -> RichTable:
    table = RichTable(box=style_for(console).box(), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("result", no_wrap=True)
    table.add_column("model", overflow="fold")
    table.add_column("figure", overflow="fold")
    for heading in ("baseline", "candidate", "change\n[95 % interval]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        figure = Text.assemble(figure_name(line), (f"\n{line.remark}" if line.remark else "", "dim"))
        table.add_row(
            Text(line.status, style=STYLES.get(line.status, "")),
            Text(f"{line.identity.model} x{line.identity.scale}"),
            figure,
            Text(_number(line, line.baseline)),
            Text(_number(line, line.candidate)),
            Text(change_text(line)),
        )
    return table


def figure_name(line: Line) -> str:
    """What a line compares: metric, or measure where the whole task is meant, and where it was measured."""
    what = line.identity
    where = filter(None, (what.dataset, what.protocol, what.input))
    origin = what.weights if what.weights not in ("official", "no parameters") else ""
    return " ".join(filter(None, (line.metric or what.measure, *where, origin)))


def change_text(line: Line) -> str:
    """The change, with its interval below: a difference for quality, per cent for memory and runtime.

    Cost is in per cent, too, but exact where that would show nothing.
    """
    if line.change is None or (line.status == "same" and line.change == 0):
        return ""
    measure, share = line.identity.measure, 0.0
    if measure == "cost":
        share = line.change / line.baseline if line.baseline else 0.0

    def text(change: float) -> str:
        if measure in ("memory", "runtime"):
            return f"{change - 1:+.1%}"
        if measure == "cost":
            return f"{share:+.1%}" if abs(share) >= SMALLEST_SHARE else f"{change:+,.10g}"
        return f"{change:+.{_PLACES.get(line.metric, 4)}f}"

    if line.lower is None or line.upper is None:
        return text(line.change)
    return f"{text(line.change)}\n[{text(line.lower)}, {text(line.upper)}]"


def _number(line: Line, value: float | None) -> str:
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if line.unit == "bytes":
        return f"{value / 2**20:,.1f} MiB"
    if line.unit == "ms":
        return f"{value:,.2f} ms"
    if line.metric in _PLACES:
        return f"{value:.{_PLACES[line.metric]}f}{' dB' if line.unit == 'dB' else ''}"
    for divisor, prefix in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= 10 * divisor:
            return f"{value / divisor:,.3f}{prefix}"
    return f"{value:,.10g}"


def summary(comparison: Comparison) -> str:
    """One sentence on what was found."""
    counts: Counter[str] = Counter(line.status for line in comparison.lines)
    parts = (
        ", ".join(f"{counts[status]} {status}" for status in SHOWN if counts[status]) or "nothing to compare"
    )
    if comparison.models:
        first, second = comparison.models
        return f"{second} against {first}: {parts}."
    return f"{'Regression' if comparison.failed else 'No regression'}: {parts}."


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON. Numbers that JSON lacks are the strings ``inf``, ``-inf`` and ``nan``."""

    def plain(value: Any) -> Any:
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    lines = []
    for line in comparison.lines:
        fields = dataclasses.asdict(line)
        what = fields.pop("identity")
        lines.append({key: plain(value) for key, value in (what | fields).items()})
    found = {"failed": comparison.failed, "models": comparison.models, "lines": lines}
    return json.dumps(found, indent=1, allow_nan=False) + "\n"
