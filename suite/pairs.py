"""Two networks on one dataset: the difference of their figures, paired over the images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.errors import SuiteError
from suite.records import Record
from suite.statistics import paired_differences

LEAST_IMAGES = 6
"""With five images even a difference of one sign on all of them comes about by chance once in sixteen times
(2 / 2^5), more often than the 1 in 20 that a 95 % interval promises."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean over the images of a network's figure less the reference's, with its 95 % interval."""

    metric: str
    """``psnr`` or ``ssim``."""
    mean: float
    """In the metric's unit; above zero where the network is better than the reference."""
    lower: float
    upper: float
    images: int

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where the interval leaves out zero, else ``not told apart``.

        ``too few images`` for fewer than `LEAST_IMAGES`, whatever the interval.
        """
        if self.images < LEAST_IMAGES:
            return "too few images"
        if self.lower > 0:
            return "better"
        return "worse" if self.upper < 0 else "not told apart"


REPEATABLE = ("cost", "quality")
"""Measures that give the same values whenever they are repeated."""
EXACT = 1e-9
"""Figures of quality that differ by more than this differ."""
FLOAT_ORDER = {"psnr": 1e-4, "ssim": 1e-6}
"""What the order of floating-point sums may move: that of threads, or of what stood in for eager."""


def tolerance(first: Record, second: Record, metric: str) -> float:
    """How far figures of two records may lie apart that one network made of the same images."""
    return EXACT if _how(first) == _how(second) else FLOAT_ORDER.get(metric, EXACT)


def _how(record: Record) -> tuple[object, object]:
    """What decides in which order a record's sums were taken."""
    stand_in = record.details.get("stand_in") or {}
    return record.details.get("threads_used", record.threads), stand_in.get("backend")


def agree(first: Record, second: Record) -> bool:
    """Whether two records of one key hold the same figures."""
    if first.measure != "quality" or len(first.values) != len(second.values):
        return first.values == second.values
    return all(
        (one.metric, one.image) == (other.metric, other.image)
        and (one.value == other.value or abs(one.value - other.value) <= tolerance(first, second, one.metric))
        for one, other in zip(first.values, second.values, strict=True)
    )


def image_figures(record: Record, metric: str) -> dict[str, float]:
    """A metric's figure of each image of a record of quality, by the image's name."""
    return {value.image: value.value for value in record.values if value.metric == metric and value.image}


def difference(record: Record, reference: Record, metric: str) -> Difference:
    """The difference of two records of quality of one dataset, scale and protocol.

    For protocols that pool errors over the set it is still the mean of the images' differences. Raises
    `SuiteError` if the records are not of the same images under the same protocol, or if an image that only
    one of the two gives back without any error makes the mean infinite.
    """
    (found,) = differences([record], reference, metric)
    if isinstance(found, SuiteError):
        raise found
    return found


def differences(records: Sequence[Record], reference: Record, metric: str) -> list[Difference | SuiteError]:
    """`difference` of each of many records and one and the same; where there is none, the error it raises."""
    base = image_figures(reference, metric)
    names = sorted(base)
    others = [base[name] for name in names]
    found: list[Difference | SuiteError | None] = []
    paired: list[list[float]] = []
    for record in records:
        own = image_figures(record, metric)
        if not own or own.keys() != base.keys() or _subject(record) != _subject(reference):
            found.append(_unlike(record, reference))
            continue
        figures = [own[name] for name in names]
        whole = _whole_for_one(figures, others)
        found.append(None if whole is None else _infinite(names[whole], record, reference))
        if whole is None:
            paired.append(figures)
    intervals = iter(paired_differences(paired, others))
    return [Difference(metric, *next(intervals), len(names)) if one is None else one for one in found]


def _whole_for_one(figures: Sequence[float], others: Sequence[float]) -> int | None:
    """The first place at which one of two figures alone is infinite; None if there is none."""
    if all(map(math.isfinite, figures)) and all(map(math.isfinite, others)):
        return None
    pairs = enumerate(zip(figures, others, strict=True))
    return next((place for place, (a, b) in pairs if a != b and not math.isfinite(a - b)), None)


def _unlike(record: Record, reference: Record) -> SuiteError:
    return SuiteError(
        f"{record.model} and {reference.model} were not measured on the same images under one protocol: "
        f"{_words(record)}, {_words(reference)}."
    )


def _infinite(image: str, record: Record, reference: Record) -> SuiteError:
    return SuiteError(
        f"{image} of {record.dataset} is without error for {record.model} or {reference.model} alone, "
        "so the mean difference is not finite."
    )


def _subject(record: Record) -> tuple[object, ...]:
    """What two records must share: the images themselves by their digest, where it is known."""
    digest = record.details.get("dataset", {}).get("digest", "")
    return (record.measure, digest or record.dataset, record.scale, record.protocol)


def _words(record: Record) -> str:
    count = len(image_figures(record, "psnr"))
    return f"{count} images of {record.dataset or 'no dataset'} x{record.scale} under {record.protocol}"
