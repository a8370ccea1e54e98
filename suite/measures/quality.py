"""Quality: upscale every image of a dataset and compare it with the original."""

from __future__ import annotations

import math
from collections.abc import Iterator

from suite.backends import prepare
from suite.catalog.protocols import protocol_by_id
from suite.errors import SuiteError
from suite.measures.psnr_ssim import compare
from suite.records import Value
from suite.task import Outcome, Say, Task
from suite.upscaling import quantize, upscale


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Evaluate one subject on one dataset under the protocols of the tasks, with one pass over it."""
    subject, dataset = tasks[0].subject, tasks[0].dataset
    if dataset is None:
        raise SuiteError(f"{tasks[0].dataset_name} was not opened.")
    forward = prepare(subject)
    scores: list[list[tuple[str, float, float]]] = [[] for _ in tasks]
    for number, pair in enumerate(dataset.pairs(), start=1):
        say(f"{number}/{len(dataset.files)} {pair.name}")
        output = quantize(upscale(forward, subject, pair.lr, pair.name))
        for task, rows in zip(tasks, scores, strict=True):
            rows.append((pair.name, *compare(output, pair.hr, subject.scale, protocol_by_id(task.protocol))))
    details = {
        "dataset": {
            "digest": dataset.digest,
            "images": len(dataset.files),
            "lr": dataset.lr_origin,
            **dataset.folders,
            "known": dataset.known,
            "note": dataset.card.note if dataset.card else "",
        }
    }
    for task, rows in zip(tasks, scores, strict=True):
        if undefined := next((name for name, *both in rows if any(map(math.isnan, both))), None):
            yield Outcome(
                task, not_measured=f"{undefined} of {task.dataset_name} is too small for {task.protocol}."
            )
        else:
            yield Outcome(task, tuple(_values(rows)), details)


def _values(rows: list[tuple[str, float, float]]) -> Iterator[Value]:
    """The means over the set, then the figures of each image."""
    for metric, unit, column in (("psnr", "dB", 1), ("ssim", "", 2)):
        yield Value(metric, math.fsum(float(row[column]) for row in rows) / len(rows), unit)
    for name, psnr, ssim in rows:
        yield Value("psnr", psnr, "dB", image=name)
        yield Value("ssim", ssim, image=name)
