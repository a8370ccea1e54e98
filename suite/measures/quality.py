"""Quality: upscale every image of a dataset and compare it with the original."""

from __future__ import annotations

import math
from collections.abc import Iterator

from suite.backends import prepare
from suite.catalog.protocols import Protocol, protocol_by_id
from suite.errors import SuiteError
from suite.measures.psnr_ssim import Score, judge, pool
from suite.outputs import Pictures
from suite.records import Value
from suite.task import Outcome, Say, Task
from suite.upscaling import require_response, upscale


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Evaluate one subject on one dataset under the protocols of the tasks, with one pass over it.

    Of tasks that have their values and lack pictures alone, only the images concerned are upscaled.
    """
    subject, dataset = tasks[0].subject, tasks[0].dataset
    if dataset is None:
        raise SuiteError(f"{tasks[0].dataset_name} was not opened.")
    forward = prepare(subject)
    require_response(forward, subject)
    judged = [task for task in tasks if not task.pictures_only]
    protocols = [protocol_by_id(task.protocol) for task in judged]
    names: list[str] = []
    scores: dict[Protocol, list[Score]] = {protocol.of_an_image: [] for protocol in protocols}
    pictures = Pictures([region for task in tasks for region in task.regions])
    for number, pair in enumerate(dataset.pairs(None if judged else pictures.images), start=1):
        say(f"{number}/{len(dataset.files) if judged else len(pictures.images)} {pair.name}")
        names.append(pair.name)
        output = upscale(forward, subject, pair.lr, pair.name)
        for protocol, column in scores.items():
            column.append(judge(output, pair.hr, subject.scale, protocol))
        pictures.take(pair, output)
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
    for task in tasks:
        if task.pictures_only:
            yield pictures.added_to(Outcome(task))
    for task, protocol in zip(judged, protocols, strict=True):
        column = scores[protocol.of_an_image]
        unfit = (name for name, score in zip(names, column, strict=True) if math.isnan(score.ssim))
        if (name := next(unfit, None)) is not None:
            yield Outcome(
                task, not_measured=f"{name} of {task.dataset_name} is too small for {task.protocol}."
            )
        else:
            yield pictures.added_to(Outcome(task, tuple(_values(names, column, protocol)), details))


def _values(names: list[str], scores: list[Score], protocol: Protocol) -> Iterator[Value]:
    """The figures of the set, then those of each image."""
    psnr, ssim = pool(scores, protocol)
    yield Value("psnr", psnr, "dB")
    yield Value("ssim", ssim)
    for name, score in zip(names, scores, strict=True):
        yield Value("psnr", score.psnr, "dB", image=name)
        yield Value("ssim", score.ssim, image=name)
