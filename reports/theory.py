"""Runtime against theory: how far counted operations foretell time, and the pairs where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.choices import theory_choice
from reports.grid import Grid, GridCell, GridRow, Section
from reports.leaderboard import build
from reports.notes import row_name
from reports.plot import Chart, Panel, family_styles, make_panel
from reports.view import Column, Group, Row, Table
from suite.records import Record
from suite.statistics import rank_correlation
from suite.timing import Ratio, floor_of, samples_of, time_ratio

THEORY = {"macs": "MACs", "params": "parameters", "activations": "activations", "bytes_moved": "bytes moved"}
"""What runtime is held against, by metric."""
MARKED = 6
"""Pairs that are drawn as lines."""
LISTED = 15
"""Pairs that are listed."""
KNOWN = ("bsrn", "rfdn")
"""A pair that is always marked where it is one: the paper's network and the one that it improves on."""

_Indexed = tuple[int, Column]


@dataclass(frozen=True, slots=True)
class Timed:
    """One network with its latency and the record behind it."""

    row: Row
    latency: float
    record: Record


@dataclass(frozen=True, slots=True)
class Inversion:
    """A pair of which the one with fewer operations takes longer."""

    fewer: Timed
    more: Timed
    operations: float
    """Those of the first divided by those of the second, below 1."""
    time: Ratio
    """Time of the first divided by that of the second."""

    @property
    def clear(self) -> bool:
        """Whether the times can be told apart beyond the noise of the session."""
        return self.time.verdict == "slower"


def build_theory(records: Sequence[Record]) -> list[Section]:
    """A section with a plot for each machine, scale and input with two networks that were timed in turn."""
    view = build(records)
    styles = family_styles([group for table in view.tables for group in table.groups])
    by_key = {record.key: record for record in records}
    charts: list[Chart] = []
    grids: list[Grid] = []
    sentences: list[str] = []
    for table in view.tables:
        for latency in enumerate(table.columns):
            if latency[1].metric != "latency_ms":
                continue
            for group in table.groups:
                timed = _timed(group, latency[0], by_key)
                across = [
                    pair for metric in THEORY if (pair := _theory_column(table, metric, latency[1], timed))
                ]
                if len(timed) < 2 or not across:
                    continue
                where = f"\u00d7{table.scale}, {group.machine}; {group.configuration}"
                found = [_judge(timed, x) for x in across]
                key = f"theory-{len(charts) + 1}"
                charts.append(_chart(key, where, table, group, latency, across, found, styles))
                sentences.append(f"{where}: {_sentence(timed, across[0], found[0])}")
                grids += _grids(where, across[0], found[0])
    if not charts:
        return []
    return [
        Section(
            "theory",
            "Runtime against theory",
            tuple(sentences),
            tuple(grids),
            long=True,
            charts=tuple(charts),
        )
    ]


def _timed(group: Group, latency: int, records: Mapping[str, Record]) -> list[Timed]:
    """The networks of a group that were timed in the session of most of them."""
    rows = [row for row in group.rows if not row.reference and row.cells[latency].value is not None]
    found = [Timed(row, row.cells[latency].value or 0.0, records[row.cells[latency].key]) for row in rows]
    found = [one for one in found if samples_of(one.record)]
    sessions = Counter(str(one.record.details.get("session", "")) for one in found)
    most = max(sorted(sessions), key=lambda session: sessions[session], default="")
    return [one for one in found if str(one.record.details.get("session", "")) == most]


def _theory_column(table: Table, metric: str, latency: Column, timed: Sequence[Timed]) -> _Indexed | None:
    """The column of a metric at the input of the latency, else its first, if two networks have figures."""
    found = [
        (index, column)
        for index, column in enumerate(table.columns)
        if column.metric == metric and sum(bool(one.row.cells[index].value) for one in timed) > 1
    ]
    return min(found, key=lambda pair: (pair[1].input != latency.input, pair[0]), default=None)


def _judge(timed: Sequence[Timed], x: _Indexed) -> tuple[int, list[Inversion]]:
    """Number of pairs with unlike counts, and those of them where fewer operations take longer."""
    counted = sorted(
        (count, number, one)
        for number, one in enumerate(timed)
        if (count := one.row.cells[x[0]].value) is not None and count > 0
    )
    counts = np.array([count for count, _, _ in counted])
    latencies = np.array([one.latency for _, _, one in counted])
    fewer = counts[:, None] < counts
    inverted = []
    for few, many in np.argwhere(fewer & (latencies[:, None] > latencies)).tolist():
        first, second = counted[few][2], counted[many][2]
        samples = samples_of(first.record), samples_of(second.record)
        ratio = time_ratio(*samples, floor_of(first.record) or 0.0)
        inverted.append(Inversion(first, second, counted[few][0] / counted[many][0], ratio))
    inverted.sort(key=lambda one: (not one.clear, -one.time.ratio / one.operations))
    return int(fewer.sum()), inverted


def _sentence(timed: Sequence[Timed], x: _Indexed, judged: tuple[int, list[Inversion]]) -> str:
    """How often the count misleads, how well it orders, and the pair where it misleads most."""
    pairs, inverted = judged
    name = THEORY[x[1].metric]
    clear = [one for one in inverted if one.clear]
    words = [
        f"of {pairs} pairs of networks the one with fewer {name} is slower in {len(inverted)} "
        f"({len(inverted) / max(pairs, 1):.0%}), in {len(clear)} of them beyond the noise of the session"
    ]
    both = [(v, one.latency) for one in timed if (v := one.row.cells[x[0]].value) is not None]
    if correlation := rank_correlation(*map(list, zip(*both, strict=True))):
        rho, lower, upper = (f"{figure:.2f}".replace("-", "\u2212") for figure in correlation)
        words.append(
            f"Spearman's rank correlation of {name} and latency is {rho} (95 % interval {lower} to {upper})"
        )
    else:
        words.append(f"{len(both)} networks are too few for a rank correlation")
    if clear:
        words.append(_words(_marked(clear)[0], name))
    return "; ".join(words) + "."


def _words(one: Inversion, name: str) -> str:
    return (
        f"{one.fewer.row.title} has {1 - one.operations:.0%} fewer {name} than {one.more.row.title} "
        f"and takes {one.time.ratio:.2f} times as long"
    )


def _marked(inverted: Sequence[Inversion]) -> list[Inversion]:
    """The pairs that are drawn: the one that is known, then those that mislead most."""
    known = [one for one in inverted if (one.fewer.row.model, one.more.row.model) == KNOWN]
    return [*known, *(one for one in inverted if one not in known)][:MARKED]


def _chart(
    key: str,
    where: str,
    table: Table,
    group: Group,
    latency: _Indexed,
    across: Sequence[_Indexed],
    found: Sequence[tuple[int, list[Inversion]]],
    styles: Mapping[str, int],
) -> Chart:
    panels = [
        _with_links(make_panel([group], x, latency, x[1].label, styles), judged, x)
        for x, judged in zip(across, found, strict=True)
    ]
    choice = theory_choice(table, [column for _, column in across], latency[1], key)
    return Chart(key, where, "", tuple(panels), choice, drawn=1)


def _with_links(panel: Panel, judged: tuple[int, list[Inversion]], x: _Indexed) -> Panel:
    """A panel on log scales with lines from the network with fewer operations to the faster one."""
    tips = [point.tip for point in panel.points]

    def place(row: Row) -> int:
        return next(number for number, tip in enumerate(tips) if tip.startswith(f"{row_name(row)}: "))

    marked = _marked([one for one in judged[1] if one.clear])
    links = tuple((place(one.fewer.row), place(one.more.row)) for one in marked)
    legend = "Lines lead from a network to a faster one that has more " + THEORY[x[1].metric] + "."
    return replace(panel, links=links, y_log=True, caption=(*([legend] if links else []), *panel.caption))


def _grids(where: str, x: _Indexed, judged: tuple[int, list[Inversion]]) -> Iterator[Grid]:
    """The pairs whose times can be told apart, the most misleading first."""
    clear = [one for one in judged[1] if one.clear]
    if not clear:
        return
    name = x[1].label
    more = len(clear) - LISTED
    yield Grid(
        caption=f"Fewer {name}, yet slower: {where}",
        stub="Slower",
        columns=(("Faster", ""), (f"{name}, ratio", x[1].at), ("Time, ratio", "95 % interval")),
        rows=tuple(
            GridRow(
                one.fewer.row.title,
                (
                    GridCell(one.more.row.title),
                    GridCell(f"{one.operations:.2f}"),
                    GridCell(f"{one.time.ratio:.2f}", f"{one.time.lower:.2f}\u2013{one.time.upper:.2f}"),
                ),
            )
            for one in clear[:LISTED]
        ),
        notes=(f"{more} more pairs are not listed.",) if more > 0 else (),
    )
