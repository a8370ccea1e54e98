"""The plot of quality against cost: what it shows. `reports.drawing` says where everything goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.choices import Choice, leaderboard_choice
from reports.notes import join, row_name, unique
from reports.view import Cell, Column, Group, Row, Table


@dataclass(frozen=True, slots=True)
class Point:
    """One row of the table in the plot, in the printed units of its columns."""

    label: str
    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None
    style: int
    """Number of its family: colour and shape of its marker."""
    tip: str
    """Name and figures in words."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One choice of axes."""

    name: str
    """Short name for the switch."""
    x_title: str
    y_title: str
    points: tuple[Point, ...]
    reference: tuple[str, float] | None
    """Name and height of a line for the method without parameters."""
    front: bool
    """Whether the points that no other beats in both figures are joined."""
    caption: tuple[str, ...]
    """Sentences on what the picture shows and what it leaves out."""
    x_log: bool = True
    y_log: bool = False
    links: tuple[tuple[int, int], ...] = ()
    """Places of points that are joined by a line."""


@dataclass(frozen=True, slots=True)
class Chart:
    """All panels for one table; without any if there is nothing to plot."""

    id: str
    """Unique on the page."""
    title: str
    sentence: str
    """Why the plot shows what it shows; empty for quality against cost."""
    panels: tuple[Panel, ...]
    choice: Choice | None = None
    """What the script lets a reader choose in its place."""
    drawn: int | None = None
    """How many of the panels the page has for readers without scripts; None for all."""


_Indexed = tuple[int, Column]
"""A column with its place in the rows of its table."""


def build_chart(table: Table, styles: Mapping[str, int]) -> Chart:
    """PSNR on the first dataset against parameters, MACs and latency; without PSNR, latency against MACs.

    A panel with latency holds one machine and configuration. ``styles`` has the number of each family.
    """
    quality = _first(table, "psnr")
    params, macs = _first(table, "params"), _first(table, "macs")
    timed = [
        (pair, group)
        for pair in enumerate(table.columns)
        if pair[1].metric == "latency_ms"
        for group in table.groups
    ]
    if quality:
        sentence = ""
        panels = [
            make_panel(table.groups, cost, quality, cost[1].label, styles) for cost in (params, macs) if cost
        ]
        axes = [(pair, quality, group) for pair, group in timed]
    else:
        sentence = "No PSNR was measured at this scale, so there is no quality to plot."
        panels = []
        axes = [(macs, pair, group) for pair, group in timed if macs]
    names = _latency_names([(pair[1], group) for pair, group in timed])
    panels += [
        make_panel([group], x, y, name, styles) for (x, y, group), name in zip(axes, names, strict=False)
    ]
    shown = tuple(panel for panel in panels if panel.points)
    if shown and not quality:
        sentence = "No PSNR was measured at this scale, so the plot shows latency against MACs."
    title = "Quality against cost" if quality else "Latency against MACs"
    return Chart(f"x{table.scale}", title, sentence, shown, leaderboard_choice(table))


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other beats, where small x and large y are good; by x, equal ones once."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(set(points), key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front


def _first(table: Table, metric: str) -> _Indexed | None:
    """The first column of a metric in which there is a figure."""
    rows = [row for group in table.groups for row in group.rows]
    for index, column in enumerate(table.columns):
        if column.metric == metric and any(row.cells[index].value is not None for row in rows):
            return index, column
    return None


def _latency_names(panels: Sequence[tuple[Column, Group]]) -> list[str]:
    """Names of the panels with latency, as short as they can be told apart."""
    short = ["Latency" for _ in panels]
    by_configuration = [f"Latency, {group.configuration}" for _, group in panels]
    by_input = [f"Latency, {column.at}" for column, _ in panels]
    by_machine = [f"Latency, {group.machine}" for _, group in panels]
    for names in (short, by_input, by_machine, by_configuration):
        if len(set(names)) == len(names):
            return names
    return [f"Latency, {c.at}, {group.machine}, {group.configuration}" for c, group in panels]


def make_panel(
    groups: Sequence[Group], x: _Indexed, y: _Indexed, name: str, styles: Mapping[str, int]
) -> Panel:
    rows = [row for group in groups for row in group.rows]
    networks = [row for row in rows if not row.reference]
    titles = [row.title for row in {(row.title, row.origin): row for row in networks}.values()]
    points = [
        _point(row, x, y, row_name(row) if titles.count(row.title) > 1 else row.title, styles[family_of(row)])
        for row in networks
        if _drawable(row, x, y)
    ]
    by_quality = y[1].metric == "psnr"
    reference, sentences = _reference(rows, y, points) if by_quality else (None, [])
    if by_quality and len(points) > 1:
        sentences.insert(
            0, "Dashed line: the best PSNR that any network reaches at that cost or less (Pareto front)."
        )
    if left_out := unique(row_name(row) for row in networks if not _drawable(row, x, y)):
        sentences.append(f"Not in the plot, for want of a figure: {join(left_out)}.")
    return Panel(
        name=name,
        x_title=_axis_title(x[1]),
        y_title=_axis_title(y[1]),
        points=tuple(dict.fromkeys(points)),
        reference=reference,
        front=by_quality,
        caption=tuple(sentences),
    )


def _drawable(row: Row, x: _Indexed, y: _Indexed) -> bool:
    """Whether both figures are there and finite, and the one across is positive, as a log axis needs it."""
    across, up = row.cells[x[0]].value, row.cells[y[0]].value
    return across is not None and up is not None and 0 < across < math.inf and math.isfinite(up)


def _point(row: Row, x: _Indexed, y: _Indexed, label: str, style: int) -> Point:
    across, up = row.cells[x[0]], row.cells[y[0]]
    assert across.value is not None and up.value is not None
    return Point(
        label=label,
        x=across.value / x[1].divisor,
        y=up.value / y[1].divisor,
        x_interval=_interval(across, x[1]),
        y_interval=_interval(up, y[1]),
        style=style,
        tip=f"{row_name(row)}: {_words(y[1], up)}, {_words(x[1], across)}",
    )


def _interval(cell: Cell, column: Column) -> tuple[float, float] | None:
    if cell.lower is None or cell.upper is None or not cell.lower > 0:
        return None
    return cell.lower / column.divisor, cell.upper / column.divisor


def _words(column: Column, cell: Cell) -> str:
    figure = f"{cell.text} {column.unit}".rstrip()
    interval = f" (95 % interval {cell.interval})" if cell.interval else ""
    return f"{column.label} {figure}{interval}"


def _axis_title(column: Column) -> str:
    where = f", {column.at}" if column.at else f", {column.group}" if column.measure == "quality" else ""
    return f"{column.label} ({column.unit}){where}"


def _reference(
    rows: Sequence[Row], y: _Indexed, points: Sequence[Point]
) -> tuple[tuple[str, float] | None, list[str]]:
    """The line of the first reference if it lies near the points, else a sentence that says where it is."""
    found = [(row, row.cells[y[0]]) for row in rows if row.reference and row.cells[y[0]].value is not None]
    if not found or not points:
        return None, []
    row, cell = found[0]
    height = (cell.value or 0.0) / y[1].divisor
    low, high = min(point.y for point in points), max(point.y for point in points)
    if low - height <= 0.4 * (high - low) and height - high <= 0.4 * (high - low):
        return (row.title, height), []
    side = "below" if height < low else "above"
    return None, [f"{row.title} ({cell.text} {y[1].unit}) lies {side} the range shown."]


def family_of(row: Row) -> str:
    """What gives a row's marker its colour and shape: the family, else the model."""
    return row.family or row.model


def family_styles(groups: Sequence[Group]) -> dict[str, int]:
    """A number for each family of networks, the same in all plots of a report."""
    families = {family_of(row) for group in groups for row in group.rows if not row.reference}
    references = {family_of(row) for group in groups for row in group.rows} - families
    return {family: number for number, family in enumerate([*sorted(families), *sorted(references)])}
