"""What a leaderboard consists of, before it is shown in a terminal or on a page."""

from __future__ import annotations

from dataclasses import dataclass

NOT_ASKED_FOR = "not asked for"
"""Reason for a missing figure of which there is no record at all."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of every row."""

    id: str
    """Unique in its table, such as ``cost.macs.3x256x256``."""
    measure: str
    metric: str
    group: str
    """Heading over neighbouring columns: ``Cost``, ``Memory``, ``Runtime``, or dataset and protocol."""
    label: str
    unit: str
    """Unit of the printed figures, such as ``K``, ``MiB``, ``ms``; empty for counts and SSIM."""
    at: str
    """What the figure refers to, in short: an input size. Empty for a figure of no input."""
    definition: str
    """Exactly what the number is, in one sentence."""
    higher_is_better: bool
    input: str = ""
    """Size of the input as ``CxHxW``, or ``HxW`` where some networks take one channel and others three;
    empty if the figure is not one of an input."""
    dataset: str = ""
    digest: str = ""
    """Digest of the dataset's pixels, where several copies of one name occur."""
    protocol: str = ""
    divisor: float = 1
    """From the record's unit to the printed one."""
    decimals: int | None = None
    """Decimal places of the printed figures; None while they are still to be chosen."""
    samples: str = ""
    """How many timings a figure is the median of; empty for anything that is not timed."""
    mark: str = ""
    """Letter of the note below the table; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, or the reason why there is none."""

    text: str
    """The printed figure in the column's unit; empty if there is none."""
    value: float | None = None
    """In the record's unit."""
    lower: float | None = None
    upper: float | None = None
    interval: str = ""
    """The 95 % interval as printed, with an en dash; empty if there is none."""
    exact: str = ""
    """The figure in full, with its unit."""
    rank: int | None = None
    """1 is best; None where the figure competes with no other."""
    missing: str = ""
    """``not measured: REASON`` or ``not asked for``; empty if there is a figure."""
    key: str = ""
    """Key of the record behind the cell; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model with its weights in one configuration."""

    id: str
    """The same for the same model, scale, weights and configuration in every report."""
    model: str
    title: str
    family: str
    year: str
    origin: str
    """Where the weights come from, as shown: ``official``, ``random (no weights)``, ..."""
    reference: bool
    """A method without parameters: shown for orientation, not ranked."""
    cells: tuple[Cell, ...]
    """One for each column of the table."""
    sessions: tuple[str, ...] = ()
    """Timing sessions of the runtime figures; models of one session were timed in turn."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows measured on one machine in one configuration. Only these compete in memory and runtime."""

    id: str
    machine: str
    """Processor or accelerator, and whatever tells it from the other environments of the view."""
    backend: str
    configuration: str
    """Backend, device, precision and threads."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark below a table."""

    mark: str
    """Letter that stands at the columns concerned; empty for a remark on the whole table."""
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Figures that are missing for one and the same reason."""

    reason: str
    what: str
    """Rows and columns concerned."""


@dataclass(frozen=True, slots=True)
class Table:
    """The leaderboard at one scale."""

    scale: int
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    sorted_by: str
    """Id of the column that gives the order of the rows; empty if they are in the order of their names."""
    notes: tuple[Note, ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The leaderboard of a set of records."""

    summary: str
    """One line: models, scales, datasets, machine, origin of the weights."""
    tables: tuple[Table, ...]
    """By scale, ascending."""
