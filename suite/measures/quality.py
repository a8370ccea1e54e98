"""Quality: upscale every image of a dataset and compare it with the original."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from suite.backends import Forward, prepare
from suite.catalog.protocols import protocol_by_id
from suite.errors import SuiteError
from suite.images import Rgb
from suite.measures.psnr_ssim import compare
from suite.records import Value
from suite.task import Outcome, Say, Subject, Task

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(image: Rgb, value_range: float) -> Tensor:
    """``(H, W, 3)`` uint8 to ``(1, 3, H, W)`` float32 with 255 mapped to ``value_range``."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return planes.float().mul_(value_range / 255.0).unsqueeze(0)


def to_image(output: Tensor, value_range: float) -> Rgb:
    """``(1, 3, H, W)`` to ``(H, W, 3)`` uint8, clipped and rounded to the nearest level."""
    levels = output[0].float().mul(255.0 / value_range).clamp(0, 255).round()
    return np.ascontiguousarray(levels.byte().cpu().numpy().transpose(1, 2, 0))


def upscale(forward: Forward, subject: Subject, image: Rgb, name: str) -> Rgb:
    """One image through a network: ``(H, W, 3)`` to ``(scale * H, scale * W, 3)``, uint8.

    Raises `SuiteError` for an image that is too small for the network, and for an output of the wrong
    size or with values that are not finite.
    """
    import torch

    height, width = image.shape[:2]
    if min(height, width) < subject.card.input.min_size:
        raise SuiteError(
            f"{name} is {width}x{height} pixels; {subject.title} needs at least "
            f"{subject.card.input.min_size} each way."
        )
    output = forward(to_tensor(image, subject.card.input.range))
    expected = (1, 3, height * subject.scale, width * subject.scale)
    if tuple(output.shape) != expected:
        raise SuiteError(f"{subject.title} gave {tuple(output.shape)} for {name} instead of {expected}.")
    if not torch.isfinite(output).all():
        raise SuiteError(f"{subject.title} gave values that are not finite for {name}.")
    return to_image(output, subject.card.input.range)


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Evaluate one subject on one dataset under the protocols of the tasks, with one pass over it."""
    subject, dataset = tasks[0].subject, tasks[0].dataset
    if dataset is None:
        raise SuiteError(f"{tasks[0].dataset_name} was not opened.")
    forward = prepare(subject)
    scores: list[list[tuple[str, float, float]]] = [[] for _ in tasks]
    for number, pair in enumerate(dataset.pairs(), start=1):
        say(f"{number}/{len(dataset.files)} {pair.name}")
        output = upscale(forward, subject, pair.lr, pair.name)
        for task, rows in zip(tasks, scores, strict=True):
            rows.append((pair.name, *compare(output, pair.hr, subject.scale, protocol_by_id(task.protocol))))
    details = {
        "dataset": {
            "digest": dataset.digest,
            "images": len(dataset.files),
            "lr": dataset.lr_origin,
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
