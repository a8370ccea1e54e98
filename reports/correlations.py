"""How well each theoretical measure foretells runtime: rank correlations over the networks of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from reports.definitions import size_label
from reports.grid import Grid, GridCell, GridRow
from reports.identity import group_key, sort_records
from reports.machines import configuration, environments, machine_names
from reports.profiles import network_of
from suite.records import Record
from suite.statistics import LEAST_RANKED, Interval, rank_correlation

THEORY = {
    "params": "parameters",
    "macs": "MACs",
    "activations": "activations",
    "conv_layers": "convolutions executed",
    "bytes_moved": "bytes moved",
    "peak_bytes": "peak memory",
}
"""What stands beside runtime, by metric."""

Network = tuple[str, str, str]
"""Name, origin of the weights, digest of the weights."""


def build_correlations(records: Sequence[Record]) -> list[Grid]:
    """One table for each machine, configuration, scale and input at which enough networks were timed."""
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    timed = [r for r in ordered if r.input and r.value("latency_ms") is not None]
    timed = [r for r in timed if r.measure == "runtime" and r.weights != "no parameters"]

    def place(record: Record) -> tuple[int, str, tuple[object, ...]]:
        return (record.scale, record.input.partition("x")[2], group_key(record))

    grids = []
    for (scale, pixels, key), members in groupby(sorted(timed, key=place), key=place):
        latencies = {network_of(r): float(r.value("latency_ms") or 0.0) for r in members}
        theory = _theory(ordered, scale, pixels, key)
        rows = [row for metric in THEORY if (row := _row(metric, theory.get(metric, {}), latencies))]
        if rows:
            where = f"{machines[str(key[0])]}; {configuration(_of_group(timed, key))}"
            at = f"\u00d7{scale}, input {size_label(pixels)}"
            grids.append(
                Grid(
                    f"Order of runtimes against order of each measure: {where}; {at}",
                    "Measure",
                    (
                        ("Networks", ""),
                        ("Spearman", "95 % interval"),
                        ("Kendall", "95 % interval"),
                        ("Says", ""),
                    ),
                    tuple(rows),
                    (_NOTE,),
                )
            )
    return grids


_NOTE = (
    "1: the same order as runtime, 0: none, \u22121: the reverse. Intervals by Fisher's transformation "
    f"(Bonett and Wright, 2000); below {LEAST_RANKED} networks nothing is said. The networks are those of "
    "the records, no sample of all that there are."
)


def _of_group(records: Sequence[Record], key: tuple[object, ...]) -> Record:
    return next(record for record in records if group_key(record) == key)


def _theory(
    records: Sequence[Record], scale: int, pixels: str, key: tuple[object, ...]
) -> dict[str, dict[str, float]]:
    """Figures by metric and name of the network; memory of the same group, cost of any."""
    found: dict[str, dict[str, float]] = {metric: {} for metric in THEORY}
    for record in sorted(records, key=lambda r: r.finished):
        if record.scale != scale or record.input.partition("x")[2] != pixels:
            continue
        if record.measure != "cost" and (record.measure != "memory" or group_key(record) != key):
            continue
        for metric in THEORY:
            if (value := record.value(metric)) is not None:
                found[metric][record.model] = value
    return found


def _row(metric: str, theory: Mapping[str, float], latencies: Mapping[Network, float]) -> GridRow | None:
    """The row of a measure; None where too few networks have it, or all have the same."""
    both = [who for who in latencies if who[0] in theory]
    first, second = [theory[who[0]] for who in both], [latencies[who] for who in both]
    rho = rank_correlation(first, second)
    tau = rank_correlation(first, second, kind="kendall")
    if rho is None or tau is None:
        return None
    cells = (GridCell(f"{len(both)}"), _cell(rho), _cell(tau), GridCell(sentence(rho)))
    return GridRow(THEORY[metric], cells)


def _cell(interval: Interval) -> GridCell:
    figure, lower, upper = (f"{value:+.2f}".replace("-", "\u2212") for value in interval)
    return GridCell(figure, f"{lower} to {upper}")


def sentence(interval: Interval) -> str:
    """What a correlation with its interval says of a measure as a forecast of runtime."""
    _, lower, upper = interval
    if lower > 0.7:
        return "foretells runtime well"
    if lower > 0:
        return "says something about runtime"
    if upper < 0:
        return "more of it is faster"
    return "not shown to foretell runtime"
