"""Profiles: where the time of each network goes, by kind of operator, and how near to the ceilings
that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.columns import BUSY
from reports.definitions import size_label
from reports.grid import Grid, GridCell, GridRow
from reports.identity import group_key, model_title, sort_records, weights_digest, weights_label
from reports.machines import configuration, environments, machine_names
from suite.profiles import TOLERANCE, Ceilings, Layer, Profile, Work, read_profile, total
from suite.records import Record


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """Networks that were profiled on one machine in one configuration, at one scale and input."""

    where: str
    """Machine, configuration, scale and input."""
    profiles: tuple[Profile, ...]
    """Of each network the latest; those of one session in the order in which they were asked for."""


def find_groups(records: Sequence[Record]) -> list[ProfileGroup]:
    """The profiles of records in groups that may be compared. The order of the records does not matter."""
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    found = [profile for profile in map(read_profile, ordered) if profile]

    def place(profile: Profile) -> tuple[int, str, tuple[object, ...]]:
        record = profile.record
        return (record.scale, record.input, group_key(record))

    groups = []
    for (scale, size, key), members in groupby(sorted(found, key=place), key=place):
        latest = {network_of(p.record): p for p in sorted(members, key=lambda p: p.record.finished)}
        where = f"{machines[str(key[0])]}; {configuration(next(iter(latest.values())).record)}"
        groups.append(
            ProfileGroup(
                f"{where}; \u00d7{scale}, input {size_label(size)}",
                tuple(sorted(latest.values(), key=_asked)),
            )
        )
    return groups


def network_of(record: Record) -> tuple[str, str, str]:
    """What tells networks of one group apart: name, origin and digest of the weights."""
    return (record.model, record.weights, weights_digest(record))


def _asked(profile: Profile) -> tuple[str, int, str]:
    order = [str(title) for title in profile.record.details.get("timed_with", ())]
    title = f"{profile.record.model} x{profile.record.scale}"
    return (profile.session, order.index(title) if title in order else len(order), profile.record.key)


def names_of(profiles: Sequence[Profile]) -> list[str]:
    """The networks' names, with their weights where a name alone is not one network's."""
    titles = [model_title(profile.record) for profile in profiles]
    return [
        title if titles.count(title) == 1 else f"{title}, {weights_label(profile.record)}"
        for title, profile in zip(titles, profiles, strict=True)
    ]


WORK_COLUMNS = (
    ("Time (ms)", "95 % interval"),
    ("Share", "of the forward"),
    ("Calls", ""),
    ("MACs (G)", ""),
    ("Bytes moved (MB)", ""),
    ("Of the ceiling", "and which"),
    ("Operations a byte", ""),
    ("Rate (Gop/s)", "2 a MAC"),
    ("Throughput (GB/s)", ""),
    ("Activations (M)", ""),
    ("Parameters", ""),
)
FIRST_COLUMNS = 6
"""How many of them a narrow terminal shows."""


def network_grid(group: ProfileGroup) -> Grid:
    """The networks of a group beside one another, all operators of each together."""
    columns = (
        ("Forward (ms)", "95 % interval"),
        ("Of the ceiling", "and which"),
        ("Operations a byte", ""),
        ("Rate (Gop/s)", "2 a MAC"),
        ("MACs (G)", ""),
        ("Bytes moved (MB)", ""),
        ("Calls", ""),
        ("In no operator", ""),
        ("Page faults", "a pass"),
    )
    rows = [
        GridRow(name, _network_cells(profile))
        for name, profile in zip(names_of(group.profiles), group.profiles, strict=True)
    ]
    return Grid(f"Networks: {group.where}", "Network", columns, tuple(rows), first=6)


def _network_cells(profile: Profile) -> tuple[GridCell, ...]:
    forward, lower, upper = profile.forward
    work, attained = profile.all, profile.attained(profile.layers)
    bound = profile.ceilings.bound(work) if profile.ceilings else ""
    return (
        GridCell(f"{forward:,.1f}", f"{lower:,.1f}\u2013{upper:,.1f}"),
        GridCell("" if attained is None else f"{attained:.0%}", bound),
        GridCell(f"{work.intensity:,.1f}"),
        GridCell(f"{work.rate / 1e9:,.1f}"),
        GridCell(f"{work.macs / 1e9:,.2f}"),
        GridCell(f"{work.bytes_moved / 1e6:,.0f}"),
        GridCell(f"{work.calls:,}"),
        GridCell(f"{profile.rest_ms / forward:.1%}".replace("-", "\u2212")),
        GridCell(f"{profile.usage.get('minor_faults', 0.0):,.0f}"),
    )


def kind_grid(profile: Profile, name: str) -> Grid:
    """A network's time by kind of operator. It adds up to the forward as it is."""
    rows = [
        _row(
            profile,
            kind.name,
            kind.work,
            _layers_of(profile, kind.name),
            f"{kind.lower:,.1f}\u2013{kind.upper:,.1f}",
        )
        for kind in sorted(profile.kinds, key=lambda kind: -kind.work.time_ms)
    ]
    return Grid(
        f"{name}: {profile.forward[0]:,.1f} ms by kind of operator",
        "Kind",
        WORK_COLUMNS,
        (*rows, *_sums(profile)),
        tuple(profile_notes(profile)),
        first=FIRST_COLUMNS,
    )


def layer_grid(profile: Profile, name: str, most: int) -> Grid:
    """A network's time by layer and operator, the longest first; ``most`` rows, 0 for all in their order."""
    layers = list(profile.layers)
    if most:
        layers = sorted(layers, key=lambda layer: -layer.work.time_ms)[:most]
    rows = [
        _row(profile, layer.path, layer.work, [layer], "", f"{layer.layer}, {layer.operator}".strip(", "))
        for layer in layers
    ]
    left = [layer for layer in profile.layers if layer not in layers]
    if left:
        rows.append(_row(profile, f"{len(left)} more", total(layer.work for layer in left), left, ""))
    return Grid(
        f"{name}: {profile.forward[0]:,.1f} ms by layer",
        "Layer",
        WORK_COLUMNS,
        (*rows, *_sums(profile)),
        first=FIRST_COLUMNS,
    )


def _layers_of(profile: Profile, kind: str) -> list[Layer]:
    return [layer for layer in profile.layers if layer.kind == kind]


def _row(
    profile: Profile, title: str, work: Work, layers: Sequence[Layer], interval: str, sub: str = ""
) -> GridRow:
    attained = profile.attained(layers) if work.bytes_moved else None
    bound = profile.ceilings.bound(work) if profile.ceilings else ""
    return GridRow(
        title,
        (
            GridCell(f"{work.time_ms:,.2f}", interval),
            GridCell(f"{work.time_ms / profile.forward[0]:.1%}"),
            GridCell(f"{work.calls:,}"),
            GridCell(f"{work.macs / 1e9:,.3f}" if work.macs else ""),
            GridCell(f"{work.bytes_moved / 1e6:,.1f}"),
            GridCell("" if attained is None else f"{attained:.0%}", "" if attained is None else bound),
            GridCell(f"{work.intensity:,.1f}" if work.macs else ""),
            GridCell(f"{work.rate / 1e9:,.1f}" if work.macs else ""),
            GridCell(f"{work.throughput / 1e9:,.2f}" if work.bytes_moved else ""),
            GridCell(f"{work.activations / 1e6:,.2f}" if work.activations else ""),
            GridCell(f"{work.params:,}" if work.params else ""),
        ),
        sub,
    )


def _sums(profile: Profile) -> Iterator[GridRow]:
    """The rows below a table: all operators, the rest and the forward."""
    empty = (GridCell(""),) * (len(WORK_COLUMNS) - 2)
    forward, lower, upper = profile.forward
    yield _row(profile, "All operators", profile.all, profile.layers, "")
    yield GridRow(
        "Rest, in no operator",
        (GridCell(f"{profile.rest_ms:,.2f}"), GridCell(f"{profile.rest_ms / forward:.1%}"), *empty),
    )
    yield GridRow(
        "Forward pass as it is",
        (GridCell(f"{forward:,.2f}", f"{lower:,.1f}\u2013{upper:,.1f}"), GridCell("100.0%"), *empty),
    )


def profile_notes(profile: Profile) -> Iterator[str]:
    """What a reader of one profile must know."""
    if profile.distorted:
        yield distortion(profile)
    busy = float(profile.record.details.get("busy_before") or 0.0)
    if busy > BUSY:
        yield f"Other programs used {busy:.0%} of the processors before: repeat it on an idle machine."
    faults, system = profile.usage.get("minor_faults", 0.0), profile.usage.get("system_ms", 0.0)
    yield (
        f"One pass takes {faults:,.0f} page faults and {system:,.1f} ms of the system's time. Many of them "
        "mean that memory is given back and fetched anew, page by page."
    )
    if profile.ceilings:
        yield ceilings_text(profile.ceilings, profile.record.precision)


def distortion(profile: Profile) -> str:
    """What it means that operators and forward lie far apart."""
    miss = profile.rest_ms / profile.forward[0]
    return (
        f"The operators' times and the forward lie {miss:+.0%} apart, more than {TOLERANCE:.0%}: the machine "
        "was disturbed, or the network is so small that Python and dispatching count. Shares are no surer."
    )


def ceilings_text(ceilings: Ceilings, precision: str) -> str:
    """The ceilings in one sentence."""
    threads = "1 thread" if ceilings.threads == 1 else f"{ceilings.threads} threads"
    return (
        f"Ceilings with {threads}, measured in the same process: {ceilings.product / 1e9:,.1f} Gop/s in "
        f"{precision} matrix products, {ceilings.convolution / 1e9:,.1f} Gop/s in 3\u00d73 convolutions, "
        f"{ceilings.copy / 1e9:,.2f} GB/s in a copy and {ceilings.triad / 1e9:,.2f} GB/s in a triad. Above "
        f"{ceilings.ridge:,.1f} operations a byte arithmetic is the limit, below it memory."
    )
