"""What a profile's record says: work by layer and kind, how near to the machine's ceilings, and why one
network takes longer than another. Pure functions of records.

Ceilings are those of the roofline model (Williams, Waterman and Patterson, Communications of the ACM 52(4),
2009): an operator cannot be quicker than its arithmetic at the best rate of the machine, nor than its bytes
at the best bandwidth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from suite.kinds import kind_order
from suite.records import Record
from suite.statistics import Interval, difference_of, paired_difference

TOLERANCE = 0.1
"""Share of the forward that its operators may miss, or exceed, before the profile is said to be distorted."""

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Work:
    """What some calls of operators amount to in one forward pass."""

    calls: int = 0
    params: int = 0
    macs: int = 0
    activations: int = 0
    convolutions: int = 0
    bytes_moved: int = 0
    time_ms: float = 0.0
    """Sum of the calls' times."""

    def __add__(self, other: Work) -> Work:
        return Work(
            self.calls + other.calls,
            self.params + other.params,
            self.macs + other.macs,
            self.activations + other.activations,
            self.convolutions + other.convolutions,
            self.bytes_moved + other.bytes_moved,
            self.time_ms + other.time_ms,
        )

    @property
    def operations(self) -> int:
        """Two for a multiply-accumulate, as in rooflines."""
        return 2 * self.macs

    @property
    def intensity(self) -> float:
        """Operations a byte moved; 0 where nothing is multiplied."""
        return self.operations / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def rate(self) -> float:
        """Operations a second; 0 where no time was measured."""
        return self.operations / self.time_ms * 1000 if self.time_ms else 0.0

    @property
    def throughput(self) -> float:
        """Bytes moved a second."""
        return self.bytes_moved / self.time_ms * 1000 if self.time_ms else 0.0


def total(works: Iterable[Work]) -> Work:
    """The sum of works."""
    return reduce(Work.__add__, works, Work())


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of one layer, all its calls together."""

    path: str
    layer: str
    """Class of the layer."""
    operator: str
    kind: str
    work: Work


@dataclass(frozen=True, slots=True)
class Kind:
    """All operators of one kind."""

    name: str
    work: Work
    lower: float
    """Ends of the 95 % interval of the time, in milliseconds."""
    upper: float

    @property
    def time(self) -> Interval:
        """The time with its interval."""
        return self.work.time_ms, self.lower, self.upper


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The best that the machine did in the precision and with the threads of a profile."""

    threads: int
    product: float
    """Operations a second of matrix products."""
    convolution: float
    copy: float
    """Bytes a second."""
    triad: float

    @property
    def operations(self) -> float:
        """The better rate of the two."""
        return max(self.product, self.convolution)

    @property
    def bandwidth(self) -> float:
        """The better bandwidth of the two."""
        return max(self.copy, self.triad)

    @property
    def ridge(self) -> float:
        """Operations a byte from which on arithmetic is the limit."""
        return self.operations / self.bandwidth

    def least_ms(self, work: Work) -> float:
        """The time that work takes at the ceilings, in milliseconds."""
        return 1000 * max(work.operations / self.operations, work.bytes_moved / self.bandwidth)

    def bound(self, work: Work) -> Bound:
        """Which of the two ceilings is the lower one."""
        return "compute" if work.intensity > self.ridge else "memory"


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of a network's forward pass goes."""

    record: Record
    forward: Interval
    """Median of the passes as they are, in milliseconds, with its interval."""
    samples_ms: tuple[float, ...]
    kinds: tuple[Kind, ...]
    layers: tuple[Layer, ...]
    ceilings: Ceilings | None
    """None where they were not measured in this precision."""
    usage: Mapping[str, float]
    session: str

    @property
    def all(self) -> Work:
        """All operators together."""
        return total(layer.work for layer in self.layers)

    @property
    def rest_ms(self) -> float:
        """What of the forward is in no operator: Python, dispatching, freeing; negative where timing the
        operators slowed them down by more than that."""
        return self.forward[0] - self.all.time_ms

    @property
    def distorted(self) -> bool:
        """Whether operators and forward lie further apart than `TOLERANCE`."""
        return abs(self.rest_ms) > TOLERANCE * self.forward[0]

    def attained(self, parts: Sequence[Layer]) -> float | None:
        """Share of the ceilings that operators reach together: time at the ceilings over time that it took.

        None without ceilings or time. More than 1 where a cache beats memory.
        """
        took = math.fsum(part.work.time_ms for part in parts)
        if self.ceilings is None or not took:
            return None
        return math.fsum(self.ceilings.least_ms(part.work) for part in parts) / took


def read_profile(record: Record) -> Profile | None:
    """The profile in a record; None for a record that holds none or not a whole one."""
    if record.measure != "profile" or not record.values:
        return None
    try:
        forward = next(value for value in record.values if value.metric == "forward_ms")
        columns = [str(name) for name in record.details["layers"]["columns"]]
        rows = [dict(zip(columns, row, strict=True)) for row in record.details["layers"]["rows"]]
        return Profile(
            record=record,
            forward=(
                forward.value,
                forward.value if forward.lower is None else forward.lower,
                forward.value if forward.upper is None else forward.upper,
            ),
            samples_ms=tuple(float(sample) for sample in record.details["samples_ms"]),
            kinds=tuple(map(_kind, record.details["kinds"])),
            layers=tuple(
                Layer(str(row["path"]), str(row["layer"]), str(row["operator"]), str(row["kind"]), _work(row))
                for row in rows
            ),
            ceilings=_ceilings(record),
            usage={str(name): float(value) for name, value in record.details["usage"].items()},
            session=str(record.details["session"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, StopIteration):
        return None


def _work(row: Mapping[str, Any]) -> Work:
    return Work(
        calls=int(row["calls"]),
        params=int(row["params"]),
        macs=int(row["macs"]),
        activations=int(row["activations"]),
        convolutions=int(row["convolutions"]),
        bytes_moved=int(row["bytes_moved"]),
        time_ms=float(row["time_ms"]),
    )


def _kind(row: Mapping[str, Any]) -> Kind:
    return Kind(str(row["kind"]), _work(row), float(row["lower"]), float(row["upper"]))


def _ceilings(record: Record) -> Ceilings | None:
    """Those of the record's precision and number of threads."""
    for found in record.details.get("ceilings", ()):
        rates = {name: float(found[name].get(record.precision, 0.0)) for name in ("product", "convolution")}
        if int(found["threads"]) == record.threads and max(rates.values()) > 0:
            bandwidth = found["bandwidth"]
            return Ceilings(
                record.threads, **rates, copy=float(bandwidth["copy"]), triad=float(bandwidth["triad"])
            )
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of operator contributes to the difference of two networks."""

    kind: str
    first: Work
    second: Work
    difference: Interval
    """Milliseconds of the first less those of the second."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the difference of two networks' times comes from."""

    first: Profile
    second: Profile
    parts: tuple[Part, ...]
    """Those that make the first slower come first."""
    rest_ms: float
    """What is in no operator: they and the rest add up to the difference."""
    difference: Interval
    """Forward of the first less that of the second, in milliseconds."""

    @property
    def paired(self) -> bool:
        """Whether both were timed in turn, in the same rounds."""
        return bool(self.first.session) and self.first.session == self.second.session


def explain(first: Profile, second: Profile) -> Explanation:
    """The difference of two networks' times by kind of operator."""
    sides = [{kind.name: kind for kind in profile.kinds} for profile in (first, second)]
    names = sorted(sides[0].keys() | sides[1].keys(), key=lambda name: (kind_order(name), name))
    absent = Kind("", Work(), 0.0, 0.0)
    parts = []
    for name in names:
        one, other = (side.get(name, absent) for side in sides)
        parts.append(Part(name, one.work, other.work, difference_of(one.time, other.time)))
    parts.sort(key=lambda part: -part.difference[0])
    return Explanation(
        first, second, tuple(parts), first.rest_ms - second.rest_ms, _difference(first, second)
    )


def _difference(first: Profile, second: Profile) -> Interval:
    """Difference of the medians; its interval from pairs where both were timed in the same rounds."""
    figure = first.forward[0] - second.forward[0]
    rounds = min(len(first.samples_ms), len(second.samples_ms))
    if first.session == second.session and rounds > 1:
        _, lower, upper = paired_difference(first.samples_ms[:rounds], second.samples_ms[:rounds])
        return figure, min(lower, figure), max(upper, figure)
    return difference_of(first.forward, second.forward)
