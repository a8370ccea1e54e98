"""What a reader can choose in a plot: axes among the columns of a table, and what it shows at first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.view import Column, Table


@dataclass(frozen=True, slots=True)
class Choice:
    """The controls of one plot in the page."""

    key: str
    """Tells its state in the address from that of other plots; unique on the page."""
    scale: int
    across: tuple[Column, ...]
    up: tuple[Column, ...]
    sizes: tuple[Column, ...]
    """Columns that the area of the markers may stand for."""
    x: str
    """Id of the column across at first."""
    y: str
    groups: tuple[str, ...]
    """Machine and configuration of each group of the table."""
    y_log: bool = False
    front: bool = False
    """Whether the Pareto front is among the controls."""
    pairs: bool = False
    """Whether pairs of which the one with less across has more up can be marked."""


def plottable(table: Table) -> tuple[Column, ...]:
    """The columns with a finite figure of a network; none unless there are two, as a plot needs."""
    rows = [row for group in table.groups for row in group.rows if not row.reference]
    found = tuple(
        column
        for index, column in enumerate(table.columns)
        if any((value := row.cells[index].value) is not None and math.isfinite(value) for row in rows)
    )
    return found if len(found) > 1 else ()


def groups_of(table: Table) -> tuple[str, ...]:
    """Machine and configuration of each group of a table."""
    return tuple(f"{group.machine}; {group.configuration}" for group in table.groups)


def leaderboard_choice(table: Table) -> Choice | None:
    """Any column against any; at first PSNR on the first dataset against parameters, or the next best."""
    columns = plottable(table)
    if not columns:
        return None

    def first(metrics: Sequence[str], other: str = "") -> str:
        ordered = [c.id for metric in metrics for c in columns if c.metric == metric and c.id != other]
        return next(iter([*ordered, *(c.id for c in columns if c.id != other)]))

    up = first(("psnr", "ssim", "latency_ms", "peak_bytes"))
    across = first(("macs", "params", "latency_ms") if up.startswith("runtime") else ("params", "macs"), up)
    return Choice(
        f"x{table.scale}", table.scale, columns, columns, columns, across, up, groups_of(table), front=True
    )


def theory_choice(table: Table, across: Sequence[Column], latency: Column, key: str) -> Choice:
    """A latency against one of the given columns, both on log scales, pairs marked."""
    return Choice(
        *(key, table.scale, tuple(across), (latency,), plottable(table), across[0].id, latency.id),
        groups_of(table),
        y_log=True,
        pairs=True,
    )
