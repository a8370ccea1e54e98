"""What the ledger holds: published figures, their sources, and the reasons of known differences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

MEMORY = "from memory, unverified"
"""Status of a figure that nobody has looked up: it is kept and shown, and decides nothing."""

STATUS = re.compile(rf"single source|verified by [2-9]\d* sources|exact count / computed|{MEMORY}")
"""How far a figure is verified: by the sources of how many laboratories, which shows faithful quoting and not
independent measurement, or by a count made from public code."""

COUNTS = (
    "params",
    "macs",
    "macs_with_bias",
    "macs_fvcore",
    "macs_ptflops",
    "macs_ntire",
    "activations",
    "activations_ntire",
    "conv_layers",
)
"""Metrics of cost."""

MEASURES: Mapping[str, str] = {
    **dict.fromkeys(COUNTS, "cost"),
    "psnr": "quality",
    "ssim": "quality",
    "peak_bytes": "memory",
    "weights_bytes": "memory",
    "latency_ms": "runtime",
    "latency_p95_ms": "runtime",
    "cold_start_ms": "runtime",
    "ntire_mean_ms": "runtime",
}
"""The measure that gives a metric, for every metric that a published figure can have."""

OF_THE_MACHINE = ("memory", "runtime")
"""Measures whose figures belong to a machine: one from elsewhere is shown and never compared."""

_COUNT_UNITS = {"": Decimal(1), "K": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9)}
_BYTE_UNITS = {"bytes": Decimal(1), "MB": Decimal(10**6), "MiB": Decimal(2**20), "GiB": Decimal(2**30)}


def units(metric: str) -> Mapping[str, Decimal]:
    """The units in which a metric may be printed, the default first, and what one of each is in a record."""
    if metric in COUNTS:
        return _COUNT_UNITS
    if MEASURES[metric] == "memory":
        return _BYTE_UNITS
    return {"psnr": {"dB": Decimal(1)}, "ssim": {"": Decimal(1)}}.get(metric, {"ms": Decimal(1)})


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures were read."""

    id: str
    what: str
    """The page, file or paper, so that a reader finds it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One published figure."""

    table: str
    """Id of its table."""
    model: str
    """The suite's name of the network where it has one, else the published name."""
    name: str
    """The name as printed."""
    scale: int
    metric: str
    value: Decimal
    """As printed, with all its digits, in ``unit``."""
    unit: str
    sources: tuple[str, ...]
    status: str
    tolerance: Decimal | None
    """Greatest difference that counts as reproduced, in ``unit``; None for figures of another machine."""
    dataset: str = ""
    protocol: str = ""
    input: str = ""
    """Size of the low-resolution input as ``CxHxW``; empty where it does not matter or ``output`` says it."""
    output: str = ""
    """Size of the output as ``WIDTHxHEIGHT``, for figures that papers give for it."""
    conditions: str = ""
    """What else the figure depends on."""
    note: str = ""

    @property
    def measure(self) -> str:
        """The measure that gives this figure."""
        return MEASURES[self.metric]

    @property
    def decimals(self) -> int:
        """Number of printed decimals."""
        return decimals(self.value)

    @property
    def decides(self) -> bool:
        """Whether the figure is verified far enough to judge a measurement."""
        return self.status != MEMORY

    @property
    def figure(self) -> str:
        """What it is a figure of, such as ``psnr Set5 sr-y`` or ``macs 1280x720``."""
        return " ".join(filter(None, (self.metric, self.dataset, self.protocol, self.input, self.output)))

    def takes_input(self, size: str) -> bool:
        """Whether a record at an input ``CxHxW`` is one at this figure's input or output size.

        An output of 1280x720 stands for the largest input whose upscaled size fits into it.
        """
        if self.output:
            width, height = (int(side) // self.scale for side in self.output.split("x"))
            return size.split("x")[1:] == [str(height), str(width)]
        return not self.input or size == self.input


@dataclass(frozen=True, slots=True)
class Difference:
    """Why one published figure is known to differ, and how far: beyond its bounds it explains nothing."""

    table: str
    model: str
    metric: str
    dataset: str
    low: Decimal
    """Least difference, measured less published, that the reason accounts for, in the figure's unit."""
    high: Decimal
    because: str
    agrees_with: tuple[str, ...] = ()
    """Metrics of cost whose sum, at the same input, must give the published figure."""
    agrees_model: str = ""
    """The network whose metrics these are; empty: the figure's own."""

    def is_of(self, entry: Entry) -> bool:
        """Whether it speaks of an entry."""
        names = (entry.table, entry.model, entry.metric, entry.dataset)
        return names == (self.table, self.model, self.metric, self.dataset)


@dataclass(frozen=True, slots=True)
class Table:
    """One published table."""

    id: str
    title: str
    scale: int
    entries: tuple[Entry, ...]
    empty: str = ""
    """Why there are no entries, if there are none."""
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Published figures, where they come from and which differences are known."""

    tables: tuple[Table, ...]
    sources: Mapping[str, Source]
    differences: tuple[Difference, ...] = ()

    def entries(self) -> Iterator[Entry]:
        """Every figure, table by table."""
        for table in self.tables:
            yield from table.entries

    def difference(self, entry: Entry) -> Difference | None:
        """What is known about why a figure differs."""
        return next((difference for difference in self.differences if difference.is_of(entry)), None)


def decimals(number: Decimal) -> int:
    """Number of decimals that a number is written with."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # the ledger holds finite numbers alone
    return max(0, -exponent)


def half_digit(number: Decimal) -> Decimal:
    """Half a unit of the last printed digit: what rounding may have taken away."""
    return Decimal(5).scaleb(-decimals(number) - 1)
