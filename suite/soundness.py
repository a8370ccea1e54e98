"""Does a record say the same everywhere: in its key, its fields, its figures and what they are made of?

One that the suite wrote does. One that was changed afterwards, by hand or by a bad disk, seldom does.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from suite.catalog.protocols import PROTOCOLS
from suite.environment import id_of
from suite.records import Record, make_key
from suite.timing import samples_of

SAME = ("measure", "model", "scale", "backend", "device", "precision", "threads", "protocol", "input")
"""Fields that stand in what determines the key under the same name."""


def title(record: Record) -> str:
    """A record in a few words, such as ``quality of bsrn x4 on Set5 (sr-y)``."""
    where = f" on {record.dataset}" if record.dataset else ""
    how = f" ({record.protocol})" if record.protocol else ""
    size = f" at {record.input}" if record.input else ""
    return f"{record.measure} of {record.model} x{record.scale}{where}{how}{size}"


def problems_of(record: Record) -> Iterator[str]:
    """Where a record contradicts itself. What an earlier version did not write is passed over."""
    if bool(record.values) == bool(record.not_measured):
        yield (
            "it has values and a reason for having none"
            if record.values
            else "it has neither values nor a reason"
        )
    if record.determining:
        yield from _identity(record)
    if id_of(record.environment) not in (None, record.environment.get("id")):
        yield "its environment is not what its id is the digest of"
    yield from _summaries(record)


def _identity(record: Record) -> Iterator[str]:
    facts, details = record.determining, record.details
    if make_key(facts) != record.key:
        yield "its key is not the digest of what determines it"
    weights, dataset = details.get("weights", {}), details.get("dataset", {})
    own: dict[str, Any] = {name: getattr(record, name) for name in SAME}
    own["weights"] = [record.weights, weights.get("sha256", "")]
    own["dataset"] = [record.dataset, dataset.get("digest", "")]
    own["effort"] = details.get("effort", "")
    own["environment"] = record.environment.get("id", "")
    for name, value in own.items():
        if name in facts and facts[name] != value:
            yield f"its {name} is not the one that its key stands for"


def _summaries(record: Record) -> Iterator[str]:
    """Figures that are no longer those of their samples."""
    times = record.details.get("images_ms", {})
    yield from _follows(record, "latency_ms", samples_of(record), statistics.median)
    yield from _follows(record, "ntire_mean_ms", list(times.values()), statistics.fmean)
    protocol = PROTOCOLS.get(record.protocol)
    if record.measure != "quality" or protocol is None:
        return
    for metric in ("psnr", "ssim"):
        images = [value.value for value in record.values if value.image and value.metric == metric]
        expected = record.details.get("dataset", {}).get("images", len(images))
        if images and len(images) != expected:
            yield f"it has {metric} of {len(images)} images, of {expected}"
        elif protocol.pooling == "images":
            yield from _follows(record, metric, images, _mean)


def _mean(values: Sequence[float]) -> float:
    return math.inf if math.inf in values else math.fsum(values) / len(values)


def _follows(
    record: Record, metric: str, samples: Sequence[float], summary: Callable[[Sequence[float]], float]
) -> Iterator[str]:
    figure = record.value(metric)
    if figure is None or not samples or any(math.isnan(value) for value in (figure, *samples)):
        return
    if not math.isclose(figure, summary(samples), rel_tol=1e-9):
        yield f"its {metric} is not that of its samples"
