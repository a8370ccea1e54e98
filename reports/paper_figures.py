"""The report's plots for papers, by matplotlib: SVG and PDF with text as text; same records, same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.curves import Curve, find_curves
from reports.distributions import Distribution, find_distributions
from reports.drawing import COLOURS, SHAPES
from reports.labels import Box, place_labels
from reports.leaderboard import build
from reports.plot import Panel, build_chart, family_styles, pareto_front
from reports.theory import build_theory
from suite.errors import SuiteError
from suite.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = ("svg", "pdf")
COLUMN_IN = 3.4
"""Width of one column of a two-column paper, in inches."""
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#b5528c", "#b07a00", "#2b93cf", "#4b5560")
"""Those of the page in its light scheme."""
MARKERS = ("o", "s", "^", "D", "v", "h", "<", "P")
"""The shapes of `reports.drawing.shape`, by number."""
SETTINGS: Mapping[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that every machine has the same
    "font.size": 7,
    "axes.linewidth": 0.6,
    "patch.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.linewidth": 0.4,
    "grid.color": "#dfe3e8",
    "lines.linewidth": 0.9,
    "svg.fonttype": "none",
    "svg.hashsalt": "suite",
    "pdf.fonttype": 42,
    "figure.dpi": 72,  # so that a pixel is a point
}
_PAGE = 13 / 6
"""Size of the page's type over that of the names here."""
_WITHOUT_DATE: Mapping[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}

assert (len(PALETTE), len(MARKERS)) == (COLOURS, SHAPES)


def write_figures(folder: Path, records: Sequence[Record]) -> list[Path]:
    """Write every figure that records have something for, as SVG and as PDF, and return the files.

    Raises `SuiteError` if a file cannot be written.
    """
    import matplotlib

    files = []
    settings: Any = dict(SETTINGS)
    with matplotlib.rc_context(settings):
        for name, draw in figures(records):
            figure = draw()
            for ending in ENDINGS:
                files.append(folder / f"{name}.{ending}")
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    figure.savefig(files[-1], metadata=_WITHOUT_DATE[ending])
                except OSError as error:
                    raise SuiteError(f"cannot write {files[-1]}: {error.strerror}.") from None
    return files


def figures(records: Sequence[Record]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name of each figure and what draws it."""
    view = build(records)
    styles = family_styles([group for table in view.tables for group in table.groups])
    charts = [build_chart(table, styles) for table in view.tables]
    charts += [chart for section in build_theory(records) for chart in section.charts]
    for chart in charts:
        for panel in chart.panels:
            yield _slug(f"{chart.id}-{panel.name}"), lambda panel=panel: panel_figure(panel)  # type: ignore[misc]
    for one in find_distributions(records):
        name = _slug(f"by-image-x{one.scale}-{one.dataset}-{one.protocol}")
        yield name, lambda one=one: distribution_figure(one)  # type: ignore[misc]
    if curves := find_curves(records):
        yield "learning-curves", lambda: curves_figure(curves)


def _slug(name: str) -> str:
    """A name as that of a file: lower case, letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _new(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN_IN, height), layout="constrained")
    return figure, figure.add_subplot()


def panel_figure(panel: Panel) -> Figure:
    """One panel of a plot: points with their intervals, front, marked pairs and names."""
    figure, axes = _new(2.7)
    axes.set_xscale("log")
    if panel.y_log:
        axes.set_yscale("log")
    axes.set_xlabel(panel.x_title)
    axes.set_ylabel(panel.y_title)
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.margins(0.12)
    for fewer, more in panel.links:
        pair = panel.points[fewer], panel.points[more]
        axes.plot([p.x for p in pair], [p.y for p in pair], color="#8f4400", linewidth=0.7, zorder=1.5)
    for point in panel.points:
        colour = PALETTE[point.style % COLOURS]
        x_error = None if point.x_interval is None else _around(point.x, point.x_interval)
        y_error = None if point.y_interval is None else _around(point.y, point.y_interval)
        marker = MARKERS[point.style % SHAPES]
        axes.errorbar(
            *([point.x], [point.y], y_error, x_error),
            fmt=marker,
            color=colour,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
        )
    if panel.front and len(panel.points) > 1:
        _front(axes, panel)
    if panel.reference:
        axes.axhline(panel.reference[1], color="#59636e", linestyle=":", linewidth=0.7)
        axes.annotate(
            panel.reference[0],
            (1, panel.reference[1]),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
        )
    _plain_ticks(axes, panel.y_log)
    _names(figure, axes, panel)
    return figure


def _around(value: float, interval: tuple[float, float]) -> list[list[float]]:
    """An interval as distances from its figure; a median may lie on its end but for rounding."""
    return [[max(0.0, value - interval[0])], [max(0.0, interval[1] - value)]]


def _front(axes: Axes, panel: Panel) -> None:
    """The stairs along the points that no other beats."""
    xs, ys = zip(*pareto_front([(point.x, point.y) for point in panel.points]), strict=True)
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    axes.step(
        [xs[0], *xs, right],
        [bottom, *ys, ys[-1]],
        where="post",
        color="#59636e",
        linestyle="--",
        linewidth=0.7,
    )
    axes.set_xlim(right=right)
    axes.set_ylim(bottom=bottom)


def _plain_ticks(axes: Axes, y_log: bool) -> None:
    """Numbers written out where matplotlib would write powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, *([axes.yaxis] if y_log else [])):
        axis.set_major_locator(LogLocator(subs=(1, 3)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def _names(figure: Figure, axes: Axes, panel: Panel) -> None:
    """The points' names where they cover neither points nor one another; those without room are left out."""
    figure.draw_without_rendering()  # only now are the axes where they will be
    frame = axes.get_window_extent()
    # Names are placed as on the page: y points down, and type and markers have its sizes.
    places = [axes.transData.transform((point.x, point.y)) for point in panel.points]
    points = [(_PAGE * float(x), -_PAGE * float(y)) for x, y in places]
    area = Box(_PAGE * frame.x0, -_PAGE * frame.y1, _PAGE * frame.x1, -_PAGE * frame.y0)
    labels = place_labels(points, [point.label for point in panel.points], area, [])
    for point, (x, y), label in zip(panel.points, points, labels, strict=True):
        if label is None:
            continue
        box = label.box
        offset = (((box.left + box.right) / 2 - x) / _PAGE, (y - (box.top + box.bottom) / 2) / _PAGE)
        arrow = {"arrowstyle": "-", "linewidth": 0.4, "color": "#59636e", "shrinkA": 0, "shrinkB": 2.5}
        axes.annotate(
            point.label,
            (point.x, point.y),
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6,
            arrowprops=arrow if label.leader else None,
        ).set_in_layout(False)


def distribution_figure(one: Distribution) -> Figure:
    """Box plots of a set's images, a network a line, each image a dot."""
    figure, axes = _new(0.7 + 0.17 * len(one.spreads))
    rows = range(len(one.spreads), 0, -1)
    for row, spread in zip(rows, one.spreads, strict=True):
        box = spread.box
        axes.hlines(row, box.low, box.high, color=PALETTE[0], linewidth=0.8, zorder=1.5)
        axes.barh(
            row, box.third - box.first, 0.6, box.first, facecolor="#d0e4f2", edgecolor=PALETTE[0], zorder=2
        )
        axes.vlines(box.median, row - 0.3, row + 0.3, color=PALETTE[0], linewidth=1.6, zorder=3)
        axes.plot(
            spread.values,
            [row] * len(spread.values),
            "|",
            color=PALETTE[6],
            markersize=4,
            alpha=0.6,
            zorder=4,
        )
    axes.set_yticks(list(rows), [spread.title for spread in one.spreads])
    axes.set_xlabel(f"PSNR (dB) of each image, {one.dataset} \u00d7{one.scale}, {one.protocol}")
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    return figure


def curves_figure(curves: Sequence[Curve]) -> Figure:
    """Validation PSNR and training loss against the iteration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN_IN, 3.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for number, curve in enumerate(curves):
        colour, marker = PALETTE[number % COLOURS], MARKERS[number % SHAPES]
        label = f"{curve.title} \u00d7{curve.scale}"
        upper.plot(*zip(*curve.scores, strict=True), label=label, color=colour, marker=marker, markersize=3)
        if curve.losses:
            lower.plot(*zip(*curve.losses, strict=True), color=colour)
    upper.set_ylabel(f"PSNR on {curves[0].dataset} (dB)")
    upper.legend(fontsize=6, frameon=False)
    lower.set_yscale("log")
    lower.set_ylabel("L1 loss")
    lower.set_xlabel("iteration")
    for axes in (upper, lower):
        axes.grid(True)
    return figure
