"""Quality: upscale every image of a dataset and compare it with the original."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from suite.backends import Forward
from suite.backends.proof import prove
from suite.backends.standin import stand_in
from suite.catalog.protocols import Protocol, protocol_by_id
from suite.datasets import Dataset, Pair
from suite.errors import SuiteError
from suite.measures.psnr_ssim import Score, judge, pool
from suite.outputs import Pictures
from suite.records import Value
from suite.regions import Region
from suite.task import Outcome, Say, Task
from suite.tiling import Bounded, Cut
from suite.upscaling import Levels, require_response, upscale

THREADS_BESIDE = 2
"""Threads that read and judge while the network works."""
AHEAD = 2
"""Images that are read before their turn, and such that wait to be judged: what bounds the memory."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A network that may be judged."""

    forward: Forward
    proof: dict[str, Any]
    """What a record keeps of the comparison with eager: of its backend, or of what stood in for eager."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some images of a dataset, compared with their originals under every protocol that was asked for."""

    names: list[str]
    scores: dict[Protocol, list[Score]]
    """By the protocol of single images: see `Protocol.of_an_image`."""
    pictures: Pictures
    cut: Cut
    """Which of them went through the network in blocks."""
    proof: dict[str, Any]
    """See `Ready`."""


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Evaluate one subject on one dataset under the protocols of the tasks, with one pass over it."""
    network = ready(tasks, say)
    yield from conclude(tasks, [evaluate(network, tasks, images_of(tasks), say)])


def dataset_of(tasks: Sequence[Task]) -> Dataset:
    """The dataset of tasks that belong together. Raises `SuiteError` if it was not opened."""
    if tasks[0].dataset is None:
        raise SuiteError(f"{tasks[0].dataset_name} was not opened.")
    return tasks[0].dataset


def images_of(tasks: Sequence[Task]) -> list[int]:
    """Numbers of the images to upscale, counted from 0 in the order of their names.

    All of the dataset; where the values are there and pictures alone are missing, only those concerned.
    """
    files = dataset_of(tasks).files
    wanted = {region.image for task in tasks for region in task.regions}
    everything = not all(task.pictures_only for task in tasks)
    return [number for number, (hr, _) in enumerate(files) if everything or hr.stem in wanted]


def ready(tasks: Sequence[Task], say: Say) -> Ready:
    """The network of tasks that belong together, in a proven backend, known to answer to its input.

    For eager something faster may stand in: see `suite.backends.standin`. Raises `SuiteError`.
    """
    subject, dataset = tasks[0].subject, dataset_of(tasks)
    proven = prove(subject, tasks[0].patience, say)
    forward = proven.prepare()
    require_response(forward, subject)
    if other := stand_in(subject, forward, dataset):
        return Ready(other[0], {"stand_in": other[1]})
    return Ready(forward, proven.details)


def evaluate(network: Ready, tasks: Sequence[Task], images: Iterable[int], say: Say) -> Part:
    """Upscale and judge the images with these numbers, in their order.

    The next images are read and the last ones judged in threads beside the network.
    """
    subject, dataset = tasks[0].subject, dataset_of(tasks)
    judged = [protocol_by_id(task.protocol).of_an_image for task in tasks if not task.pictures_only]
    bounded = Bounded(network.forward, subject.scale, subject.card.reach)
    scores: dict[Protocol, list[Score]] = {protocol: [] for protocol in judged}
    part = Part([], scores, Pictures(_regions(tasks)), bounded.cut, network.proof)
    judged_later: deque[Future[list[Score]]] = deque()
    with ThreadPoolExecutor(THREADS_BESIDE, "quality") as pool:
        for number, pair in _read_ahead(pool, dataset, images):
            say(f"{number + 1}/{len(dataset.files)} {pair.name}")
            part.names.append(pair.name)
            output = upscale(bounded, subject, pair.lr, pair.name)
            judged_later.append(pool.submit(_judge, output, pair, subject.scale, list(part.scores)))
            part.pictures.take(pair, output)
            if len(judged_later) > AHEAD:
                _keep(part, judged_later.popleft())
        for scores_of_an_image in judged_later:
            _keep(part, scores_of_an_image)
    return part


def _read_ahead(
    pool: ThreadPoolExecutor, dataset: Dataset, images: Iterable[int]
) -> Iterator[tuple[int, Pair]]:
    """The pairs with these numbers, of which the next are being read meanwhile."""
    reading: deque[tuple[int, Future[Pair]]] = deque()
    for number in images:
        reading.append((number, pool.submit(dataset.pair, number)))
        if len(reading) > AHEAD:
            first, pair = reading.popleft()
            yield first, pair.result()
    for number, pair in reading:
        yield number, pair.result()


def _judge(output: Levels, pair: Pair, scale: int, protocols: Sequence[Protocol]) -> list[Score]:
    return [judge(output, pair.hr, scale, protocol) for protocol in protocols]


def _keep(part: Part, found: Future[list[Score]]) -> None:
    """Put the scores of the next image where they belong."""
    for column, score in zip(part.scores.values(), found.result(), strict=True):
        column.append(score)


def _regions(tasks: Sequence[Task]) -> list[Region]:
    return [region for task in tasks for region in task.regions]


def conclude(tasks: Sequence[Task], parts: Sequence[Part]) -> Iterator[Outcome]:
    """The figures of the whole set, and its pictures, from its parts in the order of the images."""
    dataset = dataset_of(tasks)
    details: dict[str, Any] = {
        "dataset": {
            "digest": dataset.digest,
            "images": len(dataset.files),
            "lr": dataset.lr_origin,
            **dataset.folders,
            "known": dataset.known,
            "note": dataset.card.note if dataset.card else "",
        },
        **parts[0].proof,
    }
    if in_blocks := sum(part.cut.images for part in parts):
        details["blocks"] = {"images": in_blocks, "side": parts[0].cut.side, "halo": parts[0].cut.halo}
    names = [name for part in parts for name in part.names]
    pictures = Pictures(_regions(tasks))
    for part in parts:
        pictures.join(part.pictures)
    for task in tasks:
        if task.pictures_only:
            yield pictures.added_to(Outcome(task))
            continue
        protocol = protocol_by_id(task.protocol)
        column = [score for part in parts for score in part.scores[protocol.of_an_image]]
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
