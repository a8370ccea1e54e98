"""The unit of work: one measure of one model at one scale, in one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from suite.catalog.cards import ModelCard
from suite.datasets import Dataset
from suite.isolation import PATIENCE_S
from suite.records import Value, subject_title
from suite.regions import Region
from suite.weights import Weights

Size = tuple[int, int, int]
"""Channels, height and width of a low-resolution input."""


def size_text(size: Size) -> str:
    """A size as ``CxHxW``, the form in records and tables."""
    return "x".join(map(str, size))


@dataclass(frozen=True, slots=True)
class Subject:
    """A network at one scale with its weights, in the configuration in which it runs."""

    card: ModelCard
    scale: int
    weights: Weights
    backend: str = "eager"
    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1

    @property
    def title(self) -> str:
        """Short name for messages, such as ``bsrn x4`` or ``bsrn x4 in openvino``."""
        return subject_title(self.card.name, self.scale, self.backend)


@dataclass(frozen=True, slots=True)
class Task:
    """One measure of one subject."""

    measure: str
    subject: Subject
    dataset: Dataset | None = None
    dataset_name: str = ""
    """Name of the dataset, also where it could not be opened."""
    protocol: str = ""
    input: Size | None = None
    effort: str = ""
    """How long runtime is measured: ``quick``, ``standard`` or ``rigorous``."""
    patience: float = PATIENCE_S
    """How long a process that measures it may be silent, in seconds."""
    regions: tuple[Region, ...] = ()
    """Of which parts of the outputs pictures are kept; no part of the key."""
    pictures_only: bool = False
    """Whether the values are there and nothing but the pictures is missing."""
    problem: str = ""
    """Why the task can't be measured, where that is known beforehand."""

    @property
    def title(self) -> str:
        """What is measured, for progress and messages, such as ``quality of bsrn x4 on Set5``."""
        where = f" on {self.dataset_name}" if self.dataset_name else ""
        size = f" at {size_text(self.input)}" if self.input else ""
        return f"{self.measure} of {self.subject.title}{where}{size}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task: values, or the reason why there are none."""

    task: Task
    values: tuple[Value, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    not_measured: str = ""
    pictures: tuple[bytes, ...] = ()
    """PNG files that ``details`` names by their digests."""


Say = Callable[[str], None]
"""Takes a few words on what is being done at this moment."""

Run = Callable[[list[Task], Say], Iterator[Outcome]]
"""A measure: takes tasks that belong together, gives each one's outcome as soon as it is known."""
